"""What decides the holes of a domain where no server of the lab shows it: a Windows that validates names, a
server that offers no Kerberos, one of which nobody said whether it is in a domain."""

from __future__ import annotations

from datetime import date

import pytest
from known import CATALOGUE

from harness.exposures._probe_cache import ProbeCache
from harness.exposures._response import Response
from harness.exposures.base import Subject
from harness.model import STATUS_OK, Dialect, Domain, Hole, Target
from harness.servers.live import ServerInternals
from harness.smb import spnego
from harness.smb.control import AuthKind
from harness.smb.negotiation import Smb2Chosen
from harness.smb.offer import SigningAlgorithm, Smb2Hello

DOMAIN = Domain("LAB.TEST", "LAB", "127.0.0.9", "files.lab.test", "alias.lab.test", "service.lab.test")
NOWHERE = Target("127.0.0.1", "share", "alice", "secret", 9)
IN_DOMAIN = Target("127.0.0.1", "share", "alice", "secret", 9, domain=DOMAIN)
TODAY = date(2026, 11, 25)
OF_DOMAINS = (
    "ntlm-accepted-by-dc",
    "ntlmv1-accepted-by-dc",
    "ntlm-accepted-own-accounts",
    "dc-signing-not-required",
    "rc4-tickets",
    "rc4-service-ticket",
)


def chosen(*mechanisms: str) -> Smb2Chosen:
    """An answer to NEGOTIATE that lists these in its security buffer: [MS-SMB2] 2.2.4."""
    blob = spnego.init(mechanisms, b"") if mechanisms else b""
    place = (128).to_bytes(2, "little") + len(blob).to_bytes(2, "little")
    reply = bytes(64 + 56) + place + bytes(4) + blob
    hello = Smb2Hello((Dialect.SMB3_11,), 1, 0, (), 1, 31)
    algorithm = SigningAlgorithm.AES_CMAC
    return Smb2Chosen(hello, Dialect.SMB3_11, 1, 0, 1, 1, 1, None, algorithm, b"", 1, reply=reply)


@pytest.mark.parametrize("name", OF_DOMAINS)
def test_without_a_domain_nothing_is_said_of_one(name: str) -> None:
    probe = CATALOGUE.exposures[name].probe
    assert probe(Subject(NOWHERE, TODAY, alone=True)).state is Hole.NOT_EXPOSED
    seen = probe(Subject(NOWHERE, TODAY))
    assert (seen.state, "is not known" in seen.evidence) == (Hole.UNKNOWN, True)


@pytest.mark.parametrize(
    ("target", "mechanisms", "state"),
    [
        (IN_DOMAIN, ("NTLMSSP",), Hole.OPEN),
        (IN_DOMAIN, ("NEGOEX", "MS-KRB5", "KRB5", "NTLMSSP"), Hole.CLOSED),
        (IN_DOMAIN, ("KRB5",), Hole.CLOSED),
        (NOWHERE, ("MS-KRB5", "NTLMSSP"), Hole.CLOSED),
        (NOWHERE, ("NTLMSSP",), Hole.UNKNOWN),
        # A server may leave the list out: that says nothing.
        (IN_DOMAIN, (), Hole.UNKNOWN),
    ],
)
def test_whether_kerberos_is_offered(
    monkeypatch: pytest.MonkeyPatch, target: Target, mechanisms: tuple[str, ...], state: Hole
) -> None:
    monkeypatch.setattr(ProbeCache, "best", Response(STATUS_OK, value=chosen(*mechanisms)))
    assert CATALOGUE.exposures["kerberos-not-offered"].probe(Subject(target, TODAY)).state is state


@pytest.mark.parametrize(
    ("right", "wrong", "state"),
    [
        (STATUS_OK, STATUS_OK, Hole.OPEN),
        # What SmbServerNameHardeningLevel answers.
        (STATUS_OK, "STATUS_ACCESS_DENIED", Hole.CLOSED),
        (STATUS_OK, "CLOSED", Hole.UNKNOWN),
        ("STATUS_NTLM_BLOCKED", STATUS_OK, Hole.NOT_EXPOSED),
        # Of the account alone: Protected Users.
        ("STATUS_ACCOUNT_RESTRICTION", STATUS_OK, Hole.UNKNOWN),
        ("TIMEOUT", STATUS_OK, Hole.UNKNOWN),
    ],
)
def test_whether_the_name_in_a_logon_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, right: str, wrong: str, state: Hole
) -> None:
    def logon(_: ProbeCache, auth: AuthKind) -> Response[bool]:
        assert auth == "other server"
        return Response(wrong)

    monkeypatch.setattr(ProbeCache, "newest_logon", Response(right))
    monkeypatch.setattr(ProbeCache, "logon", logon)
    assert CATALOGUE.exposures["spn-not-validated"].probe(Subject(NOWHERE, TODAY)).state is state


def test_where_nobody_has_an_account_there_is_none_to_relay() -> None:
    probe = CATALOGUE.exposures["spn-not-validated"].probe
    inside = ServerInternals("samba", "4.22.11")
    assert probe(Subject(NOWHERE, TODAY, inside, account=False)).state is Hole.NOT_EXPOSED
    assert probe(Subject(NOWHERE, TODAY, account=False)).state is Hole.UNKNOWN


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (STATUS_OK, Hole.OPEN),
        ("STATUS_NTLM_BLOCKED", Hole.CLOSED),
        # It may be the password.
        ("STATUS_LOGON_FAILURE", Hole.UNKNOWN),
        ("RESET", Hole.UNKNOWN),
    ],
)
def test_whether_ntlm_is_accepted(monkeypatch: pytest.MonkeyPatch, answer: str, state: Hole) -> None:
    monkeypatch.setattr(ProbeCache, "best", Response(STATUS_OK, value=chosen("NTLMSSP")))
    monkeypatch.setattr(ProbeCache, "newest_logon", Response(answer))
    for name, target in (("ntlm-accepted", NOWHERE), ("ntlm-accepted-by-dc", IN_DOMAIN)):
        assert CATALOGUE.exposures[name].probe(Subject(target, TODAY)).state is state


def test_a_members_own_configuration_says_nothing_of_the_domains_users() -> None:
    inside = ServerInternals("samba", "4.22.11", settings={"ntlm auth": "disabled"})
    for name in ("ntlm-accepted", "ntlmv1-accepted"):
        probe = CATALOGUE.exposures[name].probe
        assert probe(Subject(NOWHERE, TODAY, inside, account=False)).state is Hole.CLOSED
        assert probe(Subject(IN_DOMAIN, TODAY, inside, account=False)).state is Hole.UNKNOWN
