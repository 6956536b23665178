"""Links from the page to the evidence of cells: only where that lies below the page's own folder.

So page and evidence are passed on together, or the page has no links that lead nowhere. Whether a file is
there is looked up when the page is written; nothing is read of it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from harness.record.evidence import CELL, CLIENT, DIFFERENCE, LOG, PACKETS
from harness.record.evidence.reading import files
from harness.report.formats import Source

SHOWN: Final = (PACKETS, LOG, CLIENT, DIFFERENCE, CELL)
"""The files that the page of a cell has a link to, in this order."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where the evidence is, seen from the page."""

    base: str | None = None
    """The address of the run folder, relative to the page; None where the page has no links."""
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By the place of a cell's evidence: which files are there."""


NO_LINKS: Final = Links()


def links(source: Source) -> Links:
    """The links of the page of a run that is written into ``source.place``."""
    if source.place is None:
        return NO_LINKS
    place, folder = _real(source.place), _real(source.folder)
    if not folder.is_relative_to(place):
        return NO_LINKS
    places = [cell.evidence for cell in source.result.cells if cell.evidence]
    there = {one: files(source.folder, one) for one in places}
    shown = {one: tuple(name for name in SHOWN if name in names) for one, names in there.items()}
    # With ./ before it no name is taken for a scheme.
    return Links(f"./{quote(os.fsencode(folder.relative_to(place)))}/", shown)


def _real(path: Path) -> Path:
    return path.absolute().resolve()
