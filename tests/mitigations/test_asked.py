"""What a change is seen by is an answer, never a time-out; what could not be taken back shows in two."""

from __future__ import annotations

import socket

import pytest
from bad_servers import bad_server, hang, hang_up

from harness.errors import LabFault
from harness.mitigations._asked import negotiate_only, try_session
from harness.mitigations.base import unlike
from harness.model import Check, Dialect, Finding, StepName


def test_a_server_that_answers_nothing_in_time_was_not_seen() -> None:
    with bad_server(hang, seconds=0.2) as target:
        with pytest.raises(LabFault, match="without an answer in time, twice, while work takes"):
            try_session(target, dialects=tuple(Dialect))
        with pytest.raises(LabFault, match="without an answer in time, twice"):
            negotiate_only(target, tuple(Dialect))


def test_one_that_was_late_once_is_asked_again() -> None:
    silent: list[socket.socket] = []

    def late_once(peer: socket.socket, number: int, message: bytes) -> bool:
        if not silent:
            silent.append(peer)
        return hang(peer, number, message) if peer in silent else hang_up(peer, number, message)

    with bad_server(late_once, seconds=0.5) as target:
        seen = try_session(target, Check.BROWSE, dialects=(Dialect.SMB3_11,))
    assert silent
    assert (seen.step, seen.status) == (StepName.NEGOTIATE, "CLOSED")


def test_a_kind_of_logon_that_there_is_none_of_is_a_mistake() -> None:
    """It was taken for NTLMv2."""
    with bad_server(hang_up) as target, pytest.raises(ValueError, match="'ntlmv1': there are LM, NTLMv1,"):
        try_session(target, dialects=tuple(Dialect), auth="ntlmv1")  # type: ignore[arg-type]


def test_what_could_not_be_taken_back_is_told_by_what_was_seen_before_and_after() -> None:
    """A change that seemed to be there before: "ok" alone would be no reason."""
    before = Finding(True, "opening the pipe srvsvc: STATUS_ACCESS_DENIED")
    assert unlike(before, Finding(False, "opening the pipe srvsvc: ok")) == (
        "seen before the change: opening the pipe srvsvc: STATUS_ACCESS_DENIED (as with the change); "
        "seen after the rollback: opening the pipe srvsvc: ok (as without the change)"
    )
    nobody = Finding(False, "CLOSED at negotiate", visible=False)
    assert unlike(before, nobody).endswith("CLOSED at negotiate (not shown either way)")
