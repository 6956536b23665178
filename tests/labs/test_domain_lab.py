"""The domain of the local lab: a member with its domain controller, and what changes do to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from known import CATALOGUE

from harness.clients.base import attempt
from harness.conduct.orders import survey_of
from harness.conduct.refusals import believed
from harness.conduct.workers import Done
from harness.errors import LabFault
from harness.exposures.survey import survey
from harness.labs.domain import controller
from harness.labs.domain.names import address_of
from harness.labs.domain.server import MemberServer
from harness.labs.local import LocalLab
from harness.labs.marked import marked
from harness.mitigations.base import NotApplicableError
from harness.model import (
    STATUS_OK,
    Check,
    Dialect,
    Domain,
    Effect,
    Hole,
    Outcome,
    Side,
    Sighting,
    StepName,
)
from harness.planning import scenario, selecting
from harness.servers.live import How, LiveServer
from harness.smb.control import try_session
from harness.smb.status import NO_KERBEROS

pytestmark = [pytest.mark.local_lab, pytest.mark.xdist_group("domain")]
MEMBER = "samba-ad-member"
SERVED: tuple[Outcome, str | None] = (Outcome.OK, None)


@pytest.fixture(scope="module")
def member(domain_lab: LocalLab) -> Iterator[MemberServer]:
    with domain_lab.serve(CATALOGUE.servers[MEMBER]) as live:
        assert isinstance(live, MemberServer)
        yield live


def domain(live: MemberServer) -> Domain:
    assert live.target.domain is not None
    return live.target.domain


def logon(live: MemberServer) -> tuple[Outcome, str | None]:
    made = try_session(live.target, Check.OPEN, dialects=tuple(Dialect))
    return made.outcome, made.status


NTLM = {"ntlm-accepted", "ntlm-accepted-by-dc"}
OWN = "ntlm-accepted-own-accounts"
SPN = "spn-not-validated"
RC4 = {"rc4-tickets", "rc4-service-ticket"}
NTLMV1 = {"ntlmv1-accepted", "ntlmv1-accepted-by-dc"}
SIGNING = {"smb2-signing-not-required", "dc-signing-not-required"}
HOLES = (*sorted(NTLM | RC4 | NTLMV1 | SIGNING), OWN, SPN, "kerberos-not-offered", "cve-2025-33073")


def seen(live: LiveServer) -> Mapping[str, Sighting]:
    made = survey(CATALOGUE.exposures, replace(survey_of(live), only=HOLES))
    assert made.fallen == ""
    assert [one for one in made.seen.values() if one.state is Hole.UNKNOWN] == []
    return made.seen


def holes(live: LiveServer) -> set[str]:
    """Which of them are open now."""
    return {name for name, one in seen(live).items() if one.state is Hole.OPEN}


def test_a_user_of_the_domain_is_served(member: MemberServer) -> None:
    said = member.prove(serves=True)
    assert "LDAP took a signed bind" in said
    assert "listed the share over SMB 3.1.1" in said
    fact = member.fact()
    assert (fact.software[:10], fact.fidelity) == ("Samba 4.22", "real")
    assert fact.packages[0].startswith("samba 2:4.22.")


def test_its_names_lead_to_it(member: MemberServer) -> None:
    here = domain(member)
    for name in (here.host, here.alias, here.alias_with_spn):
        assert address_of(here.controller, name, 20) == member.target.address
    assert address_of(here.controller, "dc1.lab.test", 20) == here.controller
    assert address_of(here.controller, "nobody.lab.test", 20) == ""


def test_changes_are_seen_and_do_what_they_are_expected_to(member: MemberServer) -> None:
    """NTLM off at the member changes nothing for users of the domain; off in the domain it keeps them out.

    And each closes other holes: what a member's own accounts may is the member's alone.
    """
    before = member.state
    at_first = NTLM | {OWN, SPN, "rc4-tickets", "smb2-signing-not-required"}
    shut = {"ntlm-off-member": {OWN}, "ntlm-off-domain": NTLM | {SPN}, "rc4-off": {"rc4-tickets"}}
    assert holes(member) == at_first
    blocked = (Outcome.REFUSED, "STATUS_NTLM_BLOCKED")
    wanted = {"ntlm-off-member": SERVED, "ntlm-off-domain": blocked, "rc4-off": SERVED}
    changes = {name: CATALOGUE.mitigation(name) for name in wanted}
    came = {}
    assert [name for name, change in changes.items() if change.verify(member).in_effect] == []
    for name, change in changes.items():
        # The restart for one takes back the one before, too.
        member.become(change.changed(before, member.server), change.how)
        came[name] = logon(member)
        assert [one for one, other in changes.items() if other.verify(member).in_effect] == [name]
        assert "LDAP took a signed bind" in member.prove(serves=came[name] == SERVED)
        assert member.complaints(before) == ()
        assert holes(member) == at_first - shut[name]
    assert came == wanted
    lax = before.controller.with_globals(ntlm_auth="ntlmv1-permitted", server_signing="auto")
    member.become(replace(before, controller=lax), How.RESTART)
    assert holes(member) == at_first | NTLMV1 | {"dc-signing-not-required"}
    member.become(before, How.RESTART)
    assert [name for name, change in changes.items() if change.verify(member).in_effect] == []


def test_this_years_switches_take_what_their_scenario_says(member: MemberServer) -> None:
    """Of domain-hardening-today, which as a whole takes two domains and ten changes, what no other test has.

    That are signing, encryption and all of them together, on the running member, by every client of it; the
    other two parts are stages of domain-ntlm-off and domain-rc4-off (test_domain_scenarios).
    """
    script = scenario.find(CATALOGUE, "domain-hardening-today").scenario
    whole = next(name for name in script.mitigations if "+" in name)
    before, told = member.state, dict[str, Effect]()
    for name in ("signing-required", "encryption-required", whole):
        change = CATALOGUE.mitigation(name)
        member.become(change.changed(before, member.server), change.how)
        assert change.verify(member).in_effect
        for client in map(CATALOGUE.clients.__getitem__, script.clients):
            made = attempt(client, Check.OPEN_BY_NAME, member.target, change.on_client(client.policy, client))
            cell = f"{name}:{MEMBER}:{client.name}:{Check.OPEN_BY_NAME}"
            told[cell] = {Outcome.OK: Effect.KEPT, Outcome.REFUSED: Effect.LOST}[made.outcome]
    wanted = {
        hole
        for change_name, server, hole in scenario.closings(CATALOGUE, script, scenario.cells(script))
        if (change_name, server) == (whole, MEMBER)
    }
    assert len(wanted) >= 5
    shown = survey(CATALOGUE.exposures, replace(survey_of(member), only=tuple(sorted(wanted)))).seen
    assert shown.keys() == wanted
    assert not [name for name, one in shown.items() if one.state in (Hole.OPEN, Hole.UNKNOWN)]
    member.become(before, How.RESTART)
    expected = {
        str(cell): next(one.expected for one in script.claims if selecting.matches(one.cells, cell))
        for cell in scenario.cells(script)
        if str(cell) in told
    }
    assert told == expected
    assert set(told.values()) == {Effect.KEPT, Effect.LOST}


def test_what_a_domain_controllers_own_account_says_is_no_change() -> None:
    change, server = CATALOGUE.mitigation("aes-machine-account"), CATALOGUE.servers["samba-ad-dc"]
    with pytest.raises(NotApplicableError, match="domain controller's own account"):
        change.changed(server.state, server)


def test_what_is_said_of_accounts_is_seen_and_taken_back(member: MemberServer) -> None:
    before = member.state
    changes = {name: CATALOGUE.mitigation(name) for name in CATALOGUE.mitigations if name in OF_DIRECTORY}
    first = {name: change.verify(member) for name, change in changes.items()}
    assert not any(one.in_effect for one in first.values())
    for name, change in changes.items():
        # Each takes back the one before, too; nothing is started anew for it.
        running = member.software().pid
        member.become(change.changed(before, member.server), change.how)
        assert member.state.directory != before.directory
        assert [one for one, other in changes.items() if other.verify(member).in_effect] == [name]
        assert "LDAP took a signed bind" in member.prove(serves=False)
        assert member.software().pid == running
    member.become(before, How.RESTART)
    assert {name: change.verify(member) for name, change in changes.items()} == first


def test_the_domain_controller_is_probed_as_every_server_is(domain_lab: LocalLab) -> None:
    """What it requires and offers by itself, and what is left of its holes without NTLM."""
    change = CATALOGUE.mitigation("ntlm-off")
    with domain_lab.serve(CATALOGUE.servers["samba-ad-dc"]) as live:
        before = seen(live)
        assert {name for name, one in before.items() if one.state is Hole.OPEN} == NTLM | {SPN, "rc4-tickets"}
        assert "a user of the domain at the domain controller with NTLMv2" in before["ntlm-accepted"].evidence
        assert before[OWN].state is Hole.NOT_EXPOSED
        assert "lists MS-KRB5, KRB5, NTLMSSP" in before["kerberos-not-offered"].evidence
        assert before["cve-2025-33073"].evidence.endswith("this is samba; signing is required")
        live.become(change.changed(live.state, live.server), change.how)
        assert change.verify(live).in_effect
        assert holes(live) == {"rc4-tickets"}
        # Together: each is seen by a client that gets in with a ticket, where NTLM is what the other takes.
        state = live.state
        others = [CATALOGUE.mitigation(name) for name in ("rc4-off", "encryption-required")]
        for other in others:
            state = other.changed(state, live.server)
        live.become(state, How.RESTART)
        assert live.complaints(CATALOGUE.servers["samba-ad-dc"].state) == ()
        assert [one.verify(live).in_effect for one in (change, *others)] == [True, True, True]
        assert holes(live) == set()


@pytest.mark.parametrize("name", ["samba-ad-member-4.17", "samba-ad-member-4.25"])
def test_members_of_other_releases(domain_lab: LocalLab, name: str) -> None:
    with domain_lab.serve(replace(CATALOGUE.servers[name], on_network=True)) as live:
        assert live.fact().software.startswith(f"Samba {name[-4:]}.")
        assert try_session(live.target, Check.WRITE, dialects=tuple(Dialect)).outcome is Outcome.OK
        # What announces it has an image of its own, without the files of a domain.
        for change in (CATALOGUE.mitigation("mdns-on"), CATALOGUE.mitigation("ws-discovery-on")):
            before = live.state
            assert not change.verify(live).in_effect
            change.apply(live)
            assert change.verify(live).in_effect
            change.revert(live, before)
            assert not change.verify(live).in_effect


def test_a_domain_that_does_not_serve_is_told(member: MemberServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its LDAP takes no bind, its DNS does not know a name: a fault with the reason, whatever else works."""
    controller = member.controller
    with monkeypatch.context() as wrong:
        # Of the instance: it is a server of this test's.
        wrong.setattr(controller, "_password", "not this one")
        with pytest.raises(LabFault, match="the domain controller does not serve"):
            member.prove(serves=True)
    with monkeypatch.context() as wrong:
        wrong.setattr(controller, "_names", {"nobody.lab.test": member.target.address})
        with pytest.raises(LabFault, match=r"the domain's DNS says no such name of nobody\.lab\.test"):
            member.prove_domain(answers=True)
    member.prove(serves=True)


def test_an_ldap_that_does_not_come_up_is_told(member: MemberServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its KDC gives tickets long before: that is no domain controller that serves."""
    before = member.state
    without = before.controller.with_globals(server_services="s3fs, rpc, kdc, winbindd, dns")
    with monkeypatch.context() as hurried:
        hurried.setattr(controller, "START_SECONDS", 3.0)
        with pytest.raises(LabFault, match=r"the domain controller at 127\.[0-9.]+.*: LDAP does not listen"):
            member.become(replace(before, controller=without), How.RESTART)
    with pytest.raises(LabFault, match="the domain controller does not serve: LDAP does not listen"):
        member.prove(serves=True)
    member.controller.stop()
    member.controller.write(member._controller_text(before))
    member.controller.start()
    assert "LDAP took a signed bind" in member.prove(serves=True)


def test_without_its_domain_controller_it_is_a_fault(domain_lab: LocalLab, member: MemberServer) -> None:
    """And when the server goes, all of the domain goes; another one beside it is not touched.

    What a client is told then is no refusal: nobody meant the domain controller to be down.
    """
    with domain_lab.serve(CATALOGUE.servers[MEMBER]) as live:
        assert isinstance(live, MemberServer)
        marks = [live.mark, f"{live.mark}-dc1"]
        assert all(map(marked, marks))
        live.controller.stop()
        for look in (lambda: live.prove(serves=True), live.software):
            with pytest.raises(LabFault, match="domain controller is gone"):
                look()
        made = try_session(live.target, Check.OPEN, dialects=tuple(Dialect))
        assert made.status == "STATUS_NO_LOGON_SERVERS"
        judged = believed(Done(made, True), live)
        assert (judged.outcome, "which is no refusal" in judged.note) == (Outcome.FAULT, True)
        assert domain(live).controller != domain(member).controller
        assert "listed the share" in member.prove(serves=True)
    assert not any(map(marked, marks))


OF_DIRECTORY = ("protected-users", "aes-machine-account", "account-lockout")
PERSONAS = (
    "windows-7",
    "windows-10-22h2",
    "windows-11-24h2",
    "windows-server-2022",
    "macos-13",
    "samba-smbclient-4",
)
TICKETS = (StepName.KERBEROS_AS, StepName.KERBEROS_TGS)
UNKNOWN = "KDC_ERR_S_PRINCIPAL_UNKNOWN"
WAYS = {
    # How the server is called: how it is logged on to, and what the questions to the KDC came to.
    Check.OPEN_BY_NAME: ("Kerberos (AES-256)", [STATUS_OK, STATUS_OK]),
    Check.OPEN_BY_ADDRESS: ("NTLMv2", []),
    Check.OPEN_BY_ALIAS: ("NTLMv2", [STATUS_OK, UNKNOWN]),
    Check.OPEN_BY_SPN_ALIAS: ("Kerberos (AES-256)", [STATUS_OK, STATUS_OK]),
}


@pytest.mark.parametrize("name", PERSONAS)
def test_an_emulated_client_logs_on_as_its_kind_does(member: MemberServer, name: str) -> None:
    client = CATALOGUE.clients[name]
    for check, (auth, asked) in WAYS.items():
        made = attempt(client, check, member.target, client.policy)
        assert (made.outcome, made.auth) == (Outcome.OK, auth), (check, made)
        assert [step.status for step in made.steps if step.name in TICKETS] == asked
    # The key of the session is that of the ticket: what is signed and encrypted with it is understood.
    if Dialect.SMB3_11 is client.policy.max_dialect:
        sealed = replace(client.policy, require_encryption=True)
        made = attempt(client, Check.WRITE, member.target, sealed)
        assert (made.outcome, made.auth, made.encrypted) == (Outcome.OK, "Kerberos (AES-256)", True)


def test_a_client_whose_ntlm_is_blocked_has_its_ticket_or_nothing(member: MemberServer) -> None:
    client = CATALOGUE.clients["windows-11-24h2"]
    blocked = replace(client.policy, ntlm=False)
    said = {
        check: (made.outcome, made.step, made.status, made.side)
        for check in WAYS
        if (made := attempt(client, check, member.target, blocked))
    }
    assert said == {
        Check.OPEN_BY_NAME: (Outcome.OK, None, None, None),
        Check.OPEN_BY_ADDRESS: (Outcome.REFUSED, StepName.SESSION_SETUP, NO_KERBEROS, Side.CLIENT),
        Check.OPEN_BY_ALIAS: (Outcome.REFUSED, StepName.KERBEROS_TGS, UNKNOWN, Side.SERVER),
        Check.OPEN_BY_SPN_ALIAS: (Outcome.OK, None, None, None),
    }
