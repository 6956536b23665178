"""A folder of evidence while it is filled: each file with its digest, and what is not there, with why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from harness.record.evidence import MOST_OF_TEXT
from harness.system.plain import clean


@dataclass(slots=True)
class Folder:
    """A folder while it is filled."""

    path: Path
    files: list[dict[str, object]] = field(default_factory=list)
    missing: list[dict[str, str]] = field(default_factory=list)

    def put(self, name: str, what: str, data: bytes, cut: str = "") -> None:
        """Write a file. ``cut``: what of it was left out; "" for nothing. Raises OSError."""
        (self.path / name).write_bytes(data)
        one = {"name": name, "what": what, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        self.files.append({**one, "cut": cut})

    def text(self, name: str, what: str, lines: Iterable[str]) -> None:
        """Each line as it may be shown: nothing in it steers a terminal, a browser or a job."""
        self._text(name, what, _bytes(lines))

    def shared(self, name: str, what: str, text: str) -> None:
        """As ``text``, for what many cells have in common."""
        self._text(name, what, _once(text))

    def _text(self, name: str, what: str, data: bytes) -> None:
        cut = f"the first {MOST_OF_TEXT} of {len(data)} bytes" if len(data) > MOST_OF_TEXT else ""
        self.put(name, what, data[:MOST_OF_TEXT].decode("utf-8", "ignore").encode() if cut else data, cut)

    def lacks(self, what: str, why: str) -> None:
        """Note what is not there."""
        self.missing.append({"what": what, "why": why})


def _bytes(lines: Iterable[str]) -> bytes:
    return "".join(f"{_shown(line)}\n" for line in lines).encode("utf-8", "backslashreplace")


@lru_cache(maxsize=16)
def _once(text: str) -> bytes:
    return _bytes(text.splitlines())


def _shown(line: str) -> str:
    indent = len(line) - len(line.lstrip("\t"))
    return "    " * indent + clean(line[indent:])
