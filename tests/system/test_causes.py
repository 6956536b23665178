"""What other programs' messages mean."""

from __future__ import annotations

import re

import pytest

from harness.labs.vagrant import driver, remote_libvirt, ssh_master
from harness.system.causes import Cause, find

FULL = Cause("[Nn]o space left", "the disk is full", "make room")
BUSY = Cause("locked", "", "wait")


def test_the_first_cause_counts_wherever_it_is() -> None:
    assert find([FULL, BUSY], ["it is locked", "No space left on device"]) == (
        FULL,
        "No space left on device",
    )
    assert find([BUSY, FULL], ["No space left on device", "it is locked"]) == (BUSY, "it is locked")


@pytest.mark.parametrize("texts", [[], ["it works"]])
def test_what_is_not_known_has_no_cause(texts: list[str]) -> None:
    assert find([FULL, BUSY], texts) is None


@pytest.mark.parametrize("table", [driver.CAUSES, remote_libvirt.CAUSES, ssh_master.CAUSES])
def test_every_table_can_be_looked_up(table: tuple[Cause, ...]) -> None:
    """A pattern is one, and no cause stands behind one that hides it."""
    for cause in table:
        re.compile(cause.pattern)
        assert cause.why or cause.hint
    assert len({cause.pattern for cause in table}) == len(table)
