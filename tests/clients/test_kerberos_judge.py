"""What a client's tickets come to in its attempt: steps, refusals of the KDC and of the client, faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checks import BY_NAMES
from harness.clients import _process as process
from harness.clients import smbclient
from harness.clients._ran import Ran
from harness.clients.base import Client, Log, attempt
from harness.errors import LabFault, Refused
from harness.labs import namespace
from harness.model import (
    RESET,
    STATUS_OK,
    Attempt,
    Check,
    ClientPolicy,
    Dialect,
    Domain,
    Outcome,
    Side,
    Step,
    StepName,
    Target,
)
from harness.record.reasons import reason
from harness.smb.tap.kdc_trace import Tickets
from harness.smb.tap.trace import Conversation
from harness.system.process import Result

POLICY = smbclient.Smbclient.policy
ALONE = replace(POLICY, ntlm=False)
SAID = "session setup failed: NT_STATUS_INVALID_PARAMETER"
AS = Step(StepName.KERBEROS_AS, STATUS_OK, 2.0)
TGS = Step(StepName.KERBEROS_TGS, STATUS_OK, 2.0)
UNKNOWN = replace(TGS, status="KDC_ERR_S_PRINCIPAL_UNKNOWN", detail="cifs/alias.lab.test")
HELLO = (StepName.CONNECT, StepName.NEGOTIATE)
WHOLE = (*HELLO, StepName.SESSION_SETUP, StepName.TREE_CONNECT, StepName.LIST)
DOMAIN = Domain("LAB.TEST", "LAB", "127.20.0.1", "files.lab.test", "alias.lab.test", "service.lab.test")
TARGET = Target("127.20.0.2", "data", "alice", "secret", domain=DOMAIN)


def ran(names: Sequence[StepName], *steps: Step, failed: str = "", unreachable: str = "") -> Ran:
    """A client that came so far on the wire; its last step failed so, where one did."""
    seen = [Step(name, STATUS_OK, 1.0) for name in names]
    if failed:
        seen[-1] = replace(seen[-1], status=failed)
    whole = StepName.LIST in names
    talk = Conversation(
        tuple(seen),
        Dialect.SMB3_11,
        encrypted=False,
        auth="NTLMv2" if StepName.SESSION_SETUP in names else None,
        refused_auth="NTLMv2" if failed else None,
        ended_by="client",
    )
    result = Result("smbclient", 0 if whole else 1, "", "" if whole else SAID, 0.1)
    return Ran("smbclient", result, (talk,), 0.0, tickets=Tickets(steps, unreachable))


def judged(what: Ran, policy: ClientPolicy = POLICY) -> tuple[Refused, Log]:
    log = Log()
    with pytest.raises(Refused) as caught:
        process.judge(what, smbclient._OPEN, policy, log)
    return caught.value, log


def test_tickets_are_steps_between_the_servers_offer_and_the_logon() -> None:
    log = Log()
    process.judge(ran(WHOLE, AS, TGS), smbclient._OPEN, POLICY, log)
    assert [step.name for step in log.steps] == [
        *HELLO,
        StepName.KERBEROS_AS,
        StepName.KERBEROS_TGS,
        *WHOLE[2:],
    ]
    assert [*StepName].index(StepName.KERBEROS_AS) == [*StepName].index(StepName.NEGOTIATE) + 1


def test_who_gets_no_ticket_and_comes_in_by_ntlm_is_in() -> None:
    log = Log()
    process.judge(ran(WHOLE, AS, UNKNOWN), smbclient._OPEN, POLICY, log)
    assert [step.status for step in log.steps if not step.ok] == ["KDC_ERR_S_PRINCIPAL_UNKNOWN"]


def test_where_there_is_no_ntlm_the_kdc_refused() -> None:
    refusal, log = judged(ran(HELLO, AS, UNKNOWN), ALONE)
    assert (refusal.step, refusal.status, refusal.side) == (UNKNOWN.name, UNKNOWN.status, Side.SERVER)
    assert log.steps[-1] == UNKNOWN
    made = Attempt(
        Outcome.REFUSED, tuple(log.steps), step=refusal.step, status=refusal.status, side=refusal.side
    )
    assert "no service principal (SPN) for the name" in reason(made)
    other = replace(made, status="KDC_ERR_SVC_UNAVAILABLE")
    assert reason(other) == "the domain's KDC answers KDC_ERR_SVC_UNAVAILABLE at kerberos-tgs"


def test_a_client_that_asks_for_no_ticket_and_has_no_ntlm_said_no_itself() -> None:
    refusal, log = judged(ran(HELLO), ALONE)
    assert (refusal.step, refusal.status) == (StepName.SESSION_SETUP, "STATUS_INVALID_PARAMETER")
    assert refusal.side is Side.CLIENT
    made = Attempt(
        Outcome.REFUSED, tuple(log.steps), step=refusal.step, status=refusal.status, side=refusal.side
    )
    assert reason(made).startswith("the client may log on by Kerberos alone, and asks for no ticket")
    # With NTLM allowed nobody knows why it went: its own failure.
    with pytest.raises(LabFault):
        process.judge(ran(HELLO), smbclient._OPEN, POLICY, Log())


def test_a_server_without_ntlm_and_a_name_without_a_ticket() -> None:
    refusal, log = judged(ran(WHOLE[:3], AS, UNKNOWN, failed="STATUS_NTLM_BLOCKED"))
    assert (refusal.step, refusal.status) == (StepName.SESSION_SETUP, "STATUS_NTLM_BLOCKED")
    made = Attempt(
        Outcome.REFUSED, tuple(log.steps), step=refusal.step, status=refusal.status, side=refusal.side
    )
    assert reason(made) == (
        "the server accepts no NTLM, and the client got no Kerberos ticket (KDC_ERR_S_PRINCIPAL_UNKNOWN)"
    )


@pytest.mark.parametrize("policy", [POLICY, ALONE])
def test_a_kdc_that_does_not_answer_refuses_nobody(policy: ClientPolicy) -> None:
    lost = Step(StepName.KERBEROS_AS, RESET, 1.0)
    with pytest.raises(LabFault, match="the domain's KDC did not answer"):
        process.judge(ran(HELLO, lost, unreachable=RESET), smbclient._OPEN, policy, Log())
    # Refused for want of the ticket that it could not get.
    blocked = ran(WHOLE[:3], lost, failed="STATUS_NTLM_BLOCKED", unreachable=RESET)
    with pytest.raises(LabFault, match="the domain's KDC did not answer"):
        process.judge(blocked, smbclient._OPEN, policy, Log())


def test_a_server_that_is_the_kdc_itself_and_is_gone_refused_the_connection() -> None:
    """Who asks for a ticket first never came to port 445: a stopped server was a fault of the lab."""
    lost = Step(StepName.KERBEROS_AS, RESET, 1.0)
    asked = Tickets((lost,), RESET, of_server=True)
    refused, log = judged(replace(ran(HELLO), traces=(), tickets=asked))
    assert (refused.status, refused.step) == (RESET, StepName.CONNECT)
    assert [step.name for step in log.steps if not step.ok] == [StepName.CONNECT, StepName.KERBEROS_AS]
    # One that has come to port 445 shows that not all of it is gone.
    with pytest.raises(LabFault, match="the domain's KDC did not answer"):
        process.judge(replace(ran(HELLO), tickets=asked), smbclient._OPEN, POLICY, Log())


class Names(Client):
    """One that only tells by which name it was sent, and what for."""

    name = "names"
    checks = frozenset(Check)

    def __init__(self) -> None:
        self.told: list[tuple[Check, str]] = []
        self.fidelity = smbclient.Smbclient.fidelity

    def software(self, target: Target | None = None) -> str:
        raise NotImplementedError

    def offer(self, policy: ClientPolicy, target: Target) -> object:  # type: ignore[override]
        raise NotImplementedError

    def perform(
        self,
        check: Check,
        target: Target,
        policy: ClientPolicy,  # noqa: ARG002
        log: Log,  # noqa: ARG002
    ) -> None:
        self.told.append((check, target.called))


def test_what_a_client_calls_the_server_is_part_of_the_check() -> None:
    client = Names()
    checks = [Check.OPEN, Check.WRITE, *sorted(BY_NAMES)]
    for check in checks:
        assert attempt(client, check, TARGET, POLICY).outcome is Outcome.OK
    assert dict(zip(checks, client.told, strict=True)) == {
        Check.OPEN: (Check.OPEN, "files.lab.test"),
        Check.WRITE: (Check.WRITE, "files.lab.test"),
        Check.OPEN_BY_NAME: (Check.OPEN, "files.lab.test"),
        Check.OPEN_BY_ADDRESS: (Check.OPEN, "127.20.0.2"),
        Check.OPEN_BY_ALIAS: (Check.OPEN, "alias.lab.test"),
        Check.OPEN_BY_SPN_ALIAS: (Check.OPEN, "service.lab.test"),
    }
    outside = replace(TARGET, domain=None)
    assert attempt(client, Check.OPEN_BY_NAME, outside, POLICY).outcome is Outcome.UNSUPPORTED
    assert (outside.called, outside.account, TARGET.account) == ("127.20.0.2", "alice", "LAB\\alice")


def test_where_the_root_of_an_image_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for mapped in (True, False):
        monkeypatch.setattr(namespace, "maps_lab_uid", lambda mapped=mapped: mapped)
        there = replace(TARGET, roots=(("trixie", tuple(namespace.in_image(Path("/lab/trixie"), []))),))
        assert (there.root("trixie"), there.root("forky")) == ("/lab/trixie", "")
