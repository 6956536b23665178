"""Captures made of packets: Ethernet, VLAN, IPv4 or IPv6, TCP or UDP; pcap or pcapng."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

FIN, SYN, RST, ACK, PSH = 0x01, 0x02, 0x04, 0x10, 0x18


def tcp(source: int, target: int, sequence: int, flags: int, data: bytes = b"") -> bytes:
    return struct.pack(">HHIIBBHHH", source, target, sequence % 2**32, 0, 5 << 4, flags, 65535, 0, 0) + data


def udp(source: int, target: int, data: bytes) -> bytes:
    return struct.pack(">HHHH", source, target, 8 + len(data), 0) + data


def ip(source: str, target: str, payload: bytes, protocol: int = 6) -> bytes:
    one, other = ip_address(source).packed, ip_address(target).packed
    if len(one) == 4:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0)
    else:
        head = struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64)
    return head + one + other + payload


def ethernet(packet: bytes, *, vlans: int = 0) -> bytes:
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    tags = b"".join(struct.pack(">HH", 0x8100, 7) for _ in range(vlans))
    return bytes(12) + tags + struct.pack(">H", kind) + packet


def pcap(frames: Iterable[bytes], link: int = 1) -> bytes:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)
    return head + b"".join(
        struct.pack("<IIII", 1_500_000_000 + at, 0, len(frame), len(frame)) + frame
        for at, frame in enumerate(frames)
    )


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def pcapng(
    frames: Iterable[bytes], links: Iterable[int] = (1,), interface: int = 0, order: str = "<"
) -> bytes:
    """One section, with as many interfaces as links; all frames are of one interface."""
    whole = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    for link in links:
        whole += block(1, struct.pack(f"{order}HHI", link, 0, 0), order)
    for frame in frames:
        head = struct.pack(f"{order}IIIII", interface, 0, 1, len(frame), len(frame))
        whole += block(6, head + frame, order)
    return whole


def framed(message: bytes) -> bytes:
    """Direct TCP framing."""
    return len(message).to_bytes(4, "big") + message


def smb1_negotiate(dialects: Iterable[str], flags2: int = 0xC853) -> bytes:
    body = b"".join(b"\x02" + name.encode() + b"\0" for name in dialects)
    head = b"\xffSMB\x72" + bytes(4) + struct.pack("<BH", 0x18, flags2) + bytes(12)
    return head + struct.pack("<HHHH", 0xFFFF, 0xFEFF, 0, 0) + b"\0" + struct.pack("<H", len(body)) + body


def smb2_header(command: int, mid: int, *, tree: int = 0, response: bool = False, status: int = 0) -> bytes:
    flags = 1 if response else 0
    return struct.pack(
        "<4sHHIHHIIQIIQ16s", b"\xfeSMB", 64, 0, status, command, 1, flags, 0, mid, 0xFEFF, tree, 0, bytes(16)
    )


def smb2_negotiate(dialects: Iterable[int], mode: int = 1, capabilities: int = 0) -> bytes:
    numbers = list(dialects)
    body = struct.pack("<HHHHI16sQ", 36, len(numbers), mode, 0, capabilities, bytes(16), 0)
    return smb2_header(0, 1) + body + struct.pack(f"<{len(numbers)}H", *numbers)


def smb2_session_setup(blob: bytes, mode: int = 1, binding: bool = False) -> bytes:
    body = struct.pack("<HBBIIHHQ", 25, int(binding), mode, 0, 0, 88, len(blob), 0)
    return smb2_header(1, 2) + body + blob


def ntlm_negotiate(
    flags: int = 0x62880205,
    version: tuple[int, int, int] | None = (6, 1, 7600),
    names: tuple[bytes, bytes] = (b"", b""),
) -> bytes:
    """With the VERSION flag in any case: without ``version`` the names (domain, host) stand in its place."""
    field = b"" if version is None else struct.pack("<BBHBBBB", *version, 0, 0, 0, 15)
    at = 32 + len(field)
    places = b""
    for name in names:
        places += struct.pack("<HHI", len(name), len(name), at if name else 0)
        at += len(name)
    return b"NTLMSSP\0" + struct.pack("<II", 1, flags | 0x02000000) + places + field + b"".join(names)


def ntlm_authenticate(
    texts: Iterable[bytes], nt: bytes = bytes(60), lm: bytes = bytes(24), bare_flags: bool = True
) -> bytes:
    """Domain, user and host in the oldest form: no version, no MIC, with ``bare_flags`` not even flags."""
    where = 60 if not bare_flags else 52
    parts = [lm, nt, *texts]
    at = where + (4 if where == 60 else 0)
    places = b""
    for part in parts:
        places += struct.pack("<HHI", len(part), len(part), at)
        at += len(part)
    rest = struct.pack("<HHII", 0, 0, at, 0xE2888215) if where == 60 else b""
    return b"NTLMSSP\0" + struct.pack("<I", 3) + places + rest + b"".join(parts)


def av_pairs(names: Iterable[tuple[int, bytes]]) -> bytes:
    """An NTLMv2 response with these AV pairs ([MS-NLMP] 2.2.2.1, 2.2.2.7)."""
    pairs = b"".join(struct.pack("<HH", kind, len(name)) + name for kind, name in names)
    return bytes(16) + b"\x01\x01" + bytes(26) + pairs + bytes(8)


def smb1_message(command: int, words: bytes, data: bytes, flags2: int, *, response: bool = False) -> bytes:
    head = b"\xffSMB" + bytes([command]) + bytes(4) + struct.pack("<BH", 0x98 if response else 0x18, flags2)
    head += bytes(12) + struct.pack("<HHHH", 0, 0xFEFF, 0, 0)
    return head + bytes([len(words) // 2]) + words + struct.pack("<H", len(data)) + data


def smb1_negotiated(index: int = 0, mode: int = 3, names: bytes = b"") -> bytes:
    """An answer with a challenge ([MS-CIFS] 2.2.4.52.2)."""
    words = struct.pack("<HBHHIIIIQHB", index, mode, 50, 1, 16644, 65536, 0, 0x54, 0, 0, 8)
    return smb1_message(0x72, words, bytes(8) + names, 0xC001, response=True)


def smb1_session_setup(
    texts: Iterable[bytes], flags2: int = 0x0001, lm: bytes = b"", nt: bytes = bytes(24), chained: bytes = b""
) -> bytes:
    """Without extended security: account, domain, NativeOS, NativeLanMan; a TREE_CONNECT_ANDX may follow."""
    said = b"".join(texts)
    if flags2 & 0x8000:
        said = b"\0" * ((len(lm) + len(nt) + 61) % 2) + said
    data = lm + nt + said
    after = 32 + 1 + 26 + 2 + len(data)
    words = struct.pack(
        "<BBHHHHIHHII", 0x75 if chained else 0xFF, 0, after, 65535, 7, 1, 0, len(lm), len(nt), 0, 0x54
    )
    tree = b""
    if chained:
        tree = (
            b"\x04"
            + struct.pack("<BBHHH", 0xFF, 0, 0, 0, 1)
            + struct.pack("<H", len(chained) + 1)
            + b"\0"
            + chained
        )
    return smb1_message(0x73, words, data, flags2) + tree


def smb2_request(command: int, mid: int, body: bytes) -> bytes:
    return smb2_header(command, mid) + body


def smb2_tree_connect(path: bytes) -> bytes:
    return smb2_request(3, 4, struct.pack("<HHHH", 9, 0, 72, len(path)) + path)


def smb2_create(name: bytes) -> bytes:
    fixed = struct.pack("<HBBIQQIIIIIHHII", 57, 0, 0, 2, 0, 0, 0x80, 0, 7, 1, 0, 120, len(name), 0, 0)
    return smb2_request(5, 5, fixed + name)


def smb2_negotiate_311(contexts: Iterable[tuple[int, bytes]]) -> bytes:
    """Of 3.1.1 alone, with these contexts."""
    found = list(contexts)
    at = 64 + 36 + 2
    pad = -at % 8
    body = struct.pack("<HHHHI16sIHH", 36, 1, 1, 0, 0x7F, bytes(16), at + pad, len(found), 0)
    body += struct.pack("<H", 0x0311) + bytes(pad)
    for kind, data in found:
        body += struct.pack("<HHI", kind, len(data), 0) + data + bytes(-len(data) % 8)
    return smb2_header(0, 1) + body


@dataclass
class Talk:
    """One TCP connection as frames."""

    client: str = "192.0.2.10"
    server: str = "192.0.2.1"
    port: int = 50000
    to: int = 445
    vlans: int = 0
    frames: list[bytes] = field(default_factory=list)
    client_next: int = 1000
    server_next: int = 2000

    def opened(self) -> Talk:
        self._send(SYN, b"", from_server=False)
        self.client_next += 1
        self._send(SYN | ACK, b"", from_server=True)
        self.server_next += 1
        return self

    def says(self, message: bytes, *, piece: int = 1400) -> Talk:
        data = framed(message)
        for at in range(0, len(data), piece):
            self._send(PSH, data[at : at + piece], from_server=False)
            self.client_next += len(data[at : at + piece])
        return self

    def hears(self, message: bytes) -> Talk:
        self._send(PSH, framed(message), from_server=True)
        self.server_next += len(message) + 4
        return self

    def ends(self, flags: int, *, from_server: bool = True) -> Talk:
        """The server (or the client) resets or closes."""
        self._send(flags, b"", from_server=from_server)
        return self

    def _send(self, flags: int, data: bytes, *, from_server: bool) -> None:
        ends = (self.client, self.server), (self.port, self.to), self.client_next
        if from_server:
            ends = (self.server, self.client), (self.to, self.port), self.server_next
        (source, target), (one, other), sequence = ends
        self.frames.append(
            ethernet(ip(source, target, tcp(one, other, sequence, flags, data)), vlans=self.vlans)
        )


def written(folder: Path, content: bytes, name: str = "made.pcap") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
