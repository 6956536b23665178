"""The table of Win32 errors and events: every row is one that the rest of the project understands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from impacket.nt_errors import ERROR_MESSAGES

from harness.model import CLOSED, NO_DIALECT, RESET, STATUS_OK, TIMEOUT, Check, Side
from harness.smb import status
from harness.windows import errors
from harness.windows.scripts import Deed, Event

NAMES = {name for name, _ in ERROR_MESSAGES.values()} | {status.GUEST_LOGON_BLOCKED}


def test_every_row_is_understood() -> None:
    rows = errors.table().error
    assert len({row.code for row in rows}) == len(rows)
    assert len({row.id for row in errors.table().event}) == len(errors.table().event)
    for row in rows:
        assert row.status in NAMES | {CLOSED, RESET, TIMEOUT, NO_DIALECT} or row.status.startswith("0x"), (
            row.name
        )
        assert row.source
    for event in errors.table().event:
        assert event.status in NAMES | {NO_DIALECT}


DEEDS = st.builds(
    Deed,
    name=st.sampled_from(["tcp", "connect", "enumerate", "list", "create", "write", "read", "delete"]),
    code=st.one_of(st.just(0), st.integers(0, 2**32 - 1), st.sampled_from(sorted(errors.errors()))),
    ms=st.floats(0, 10),
)
EVENTS = st.builds(Event, log=st.text(), id=st.integers(0, 70000), message=st.text())


@given(st.sampled_from([Check.BROWSE, Check.OPEN, Check.WRITE]), st.lists(DEEDS), st.lists(EVENTS))
def test_whatever_windows_reports_becomes_steps(check: Check, deeds: list[Deed], events: list[Event]) -> None:
    told, side = errors.steps(check, deeds, events)
    failed = [step for step in told if step.status != STATUS_OK]
    if any(deed.code for deed in deeds):
        assert len(failed) == 1
        assert failed == told[-1:]
        assert side in (Side.SERVER, Side.CLIENT)
        assert failed[0].detail
    else:
        assert (failed, side) == ([], None)


def test_what_people_see_has_a_key_for_every_step() -> None:
    words = errors.sees()
    assert words["negotiate:NO_DIALECT@client"].endswith("SMB1 protocol (error 384)")
    assert words["negotiate:NO_DIALECT@server"].endswith("requested operation (error 58)")
    assert words["tree-connect:STATUS_ACCESS_DENIED@server"] == "Access is denied (error 5)"
