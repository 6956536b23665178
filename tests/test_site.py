"""The documentation as pages for a browser; and three of its pages, whose commands are run."""

from __future__ import annotations

import re
import shlex
import sys
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

import pytest
from commandline import rehearse, users
from pages import DOCS, examples

from harness.system.process import Result, run


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages; a link that leads nowhere fails it."""
    folder = tmp_path_factory.mktemp("site") / "pages"
    done = run([sys.executable, DOCS / "site" / "build.py", folder], timeout=300, env=users())
    assert (done.status, done.stderr) == (0, "")
    return folder


def test_every_page_and_the_reference_are_there(site: Path) -> None:
    names = {page.stem for page in DOCS.glob("*.md")} | {"index", "contributing", "changelog"}
    assert names <= {page.stem for page in site.glob("*.html")}
    mitigations = (site / "reference" / "mitigations.html").read_text()
    assert 'id="nt-pipe-support-off"' in mitigations
    assert "rehearse diff" in (site / "reference" / "commands.html").read_text()


def test_no_page_asks_another_site_for_anything(site: Path) -> None:
    loads = re.compile(r'<(script|img|iframe|link rel="stylesheet")[^>]* (src|href)="(https?:)?//')
    assert [page.name for page in site.rglob("*.html") if loads.search(page.read_text())] == []


def turns(block: str) -> list[tuple[str, list[str]]]:
    """The commands of a block, each with the lines that it answers."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def walked(page: str, folder: Path) -> list[Result]:
    """Run the commands of a page in a folder, as its reader would; each answers what the page prints."""
    around = {"COLUMNS": "80", "XDG_STATE_HOME": str(folder / "state")}
    done: list[Result] = []
    for block in examples(page, "console"):
        for command, shown in turns(block):
            program, *words = shlex.split(command)
            assert program == "rehearse"
            answer = rehearse(*words, env=around, cwd=folder)
            done.append(answer)
            wanted = "".join(f"{line}\n" for line in shown)
            assert OutputChecker().check_output(wanted, answer.stdout, ELLIPSIS), (
                f"{command}\n{answer.stdout}\n{answer.stderr}"
            )
    return done


@pytest.mark.local_lab
@pytest.mark.usefixtures("lab")
def test_the_tutorial_comes_out_as_it_is_printed(tmp_path: Path) -> None:
    files = dict(
        zip(
            ("office.py", "accepted.toml", "must.toml"),
            examples("tutorial.md", "python") + examples("tutorial.md", "toml"),
            strict=True,
        )
    )
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = walked("tutorial.md", tmp_path)
    assert [one.status for one in done] == [0, 1, 0, 0, 0, 0, 0, 0]
    assert "server min protocol = SMB2_02" in (tmp_path / "ticket.md").read_text()
    assert "office-scanner" in (tmp_path / "office.html").read_text()


@pytest.mark.local_lab
@pytest.mark.usefixtures("lab")
def test_the_tutorial_of_an_own_server_comes_out_as_it_is_printed(tmp_path: Path) -> None:
    page = "tutorial-your-server.md"
    for name, language in (("smb.conf", "ini"), ("accepted.toml", "toml")):
        (text,) = examples(page, language)
        (tmp_path / name).write_text(text)
    assert [one.status for one in walked(page, tmp_path)] == [1, 1, 1, 0]
    ticket = (tmp_path / "ticket.md").read_text()
    for excerpt in examples(page, "markdown"):
        assert OutputChecker().check_output(f"...\n{excerpt}...", ticket, ELLIPSIS), f"{excerpt}\n{ticket}"


@pytest.mark.local_lab
@pytest.mark.usefixtures("lab")
def test_the_article_comes_out_as_its_page_says(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    done = rehearse("run", "--runs", tmp_path / "runs", "--summary", summary, "--quiet")
    assert done.status == 0, done.stdout + done.stderr

    def table(text: str) -> list[str]:
        return re.findall(r"^\| (?:`|change \|).*\|$", text.partition("<details>")[0], re.MULTILINE)

    told = table((DOCS / "article.md").read_text())
    assert len(told) == 1 + 14
    assert told == table(summary.read_text())
