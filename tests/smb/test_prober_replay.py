"""The prober against recorded, damaged and invented answers: it ends well, or it says Refused or LabFault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from replay import RECORDED, Replay, persona_called, recorded, replaying

from harness.clients.base import Log, attempt
from harness.clients.persona import Persona
from harness.errors import LabFault, Refused
from harness.model import Check, Dialect, Outcome, Side, StepName
from harness.smb.checks import perform
from harness.smb.ntlm import Account
from harness.smb.prober import Speaker
from harness.smb.session import Manner

CASES = [(name.split(":")[0], Check(name.split(":")[1])) for name in RECORDED]
LIGHT = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with replaying() as server:
        yield server


@pytest.mark.parametrize(("client", "check"), CASES)
def test_recorded_answers_are_understood(replay: Replay, client: str, check: Check) -> None:
    replay.messages, replay.raw = recorded(client, check), b""
    speaker = persona_called(client)
    done = attempt(speaker, check, replay.target(), speaker.policy)
    # The reads and writes of the recording fit, so every step passes to the last.
    assert (done.outcome, done.note) == (Outcome.OK, "")
    assert (done.auth, done.signed, done.encrypted) == ("guest", False, False)


@pytest.mark.parametrize(("client", "check"), CASES)
def test_a_server_that_stops_half_way_is_closed_at_that_step(
    replay: Replay, client: str, check: Check
) -> None:
    messages, speaker = recorded(client, check), persona_called(client)
    for count in range(len(messages) - 1):
        replay.messages, replay.raw = messages[:count], b""
        done = attempt(speaker, check, replay.target(), speaker.policy)
        assert (done.outcome, done.status) == (Outcome.REFUSED, "CLOSED"), count
        assert done.step == done.steps[-1].name


def survives(replay: Replay, client: str, check: Check) -> None:
    """Nothing but our own two exceptions comes out."""
    speaker = persona_called(client)
    with suppress(Refused, LabFault):
        speaker.perform(check, replay.target(seconds=1.0), speaker.policy, Log())


@LIGHT
@given(case=st.sampled_from(CASES), data=st.data())
def test_damaged_answers(replay: Replay, case: tuple[str, Check], data: st.DataObject) -> None:
    messages = recorded(*case)
    which = data.draw(st.integers(0, len(messages) - 1))
    damaged = bytearray(messages[which])
    for at, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(damaged) - 1), st.integers(0, 255)), min_size=1, max_size=6)
    ):
        damaged[at] = value
    end = data.draw(st.one_of(st.none(), st.integers(0, len(damaged))))
    messages[which] = bytes(damaged[:end])
    replay.messages, replay.raw = messages, b""
    survives(replay, *case)


@LIGHT
@given(case=st.sampled_from(CASES), messages=st.lists(st.binary(max_size=200), max_size=4))
def test_invented_answers(replay: Replay, case: tuple[str, Check], messages: list[bytes]) -> None:
    replay.messages, replay.raw = messages, b""
    survives(replay, *case)


@LIGHT
@given(case=st.sampled_from(CASES), raw=st.binary(min_size=1, max_size=64))
def test_no_framing_at_all(replay: Replay, case: tuple[str, Check], raw: bytes) -> None:
    replay.messages, replay.raw = (), raw
    survives(replay, *case)


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        ({"guest": False}, "STATUS_SMB_GUEST_LOGON_BLOCKED"),
        ({"require_signing": True}, "STATUS_INVALID_SIGNATURE"),
        ({"require_encryption": True}, "STATUS_NOT_SUPPORTED"),
    ],
)
def test_what_a_client_refuses_after_a_guest_logon(
    replay: Replay, policy: dict[str, Any], status: str
) -> None:
    windows = persona_called("windows-10-1703")
    replay.messages, replay.raw = recorded("windows-10-1703", Check.OPEN), b""
    done = attempt(windows, Check.OPEN, replay.target(), replace(windows.policy, **policy))
    assert (done.step, done.status, done.side) == (StepName.SESSION_SETUP, status, Side.CLIENT)


def test_an_unsigned_end_of_a_logon_over_311_is_not_believed(replay: Replay) -> None:
    """[MS-SMB2] 3.2.5.3.1. The same answer, that of a guest but for its flag."""
    windows = persona_called("windows-10-1703")
    messages = recorded("windows-10-1703", Check.OPEN)
    at = next(n for n, one in enumerate(messages) if one[12] == 1 and one[8:12] == bytes(4))
    assert messages[at][66] == 1
    messages[at] = messages[at][:66] + b"\0" + messages[at][67:]
    replay.messages, replay.raw = messages, b""
    done = attempt(windows, Check.OPEN, replay.target(), windows.policy)
    assert (done.step, done.status, done.side) == (
        StepName.SESSION_SETUP,
        "STATUS_INVALID_SIGNATURE",
        Side.CLIENT,
    )


def test_windows_keeps_guests_over_smb1(replay: Replay) -> None:
    windows = persona_called("windows-xp")
    replay.messages, replay.raw = recorded("windows-xp", Check.OPEN), b""
    done = attempt(windows, Check.OPEN, replay.target(), replace(windows.policy, guest=False))
    assert (done.outcome, done.auth) == (Outcome.OK, "guest")


@pytest.mark.parametrize("limits", [{"smb1": False}, {"min_dialect": Dialect.SMB2_02}])
def test_limits_count_for_the_answer_too(replay: Replay, limits: dict[str, Any]) -> None:
    xp = persona_called("windows-xp")
    assert isinstance(xp, Persona)
    replay.messages, replay.raw = recorded("windows-xp", Check.OPEN), b""
    # An opening that still offers SMB1, from a client that no longer speaks it.
    speaker = Speaker(xp.opening, Manner(), replace(xp.policy, **limits))
    with pytest.raises(Refused) as caught:
        perform(Check.OPEN, speaker, replay.target(), Account("stranger", ""), Log())
    assert (caught.value.status, caught.value.side) == ("NO_DIALECT", Side.CLIENT)
