"""No secret of a handshake survives, however its bytes came; everything else stays as it was."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from impacket import ntlm, smb
from impacket.krb5.asn1 import AP_REQ, AS_REP, AS_REQ, TGS_REP, TGS_REQ, EncryptedData
from pyasn1.codec.der import decoder

from harness.record.evidence.packets import without_secrets
from harness.smb import secrets
from harness.smb.packets import Connection, Packet, Packets, head

LEAST = 8
"""Bytes of a secret that are looked for: fewer may stand anywhere."""
FOLDER = Path(__file__).resolve().parents[3] / "shared" / "captures"
FILES = sorted(path.name for path in FOLDER.glob("*.pcap*")) if FOLDER.is_dir() else []


# -- made up ----------------------------------------------------------------------------------------

secret = st.builds(lambda seed, size: Random(seed).randbytes(size), st.integers(), st.integers(LEAST, 200))
"""Random, so that it stands nowhere else by chance; Hypothesis would look for words of the protocol."""
KINDS = ["ntlm", "setup", "chain", "lanman", "tree", "kerberos", "kdc"]


def authenticate(lm: bytes, nt: bytes, key: bytes, mic: bytes, name: bytes = b"u\0s\0e\0r\0") -> bytes:
    """[MS-NLMP] 2.2.1.3, with names before the responses or not."""
    at = 88
    fields, payload = b"", b""
    for value in (lm, nt, b"", name, b"", key):
        fields += struct.pack("<HHI", len(value), len(value), at + len(payload))
        payload += value
    return b"NTLMSSP\0\3\0\0\0" + fields + struct.pack("<IQ", 0x62088215, 0x0F0000000A280105) + mic + payload


def smb1(command: int, words: bytes, data: bytes, flags: int = 0x18) -> bytes:
    header = b"\xffSMB" + bytes([command]) + bytes(4) + bytes([flags]) + bytes(22)
    return header + bytes([len(words) // 2]) + words + struct.pack("<H", len(data)) + data


def setup(ansi: bytes, wide: bytes, behind: bytes = b"") -> bytes:
    """SESSION_SETUP_ANDX of [MS-CIFS] 2.2.4.53; ``behind``: the words and data of a TREE_CONNECT_ANDX."""
    data = ansi + wide + b"\0user\0DOMAIN\0Unix\0Samba\0"
    where = 32 + 1 + 26 + 2 + len(data)
    chained = struct.pack("<BBH", 0x75 if behind else 0xFF, 0, where if behind else 0)
    rest = struct.pack("<HHHIHHII", 65535, 2, 1, 0, len(ansi), len(wide), 0, 0xD4)
    return smb1(0x73, chained + rest, data) + behind


def tree(password: bytes) -> bytes:
    words = struct.pack("<BBHHH", 0xFF, 0, 0, 8, len(password))
    data = password + b"\\\\SERVER\\share\0?????\0"
    return bytes([len(words) // 2]) + words + struct.pack("<H", len(data)) + data


def der(tag: int, *inside: bytes) -> bytes:
    content = b"".join(inside)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    return bytes([tag, 0x82]) + struct.pack(">H", size) + content


def encrypted(cipher: bytes, *key: bytes) -> bytes:
    """EncryptedData of RFC 4120, 5.2.9; ``key``: the number of the key, where it is told."""
    number = (der(0xA1, der(2, one)) for one in key)
    return der(0x30, der(0xA0, der(2, b"\x12")), *number, der(0xA2, der(4, cipher)))


def as_req(timestamp: bytes) -> bytes:
    """RFC 4120, 5.4.1, with PA-ENC-TIMESTAMP and no body."""
    proof = der(0x30, der(0xA1, der(2, b"\2")), der(0xA2, der(4, encrypted(timestamp))))
    return der(
        0x6A, der(0x30, der(0xA1, der(2, b"\5")), der(0xA2, der(2, b"\x0a")), der(0xA3, der(0x30, proof)))
    )


def as_rep(part: bytes) -> bytes:
    """RFC 4120, 5.4.2: what is encrypted with the key that the user's password makes."""
    name = der(0xA3, der(0x1B, b"EXAMPLE.ORG"))
    return der(0x6B, der(0x30, der(0xA0, der(2, b"\5")), name, der(0xA6, encrypted(part, b"\2"))))


def ap_req(ticket: bytes, authenticator: bytes) -> bytes:
    """RFC 4120, 5.5.1, in the framing of RFC 4121."""
    name = der(0x30, der(0xA0, der(2, b"\2")), der(0xA1, der(0x30, der(0x1B, b"cifs"), der(0x1B, b"srv"))))
    whole = der(
        0x61,
        der(
            0x30,
            der(0xA0, der(2, b"\5")),
            der(0xA1, der(0x1B, b"EXAMPLE.ORG")),
            der(0xA2, name),
            der(0xA3, encrypted(ticket)),
        ),
    )
    body = der(
        0x6E,
        der(
            0x30,
            der(0xA0, der(2, b"\5")),
            der(0xA1, der(2, b"\x0e")),
            der(0xA2, der(3, b"\0\0\0\0\0")),
            der(0xA3, whole),
            der(0xA4, encrypted(authenticator)),
        ),
    )
    return der(0x60, bytes.fromhex("06092a864886f712010202"), b"\x01\x00", body)


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """What a client sends, and the secrets in it."""
    messages, known = [b"\xfeSMB" + bytes(60)], []
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)):
        one, other, third = draw(secret), draw(secret), draw(secret)
        known += [one, other]
        match kind:
            case "ntlm":
                mic = Random(third).randbytes(16)
                known += [third, mic]
                list_mic = b"\xa3\x12\x04\x10\x01\0\0\0" + mic[:12]
                messages.append(b"\xfeSMB" + bytes(84) + authenticate(one, other, third, mic) + list_mic)
            case "setup":
                messages.append(setup(one, other))
            case "chain":
                known.append(third)
                messages.append(setup(one, other, tree(third)))
            case "lanman":
                known.remove(other)
                words = struct.pack("<BBHHHHIHI", 0xFF, 0, 0, 4356, 2, 1, 0, len(one), 0)
                messages.append(smb1(0x73, words, one + b"user\0"))
            case "tree":
                known.remove(other)
                words = tree(one)
                messages.append(smb1(0x75, b"", b"")[:-3] + words)
            case "kdc":
                messages += [as_req(one), as_rep(other)]
            case "kerberos":
                messages.append(b"\xfeSMB" + bytes(84) + ap_req(one, other))
    return b"".join(map(framed, messages)), known


@settings(max_examples=60)
@given(streams())
def test_what_a_stream_holds_is_blanked(made: tuple[bytes, list[bytes]]) -> None:
    stream, known = made
    blanked = bytearray(stream)
    found = secrets.blank(blanked)
    assert len(blanked) == len(stream)
    assert [one for one in known if one in blanked] == []
    for at, (one, other) in enumerate(zip(stream, blanked, strict=True)):
        assert one == other or any(begin <= at < end for begin, end in found)


CLIENT, SERVER = ("127.0.0.1", 40000), ("127.10.0.2", 445)


def frame(sequence: int, data: bytes, flags: int = 0x18) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", CLIENT[1], SERVER[1], sequence % 2**32, 0, 5 << 4, flags, 65535, 0, 0)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(data), 1, 0x4000, 64, 6, 0)
    return bytes(12) + b"\x08\0" + ip + bytes([127, 0, 0, 1, 127, 10, 0, 2]) + tcp + data


@settings(max_examples=60)
@given(streams(), st.data())
def test_however_it_is_cut_into_packets(made: tuple[bytes, list[bytes]], data: st.DataObject) -> None:
    """Cut anywhere, sent again, out of order, with numbers that turn over, without its first packets."""
    stream, known = made
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=12)))
    pieces = list(zip([0, *cuts], [*cuts, len(stream)], strict=True))
    pieces += data.draw(st.lists(st.sampled_from(pieces), max_size=3))
    pieces = data.draw(st.permutations(pieces))
    first = data.draw(st.sampled_from([1, 2**31 - 5, 2**32 - 40]))
    frames = [frame(first + begin, stream[begin:end]) for begin, end in pieces]
    if data.draw(st.booleans()):
        frames.insert(0, frame(first - 1, b"", 0x02))
    connection = Connection(CLIENT, SERVER, None, Packets(map(Packet, count(), frames)))
    shown = list(without_secrets(connection))
    assert [len(packet.frame) for packet in shown] == list(map(len, frames))
    whole = bytearray(len(stream))
    for packet in shown:
        found = head(packet.frame)
        assert found is not None
        if found.size:
            place = (found.sequence - first) % 2**32
            whole[place : place + found.size] = packet.frame[found.payload :]
    assert [one for one in known if one in whole] == []


def test_a_secret_of_which_a_part_was_not_recorded() -> None:
    known = bytes(range(100, 180))
    stream = framed(b"\xfeSMB" + bytes(60) + authenticate(b"", known, b"", bytes(16)))
    middle = stream.index(known) + 20
    frames = [frame(1, stream[:middle]), frame(1 + middle + 10, stream[middle + 10 :])]
    connection = Connection(CLIENT, SERVER, 0, Packets(map(Packet, count(), frames)))
    shown = b"".join(packet.frame for packet in without_secrets(connection))
    assert known[:20] not in shown
    assert known[30:] not in shown
    assert b"u\0s\0e\0r\0" in shown


def test_numbers_that_no_client_sends_leave_nothing() -> None:
    frames = [frame(1, authenticate(b"", b"s" * 24, b"", bytes(16))), frame(2**31, b"t" * 30)]
    connection = Connection(CLIENT, SERVER, 0, Packets(map(Packet, count(), frames)))
    shown = b"".join(packet.frame for packet in without_secrets(connection))
    assert b"ssss" not in shown
    assert b"tttt" not in shown


def test_a_servers_answer_has_no_password() -> None:
    """Its words mean something else: nothing of it is blanked."""
    answer = bytearray(smb1(0x73, struct.pack("<13H", *([30] * 13)), b"x" * 80, flags=0x98))
    assert secrets.blank(answer) == []


def test_the_old_tree_connect() -> None:
    stream = bytearray(smb1(0x70, b"", b"\x04\\\\SERVER\\share\0\x04letmein99\0\x04A:\0"))
    secrets.blank(stream)
    assert b"letmein" not in stream
    assert b"share" in stream


# -- captured from real clients ---------------------------------------------------------------------


def frames_of(name: str) -> Iterator[bytes]:
    raw = (FOLDER / name).read_bytes()
    data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    reader: Any = dpkt.pcapng.Reader if data[:4] == b"\n\r\r\n" else dpkt.pcap.Reader
    for _, one in reader(io.BytesIO(data)):
        yield bytes(one)


def connections_of(name: str) -> dict[frozenset[Any], Connection]:
    found: dict[frozenset[Any], Connection] = {}
    for one in frames_of(name):
        seen = head(one)
        if seen is None or not {seen.source[1], seen.target[1]} & {445, 139}:
            continue
        ends = (seen.target, seen.source) if seen.source[1] in (445, 139) else (seen.source, seen.target)
        known = found.setdefault(frozenset(ends), Connection(*ends))
        known.packets.append(Packet(len(known.packets), one))
    return found


def said(connection: Connection, packets: Iterable[Packet]) -> bytes:
    """What the client said, put together by dpkt, in the order of its numbers."""
    parts: dict[int, bytes] = {}
    for packet in packets:
        tcp = dpkt.ethernet.Ethernet(packet.frame).data.data
        if isinstance(tcp, dpkt.tcp.TCP) and tcp.sport == connection.client[1] and tcp.data:
            parts[tcp.seq] = max(parts.get(tcp.seq, b""), tcp.data, key=len)
    return b"".join(parts[number] for number in sorted(parts))


def secrets_by_impacket(stream: bytes) -> Iterator[bytes]:
    """The same secrets as other people's code finds them."""
    for at in places(stream, b"NTLMSSP\0\3\0\0\0"):
        message = ntlm.NTLMAuthChallengeResponse()
        message.fromString(stream[at:])
        yield from (message[field] for field in ("lanman", "ntlm", "session_key"))
    for at in places(stream, b"\xffSMB\x73"):
        command = smb.SMBCommand(smb.NewSMBPacket(data=stream[at : at + 2000])["Data"][0])
        if command["WordCount"] == 13:
            lengths = smb.SMBSessionSetupAndX_Parameters(command["Parameters"])
            ansi, wide = lengths["AnsiPwdLength"], lengths["UnicodePwdLength"]
            yield command["Data"][:ansi]
            yield command["Data"][ansi : ansi + wide]
    for at in places(stream, bytes.fromhex("2a864886f712010202") + b"\1\0\x6e"):
        ticket, _ = decoder.decode(stream[at + 11 :], asn1Spec=AP_REQ())
        yield bytes(ticket["ticket"]["enc-part"]["cipher"])
        yield bytes(ticket["authenticator"]["cipher"])


def parts_by_impacket(message: bytes) -> Iterator[bytes]:
    """What is encrypted in a message to a KDC or by it, as other people's code finds it."""
    kinds = {0x6A: AS_REQ, 0x6C: TGS_REQ, 0x6B: AS_REP, 0x6D: TGS_REP}
    if not message or message[0] not in kinds:
        return
    told, _ = decoder.decode(message, asn1Spec=kinds[message[0]]())
    if message[0] in (0x6B, 0x6D):
        yield bytes(told["enc-part"]["cipher"])
        yield bytes(told["ticket"]["enc-part"]["cipher"])
    for one in told["padata"]:
        if int(one["padata-type"]) == 2:
            proof, _ = decoder.decode(bytes(one["padata-value"]), asn1Spec=EncryptedData())
            yield bytes(proof["cipher"])
        elif int(one["padata-type"]) == 1:
            asked, _ = decoder.decode(bytes(one["padata-value"]), asn1Spec=AP_REQ())
            yield bytes(asked["ticket"]["enc-part"]["cipher"])
            yield bytes(asked["authenticator"]["cipher"])


@pytest.mark.skipif(not FILES, reason="no captures of real clients here")
def test_of_what_real_clients_ask_a_kdc_nothing_that_is_encrypted_survives() -> None:
    seen = 0
    for name in FILES:
        for one in frames_of(name):
            found = head(one)
            if found is None or not found.datagram or 88 not in (found.source[1], found.target[1]):
                continue
            message = one[found.payload : found.payload + found.size]
            ends = (found.source, found.target) if found.target[1] == 88 else (found.target, found.source)
            (shown,) = without_secrets(Connection(*ends, None, Packets([Packet(0, one)])))
            assert len(shown.frame) == len(one)
            for part in parts_by_impacket(message):
                seen += 1
                assert part in one
                assert part not in shown.frame
    assert seen > 5


def places(stream: bytes, what: bytes) -> Iterator[int]:
    at = stream.find(what)
    while at >= 0:
        yield at
        at = stream.find(what, at + 1)


@pytest.mark.skipif(not FILES, reason="no captures of real clients here")
def test_of_real_clients_no_secret_survives() -> None:
    found: dict[str, int] = {}
    for name in FILES:
        for connection in connections_of(name).values():
            known = {
                one
                for one in secrets_by_impacket(said(connection, connection.packets))
                if len(one) >= LEAST and any(one)
            }
            found[name] = found.get(name, 0) + len(known)
            shown = list(without_secrets(connection))
            before = [packet.frame for packet in connection.packets]
            after = [packet.frame for packet in shown]
            assert list(map(len, after)) == list(map(len, before))
            whole = said(connection, shown) + b"".join(after)
            assert [f"{name}: {one.hex()}" for one in known if one in whole] == []
            pairs = ((one, other) for one, other in zip(before, after, strict=True) if one != other)
            changed = sum(x != y for one, other in pairs for x, y in zip(one, other, strict=True))
            # Besides what impacket names: the codes of integrity, and what was sent twice.
            assert changed <= 2 * sum(map(len, known)) + 200 * len(known), name
    assert sum(map(bool, found.values())) > 10
    assert found["zeek__smb2_krb.pcap"]
