"""What a line of a source costs: in calls of functions, which are the same at any load of the machine."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from types import FrameType

import pytest

from benchmarks import fleet_sources
from harness.fleet import intake

LINES = 2000
MOST = {
    "sessions": 27,
    "shares": 41,
    "windows.csv": 50,
    "windows.txt": 36,
    "events.xml": 42,
    "netexec": 20,
    "clients.csv": 55,
    "assets.csv": 38,
    "sessions.json": 17,
}
"""Calls a line, of Python's functions and of C's, some more than it takes (with Python 3.11)."""


@pytest.mark.parametrize("name", MOST)
def test_a_line_costs_few_calls(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_sources, "MACHINES", 100)
    _calls(name, LINES, tmp_path)  # Modules are loaded, values that come again are known.
    few = _calls(name, LINES, tmp_path)
    # What is done once, and the machines, are in both.
    each = (_calls(name, 2 * LINES, tmp_path) - few) / LINES
    assert each <= MOST[name]


def _calls(name: str, lines: int, folder: Path) -> int:
    path = folder / name
    made = list(islice(fleet_sources.SOURCES[name](lines), lines + 20))
    path.write_text("".join(made), encoding="utf-8")
    count = 0

    def called(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        intake.records_of(path, "", tuple)
    finally:
        sys.setprofile(before)
    return count
