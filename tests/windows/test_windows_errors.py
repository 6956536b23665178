"""The table of Win32 errors and events: every row is one that the rest of the project understands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from impacket.nt_errors import ERROR_MESSAGES

from harness.model import CLOSED, NO_DIALECT, RESET, STATUS_OK, TIMEOUT, Check, Side
from harness.smb import status
from harness.windows import errors
from harness.windows.scripts import Event, Operation

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


OPERATIONS = st.builds(
    Operation,
    name=st.sampled_from(["tcp", "connect", "enumerate", "list", "create", "write", "read", "delete"]),
    code=st.one_of(st.just(0), st.integers(0, 2**32 - 1), st.sampled_from(sorted(errors.errors()))),
    ms=st.floats(0, 10),
)
EVENTS = st.builds(Event, log=st.text(), id=st.integers(0, 70000), message=st.text())


@given(st.sampled_from([Check.BROWSE, Check.OPEN, Check.WRITE]), st.lists(OPERATIONS), st.lists(EVENTS))
def test_whatever_windows_reports_becomes_steps(
    check: Check, operations: list[Operation], events: list[Event]
) -> None:
    told, side = errors.steps(check, operations, events)
    failed = [step for step in told if step.status != STATUS_OK]
    if errors.unexplained(operations, events):
        # Neither a step nor a side: it is nobody's refusal.
        assert any(operation.code for operation in operations)
        assert (failed, side) == ([], None)
    elif any(operation.code for operation in operations):
        assert len(failed) == 1
        assert failed == told[-1:]
        assert side in (Side.SERVER, Side.CLIENT)
        assert failed[0].detail
    else:
        assert (failed, side) == ([], None)


def operation(name: str, code: int) -> Operation:
    return Operation.model_validate({"name": name, "code": code, "ms": 1.0})


def test_what_the_data_do_not_explain() -> None:
    said = errors.unexplained([operation("tcp", 0), operation("connect", 7777)], [])
    assert said == "connect ended with error 7777, which harness/windows/data/win32.toml does not know"
    assert errors.unexplained([operation("connect", 0x80090308)], []).startswith(
        "connect ended with error 2148074248 = 0x80090308, which "
    )
    assert (
        errors.unexplained([operation("list", 0x80004003)], []) == "the probe failed at list with 0x80004003"
    )
    assert errors.unexplained([operation("connect", 5)], []) == ""
    assert errors.unexplained([operation("connect", 0), operation("list", 0)], []) == ""


def test_an_event_explains_a_code_that_is_not_known() -> None:
    known = Event(log="Security", id=31017, message="in its own language")
    other = Event(log="Security", id=31018, message="The value is wrong.\nReason: 7")
    assert errors.unexplained([operation("connect", 7777)], [other, known]) == ""
    assert errors.steps(Check.OPEN, [operation("connect", 7777)], [other, known])[1] is Side.CLIENT
    # One that is not known explains nothing, and is told.
    assert errors.unexplained([operation("connect", 7777)], [other]).endswith(
        "does not know; event 31018: The value is wrong. Reason: 7"
    )
    # Events are of connecting.
    assert errors.unexplained([operation("list", 7777)], [known]).startswith("list ended with error 7777")


def test_what_people_see_has_a_key_for_every_step() -> None:
    words = errors.sees()
    assert words["negotiate:NO_DIALECT@client"].endswith("SMB1 protocol (error 384)")
    assert words["negotiate:NO_DIALECT@server"].endswith("requested operation (error 58)")
    assert words["tree-connect:STATUS_ACCESS_DENIED@server"] == "Access is denied (error 5)"
