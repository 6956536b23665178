"""Kerberos in captures: what clients list and prove themselves with, what they ask KDCs; nothing secret."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from commandline import rehearse
from hypothesis import given, settings
from hypothesis import strategies as st
from learning import only
from packet_maker import (
    Talk,
    av_pairs,
    ethernet,
    framed,
    ip,
    ntlm_authenticate,
    ntlm_negotiate,
    pcap,
    smb2_header,
    smb2_negotiate,
    smb2_session_setup,
    tcp,
    udp,
    written,
)
from ticket_maker import ap_req, as_req, error, negotiation, reply, tgs_req
from ticket_maker import framed as gss

from harness.learn import matching
from harness.learn.study import NothingSeen, Study, study
from harness.report import learned
from harness.report.page import console_for
from harness.smb.tap import asn1, kdc, kerberos

WINDOWS = (0x0202, 0x0210, 0x0300, 0x0302)
LISTED = ("MS-KRB5", "KRB5", "NEGOEX", "NTLMSSP")
CLIENT, SERVER, SIX = "192.0.2.10", "192.0.2.1", ("2001:db8::10", "2001:db8::1")
ETYPES = (18, 17, 23, 24, -135)


@cache
def known() -> tuple[matching.KnownPersona, ...]:
    return tuple(matching.personas())


def learn(tmp_path: Path, frames: list[bytes]) -> Study:
    return study([written(tmp_path, pcap(frames))], known())


def logged_on(service: tuple[str, ...] = ("cifs", "files.secret.test"), **how: object) -> Talk:
    token = negotiation(LISTED, gss(ap_req(service, **how)))  # type: ignore[arg-type]
    return Talk().opened().says(smb2_negotiate(WINDOWS)).says(smb2_session_setup(token), piece=700)


def by_tcp(*messages: tuple[bytes, bytes | None], ends: tuple[str, str] = (CLIENT, SERVER)) -> list[bytes]:
    frames = []
    for port, (question, answer) in enumerate(messages, 50100):
        talk = Talk(client=ends[0], server=ends[1], port=port, to=88).opened().says(question, piece=90)
        frames += (talk.hears(answer) if answer else talk).frames
    return frames


def by_udp(question: bytes, answer: bytes | None, ends: tuple[str, str] = (CLIENT, SERVER)) -> list[bytes]:
    frames = [ethernet(ip(*ends, udp(50200, 88, question), 17))]
    return frames + ([ethernet(ip(*ends[::-1], udp(88, 50200, answer), 17))] if answer else [])


@pytest.mark.parametrize(
    ("service", "form"),
    [
        (("cifs", "files"), "cifs/host"),
        (("cifs", "files.secret.test"), "cifs/host.domain"),
        (("cifs", "192.0.2.1"), "cifs/address"),
        (("cifs", "2001:db8::1"), "cifs/address"),
        (("cifs", "files.secret.test@SECRET.TEST"), "cifs/host.domain@realm"),
        (("cifs", "LKDC:SHA1.0123456789ABCDEF"), "cifs/lkdc"),
        (("cifs", ""), "cifs/"),
        (("cifs",), "cifs"),
        (("secretuser",), "name"),
        (("krbtgt", "SECRET.TEST"), "krbtgt/realm"),
        (("HOST", "files", "secret.test"), "HOST/host/host.domain"),
    ],
)
def test_a_service_is_told_by_its_form_alone(service: tuple[str, ...], form: str) -> None:
    assert kerberos.form(*service) == form


@pytest.mark.parametrize("mutual", [True, False])
def test_a_logon_with_kerberos_tells_what_is_in_the_clear(tmp_path: Path, mutual: bool) -> None:
    talk = logged_on(etypes=(23, 18), mutual=mutual, kind=3)
    client = only(learn(tmp_path, talk.frames))
    fields = client.facts.fields
    assert fields["kerberos.mechanisms"] == list(LISTED)
    assert fields["kerberos.options"] == (kerberos.MUTUAL if mutual else 0)
    assert fields["kerberos.name_type"] == 3
    (logon,) = learned.logons(client.software.contacts)
    said = learned.told(logon)
    assert "a ticket of rc4-hmac for cifs/host.domain (name type 3)" in said
    assert "authenticator aes256-cts-hmac-sha1-96" in said
    assert ("need not" in said) != mutual


def test_a_ticket_that_comes_with_the_second_token_has_the_list_of_the_first(tmp_path: Path) -> None:
    talk = Talk().opened().says(smb2_negotiate(WINDOWS)).says(smb2_session_setup(negotiation(LISTED, b"")))
    second = gss(ap_req(("cifs", "files")))
    response = b"\xa1\x82" + struct.pack(">H", len(second) + 12) + b"\x30\x82"
    response += struct.pack(">H", len(second) + 8) + b"\xa2\x82" + struct.pack(">H", len(second) + 4)
    response += b"\x04\x82" + struct.pack(">H", len(second)) + second
    client = only(learn(tmp_path, talk.says(smb2_session_setup(response)).frames))
    assert client.facts.fields["kerberos.mechanisms"] == list(LISTED)
    assert client.facts.fields["kerberos.options"] == kerberos.MUTUAL


@pytest.mark.parametrize("ends", [(CLIENT, SERVER), SIX], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("way", ["tcp", "udp"])
def test_what_a_kdc_is_asked_is_read_from_both_transports(
    tmp_path: Path, way: str, ends: tuple[str, str]
) -> None:
    question, answer = tgs_req(("cifs", "files"), ETYPES), reply((18, 23), ("cifs", "files"), first=False)
    frames = by_udp(question, answer, ends) if way == "udp" else by_tcp((question, answer), ends=ends)
    with pytest.raises(NothingSeen, match="only what 1 host asked Kerberos KDCs") as nothing:
        learn(tmp_path, frames)
    (host,) = nothing.value.study.hosts
    assert host.address == ends[0]
    (one,) = host.exchanges
    assert (one.transport, one.request.etypes) == (way, ETYPES)
    assert one.request.service.form == "cifs/host"
    assert one.answer == kdc.KdcAnswer("TGS-REP", "", 18, 23)


def test_how_a_client_asks_becomes_fields_of_its_persona(tmp_path: Path) -> None:
    frames = by_tcp(
        (as_req(ETYPES, proof=False), error(25)),
        (as_req(ETYPES), reply((18, 18), ("krbtgt", "SECRET.TEST"), first=True)),
        (tgs_req(("cifs", "files"), (18, 23)), reply((18, 18), ("cifs", "files"), first=False)),
    )
    fields = only(learn(tmp_path, frames + logged_on().frames)).facts.fields
    assert fields["kerberos.as_etypes"] == list(ETYPES)
    assert fields["kerberos.tgs_etypes"] == [18, 23]
    assert fields["kerberos.as_options"] == 0x40810010
    assert fields["kerberos.asks_first"] is True
    assert fields["kerberos.as_padata"] == [2, 128]
    assert fields["kerberos.transport"] == "tcp"
    assert fields["kerberos.till"] == "20370913024805Z"


def test_an_end_of_a_ticket_that_is_a_moment_is_not_told(tmp_path: Path) -> None:
    with pytest.raises(NothingSeen) as nothing:
        learn(tmp_path, by_udp(as_req(ETYPES, till="20261130101010Z"), None))
    (one,) = nothing.value.study.hosts[0].exchanges
    assert one.request.till == ""
    assert one.request.renew is True


def test_which_of_several_programs_asked_is_not_claimed(tmp_path: Path) -> None:
    other = Talk(port=50001).opened().says(smb2_negotiate([0x0210, 0x0300]))
    first = Talk(port=50002).opened().says(smb2_negotiate([0x0202]))
    asked = by_udp(as_req(ETYPES), error(14))
    found = learn(tmp_path, asked + first.frames + other.frames)
    assert len(found.clients) == 2
    for client in found.clients:
        assert not any(name.startswith("kerberos.") for name in client.facts.fields)
        assert any("which of them asked is not known" in note for note in client.facts.notes)


def test_a_question_that_is_sent_again_is_told_once_and_one_without_an_answer_is_told(tmp_path: Path) -> None:
    frames = by_udp(as_req(ETYPES), None) * 2 + by_udp(as_req(ETYPES), error(37))
    frames += by_udp(as_req((23,)), None)
    with pytest.raises(NothingSeen) as nothing:
        learn(tmp_path, frames)
    answers = [one.answer.error if one.answer else None for one in nothing.value.study.hosts[0].exchanges]
    assert answers == ["KRB_AP_ERR_SKEW", None]


def test_a_capture_of_a_kdc_alone_is_shown_and_is_no_client(tmp_path: Path) -> None:
    path = written(tmp_path, pcap(by_tcp((as_req(ETYPES), error(14)))))
    ended = rehearse("learn", path, env={"COLUMNS": "300"})
    assert ended.status == 3
    assert "AS-REQ for krbtgt/realm (name type 2), with the encrypted time" in ended.stdout
    assert "KDC_ERR_ETYPE_NOSUPP" in ended.stdout
    assert ended.stderr.startswith("rehearse: made.pcap holds no SMB: only what 1 host asked Kerberos KDCs")
    document = json.loads(rehearse("learn", path, "--json").stdout)
    (asked,) = document["hosts"][0]["kdc"]
    assert (asked["kind"], asked["answer"], asked["etypes"]) == (
        "AS-REQ",
        "KDC_ERR_ETYPE_NOSUPP",
        list(ETYPES),
    )


@pytest.mark.parametrize(
    ("pairs", "target"),
    [
        ([(9, "cifs/192.0.2.1")], "cifs/address"),
        ([(9, "cifs/files.secret.test")], "cifs/host.domain"),
        ([(9, "cifs/files@SECRET")], "cifs/host@realm"),
        ([(9, "cifs/")], "cifs/"),
        ([(9, "")], ""),
        ([], None),
    ],
)
def test_the_service_name_in_an_ntlmv2_response_is_told_by_its_form(
    tmp_path: Path, pairs: list[tuple[int, str]], target: str | None
) -> None:
    proof = av_pairs([(kind, text.encode("utf-16-le")) for kind, text in [(3, "secret"), *pairs]])
    proof_message = ntlm_authenticate(
        [b"secretdomain", b"secretuser", b"secrethost"], nt=proof, bare_flags=False
    )
    talk = Talk().opened().says(smb2_negotiate(WINDOWS)).says(smb2_session_setup(ntlm_negotiate()))
    talk.hears(smb2_header(1, 2, response=True, status=0xC0000016) + struct.pack("<HHHH", 9, 0, 72, 0))
    client = only(learn(tmp_path, talk.says(smb2_session_setup(proof_message)).frames))
    (logon,) = learned.logons(client.software.contacts)
    assert logon.proof is not None
    assert logon.proof.target == target
    assert ("target name" in learned.told(logon)) == (target is not None)
    told = learned.document(learn(tmp_path, talk.frames), {})
    assert f'"target_name": {json.dumps(target)}' in learned.render_json(told)
    assert "secret" not in learned.render_json(told).lower()


def test_nothing_of_a_ticket_and_no_name_is_told(tmp_path: Path) -> None:
    frames = by_tcp(
        (as_req(ETYPES), reply((18, 18), ("krbtgt", "SECRET.TEST"), first=True)),
        (tgs_req(("secretservice", "secrethost"), ETYPES), error(7)),
    )
    found = learn(tmp_path, frames + logged_on().frames)
    with (tmp_path / "terminal").open("w", encoding="utf-8") as stream:
        learned.render(found, {}, console_for(stream))
    said = learned.render_json(learned.document(found, {})) + (tmp_path / "terminal").read_text()
    assert "TGS-REQ for name/host" in said
    assert "secret" not in said.lower()
    assert "never-to-be-told" not in said


def damaged(frames: list[bytes]) -> Iterator[list[bytes]]:
    """Each frame cut off at some places, and each left out."""
    for at, frame in enumerate(frames):
        yield frames[:at] + frames[at + 1 :]
        for size in range(34, len(frame), 61):
            yield [*frames[:at], frame[:size], *frames[at + 1 :]]


def test_what_is_cut_off_or_missing_is_not_claimed_and_never_fails(tmp_path: Path) -> None:
    frames = by_tcp((tgs_req(("cifs", "files"), ETYPES), error(7)))
    frames += by_udp(as_req(ETYPES), error(25)) + logged_on().frames
    whole = only(learn(tmp_path, frames)).facts.fields
    for some in damaged(frames):
        try:
            found = learn(tmp_path, some)
        except NothingSeen:
            continue
        for client in found.clients:
            mine = {
                name: value for name, value in client.facts.fields.items() if name.startswith("kerberos.")
            }
            # Both are of its first question, and the other way was taken by the next.
            other = {"kerberos.asks_first", "kerberos.transport"}
            assert {name: value for name, value in mine.items() if whole[name] != value}.keys() <= other


MESSAGES = (
    as_req(ETYPES),
    tgs_req(("cifs", "files"), ETYPES),
    error(25),
    reply((18, 18), ("krbtgt", "X"), first=True),
    negotiation(LISTED, gss(ap_req(("cifs", "files")))),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(MESSAGES), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=8))
def test_damaged_messages_are_never_more_than_unreadable(
    message: bytes, changes: list[tuple[int, int]]
) -> None:
    made = bytearray(message)
    for at, byte in changes:
        made[at % len(made)] = byte
    kdc.message(bytes(made))
    kerberos.spnego(bytes(made))
    kerberos.read_ap_req(bytes(made))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600))
def test_anything_at_all_is_never_more_than_unreadable(data: bytes) -> None:
    kdc.message(data)
    kerberos.spnego(data)
    reader = kdc.KdcReader()
    reader.feed(data)
    assert reader.buffered <= kdc.MAX_MESSAGE + 4
    assert all(piece.size > 0 for piece in asn1.pieces(data))
    asn1.oid(data)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 400), max_size=40))
def test_the_same_is_read_however_the_stream_is_cut(sizes: list[int]) -> None:
    stream = b"".join(map(framed, MESSAGES[:4]))
    whole = kdc.KdcReader().feed(stream)
    reader, told, at = kdc.KdcReader(), [], 0
    for size in [*sizes, len(stream)]:
        told += reader.feed(stream[at : at + size])
        at += size
    assert told == whole
    assert len(whole) == 4


@pytest.mark.parametrize(
    "data",
    [
        b"\x7f" + b"\xff" * 100_000,
        b"\x30\x80" * 50_000,
        b"\x60\x84\xff\xff\xff\xff" + bytes(100_000),
        (b"\x06\x00" * 50_000),
    ],
    ids=["tag", "indefinite", "length", "many"],
)
def test_hostile_lengths_cost_nothing(data: bytes) -> None:
    assert kdc.message(data) is None
    kerberos.spnego(data)
    assert len(list(asn1.pieces(data))) <= 256


def test_a_packet_of_port_88_that_is_no_kerberos_is_let_go(tmp_path: Path) -> None:
    frames = [ethernet(ip(CLIENT, SERVER, tcp(50300, 88, 1, 0x18, b"GET / HTTP/1.1\r\n\r\n")))]
    with pytest.raises(NothingSeen, match="holds no SMB: 1 packets"):
        learn(tmp_path, frames)
