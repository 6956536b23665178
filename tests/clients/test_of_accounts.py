"""A client as an account of the domain: the other client as it is, under another name."""

from __future__ import annotations

from dataclasses import replace

from known import CATALOGUE

from harness.clients.base import attempt
from harness.clients.of_accounts import ComingAs
from harness.clients.persona import Persona
from harness.model import OVER_PHASES, Check, Domain, Outcome, Target

DOMAIN = Domain("LAB.TEST", "LAB", "127.20.0.1", "files.lab.test", "alias.lab.test", "service.lab.test")
TARGET = Target("127.20.0.2", "data", "alice", "secret", domain=DOMAIN)


def comers() -> list[ComingAs]:
    return [one for one in CATALOGUE.clients.values() if isinstance(one, ComingAs)]


def test_it_is_the_other_client_but_for_the_account() -> None:
    for one in comers():
        inner = CATALOGUE.clients[one.name.partition("-as-")[0]]
        assert (one.policy, one.has, one.fidelity, one.image) == (
            inner.policy,
            inner.has,
            inner.fidelity,
            inner.image,
        )
        assert one.checks == inner.checks - set(OVER_PHASES)
        assert one.account in one.name
        assert one.in_domain_alone
        # It is no kind of client of its own, which a capture or an inventory could name.
        assert not isinstance(one, Persona)
    assert {one.account for one in comers()} == {"aes-only", "rc4-only", "protected", "service"}


def test_its_target_is_that_of_its_account() -> None:
    there = replace(TARGET, domain=replace(DOMAIN, passwords=(("protected", "other"),)))
    assert (there.as_user("protected").user, there.as_user("protected").password) == ("protected", "other")
    assert "other" not in repr(there)


def test_where_there_is_no_such_account_it_does_nothing() -> None:
    for one in comers():
        made = attempt(one, Check.OPEN, TARGET, one.policy)
        assert made.outcome is Outcome.UNSUPPORTED
        assert made.note == f"the server is in no domain that has an account {one.account}"
