"""Why clients are lost. Whom a mitigation is expected to lose is held to in test_mitigations.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from known import CATALOGUE

from harness.clients.base import attempt
from harness.model import Attempt, Check, Dialect, Outcome, Side, StepName
from harness.record.reasons import reason
from harness.servers.live import LiveServer
from harness.smb.control import try_session


@pytest.mark.local_lab
def test_who_does_not_sign_is_lost_where_signing_is_required(serve: Callable[[str], LiveServer]) -> None:
    """That a client never signs shows only where it must: the refusal tells it."""
    live, change = serve("samba-4.13-smb1"), CATALOGUE.mitigation("signing-required")
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
    one = CATALOGUE.clients[client]
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
    change = CATALOGUE.mitigation("encryption-required")
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
    assert CATALOGUE.mitigation("ntlmv2-only").cause(was, at_negotiate) == ""
    assert CATALOGUE.mitigation("ntlmv2-only+smb3-only").cause(was, at_negotiate) == CATALOGUE.mitigation(
        "smb3-only"
    ).cause(was, at_negotiate)
