"""Frames out of bytes: the same events however they are cut, never an exception, bounded memory."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.smb.tap import auth as tap_auth
from harness.smb.tap.events import Command, Encrypted, Event, Request, Response, Unreadable
from harness.smb.tap.frames import Reader, Splitter

CAPTURES = Path(__file__).parents[3] / "shared" / "captures"


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


def smb2(code: int, body: bytes, *, mid: int = 1, flags: int = 0, status: int = 0, after: int = 0) -> bytes:
    header = struct.pack(
        "<4sHHIHHIIQIIQ16s", b"\xfeSMB", 64, 0, status, code, 0, flags, after, mid, 0, 7, 9, bytes(16)
    )
    return header + body


def smb1(code: int, words: bytes, data: bytes, *, flags: int = 0, status: int = 0, mid: int = 1) -> bytes:
    head = struct.pack("<4sBIBH", b"\xffSMB", code, status, flags, 0xC001)
    rest = struct.pack("<H8sHHHHH", 0, bytes(8), 0, 5, 0, 0, mid)
    return head + rest + bytes([len(words) // 2]) + words + struct.pack("<H", len(data)) + data


def create(name: str, options: int = 0) -> bytes:
    path = name.encode("utf-16-le")
    body = bytearray(56) + path
    struct.pack_into("<I", body, 40, options)
    struct.pack_into("<HH", body, 44, 64 + 56, len(path))
    return bytes(body)


NEGOTIATE2 = smb2(0, struct.pack("<HHHH28x", 36, 3, 1, 0) + struct.pack("<3H", 0x0202, 0x0210, 0x0311))
NEGOTIATE1 = smb1(0x72, b"", b"\x02NT LM 0.12\0\x02SMB 2.???\0")
SAMPLES = [
    NEGOTIATE1,
    NEGOTIATE2,
    smb2(5, create("srvsvc")),
    smb2(5, create("gone.txt", 0x1000)),
    smb2(0, struct.pack("<HHHH", 65, 3, 0x0210, 0) + bytes(60), flags=1),
    smb1(0x72, struct.pack("<H", 0xFFFF), b"", flags=0x80),
    smb2(9, struct.pack("<HHI", 49, 112, 5) + bytes(40) + b"hello"),
    smb2(1, struct.pack("<HHHH", 9, 1, 72, 0), flags=1, status=0),
    b"\xfdSMB" + bytes(60),
    b"GET / HTTP/1.0",
]
STREAM = b"".join(framed(sample) for sample in SAMPLES)


def events(data: bytes, *, from_server: bool = False) -> list[Event]:
    return Reader(from_server=from_server).feed(data)


def test_negotiate_tells_what_is_offered() -> None:
    (first,) = events(framed(NEGOTIATE1))
    (second,) = events(framed(NEGOTIATE2))
    assert isinstance(first, Request)
    assert isinstance(second, Request)
    assert first.smb1_dialects == ("NT LM 0.12", "SMB 2.???")
    assert (first.protocol, second.protocol) == (1, 2)
    assert second.smb2_dialects == (0x0202, 0x0210, 0x0311)


def test_no_common_dialect_is_index_ffff() -> None:
    (answer,) = events(framed(smb1(0x72, struct.pack("<H", 0xFFFF), b"", flags=0x80)), from_server=True)
    assert isinstance(answer, Response)
    assert answer.dialect_index == 0xFFFF


def test_compound_chain_gives_each_message() -> None:
    first = smb2(5, create("a"), after=0)
    first += bytes(-len(first) % 8)
    chain = smb2(5, first[64:], after=len(first)) + smb2(6, bytes(24), mid=2)
    told = events(framed(chain))
    assert [event.mid for event in told if isinstance(event, Request)] == [1, 2]


def test_chain_that_points_into_its_own_header_ends() -> None:
    told = events(framed(smb2(5, create("a"), after=8)))
    assert isinstance(told[-1], Unreadable)
    assert len(told) <= 3


def test_delete_on_close_is_seen() -> None:
    (told,) = events(framed(smb2(5, create("gone.txt", 0x1000))))
    assert isinstance(told, Request)
    assert told.deletes
    assert told.path == "gone.txt"


def test_error_status_is_named_and_informational_ones_are_no_failure() -> None:
    def status(code: int) -> Response:
        (told,) = events(framed(smb2(14, bytes(9), flags=1, status=code)), from_server=True)
        assert isinstance(told, Response)
        return told

    assert status(0xC0000022).status == "STATUS_ACCESS_DENIED"
    assert status(0xC0000022).failed
    assert not status(0x80000006).failed  # STATUS_NO_MORE_FILES ends every listing
    assert not status(0xC0000016).failed  # STATUS_MORE_PROCESSING_REQUIRED


@pytest.mark.parametrize(
    ("lm", "nt", "kind"),
    [(24, 24, "NTLMv1"), (24, 300, "NTLMv2"), (24, 0, "LM"), (1, 0, "anonymous"), (0, 0, "anonymous")],
)
def test_proof_by_length(lm: int, nt: int, kind: str) -> None:
    assert tap_auth.of_lengths(lm, nt) == kind
    blob = b"spnego" + b"NTLMSSP\0" + struct.pack("<I", 3) + struct.pack("<HHIHHI", lm, lm, 64, nt, nt, 88)
    assert tap_auth.of_blob(blob + bytes(40)) == kind


@given(st.lists(st.integers(0, len(STREAM)), max_size=30), st.booleans())
def test_any_chunking_gives_the_same_events(cuts: list[int], from_server: bool) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    reader = Reader(from_server=from_server)
    told = [e for a, b in itertools.pairwise(edges) for e in reader.feed(STREAM[a:b])]
    assert told == events(STREAM, from_server=from_server)
    assert len(told) == len(SAMPLES)


@given(st.binary(max_size=600), st.booleans())
def test_random_bytes_never_raise(data: bytes, from_server: bool) -> None:
    events(data, from_server=from_server)
    for magic in (b"\xfeSMB", b"\xffSMB"):
        assert events(framed(magic + data), from_server=from_server)


@settings(max_examples=300)
@given(st.sampled_from(SAMPLES), st.data(), st.booleans())
def test_mutated_messages_never_raise(sample: bytes, data: st.DataObject, from_server: bool) -> None:
    changed = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(changed)))
    assert events(framed(bytes(changed[:cut])), from_server=from_server)


@given(st.lists(st.binary(min_size=1, max_size=900), max_size=40))
def test_memory_is_bounded_and_large_frames_are_skipped(chunks: list[bytes]) -> None:
    splitter = Splitter(max_frame=256)
    for chunk in chunks:
        splitter.feed(chunk)
        assert splitter.buffered <= 256 + 4


def test_the_stream_goes_on_behind_a_frame_that_is_too_large() -> None:
    reader = Reader(from_server=False, max_frame=1000)
    data = framed(bytes(5000)) + framed(b"\xfdSMB" + bytes(48))
    told = [event for at in range(0, len(data), 700) for event in reader.feed(data[at : at + 700])]
    assert told == [Unreadable("frame too large"), Encrypted()]


def _tcp_payloads(path: Path) -> dict[tuple[bytes, bytes, int, int], list[bytes]]:
    """The payloads of each direction of a small Ethernet/IPv4 pcap, in capture order."""
    raw = path.read_bytes()
    order = "<" if raw[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    flows: dict[tuple[bytes, bytes, int, int], list[bytes]] = {}
    at = 24
    while at + 16 <= len(raw):
        (size,) = struct.unpack_from(f"{order}I", raw, at + 8)
        packet = raw[at + 16 : at + 16 + size]
        at += 16 + size
        if packet[12:14] != b"\x08\0" or len(packet) < 54 or packet[23] != 6:
            continue
        ip = packet[14:]
        tcp = ip[(ip[0] & 15) * 4 : int.from_bytes(ip[2:4], "big")]
        ports = struct.unpack_from(">HH", tcp)
        if data := tcp[(tcp[12] >> 4) * 4 :]:
            flows.setdefault((ip[12:16], ip[16:20], *ports), []).append(data)
    return flows


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not here")
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("arkime__smb-smbclient.pcap", {Command.NEGOTIATE, Command.SESSION_SETUP, Command.TREE_CONNECT}),
        ("zeek__smb2.pcap", {Command.NEGOTIATE, Command.SESSION_SETUP, Command.TREE_CONNECT, Command.CREATE}),
        ("zeek__smb311.pcap", {Command.NEGOTIATE, Command.SESSION_SETUP}),
    ],
)
def test_real_captures_are_readable(name: str, wanted: set[Command]) -> None:
    asked: set[Command] = set()
    answered: set[Command] = set()
    for (_, _, source, target), parts in _tcp_payloads(CAPTURES / name).items():
        if {source, target} & {445, 139}:
            for event in events(b"".join(parts), from_server=source in {445, 139}):
                if isinstance(event, Request):
                    asked.add(event.command)
                elif isinstance(event, Response):
                    answered.add(event.command)
    assert wanted <= asked
    assert wanted <= answered
