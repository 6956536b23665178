"""The documentation as pages for a browser: ``python docs/site/build.py [FOLDER]`` (build/site).

The pages are docs/*.md; the front page is README.md; the reference is made of what the program knows. A
link that leads nowhere, and a page that no menu has, are mistakes. Needs the group dev of pyproject.toml,
and no network.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from sphinx.cmd.build import build_main

from harness.catalogue import made_of
from harness.cli.parser import build
from harness.report import markdown
from harness.verbs.facts import Record, of_kind

CATALOGUE = made_of()
ROOT = Path(__file__).resolve().parents[2]
MENU = {
    "Start": "article tutorial tutorial-your-server",
    "Use": "your-project your-server your-windows-server what-is-imported settings scenarios exposures "
    "fleet fleet-audit two-sided rollout reports html-report evidence reuse replay ci container "
    "cluster learning",
    "Virtual machines": "vagrant boxes windows vagrant-design vagrant-measurements",
    "What is true": "how-it-works domain quic checks clients field-cases glossary",
    "Reference": "reference/commands reference/mitigations reference/servers reference/clients "
    "reference/checks reference/exposures reference/scenarios reference/guests result-document fleet-sources",
    "Add your own": "your-images "
    "adding-a-mitigation adding-a-client adding-a-persona adding-a-server adding-a-guest",
    "The project": "contributing changelog",
}
OUTSIDE = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Pages that do not lie in docs/, and what they are called on the site."""
KINDS = {
    "mitigations": "Every change that can be rehearsed. `a+b` makes several at once.",
    "servers": "Every server that a change can be made on. A configured one answers like what it emulates.",
    "clients": "Every client. Emulated ones are told in full on [a page of their own](../clients.md).",
    "checks": "What a client is asked to do.",
    "exposures": "Every hole that is looked for. [How, and what the states mean](../exposures.md).",
    "scenarios": "What is rehearsed as a whole: `rehearse run NAME`.",
    "guests": "The virtual machines. [How they are used](../vagrant.md).",
}
NOT_SHOWN = frozenset({"name", "text"})


def main(folder: Path) -> int:
    """Build the site in ``folder``, which is made anew. The exit status: 0, or 1 when there are mistakes."""
    with TemporaryDirectory() as made:
        source = Path(made)
        assemble(source)
        shutil.rmtree(folder, ignore_errors=True)
        words = ["-q", "-W", "--keep-going", "-E", "-d", str(source / "doctrees")]
        words += ["-c", str(Path(__file__).parent), str(source / "pages"), str(folder)]
        return build_main(words)


def assemble(folder: Path) -> None:
    """All pages, as Sphinx reads them, in ``folder``/pages."""
    pages = folder / "pages"
    shutil.copytree(ROOT / "docs", pages, ignore=shutil.ignore_patterns("ci", "site", "__pycache__"))
    # What pages link to beside each other: files to take away.
    shutil.copytree(ROOT / "docs" / "ci", pages / "ci")
    for schema in (ROOT / "harness" / "report").glob("*.schema.json"):
        shutil.copy(schema, pages)
    (pages / "reference").mkdir()
    made = {name: _moved((ROOT / source).read_text("utf-8")) for source, name in OUTSIDE.items()}
    made["index.md"] += "\n" + "\n".join(_menus())
    made["reference/commands.md"] = commands()
    made |= {f"reference/{kind}.md": reference(kind, intro) for kind, intro in KINDS.items()}
    for name, text in made.items():
        (pages / name).write_text(text, "utf-8")
    for page in pages.glob("*.md"):
        text = page.read_text("utf-8")
        for source, name in OUTSIDE.items():
            text = text.replace(f"](../{source}", f"]({name}").replace("](../harness/report/", "](")
        page.write_text(text, "utf-8")


def _moved(text: str) -> str:
    """A page of the checkout's top folder, with links as they are from docs/."""
    text = text.replace("](docs/", "](").replace("[MIT](LICENSE)", "MIT")
    for source, name in OUTSIDE.items():
        text = text.replace(f"]({source}", f"]({name}")
    return text


def _menus() -> Iterator[str]:
    for caption, names in MENU.items():
        yield from (
            "```{toctree}",
            ":hidden:",
            ":maxdepth: 1",
            f":caption: {caption}",
            "",
            *names.split(),
            "```",
            "",
        )


def commands() -> str:
    """Every verb with its whole help."""
    parser = build()
    lines = ["# Commands", "", "```text", parser.format_help().rstrip(), "```", ""]
    for name, verb in _verbs(parser):
        lines += [f"## rehearse {name}", "", "```text", verb.format_help().rstrip(), "```", ""]
    return "\n".join(lines)


def _verbs(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def reference(kind: str, intro: str) -> str:
    """One kind of thing with all its fields, as ``rehearse show`` tells them."""
    lines = [f"# {kind.capitalize()}", "", intro, ""]
    # No run is listed here, so the folder of runs is never read.
    for record in of_kind(CATALOGUE, kind, Path("/nonexistent")):
        lines += [f"## {record['name']}", "", *_fields(record), ""]
    return "\n".join(lines)


def _fields(record: Record) -> Iterator[str]:
    for name, value in record.items():
        if name in NOT_SHOWN or not value:
            continue
        if isinstance(value, str):
            yield f"* {name}: {markdown.text(value)}"
        else:
            yield f"* {name}:"
            yield from (f"  * {markdown.text(line)}" for line in value if line.strip())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "site")))
