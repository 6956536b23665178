"""Tickets as each kind of client asks for them: a KDC and a service on impacket's types take all of it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from impacket.krb5 import crypto
from small_kdc import PASSWORD, REALM, USER, SmallKdc, key, opened, proven, serving

from harness.clients.persona_kerberos import KerberosTable
from harness.errors import LabFault, Refused
from harness.model import StepName, Target
from harness.model.targets import Domain
from harness.smb import spnego
from harness.smb.attempting import Log
from harness.smb.kerberos import logon as kerberos_logon
from harness.smb.kerberos import ticketed, tickets
from harness.smb.kerberos import wire as kdc_wire
from harness.smb.kerberos.manner import KerberosManner
from harness.smb.ntlm import Account
from harness.smb.tap import asn1, kdc, kerberos
from harness.smb.tap.kerberos import MUTUAL
from harness.system.deadline import Deadline

HOST = "files.lab.test"
ALICE = tickets.User(USER, PASSWORD, REALM)
PLAIN = KerberosManner()


@pytest.fixture(scope="module", params=[18, 17, 23], ids=["AES-256", "AES-128", "RC4"])
def small(request: pytest.FixtureRequest) -> Iterator[SmallKdc]:
    with serving(SmallKdc(etype=request.param)) as made:
        yield made


def way(small: SmallKdc, manner: KerberosManner) -> kdc_wire.Kdc:
    return kdc_wire.Kdc("127.0.0.1", manner.transport, Deadline(30), small.ports["tcp"])


def logon(small: SmallKdc, manner: KerberosManner, host: str = HOST) -> kerberos_logon.KerberosLogon:
    own = tickets.first(way(small, manner), manner, ALICE)
    return kerberos_logon.KerberosLogon(manner, tickets.service(way(small, manner), manner, own, host))


def shown(token: bytes) -> bytes:
    """The AP-REQ in a token."""
    outer = list(asn1.pieces(asn1.first(token, 0x60) or b""))
    framed = asn1.first(asn1.first(asn1.fields(outer[1].content)[2], 0x04) or b"", 0x60) or b""
    mechanism = next(asn1.pieces(framed))
    assert framed[mechanism.size : mechanism.size + 2] == b"\1\0"
    return framed[mechanism.size + 2 :]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_the_service_opens_what_the_client_shows_and_both_have_one_key(
    small: SmallKdc, transport: Any
) -> None:
    made = logon(small, replace(PLAIN, transport=transport))
    token = made.first()
    session, authenticator = opened(shown(token), f"cifs/{HOST}", 11)
    assert str(authenticator["crealm"]) == REALM
    assert [str(part) for part in authenticator["cname"]["name-string"]] == [USER]
    # RFC 4121 4.1.1: no channel bindings; mutual, replay, sequence, confidentiality and integrity.
    assert int(authenticator["cksum"]["cksumtype"]) == 0x8003
    bound = bytes(authenticator["cksum"]["checksum"])
    assert (bound[:4], bound[4:20]) == (b"\x10\0\0\0", bytes(16))
    assert int.from_bytes(bound[20:24], "little") == 2 | 4 | 8 | 16 | 32
    mine = bytes(authenticator["subkey"]["keyvalue"])
    chosen = crypto.random_to_key(session.enctype, b"\x09" * len(mine))
    reply = b"\x02\0" + proven(session, chosen)
    framed = spnego._tlv(0x60, spnego._oid("1.2.840.113554.1.2.2") + reply)
    made.accepted(spnego._tlv(0xA1, spnego._tlv(0x30, spnego._tlv(0xA2, spnego._tlv(0x04, framed)))))
    assert made.session_key == chosen.contents
    assert made.auth.startswith("Kerberos (")


def test_without_a_proof_of_the_server_the_clients_own_key_is_taken(small: SmallKdc) -> None:
    made = logon(small, replace(PLAIN, options=0))
    _, authenticator = opened(shown(made.first()), f"cifs/{HOST}", 11)
    made.accepted(b"")
    assert made.session_key == bytes(authenticator["subkey"]["keyvalue"])


@pytest.mark.parametrize("blob", [b"", b"\xa1\x02\x30\x00", b"\x60\x00", bytes(40)])
def test_a_server_that_had_to_prove_itself_and_did_not_is_a_fault(small: SmallKdc, blob: bytes) -> None:
    made = logon(small, PLAIN)
    made.first()
    with pytest.raises(LabFault, match="garbage"):
        made.accepted(blob)


def test_what_is_said_is_what_learn_reads(small: SmallKdc) -> None:
    small.heard.clear()
    token = logon(small, PLAIN).first()
    first, proven_, service = map(kdc.message, small.heard)
    assert isinstance(first, kdc.KdcRequest)
    assert isinstance(proven_, kdc.KdcRequest)
    assert isinstance(service, kdc.KdcRequest)
    assert (first.padata, proven_.padata, service.padata) == ((128,), (2, 128), (1, 167))
    assert first.etypes == PLAIN.as_etypes
    assert service.etypes == PLAIN.tgs_etypes
    assert (first.options, service.options) == (PLAIN.as_options, PLAIN.tgs_options)
    assert (first.till, first.renew, first.addresses) == (PLAIN.till, True, (20,))
    assert service.service == kerberos.Principal(2, "cifs/host.domain")
    read = kerberos.spnego(token)
    assert read is not None
    assert read.mechanisms == PLAIN.mechanisms
    assert read.ap_req is not None
    assert read.ap_req.options == MUTUAL


def test_an_answer_that_is_too_big_for_udp_is_had_by_tcp() -> None:
    with serving(SmallKdc(too_big=True)) as small:
        manner = replace(PLAIN, transport="udp")
        assert logon(small, manner).auth == "Kerberos (AES-256)"
        assert len(small.heard) == 4


def test_what_a_ticket_may_not_do_is_not_asked_of_the_next() -> None:
    """Tickets of Protected Users are not forwardable: who asks for such a one gets KDC_ERR_BADOPTION."""
    with serving(SmallKdc(flags=0x00800000)) as small:
        logon(small, PLAIN)
        (*_, last) = map(kdc.message, small.heard)
        assert isinstance(last, kdc.KdcRequest)
        assert last.options == PLAIN.tgs_options & ~0x40000000


@pytest.mark.parametrize(
    ("user", "etypes", "error"),
    [
        (replace(ALICE, password="wrong"), PLAIN.as_etypes, "KDC_ERR_PREAUTH_FAILED"),
        (ALICE, (17,), "KDC_ERR_ETYPE_NOSUPP"),
    ],
)
def test_the_kdcs_error_is_the_status(user: tickets.User, etypes: tuple[int, ...], error: str) -> None:
    with serving(SmallKdc()) as small:
        manner = replace(PLAIN, as_etypes=etypes)
        with pytest.raises(Refused) as refusal:
            tickets.first(way(small, manner), manner, user)
    assert refusal.value.status == error


def test_a_kdc_that_is_not_there_or_talks_nonsense_is_a_fault() -> None:
    class Nonsense(SmallKdc):
        def answer(self, question: bytes, way: str) -> bytes:  # noqa: ARG002 (as the other)
            return b"\x6b\x03\x02\x01\x05"

    with serving(Nonsense()) as small:
        with pytest.raises(LabFault, match="garbage"):
            tickets.first(way(small, PLAIN), PLAIN, ALICE)
        gone = way(small, PLAIN)
    with pytest.raises(LabFault, match="KDC"):
        tickets.first(gone, PLAIN, ALICE)


OTHER: dict[str, object] = {
    "mechanisms": ("KRB5", "NTLMSSP"),
    "as_etypes": (18, 17),
    "as_padata": (2,),
    "tgs_padata": (1,),
    "addresses": (),
    "till": "",
    "tgs_etypes": (18,),
}
OF_THE_WAY = {"transport", "falls_back", "by_address"}
"""Obeyed by the way that is taken, not in a message: see the tests of each."""


@pytest.fixture(scope="module")
def one() -> Iterator[SmallKdc]:
    with serving(SmallKdc()) as made:
        yield made


@pytest.mark.parametrize("field", sorted(set(KerberosTable.model_fields) - OF_THE_WAY))
def test_another_value_of_a_persona_sends_other_bytes(
    one: SmallKdc, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "urandom", lambda count: b"\x5a" * count)
    monkeypatch.setattr(tickets, "_time", lambda _: "20261130020000Z")
    value = getattr(PLAIN, field)
    numbers = itertools.chain([value ^ 1]) if isinstance(value, int) else iter(())
    other = OTHER.get(field, not value if isinstance(value, bool) else next(numbers, None))
    assert other is not None
    assert said(one, PLAIN) == said(one, PLAIN)
    changed = KerberosTable(**{field: other}).manner()  # type: ignore[arg-type]
    assert said(one, changed) != said(one, PLAIN), field


def said(small: SmallKdc, manner: KerberosManner) -> list[object]:
    """All that is said, without what is encrypted: that has the time in it."""
    small.heard.clear()
    token = b""
    with suppress(Refused):  # the salt of the user's key is another than it is by default
        token = logon(small, manner).first()
    return [*map(kdc.message, small.heard), kerberos.spnego(token)]


def test_the_fields_that_are_no_part_of_a_message_are_there() -> None:
    assert set(KerberosTable.model_fields) > OF_THE_WAY
    assert set(KerberosTable.model_fields) >= set(OTHER)
    assert KerberosTable().manner() == KerberosManner()


TARGET = Target(
    "127.0.0.1",
    "data",
    USER,
    PASSWORD,
    domain=Domain(REALM, "LAB", "127.0.0.1", HOST, "alias.lab.test", "x.lab.test"),
    name=HOST,
)


@pytest.fixture(autouse=True)
def heard(one: SmallKdc, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the KDC of the target is asked; it is on a port that an ordinary user can have."""
    way_there = kdc_wire.Kdc
    monkeypatch.setattr(
        ticketed, "Kdc", lambda address, by, limit: way_there(address, by, limit, one.ports["tcp"])
    )
    one.heard.clear()
    return one.heard


def asked(target: Target, manner: KerberosManner | None, *, ntlm: bool = True) -> tuple[str | None, Log]:
    log = Log()
    found = ticketed.logon(target, manner, Account(target.user, target.password), log, ntlm=ntlm)
    return (found.auth if found else None), log


def test_the_steps_are_those_of_the_two_questions() -> None:
    auth, log = asked(TARGET, PLAIN)
    assert auth == "Kerberos (AES-256)"
    assert [(step.name, step.ok, step.detail) for step in log.steps] == [
        (StepName.KERBEROS_AS, True, f"{TARGET.user}: AES-256, by the user's password"),
        (StepName.KERBEROS_TGS, True, f"cifs/{HOST}"),
    ]


@pytest.mark.parametrize(
    ("target", "manner"),
    [
        (replace(TARGET, domain=None), PLAIN),
        (TARGET, None),
        (replace(TARGET, user="", password=""), PLAIN),
        (replace(TARGET, name=""), PLAIN),
        (replace(TARGET, name="::1"), PLAIN),
    ],
    ids=["no-domain", "no-kerberos", "anonymous", "by-address", "by-IPv6"],
)
def test_who_needs_no_ticket_asks_for_none(
    heard: list[bytes], target: Target, manner: KerberosManner | None
) -> None:
    auth, log = asked(target, manner)
    assert auth is None
    assert log.steps == []
    assert heard == []


def test_who_asks_by_address_is_refused_a_ticket() -> None:
    manner = replace(PLAIN, by_address=True, falls_back=())
    with pytest.raises(Refused) as refusal:
        asked(replace(TARGET, name=""), manner)
    assert (refusal.value.status, refusal.value.step) == (
        "KDC_ERR_S_PRINCIPAL_UNKNOWN",
        StepName.KERBEROS_TGS,
    )


@pytest.mark.parametrize(
    ("back", "ntlm", "goes_on"),
    [
        (("KDC_ERR_S_PRINCIPAL_UNKNOWN",), True, True),
        (("*",), True, True),
        (("KDC_ERR_ETYPE_NOSUPP",), True, False),
        ((), True, False),
        (("*",), False, False),
    ],
)
def test_who_goes_on_with_ntlm_after_which_error(back: tuple[str, ...], ntlm: bool, goes_on: bool) -> None:
    target, manner = replace(TARGET, name="alias.lab.test"), replace(PLAIN, falls_back=back)
    if goes_on:
        auth, log = asked(target, manner, ntlm=ntlm)
        assert auth is None
        assert [step.status for step in log.steps] == ["STATUS_SUCCESS", "KDC_ERR_S_PRINCIPAL_UNKNOWN"]
    else:
        with pytest.raises(Refused, match="KDC_ERR_S_PRINCIPAL_UNKNOWN"):
            asked(target, manner, ntlm=ntlm)


def test_the_keys_of_passwords_are_those_of_the_library() -> None:
    for etype in (17, 18, 23):
        ours = tickets._key(etype, PASSWORD, "a salt of its own", (64).to_bytes(4, "big"))
        assert ours.contents == key(USER, etype).contents
