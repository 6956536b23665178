"""mDNS: what is sent, and answers of every kind from anybody."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from harness.smb.discovery import mdns
from harness.smb.discovery.mdns import SMB, Kind, Question, Record

HEAD = struct.pack(">HHHHHH", 7, 0x8400, 0, 1, 0, 3)
ANSWER = (
    HEAD
    # _smb._tcp.local PTR, from 12 on; "Büro" lies at 39
    + b"\4_smb\4_tcp\5local\0"
    + struct.pack(">HHLH", 12, 1, 10, 8)
    + b"\5B\xc3\xbcro\xc0\x0c"
    # its SRV, whose host is named for the first time
    + b"\xc0\x27"
    + struct.pack(">HHLH", 33, 0x8001, 10, 14)
    + struct.pack(">HHH", 0, 0, 445)
    + b"\5files\xc0\x16"
    # a TXT, which nobody here reads
    + b"\xc0\x27"
    + struct.pack(">HHLH", 16, 1, 10, 1)
    + b"\0"
    # and the host's address
    + b"\xc0\x41"
    + struct.pack(">HHLH", 1, 0x8001, 10, 4)
    + bytes([198, 18, 0, 1])
)
"""As avahi-daemon 0.8 answers a one-shot query: pointers into the message (RFC 1035, 4.1.4)."""

labels = st.text("abcdefghijklmnopqrstuvwxyz_-äé あ", min_size=1, max_size=12)
names = st.lists(labels, min_size=1, max_size=4).map(tuple)


def test_a_question_for_file_servers_is_as_rfc_1035_has_it() -> None:
    asked = mdns.query(0x1234, [Question(SMB, Kind.PTR)])
    head = bytes.fromhex("1234 0000 0001 0000 0000 0000".replace(" ", ""))
    assert asked == head + b"\4_smb\4_tcp\5local\0" + b"\0\x0c\0\x01"


def test_an_answer_with_pointers_is_read() -> None:
    service, host = ("Büro", *SMB), ("files", "local")
    assert mdns.answered(ANSWER) == (
        7,
        (
            Record(SMB, Kind.PTR, service),
            Record(service, Kind.SRV, host, 445),
            Record(host, Kind.A, address="198.18.0.1"),
        ),
    )
    assert mdns.asked(ANSWER) is None


@given(names, st.integers(0, 0xFFFF), st.sampled_from(Kind))
def test_a_question_and_an_answer_are_read_back(name: mdns.Name, number: int, kind: Kind) -> None:
    question = mdns.query(number, [Question(name, kind), Question(SMB, Kind.A)])
    assert mdns.asked(question) == (number, (Question(name, kind), Question(SMB, Kind.A)))
    assert mdns.answered(question) is None
    answer = mdns.answered(mdns.response(number, name, "here"))
    assert answer is not None
    assert answer[0] == number
    assert mdns.pointed(answer[1], name) == [("here", *name)]
    assert not mdns.pointed(answer[1], ("not", *name))


def test_the_case_of_letters_does_not_count() -> None:
    assert mdns.same(("Files", "LOCAL"), ("fileS", "local"))
    assert not mdns.same(("files", "local"), ("files.local",))


def test_a_circle_of_pointers_and_half_a_name_are_no_answer() -> None:
    record = struct.pack(">HHLH", 12, 1, 10, 2) + b"\xc0\x0c"
    for name in (b"\xc0\x0c", b"\1a\xc0\x0c", b"\4_sm", b"\x41a\0", b"\xc0", b""):
        assert mdns.answered(HEAD + name + record) is None
    assert mdns.answered(ANSWER[:-1]) is None


@given(st.binary(max_size=80), st.integers(0, len(ANSWER)))
def test_whatever_comes_is_an_answer_or_none(data: bytes, at: int) -> None:
    for one in (data, HEAD + data, ANSWER[:at], ANSWER[:at] + data, ANSWER[:at] + data + ANSWER[at:]):
        mdns.answered(one)
        mdns.asked(one)
