"""Writes the evidence of one cell: its files, and a manifest that says what is there and what is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from harness.model import CellId
from harness.record.evidence import MANIFEST, folder_of
from harness.record.evidence.contents import FORMAT, Evidence, fill
from harness.record.evidence.sheets import Folder


def write(home: Path, one: Evidence, room: int) -> int:
    """Put the evidence of a cell in its folder below ``home``, in place of what was there; its bytes.

    Where it has more than ``room`` bytes, only the manifest stays, and says so. Raises OSError.
    """
    cell = one.found.cell
    there = home / folder_of(cell)
    part = home / f"{there.name}.part"
    _remove(there)
    _remove(part)
    part.mkdir(parents=True)
    folder = Folder(part)
    fill(folder, one)
    size = sum(path.stat().st_size for path in part.iterdir())
    if size > room:
        for path in part.iterdir():
            path.unlink()
        folder.files.clear()
        folder.missing.clear()
        folder.lacks("everything", f"{size} bytes would be more than a run's evidence may have")
        size = 0
    manifest = {"format": FORMAT, "cell": str(cell), "emulated": one.emulated}
    manifest |= {"files": folder.files, "missing": folder.missing}
    text = json.dumps(manifest, indent=1) + "\n"
    (part / MANIFEST).write_text(text, "ascii")
    part.replace(there)
    return size + len(text)


def forget(home: Path, cells: Iterable[CellId]) -> None:
    """Remove the evidence of cells that are measured anew, and what a killed run had half written."""
    for cell in cells:
        _remove(home / folder_of(cell))
    for part in home.glob("*.part"):
        _remove(part)


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
