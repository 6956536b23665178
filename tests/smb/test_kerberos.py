"""Kerberos messages of a real client and a real KDC, and what is no message at all.

kdc_messages.json was recorded between smbclient 4.22 and the KDC of a Samba 4.22 domain controller, in a lab
that is gone; cifs/files.lab.test is a service there, cifs/alias.lab.test is none.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import CLOSED, RESET, STATUS_OK, StepName
from harness.smb.kerberos import names as kerberos
from harness.smb.tap import auth as tap_auth
from harness.smb.tap import smb2
from harness.smb.tap.kdc import Framed
from harness.smb.tap.kdc_trace import Denied, Granted, Question, Tickets, read, tickets
from harness.smb.tap.relay import KdcTap
from harness.smb.tap.trace import Tracer

RECORDED = {
    name: bytes.fromhex(text)
    for name, text in json.loads(Path(__file__).with_name("kdc_messages.json").read_text()).items()
}
TAKES = (18, 17, 20, 19, 16, 23)
FILES = "cifs/files.lab.test"


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


def in_spnego(message: bytes, kind: bytes) -> bytes:
    """As GSS-API frames it, with a list of mechanisms before it."""
    named = tap_auth.OIDS[1] + b"\xa2\x10\x60\x82" + tap_auth.OIDS[0]
    return b"\x60\x82\x01\x00\x30\x0d" + named + kind + message


def test_what_the_messages_say() -> None:
    told = {name: read(message) for name, message in RECORDED.items()}
    assert told == {
        "as-req": (asked := Question(StepName.KERBEROS_AS, "alice", "krbtgt/LAB.TEST", TAKES)),
        "as-req-proved": asked,
        "preauth-required": Denied("KDC_ERR_PREAUTH_REQUIRED"),
        "preauth-failed": Denied("KDC_ERR_PREAUTH_FAILED"),
        "principal-unknown": Denied("KDC_ERR_S_PRINCIPAL_UNKNOWN"),
        "as-rep": Granted("krbtgt/LAB.TEST", 18, 18),
        "tgs-req": Question(StepName.KERBEROS_TGS, "", FILES, TAKES),
        "tgs-rep": Granted(FILES, 18, 18),
        "ap-req": None,
    }


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (14, "KDC_ERR_ETYPE_NOSUPP"),
        (24, "KDC_ERR_PREAUTH_FAILED"),
        (37, "KRB_AP_ERR_SKEW"),
        (41, "KRB_AP_ERR_MODIFIED"),
        (60, "KRB_ERR_GENERIC"),
        (68, "KDC_ERR_WRONG_REALM"),
        (99, "KRB_ERROR_99"),
        (-1, "KRB_ERROR_-1"),
    ],
)
def test_errors_have_the_names_of_rfc_4120(code: int, name: str) -> None:
    assert kerberos.error_name(code) == name


def test_a_logon_says_what_its_ticket_is_encrypted_with() -> None:
    assert kerberos.kind_of(18, 18) == "Kerberos (AES-256)"
    assert kerberos.kind_of(23, 18) == "Kerberos (RC4 ticket, AES-256 session key)"
    assert kerberos.kind_of(99, 99) == "Kerberos (encryption type 99)"


def test_an_error_is_found_in_what_a_server_answers() -> None:
    shown = in_spnego(RECORDED["ap-req"], b"\x01\x00")
    assert (tap_auth.of_blob(shown), tap_auth.krb_error(shown)) == ("Kerberos", "")
    refused = in_spnego(RECORDED["preauth-failed"], b"\x03\x00")
    assert (tap_auth.of_blob(refused), tap_auth.krb_error(refused)) == ("", "KDC_ERR_PREAUTH_FAILED")


def setup(token: bytes, *, server: bool = False, status: int = 0) -> bytes:
    """A SESSION_SETUP of SMB2, or its answer."""
    head = struct.pack("<4sHHIHHIIQIIQ16s", b"\xfeSMB", 64, 0, status, 1, 0, server, 0, 1, 0, 0, 9, b"")
    where = len(head) + (8 if server else 24)
    body = struct.pack("<HHHH", 9, 0, where, len(token))
    asks = struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, where, len(token), 0)
    return head + (body if server else asks) + token


def test_a_session_setup_tells_its_ticket_and_why_it_was_refused() -> None:
    ticket = tap_auth.OIDS[0] + b"\x01\x00" + RECORDED["ap-req"]
    tracer = Tracer()
    (asks,) = smb2.decode(setup(b"\x60\x82" + len(ticket).to_bytes(2, "big") + ticket), from_server=False)
    tracer.heard(asks, 1.0)
    answer = setup(in_spnego(RECORDED["preauth-failed"], b"\x03\x00"), server=True, status=0xC000006D)
    (refuses,) = smb2.decode(answer, from_server=True)
    tracer.heard(refuses, 2.0)
    told = tracer.trace()
    assert told.refused_auth == "Kerberos (AES-256)"
    assert [(step.status, step.detail) for step in told.steps] == [
        ("STATUS_LOGON_FAILURE", "KDC_ERR_PREAUTH_FAILED")
    ]


@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda tail: b"\x7e\x82\x00\xc8\x30" + tail))
def test_what_is_no_message_is_none_of_them(data: bytes) -> None:
    read(data)
    tap_auth.krb_error(tap_auth.OIDS[0] + b"\x03\x00" + data)
    Framed(read).feed(data)


@given(st.sampled_from(sorted(RECORDED)), st.data())
def test_a_damaged_message_is_read_or_not_and_never_fails(name: str, data: st.DataObject) -> None:
    message = bytearray(RECORDED[name])
    for at in data.draw(st.lists(st.integers(0, min(len(message), 300) - 1), max_size=6)):
        message[at] = data.draw(st.integers(0, 255))
    read(bytes(message[: data.draw(st.integers(0, len(message)))]))
    read(bytes(message))


@contextmanager
def a_kdc(*answers: bytes) -> Iterator[int]:
    """One that gives these answers in turn, one a connection, and hangs up where one is empty."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)

        def serve() -> None:
            for answer in answers:
                peer, _ = listener.accept()
                with peer:
                    peer.settimeout(20)
                    peer.recv(65536)
                    peer.sendall(framed(answer) if answer else b"")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(60)


def asked(*pairs: tuple[str, str]) -> Tickets:
    """What the relay tells of a client that asks these questions, and gets these answers."""
    with (
        a_kdc(*(RECORDED.get(answer, b"") for _, answer in pairs)) as port,
        KdcTap("127.0.0.1", port, 30) as tap,
    ):
        for question, _ in pairs:
            with socket.create_connection(("127.0.0.1", tap.port), timeout=20) as sock:
                sock.sendall(framed(RECORDED[question]))
                sock.recv(65536)
    return tickets(tap.traces())


FIRST = (("as-req", "preauth-required"), ("as-req-proved", "as-rep"))


def statuses(found: Tickets) -> dict[StepName, str]:
    return {step.name: step.status for step in found.steps}


def test_a_client_gets_its_tickets() -> None:
    found = asked(*FIRST, ("tgs-req", "tgs-rep"))
    assert [(step.name, step.status, step.detail) for step in found.steps] == [
        (StepName.KERBEROS_AS, STATUS_OK, "alice: AES-256, by the user's password"),
        (StepName.KERBEROS_TGS, STATUS_OK, f"{FILES}: AES-256"),
    ]
    assert (found.refused, found.unreachable) == (None, "")


def test_a_client_gets_none() -> None:
    found = asked(*FIRST, ("tgs-req", "principal-unknown"), ("tgs-req", "preauth-failed"))
    assert statuses(found) == {
        StepName.KERBEROS_AS: STATUS_OK,
        # It tells of the first answer; the other one is to the same question in another form.
        StepName.KERBEROS_TGS: "KDC_ERR_S_PRINCIPAL_UNKNOWN",
    }
    assert found.refused is found.steps[1]
    wrong = asked(("as-req", "preauth-required"), ("as-req-proved", "preauth-failed"))
    assert statuses(wrong) == {StepName.KERBEROS_AS: "KDC_ERR_PREAUTH_FAILED"}
    assert statuses(asked(FIRST[0])) == {StepName.KERBEROS_AS: "KDC_ERR_PREAUTH_REQUIRED"}


def test_a_kdc_that_is_gone_refuses_nobody() -> None:
    hangs_up = asked(*FIRST, ("tgs-req", ""))
    assert (statuses(hangs_up)[StepName.KERBEROS_TGS], hangs_up.unreachable) == (CLOSED, CLOSED)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with KdcTap("127.0.0.1", port, 30) as tap, socket.create_connection(("127.0.0.1", tap.port)) as sock:
        sock.settimeout(20)
        with suppress(ConnectionError):
            sock.recv(1)
    gone = tickets(tap.traces())
    assert (statuses(gone), gone.unreachable) == ({StepName.KERBEROS_AS: RESET}, RESET)
    assert tickets(()) == Tickets()
