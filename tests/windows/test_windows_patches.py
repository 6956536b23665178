"""MS17-010 by the version of srv.sys: each row of Microsoft's table, one before, one after, and the traps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.exposures.ms17_010 import by_driver
from harness.model import Hole
from harness.windows.outputs import Version
from harness.windows.patches import TABLE, Branch, Patch, ms17_010


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.windows)
def test_the_first_fixed_version_and_the_one_before(row: Branch) -> None:
    *build, revision = row.fixed
    assert ms17_010(row.fixed).patch is Patch.PATCHED
    before = (build[0], build[1], build[2], revision - 1)
    verdict = ms17_010(before)
    assert verdict.patch is Patch.UNPATCHED
    assert ".".join(map(str, row.fixed)) in verdict.evidence


@pytest.mark.parametrize(
    ("version", "patch"),
    [
        (None, Patch.ABSENT),
        ((10, 0, 15063, 0), Patch.NOT_NEEDED),
        ((10, 0, 26100, 1), Patch.NOT_NEEDED),
        # Each part by itself would call this one unpatched: 2018 < 19743.
        ((6, 0, 6003, 20182), Patch.PATCHED),
        # An LDR build is judged by its own row: later than the GDR row's number, and still not fixed.
        ((6, 0, 6002, 24066), Patch.UNPATCHED),
        ((6, 0, 6002, 19743), Patch.PATCHED),
        ((6, 0, 6002, 5), Patch.UNKNOWN),
        ((6, 0, 6001, 18000), Patch.UNKNOWN),
        ((6, 1, 7600, 17000), Patch.UNKNOWN),
        ((10, 0, 14393, 0), Patch.UNPATCHED),
        ((5, 1, 2600, 5512), Patch.UNPATCHED),
    ],
)
def test_the_traps(version: Version | None, patch: Patch) -> None:
    assert ms17_010(version).patch is patch


@given(st.tuples(*[st.integers(0, 65535)] * 4))
def test_every_version_gets_a_verdict_that_names_it(version: Version) -> None:
    verdict = ms17_010(version)
    assert ".".join(map(str, version)) in verdict.evidence
    assert verdict.patch is not Patch.ABSENT


@given(st.sampled_from(TABLE), st.integers(0, 65535))
def test_a_later_update_of_a_branch_is_never_less_patched(row: Branch, revision: int) -> None:
    low, high = row.revisions
    version = (*row.fixed[:3], min(max(revision, low), high))
    assert (ms17_010(version).patch is Patch.PATCHED) is (version >= row.fixed)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("6.1.7601.23688", Hole.OPEN),
        ("6.1.7601.23689 (win7sp1_ldr.170209-0600)", Hole.CLOSED),
        ("10.0.20348.1", Hole.CLOSED),
        ("6.1.7600.17000", Hole.UNKNOWN),
        ("unreadable", Hole.UNKNOWN),
    ],
)
def test_the_exposure_is_judged_by_the_same_table(text: str, state: Hole) -> None:
    assert by_driver(text).state is state
