"""Real clients in the lab's domain: by which name they come, with tickets and NTLM, and what takes that away.

One domain for all of it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
from impacket.krb5 import kerberosv5
from known import CATALOGUE

from harness.clients.base import attempt
from harness.labs.local import LocalLab
from harness.mitigations.base import NotApplicableError
from harness.model import Attempt, Check, Outcome, StepName, Tier
from harness.record.reasons import reason
from harness.servers.live import How, LiveServer
from harness.smb.tap.fingerprint import NAMES_NONE, NAMES_SERVER

pytestmark = [pytest.mark.local_lab, pytest.mark.xdist_group("domain")]

KERBEROS, NTLM = "Kerberos (AES-256)", "NTLMv2"
WITH_TICKETS, WITHOUT = "smbclient-kerberos", "smbclient"
BLOCKED = ("session-setup", "STATUS_NTLM_BLOCKED", "server")
NAMES = (Check.OPEN_BY_NAME, Check.OPEN_BY_SPN_ALIAS, Check.OPEN_BY_ALIAS, Check.OPEN_BY_ADDRESS)


@pytest.fixture(scope="module")
def member(domain_lab: LocalLab) -> Iterator[LiveServer]:
    with domain_lab.serve(CATALOGUE.servers["samba-ad-member"]) as live:
        yield live


def do(live: LiveServer, client: str, check: Check, *, blocks: bool = False) -> Attempt:
    who = CATALOGUE.clients[client]
    change = CATALOGUE.mitigation("ntlm-blocked-by-client")
    policy = change.on_client(who.policy, who) if blocks else who.policy
    return attempt(who, check, replace(live.target, seconds=60.0), policy)


def told(made: Attempt) -> str | tuple[str, ...] | None:
    """How somebody came in, or where and how not."""
    if made.outcome is Outcome.OK:
        return made.auth
    assert made.outcome is Outcome.REFUSED, made
    return str(made.step), str(made.status), str(made.side)


def table(live: LiveServer, *, blocks: bool = False) -> dict[str, str | tuple[str, ...] | None]:
    found = {f"{WITH_TICKETS}:{check}": told(do(live, WITH_TICKETS, check, blocks=blocks)) for check in NAMES}
    if not blocks:
        found[f"{WITHOUT}:by-name"] = told(do(live, WITHOUT, Check.OPEN_BY_NAME))
    return found


def test_what_a_client_calls_the_server_decides_what_is_left_of_ntlm(member: LiveServer) -> None:
    everybody = {
        f"{WITH_TICKETS}:open-by-name": KERBEROS,
        f"{WITH_TICKETS}:open-by-spn-alias": KERBEROS,
        f"{WITH_TICKETS}:open-by-alias": NTLM,
        f"{WITH_TICKETS}:open-by-address": NTLM,
        f"{WITHOUT}:by-name": NTLM,
    }
    assert table(member) == everybody

    # The client's own setting: the KDC has no such service, or is not even asked.
    assert table(member, blocks=True) == {
        f"{WITH_TICKETS}:open-by-name": KERBEROS,
        f"{WITH_TICKETS}:open-by-spn-alias": KERBEROS,
        f"{WITH_TICKETS}:open-by-alias": ("kerberos-tgs", "KDC_ERR_S_PRINCIPAL_UNKNOWN", "server"),
        f"{WITH_TICKETS}:open-by-address": ("session-setup", "STATUS_INVALID_PARAMETER", "client"),
    }

    # NTLM off at the member changes nothing for the domain's users: the domain controller judges their proof.
    before = member.state
    member.become(replace(before, conf=before.conf.with_globals(ntlm_auth="disabled")), How.RESTART)
    assert table(member) == everybody

    off = replace(before, controller=before.controller.with_globals(ntlm_auth="disabled"))
    member.become(off, How.RESTART)
    assert table(member) == {
        f"{WITH_TICKETS}:open-by-name": KERBEROS,
        f"{WITH_TICKETS}:open-by-spn-alias": KERBEROS,
        f"{WITH_TICKETS}:open-by-alias": BLOCKED,
        f"{WITH_TICKETS}:open-by-address": BLOCKED,
        f"{WITHOUT}:by-name": BLOCKED,
    }
    by_alias = do(member, WITH_TICKETS, Check.OPEN_BY_ALIAS)
    assert [(step.name, step.status) for step in by_alias.steps if not step.ok] == [
        (StepName.KERBEROS_TGS, "KDC_ERR_S_PRINCIPAL_UNKNOWN"),
        (StepName.SESSION_SETUP, "STATUS_NTLM_BLOCKED"),
    ]
    assert "got no Kerberos ticket (KDC_ERR_S_PRINCIPAL_UNKNOWN)" in reason(by_alias)
    member.become(before, How.RESTART)
    assert told(do(member, WITHOUT, Check.OPEN_BY_NAME)) == NTLM


@pytest.mark.parametrize("client", ["impacket-kerberos", "aiosmb-kerberos", "smbclient-4.25-kerberos"])
def test_other_clients_with_tickets(member: LiveServer, client: str) -> None:
    assert told(do(member, client, Check.OPEN_BY_NAME)) == KERBEROS
    written = do(member, client, Check.WRITE)
    assert (told(written), StepName.READ in {step.name for step in written.steps if step.ok}) == (
        KERBEROS,
        True,
    )
    if client != "smbclient-4.25-kerberos":
        # They have nothing but Kerberos, and ask for a ticket for an address, too.
        by_address = do(member, client, Check.OPEN_BY_ADDRESS)
        assert told(by_address) == ("kerberos-tgs", "KDC_ERR_S_PRINCIPAL_UNKNOWN", "server")


def test_libraries_come_by_name_with_ntlm(member: LiveServer) -> None:
    for client in ("impacket", "aiosmb"):
        assert told(do(member, client, Check.OPEN_BY_NAME)) == NTLM


def test_a_change_on_the_client_is_seen_by_the_servers_address(member: LiveServer) -> None:
    change = CATALOGUE.mitigation("ntlm-blocked-by-client")
    who = CATALOGUE.clients[WITH_TICKETS]
    there = replace(member.target, seconds=60.0)
    before, after = (
        change.verify_client(who, policy, there) for policy in (who.policy, change.on_client(who.policy, who))
    )
    assert (before.in_effect, after.in_effect) == (False, True)
    assert "as NTLMv2: ok" in before.evidence
    assert "before it logs on" in after.evidence


def test_a_wrong_password_is_refused_by_the_kdc(member: LiveServer) -> None:
    wrong = replace(member.target, password="not this one", seconds=60.0)
    who = CATALOGUE.clients["impacket-kerberos"]
    assert told(attempt(who, Check.OPEN, wrong, who.policy)) == (
        "kerberos-as",
        "KDC_ERR_PREAUTH_FAILED",
        "server",
    )


def test_a_clock_that_is_ten_minutes_fast(member: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """impacket proves itself by its own clock; smbclient's Heimdal would ask the KDC for the time."""

    class Fast(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Fast:
            return super().now(tz) + datetime.timedelta(minutes=10)

    clock = SimpleNamespace(datetime=Fast, timezone=datetime.timezone, timedelta=datetime.timedelta)
    monkeypatch.setattr(kerberosv5, "datetime", clock)
    made = do(member, "impacket-kerberos", Check.OPEN)
    assert told(made) == ("kerberos-as", "KRB_AP_ERR_SKEW", "server")
    assert "the clocks of client and domain differ" in reason(made)


@pytest.mark.parametrize(
    "client", ["rclone", "libsmb2", "libsmbclient", "pysmb", "smbprotocol", "smbclient-4.13"]
)
def test_programs_are_told_the_domain(member: LiveServer, client: str) -> None:
    """Each in the way its users do it; without, a member takes the name for one of its own accounts."""
    assert told(do(member, client, Check.OPEN)) == NTLM


def test_old_programs_are_told_the_domain(member: LiveServer) -> None:
    """SMB1 and NTLMv1: what a domain takes of it is decided on the domain controller."""
    before = member.state
    old = before.conf.with_globals(server_min_protocol="NT1", ntlm_auth="ntlmv1-permitted")
    permits = before.controller.with_globals(ntlm_auth="ntlmv1-permitted")
    member.become(replace(before, conf=old), How.RESTART)
    clients = ("jcifs", "curl")
    assert {client: told(do(member, client, Check.OPEN)) for client in clients} == {
        "jcifs": NTLM,
        "curl": ("session-setup", "STATUS_ACCESS_DENIED", "server"),
    }
    member.become(replace(before, conf=old, controller=permits), How.RESTART)
    assert {client: told(do(member, client, Check.OPEN)) for client in clients} == {
        "jcifs": NTLM,
        "curl": "NTLMv1",
    }
    member.become(before, How.RESTART)


BY_RC4 = "rc4-only: RC4, by the user's password"


def test_clients_come_as_accounts_of_the_domain(member: LiveServer) -> None:
    here = [name for name, one in CATALOGUE.clients.items() if "-as-" in name and Tier.LOCAL in one.labs]
    made = {name: do(member, name, Check.OPEN_BY_NAME) for name in here}
    by_ntlm = {"smbclient-as-service": NTLM}
    assert {name: told(one) for name, one in made.items()} == dict.fromkeys(made, KERBEROS) | by_ntlm
    details = {name: one.steps[2].detail for name, one in made.items() if name.endswith("rc4-only")}
    assert details == dict.fromkeys(details, BY_RC4)
    assert len(details) == 3
    restricted = ("session-setup", "STATUS_ACCOUNT_RESTRICTION", "server")
    for name in ("smbclient-kerberos-as-protected", "windows-11-24h2-as-protected"):
        assert [told(do(member, name, check)) for check in NAMES[2:]] == [restricted] * 2
    # What a user of Protected Users may not have in a ticket, impacket asks for.
    protected = replace(member.target.as_user("protected"), seconds=60.0)
    who = CATALOGUE.clients["impacket-kerberos"]
    assert told(attempt(who, Check.OPEN, protected, who.policy)) == (
        "kerberos-as",
        "KDC_ERR_POLICY",
        "server",
    )


NAMES_IT = {
    "smbclient": "cifs/host.domain",
    "libsmbclient": "cifs/address",
    "impacket": "cifs/",
    "aiosmb": "cifs/host@realm",
    "pysmb": None,
    "rclone": None,
    "libsmb2": None,
    "linux-cifs": None,
}
"""What each puts into its NTLMv2 proof as the server that it is for, called by its host name."""


@pytest.mark.parametrize("client", NAMES_IT)
def test_for_whom_the_proof_of_a_client_is(member: LiveServer, client: str) -> None:
    made = do(member, client, Check.OPEN)
    (setup,) = (step for step in made.steps if step.name is StepName.SESSION_SETUP)
    wanted = NAMES_IT[client]
    assert setup.detail == (NAMES_NONE if wanted is None else NAMES_SERVER + wanted)
    refused = CATALOGUE.mitigation("spn-validation").stops(made)
    assert bool(refused) is (client in ("impacket", "aiosmb"))


def test_samba_takes_a_proof_that_is_for_another_server(member: LiveServer) -> None:
    change = CATALOGUE.mitigation("spn-validation")
    seen = change.verify(member)
    assert (seen.in_effect, seen.evidence) == (
        False,
        "a proof for its address: ok; a proof for another-server.invalid: ok",
    )
    with pytest.raises(NotApplicableError, match="Samba has no such setting"):
        change.changed(member.state, member.server)


def test_an_exception_is_of_the_name_that_a_server_is_called_by(member: LiveServer) -> None:
    change = CATALOGUE.mitigation("ntlm-blocked-but-for-address")
    who = CATALOGUE.clients["windows-server-2025"]
    there = replace(member.target, seconds=60.0)
    policy = change.on_client(who.policy, who)
    assert [told(attempt(who, check, there, policy)) for check in NAMES] == [
        KERBEROS,
        KERBEROS,
        ("kerberos-tgs", "KDC_ERR_S_PRINCIPAL_UNKNOWN", "server"),
        NTLM,
    ]
    found = [change.verify_client(who, one, there).in_effect for one in (who.policy, policy)]
    assert found == [False, True]
