"""The name of a cell, and the rows of a report that cells stand in."""

from __future__ import annotations

from dataclasses import dataclass

from harness.grammar.words import split


@dataclass(frozen=True, slots=True)
class CellId:
    """``mitigation:server:client:check``: the name of a cell and its selector everywhere."""

    mitigation: str
    server: str
    client: str
    check: str

    def __str__(self) -> str:
        return f"{self.mitigation}:{self.server}:{self.client}:{self.check}"

    @classmethod
    def parse(cls, text: str) -> CellId:
        """Read a cell id. Raises ValueError when it has not four parts."""
        parts = split(text, ":")
        if len(parts) != 4 or not all(parts):
            raise ValueError(f"{text!r} is not mitigation:server:client:check")
        return cls(*parts)


@dataclass(frozen=True, slots=True)
class Row:
    """A scenario as the report shows it: how it groups the cells."""

    name: str
    title: str
    """The first line of its docstring."""
    cells: tuple[CellId, ...]
    stage: str = ""
    """Which stage of a larger plan it is; "" where it is none."""
