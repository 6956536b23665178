"""The page about what is brought along says what is done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.servers import allowed, left_out

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "what-is-imported.md"


def rows(heading: str) -> Iterator[tuple[list[str], str]]:
    """Of the table below a heading: the code in the first column, and the text of the second."""
    part = PAGE.read_text().partition(f"| {heading} |")[2].partition("\n\n")[0]
    for line in part.splitlines()[2:]:
        first, second = line.strip("|").split(" | ")
        yield re.findall(r"`([^`]+)`", first), second.strip()


def test_every_parameter_that_is_left_out_stands_there_with_the_reason() -> None:
    found = {f"is {why}": tuple(names) for names, why in rows("parameters")}
    assert found == dict(left_out.table())
    assert {name: f"is {why}" for (name,), why in rows("parameter")} == left_out.UNLESS_OFF


def test_the_modules_that_are_kept_stand_there() -> None:
    (line,) = [line for line in PAGE.read_text().splitlines() if line.startswith("| `vfs objects`")]
    assert set(re.findall(r"`(\w+)`", line.partition("kept are")[2])) == allowed.MODULES
