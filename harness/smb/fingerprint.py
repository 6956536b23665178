"""What a server answers to offers of one dialect each: all in NEGOTIATE that its configuration decides.

Left out is what differs from answer to answer by itself: times, identifiers, challenges and salts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from harness.errors import Refused
from harness.model import TIMEOUT, Dialect, Target
from harness.smb.control import EVERY_CIPHER, opening
from harness.smb.negotiation import Chosen, Smb1Chosen, Smb2Chosen, negotiate
from harness.smb.offer import Cipher
from harness.smb.wire import Wire
from harness.system.deadline import Deadline

_ANSWER = struct.Struct("<HHHH16sIIIIQQHHI")
"""[MS-SMB2] 2.2.4: size, security mode, dialect, number of contexts, server, capabilities, largest
transaction, read and write, time, time of start, place and length of the security buffer, place of the
contexts."""
_CAPABILITIES = {
    0x01: "DFS",
    0x02: "leasing",
    0x04: "large MTU",
    0x08: "multichannel",
    0x10: "persistent handles",
    0x20: "directory leasing",
    0x40: "encryption",
    0x80: "notifications",
}
"""[MS-SMB2] 2.2.4, Capabilities."""
_MECHANISMS = {
    b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a": "NTLM",
    b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02": "Kerberos",
    b"\x2a\x86\x48\x82\xf7\x12\x01\x02\x02": "Kerberos of Windows 2000",
    b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x1e": "NEGOEX",
}
"""The object identifiers of [MS-SPNG] 1.9 and [MS-NEGOEX], as DER has them."""


def fingerprint(target: Target) -> dict[str, str]:
    """What the server answers, each by a few words. Raises LabFault for garbage."""
    found: dict[str, str] = {}
    for dialect in Dialect:
        answer = _offered(target, dialect)
        if not isinstance(answer, str):
            found |= {f"{dialect.in_words}, {what}": value for what, value in _told(answer)}
        found[dialect.in_words] = answer if isinstance(answer, str) else "spoken"
    if found[Dialect.SMB3_11.in_words] == "spoken":
        taken = (one for one in EVERY_CIPHER if _agreed(target, one))
        found["SMB 3.1.1, ciphers"] = ", ".join(one.title for one in taken) or "none"
    return found


def _offered(target: Target, dialect: Dialect, ciphers: tuple[Cipher, ...] = EVERY_CIPHER) -> Chosen | str:
    """The answer to an offer of that dialect alone; why there is none."""
    try:
        wire = Wire.connect(target.address, target.port, Deadline(target.seconds))
        try:
            return negotiate(wire, opening((dialect,), ciphers=ciphers, compression=True), target.address)
        finally:
            wire.close()
    except Refused as refusal:
        # Whether one that hangs up is seen as closed or as reset is chance.
        return "no answer in time" if refusal.status == TIMEOUT else "refused"


def _agreed(target: Target, cipher: Cipher) -> bool:
    answer = _offered(target, Dialect.SMB3_11, (cipher,))
    return isinstance(answer, Smb2Chosen) and answer.cipher is cipher


def _told(answer: Chosen) -> Iterator[tuple[str, str]]:
    yield "signing", answer.signing
    if isinstance(answer, Smb1Chosen):
        yield "capabilities", f"{answer.capabilities:#010x}"
        yield "largest message", str(answer.max_buffer)
        return
    _, _, _, _, _, capabilities, *sizes, _, _, place, length, _ = _ANSWER.unpack_from(answer.reply, 64)
    yield (
        "capabilities",
        ", ".join(word for bit, word in _CAPABILITIES.items() if capabilities & bit) or "none",
    )
    yield "largest transaction, read and write", ", ".join(map(str, sizes))
    buffer = answer.reply[place : place + length]
    yield "mechanisms", ", ".join(word for oid, word in _MECHANISMS.items() if oid in buffer) or "none"
    yield "signing algorithm", answer.signing_algorithm.title
    yield "compression", answer.compression.title if answer.compression else "none"
