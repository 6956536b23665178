"""Every recorded NEGOTIATE of a kind of client is rebuilt from its persona, byte for byte.

Apart from the fields that are random by nature (``RANDOM``), nothing may differ.
"""

from __future__ import annotations

import functools
import gzip
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from harness.clients import persona
from harness.clients._persona_table import BUILT_IN, changes
from harness.clients.persona_file import PersonaData
from harness.learn.capture import Notes, segments
from harness.learn.observe import Listener
from harness.learn.packets import Segment
from harness.learn.streams import Streams
from harness.model import Dialect, Fidelity
from harness.smb import spnego
from harness.smb.kerberos.manner import KerberosManner
from harness.smb.offer import Context, ContextKind, Opening, smb1_negotiate, smb2_negotiate
from harness.smb.tap import asn1, kerberos

RANDOM = {
    "ClientGuid": "16 bytes of the SMB2 NEGOTIATE, but for 2.0.2 alone, where it must be zero",
    "Salt": "of the preauthentication context",
    "MessageId": "it counts the messages of the connection",
    "ProcessId": "only where the persona says that it is the process that speaks (pid_varies)",
}
# Clients in the captures that no persona stands for, and why: (capture, address, openings).
WITHOUT = {
    (
        "arkime__smbtorture-ntlmssp.pcap",
        "192.168.114.1",
    ): "a test program of Samba 4 alpha, of 2005: nobody has it",
    ("SAMR-Enum-Lab__python.exe_impacket_net.py_user.pcapng", "192.168.11.101"): (
        "a script on impacket, no operating system; impacket itself runs as a real client"
    ),
}
PERSONAS = {client.name: client.data for client in persona.CLIENTS}
BY_CAPTURE = {
    (recording.sha256, address): [
        other.name
        for other in PERSONAS.values()
        for one in other.recordings
        if one.sha256 == recording.sha256 and address in one.addresses
    ]
    for data in PERSONAS.values()
    for recording in data.recordings
    for address in recording.addresses
}


@dataclass(frozen=True)
class Recorded:
    """One connection's NEGOTIATE messages as they went over the wire."""

    capture: str
    sha256: str
    address: str
    stream: int
    smb1: bytes
    smb2: bytes

    def __str__(self) -> str:
        return f"{self.capture} stream {self.stream} ({self.address})"


def recorded(captures: Path) -> Iterator[Recorded]:
    index = json.loads((captures / "index.json").read_text("utf-8"))
    for entry in index["captures"]:
        for client in entry["clients"]:
            for one in client["connections"]:
                yield Recorded(
                    entry["file"],
                    entry["sha256"],
                    one["client_ip"],
                    int(one["stream"]),
                    _raw(one, "smb1_negotiate"),
                    _raw(one, "smb2_negotiate"),
                )


def _raw(connection: dict[str, Any], part: str) -> bytes:
    return bytes.fromhex(connection[part]["raw_hex"]) if part in connection else b""


def test_every_recorded_negotiate_is_rebuilt_byte_for_byte(captures: Path) -> None:
    rebuilt, other = [], []
    for one in recorded(captures):
        # The index is a copy: the bytes must be in the capture too.
        assert _in_capture(captures / one.capture, one.smb1), one
        assert _in_capture(captures / one.capture, one.smb2), one
        names = BY_CAPTURE.get((one.sha256, one.address), [])
        if not names:
            assert (one.capture, one.address) in WITHOUT, f"no persona and no reason: {one}"
            other.append(one)
            continue
        assert (one.capture, one.address) not in WITHOUT
        assert any(_is(one, opening) for name in names for opening in _openings(PERSONAS[name])), (
            f"{one}: none of the openings of {' and '.join(names)}"
        )
        rebuilt.append(one)
    assert len(rebuilt) >= 54
    assert {(one.capture, one.address) for one in other} == set(WITHOUT)


def test_every_opening_that_was_recorded_is_in_a_capture(captures: Path) -> None:
    """Nobody adds an opening to a recorded persona that no capture shows."""
    seen = list(recorded(captures))
    for data in PERSONAS.values():
        if changes(BUILT_IN / f"{data.name}.toml"):
            # A variant was not recorded; what it has from its base is looked for there.
            continue
        mine = {(one.sha256, address) for one in data.recordings for address in one.addresses}
        openings = (
            [*data.also] if data.fidelity is Fidelity.DOCUMENTED else [("first", data.opening), *data.also]
        )
        for when, opening in openings:
            assert any(_is(one, opening) for one in seen if (one.sha256, one.address) in mine), (
                data.name,
                when,
            )


@pytest.mark.parametrize("at", [8, 10, 40, 100])
def test_one_changed_byte_is_no_longer_the_same(captures: Path, at: int) -> None:
    (one,) = [one for one in recorded(captures) if (one.capture, one.stream) == ("zeek__smb2_krb.pcap", 0)]
    opening = PERSONAS["windows-7"].opening
    assert _is(one, opening)
    damaged = bytearray(one.smb2)
    damaged[at] ^= 1
    assert not _is(Recorded(one.capture, one.sha256, one.address, 0, one.smb1, bytes(damaged)), opening)


def _openings(data: PersonaData) -> list[Opening]:
    return [data.opening, *(opening for _, opening in data.also)]


def _is(one: Recorded, opening: Opening) -> bool:
    """The messages of a connection are this opening; a server that answers at once is asked no more."""
    if bool(one.smb1) != (opening.smb1 is not None):
        return False
    if opening.smb1:
        ours = smb1_negotiate(opening.smb1)
        if _smb1(ours, opening.smb1.pid_varies) != _smb1(one.smb1, opening.smb1.pid_varies):
            return False
    if not one.smb2:
        return opening.smb1 is not None
    if opening.smb2 is None:
        return False
    hello = opening.smb2
    guid = bytes(16) if hello.dialects == (Dialect.SMB2_02,) else b"\xaa" * 16
    ours = smb2_negotiate(hello, 7, guid, _netname(one.smb2))
    return _smb2(ours, hello.pid_varies) == _smb2(one.smb2, hello.pid_varies)


def _smb1(message: bytes, pid_varies: bool) -> bytes:
    return _blank(message, 26, 2) if pid_varies else message


def _smb2(message: bytes, pid_varies: bool) -> bytes:
    message = _blank(message, 24, 8)
    if pid_varies:
        message = _blank(message, 32, 4)
    if message[76:92] != bytes(16):
        message = message[:76] + b"\xaa" * 16 + message[92:]
    for kind, at, _ in _contexts(message):
        if kind == ContextKind.PREAUTH:
            count, salt = struct.unpack_from("<HH", message, at)
            message = _blank(message, at + 4 + 2 * count, salt)
    return message


def _blank(message: bytes, at: int, length: int) -> bytes:
    return message[:at] + bytes(length) + message[at + length :]


def _contexts(message: bytes) -> list[tuple[int, int, int]]:
    """Kind, place and length of each negotiate context."""
    (count,) = struct.unpack_from("<H", message, 66)
    if 0x0311 not in struct.unpack_from(f"<{count}H", message, 100):
        return []
    at, number = struct.unpack_from("<LH", message, 92)
    found = []
    for _ in range(number):
        kind, length = struct.unpack_from("<HH", message, at)
        found.append((kind, at + 8, length))
        at += 8 + length + -length % 8
    return found


def _netname(message: bytes) -> str:
    """The name of the server that was asked, which is the target's and not the client's."""
    names = [message[at : at + size] for kind, at, size in _contexts(message) if kind == ContextKind.NETNAME]
    return names[0].decode("utf-16le") if names else ""


@functools.cache
def _bytes_of(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def _in_capture(path: Path, message: bytes) -> bool:
    # Long messages come in several segments only in a capture of a tiny window: none has that.
    return message in _bytes_of(path)


def test_contexts_are_compared_with_their_padding() -> None:
    hello = PERSONAS["linux-cifs"].opening.smb2
    assert hello is not None
    assert (
        Context(ContextKind.POSIX, data=bytes.fromhex("93ad25509cb411e7b42383de968bcd7c")) in hello.contexts
    )


def tokens(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """The client's address and its first token of every session setup with Kerberos in a capture."""
    found: list[tuple[str, bytes]] = []
    at = [""]
    read = kerberos.spnego

    def taken(blob: bytes) -> kerberos.Spnego | None:
        told = read(blob)
        if told and told.ap_req and told.mechanisms:
            found.append((at[0], blob))
        return told

    monkeypatch.setattr(kerberos, "spnego", taken)
    connections = Streams(lambda key, time: Listener(key, time, lambda _: None))
    for one in segments(path, Notes()):
        if isinstance(one, Segment) and not one.kdc:
            at[0] = str(ip_address(one.target[0] if one.serves[0] else one.source[0]))
            connections.add(one)
    connections.end()
    return found


def test_every_recorded_token_of_kerberos_is_rebuilt_byte_for_byte(
    captures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for ticket and authenticator, which are secret, and how they are encrypted, which the KDC chose."""
    rebuilt = set()
    index = json.loads((captures / "index.json").read_text("utf-8"))
    for entry in index["captures"]:
        for address, blob in tokens(captures / entry["file"], monkeypatch):
            manners = [
                PERSONAS[name].manner.kerberos for name in BY_CAPTURE.get((entry["sha256"], address), [])
            ]
            if not any(manners):
                assert (entry["file"], address) in WITHOUT_KERBEROS, f"{entry['file']}: {address}"
                continue
            made = [_token(manner, blob) for manner in manners if manner]
            assert blob in made, f"{entry['file']}: {address}"
            rebuilt.add(entry["file"])
    assert len(rebuilt) >= 8


WITHOUT_KERBEROS = {("BruteShark__Kerberos_-_v5_UDP.pcap", "127.0.0.29")}
"""Samba 4.3.0pre1 as a member of a domain: its persona is another program's (smbclient)."""


def _token(manner: KerberosManner, recorded_token: bytes) -> bytes:
    """The persona's token with the secrets of the recorded one."""
    init = asn1.fields(list(asn1.pieces(asn1.first(recorded_token, 0x60) or b""))[1].content)
    framed = asn1.first(asn1.first(init[2], asn1.OCTETS) or b"", 0x60) or b""
    mechanism = next(asn1.pieces(framed))
    request = asn1.fields(asn1.first(framed[mechanism.size + 2 :], 0x6E) or b"")
    proof = asn1.fields(request[4])
    etype, cipher = asn1.number(proof[0]), asn1.first(proof[2], asn1.OCTETS) or b""
    message = spnego.ap_req(manner.options, request[3], etype, cipher)
    return spnego.init(manner.mechanisms, spnego.framed(message), wide=manner.wide_lengths)
