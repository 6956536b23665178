"""What every mitigation is expected to do, held against a sweep on real servers; and why clients are lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from harness.clients import clients
from harness.clients.base import attempt
from harness.deadline import wait_for
from harness.labs.base import How, LiveServer
from harness.mitigations import mitigation, mitigations
from harness.mitigations.base import Mitigation, NotApplicableError
from harness.model import Attempt, Check, Dialect, Outcome, Side, StepName
from harness.reasons import reason
from harness.servers.base import Server
from harness.smb.control import try_session

WHO = ("linux-cifs-4.13", "windows-10-22h2", "windows-7", "windows-xp")
"""One a kind: SMB 3.0 alone, 3.1.1 with AES-128, up to 2.1, and SMB1 with NTLMv1."""
CHECKS = (Check.OPEN, Check.BROWSE)

Seen = Mapping[tuple[str, Check], Attempt]


def look(live: LiveServer, change: Mitigation | None = None) -> Seen:
    """An attempt of every client that the change can be made on, without the change when there is none."""
    seen = {}
    for client in map(clients().__getitem__, WHO):
        policy = client.policy
        if change is not None:
            try:
                policy = change.on_client(policy, client)
            except NotApplicableError:
                continue
        for check in CHECKS:
            seen[client.name, check] = attempt(client, check, live.target, policy)
    return seen


def changes(server: Server) -> Iterator[Mitigation]:
    for change in mitigations().values():
        with suppress(NotApplicableError):
            change.changed(server.state, server)
            yield change


@pytest.mark.local_lab
@pytest.mark.parametrize("server", ["samba-4.22-smb1", "guest-share"])
def test_the_expectation_says_who_is_lost_and_the_cause_says_why(
    serve: Callable[[str], LiveServer], server: str
) -> None:
    """One server with accounts and all dialects, and one that takes everybody for a guest."""
    live = serve(server)
    first, was = live.state, look(live)
    wrong, lost = [], 0
    try:
        # From one change to the next: taking each back first would cost a restart more.
        for change in changes(live.server):
            live.become(change.changed(first, live.server), How.RESTART)
            if Side.SERVER in change.sides:
                wait_for(f"{change.name} on {server}", partial(_in_force, change, live), 5.0)
            for task, made in look(live, change).items():
                if was[task].outcome is Outcome.OK:
                    lost += made.outcome is Outcome.REFUSED
                    wrong += [f"{change.name}:{task}: {why}" for why in _differs(change, was[task], made)]
    finally:
        live.become(first, How.RESTART)
    assert not wrong, "\n".join(wrong)
    assert lost > 10


def _in_force(change: Mitigation, live: LiveServer) -> bool:
    return change.verify(live).in_effect


def _differs(change: Mitigation, was: Attempt, made: Attempt) -> Iterator[str]:
    """Where what a change is expected to do to a client is not what it did."""
    told = f"{made.outcome}, {made.step} {made.status} {made.note}"
    if made.outcome is Outcome.OK:
        expected = change.stops(was)
        if expected:
            yield f"expected to be lost ({expected}), and it is {told}"
    elif made.outcome is not Outcome.REFUSED:
        yield told
    elif change.foretold and not change.stops(was):
        yield f"expected to stay, and it is {told}"
    elif not change.cause(was, made):
        yield f"no cause is known for {told}"


@pytest.mark.local_lab
def test_who_does_not_sign_is_lost_where_signing_is_required(serve: Callable[[str], LiveServer]) -> None:
    """That a client never signs shows only where it must: the refusal tells it."""
    live, change = serve("samba-4.22-smb1"), mitigation("signing-required")
    state = live.state
    unsigned = partial(try_session, live.target, Check.OPEN, dialects=(Dialect.SMB2_10,), sign=False)
    was = unsigned()
    try:
        change.apply(live)
        made = unsigned()
    finally:
        change.revert(live, state)
    assert (was.outcome, made.outcome) == (Outcome.OK, Outcome.REFUSED)
    assert change.cause(was, made) == (
        "the server takes only signed requests, and this client does not sign over SMB 2.1"
    )


@pytest.mark.local_lab
@pytest.mark.parametrize("client", ["impacket", "smbprotocol", "windows-10-22h2"])
def test_what_negotiate_allows_is_recorded_of_every_kind_of_client(
    serve: Callable[[str], LiveServer], client: str
) -> None:
    """Read by the tap, from a library, and by the prober: causes rest on it."""
    one = clients()[client]
    seen = attempt(one, Check.OPEN, serve("samba-4.22-smb1").target, one.policy)
    assert (seen.server_signing, seen.dialect) == ("enabled", "3.1.1")
    assert seen.agreed_cipher in ("AES-128-GCM", "AES-256-GCM", "AES-128-CCM"), seen


def refused(step: StepName, status: str, **shown: Any) -> Attempt:
    return Attempt(Outcome.REFUSED, step=step, status=status, side=Side.SERVER, **shown)


@pytest.mark.parametrize("auth", ["guest", "anonymous", "NTLMv1", "NTLMv2", None])
def test_access_denied_is_never_all_that_is_said(auth: str | None) -> None:
    for step in StepName:
        said = reason(refused(step, "STATUS_ACCESS_DENIED", auth=auth))
        assert said.replace("STATUS_ACCESS_DENIED", "") not in ("", "the server denies access"), step
        assert len(said.split()) > 5, said


def test_one_refusal_has_the_cause_of_what_each_attempt_shows() -> None:
    """The same status at the same step, under the same change."""
    change = mitigation("encryption-required")
    denied = refused(StepName.SESSION_SETUP, "STATUS_ACCESS_DENIED", agreed_cipher="")
    new = partial(Attempt, Outcome.OK, dialect="3.1.1", agreed_cipher="AES-128-GCM")
    guest = replace(denied, dialect="3.1.1", agreed_cipher="AES-128-GCM")
    assert "a guest's session has no key" in change.cause(new(auth="guest"), guest)
    assert "no cipher that the server allows" in change.cause(
        new(auth="NTLMv2"), replace(denied, dialect="3.1.1")
    )
    old = Attempt(Outcome.OK, dialect="2.1", auth="NTLMv2", agreed_cipher="")
    assert "SMB 2.1 does not have" in change.cause(old, replace(denied, dialect="2.1"))


def test_a_refusal_that_a_change_cannot_have_made_is_not_put_down_to_it() -> None:
    was = Attempt(Outcome.OK, dialect="NT LM 0.12", auth="NTLMv1", server_signing="none", agreed_cipher="")
    at_negotiate = refused(StepName.NEGOTIATE, "NO_DIALECT")
    assert mitigation("ntlmv2-only").cause(was, at_negotiate) == ""
    assert mitigation("ntlmv2-only+smb3-only").cause(was, at_negotiate) == mitigation("smb3-only").cause(
        was, at_negotiate
    )
