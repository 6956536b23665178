"""The logs of one smbd of the local lab: what they say, and what of that is of the job that it serves now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

MOST_OF_A_LOG = 4 * 2**20
"""Bytes of its log that are taken as evidence of one phase; at its level a hundred clients make 100 KB."""


class Logs:
    """All files ``log.*`` of a folder: Samba has one for each of its programs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._earlier: Mapping[str, int] = {}
        """Bytes of each file that are of earlier jobs."""

    def text(self) -> str:
        """What they say of the job that is served now. Raises OSError."""
        text = ""
        for path in self._files():
            with path.open("rb") as file:
                _behind(file, self._earlier.get(path.name, 0))
                text += file.read().decode(errors="replace")
        return text

    def after(self, before: Mapping[str, int]) -> tuple[str, Mapping[str, int]]:
        """See ``LogKeeper.log_after``; of each file ``MOST_OF_A_LOG`` at the most. Raises OSError."""
        text, now = "", {}
        for path in self._files():
            with path.open("rb") as file:
                now[path.name] = _behind(file, before.get(path.name, 0))
                text += file.read(MOST_OF_A_LOG).decode(errors="replace")
        return text, now

    def next_job(self) -> None:
        """What they say until now is of earlier jobs."""
        self._earlier = {path.name: path.stat().st_size for path in self._files()}

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("log.*"))


def _behind(file: BinaryIO, before: int) -> int:
    """Go on behind so many bytes; how many it has. One that became smaller was begun anew."""
    size = file.seek(0, os.SEEK_END)
    file.seek(before if before <= size else 0)
    return size
