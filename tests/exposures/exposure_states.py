"""The tables of docs/exposures.md: what each probe is, and each state on the real servers it was seen on.

They are written anew by ``python -m harness.labs.namespace -- python tests/exposures/exposure_states.py``.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from exposure_configurations import CONFIGURATIONS, measure
from known import CATALOGUE

from harness.exposures.survey import facts
from harness.labs import images, namespace
from harness.labs.local import LocalLab
from harness.model import Hole, Sighting

PAGE = Path(__file__).parents[2] / "docs" / "exposures.md"
SHOWN = 3
"""Servers that are named for one state."""


def probes() -> str:
    """One row a probe: what it sends, why that is safe, and the source."""
    rows = [
        "| exposure | the hole | what is sent or read | why it is safe | source |",
        "|---|---|---|---|---|",
    ]
    for fact in sorted(facts(CATALOGUE.exposures), key=lambda fact: fact.name):
        cells = (f"`{fact.name}`", fact.title, fact.sends, fact.safe, fact.source)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def states(measured: Mapping[str, Mapping[str, Sighting]]) -> str:
    """The numbered servers, and one row a probe: on which of them each state was seen."""
    names = list(measured)
    lines = [f"{number}. {name}" for number, name in enumerate(names, 1)]
    lines += [
        "",
        "| exposure | open | closed | not exposed | unknown | not produced here |",
        "|---|---|---|---|---|---|",
    ]
    for fact in sorted(facts(CATALOGUE.exposures), key=lambda fact: fact.name):
        where = {
            state: [n for n, name in enumerate(names, 1) if measured[name][fact.name].state is state]
            for state in (Hole.OPEN, Hole.CLOSED, Hole.NOT_EXPOSED, Hole.UNKNOWN)
        }
        missing = ", ".join(state for state, found in where.items() if not found)
        cells = [_shortened(found) for found in where.values()]
        lines.append("| " + " | ".join([f"`{fact.name}`", *cells, missing]) + " |")
    return "\n".join(lines)


def _shortened(found: list[int]) -> str:
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(map(str, found[:SHOWN])) + more


def section(page: str, name: str) -> str:
    """What stands between the marks of a section. Raises ValueError when there is none."""
    begin, end = _marks(name)
    return page[page.index(begin) + len(begin) : page.index(end)].strip()


def written(page: str, name: str, text: str) -> str:
    """The page with another text in a section."""
    begin, end = _marks(name)
    head, tail = page[: page.index(begin) + len(begin)], page[page.index(end) :]
    return f"{head}\n\n{text}\n\n{tail}"


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}, written by tests/exposures/exposure_states.py -->", f"<!-- end of {name} -->"


def main() -> int:
    """Measure and write."""
    found = images.ensure(CATALOGUE.images, ("bullseye", "bookworm", "trixie", "forky"), lambda *_: None)
    folder = Path(tempfile.mkdtemp(prefix="exposure-states-"))
    try:
        lab = LocalLab(folder / "lab", found, first=40000)
        measured = dict(measure(lab, CONFIGURATIONS))
    finally:
        for mounted in (folder / "lab" / "roots").glob("*"):
            namespace.unmount_image(mounted)
        shutil.rmtree(folder)
    page = PAGE.read_text(encoding="utf-8")
    page = written(page, "probes", probes())
    PAGE.write_text(written(page, "states", states(measured)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
