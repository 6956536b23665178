"""The domain of the local lab: a member with its domain controller, and what changes do to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from known import CATALOGUE

from harness.errors import LabFault
from harness.labs.domain.names import address_of
from harness.labs.domain.server import MemberServer
from harness.labs.local import LocalLab
from harness.labs.marked import marked
from harness.model import Check, Dialect, Domain, Outcome
from harness.servers.live import How
from harness.smb.control import try_session

pytestmark = [pytest.mark.local_lab, pytest.mark.xdist_group("domain")]
MEMBER = "samba-ad-member"


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


def test_ntlm_is_switched_off_on_the_domain_controller(member: MemberServer) -> None:
    """At the member it changes nothing for the domain's users."""
    before = member.state
    member.become(replace(before, conf=before.conf.with_globals(ntlm_auth="disabled")), How.RESTART)
    assert logon(member) == (Outcome.OK, None)
    member.become(
        replace(before, controller=before.controller.with_globals(ntlm_auth="disabled")), How.RELOAD
    )
    assert logon(member) == (Outcome.REFUSED, "STATUS_NTLM_BLOCKED")
    assert "LDAP took a signed bind" in member.prove(serves=False)
    member.become(before, How.RELOAD)
    assert logon(member) == (Outcome.OK, None)


def test_without_its_domain_controller_it_is_a_fault(domain_lab: LocalLab) -> None:
    """And when the server goes, all of the domain goes."""
    with domain_lab.serve(CATALOGUE.servers[MEMBER]) as live:
        assert isinstance(live, MemberServer)
        marks = [live.mark, f"{live.mark}-dc1"]
        assert all(map(marked, marks))
        live.controller.stop()
        for look in (lambda: live.prove(serves=True), live.software):
            with pytest.raises(LabFault, match="domain controller is gone"):
                look()
    assert not any(map(marked, marks))
