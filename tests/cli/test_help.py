"""The help of every verb fits the terminal; only what is to be pasted is never broken."""

from __future__ import annotations

import pytest

from harness.cli import parser
from harness.verbs.completion import every_parser


@pytest.mark.parametrize("width", [60, 80, 140])
def test_no_prose_is_wider_than_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for one in every_parser(parser.build()):
        # A usage has words that nobody breaks, each Python (3.13) in lines of its own.
        for line in one.format_help().removeprefix(one.format_usage()).splitlines():
            # Examples begin with the command.
            typed = line.lstrip().startswith("rehearse ")
            assert len(line) <= width or typed, (one.prog, line)
