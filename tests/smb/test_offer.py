"""What limits leave of an opening, and the bytes that are made of it."""

from __future__ import annotations

import struct

import pytest

from harness.model import Dialect
from harness.smb.control import opening
from harness.smb.offer import (
    Cipher,
    Context,
    ContextKind,
    Opening,
    Smb1Hello,
    Smb2Hello,
    smb1_negotiate,
    smb2_negotiate,
)

OLD = ("LANMAN1.0", "NT LM 0.12")
EVERY_SMB2 = tuple(dialect for dialect in Dialect if dialect is not Dialect.NT1)
BOTH = Opening(
    Smb1Hello((*OLD, "SMB 2.002", "SMB 2.???")),
    Smb2Hello(EVERY_SMB2, contexts=(Context(ContextKind.PREAUTH, (1,), salt=32),)),
)


def strings(left: Opening) -> tuple[str, ...]:
    return left.smb1.dialects if left.smb1 else ()


def numbers(left: Opening) -> tuple[Dialect, ...]:
    return left.smb2.dialects if left.smb2 else ()


@pytest.mark.parametrize(
    ("smb1", "lowest", "highest", "left_strings", "left_numbers"),
    [
        (True, Dialect.NT1, Dialect.SMB3_11, (*OLD, "SMB 2.002", "SMB 2.???"), EVERY_SMB2),
        (False, Dialect.NT1, Dialect.SMB3_11, ("SMB 2.002", "SMB 2.???"), EVERY_SMB2),
        (True, Dialect.SMB2_02, Dialect.SMB3_11, ("SMB 2.002", "SMB 2.???"), EVERY_SMB2),
        (True, Dialect.SMB3_11, Dialect.SMB3_11, ("SMB 2.???",), (Dialect.SMB3_11,)),
        (True, Dialect.NT1, Dialect.NT1, OLD, ()),
        (True, Dialect.NT1, Dialect.SMB2_02, (*OLD, "SMB 2.002"), (Dialect.SMB2_02,)),
        (False, Dialect.NT1, Dialect.NT1, (), ()),
    ],
)
def test_limits(
    smb1: bool,
    lowest: Dialect,
    highest: Dialect,
    left_strings: tuple[str, ...],
    left_numbers: tuple[Dialect, ...],
) -> None:
    left = BOTH.restricted(smb1, lowest, highest)
    assert (strings(left), numbers(left)) == (left_strings, left_numbers)


def test_a_client_that_requires_signing_says_so() -> None:
    required = BOTH.signing_required()
    assert required.smb2 is not None
    assert smb2_negotiate(required.smb2, 0, bytes(16), "server")[64 + 4 : 64 + 6] == b"\2\0"


def test_smb1_bytes() -> None:
    message = smb1_negotiate(Smb1Hello(("NT LM 0.12", "SMB 2.???"), flags2=0xC853, tid=0xFFFF, pid=0xFEFF))
    assert message[:14].hex() == "ff534d4272000000001853c80000"
    assert message[24:32].hex() == "fffffffe00000000"
    # No words, then the length of the strings, then each string with its mark.
    assert message[32:] == b"\0\x17\0\2NT LM 0.12\0\2SMB 2.???\0"


def test_contexts_come_in_order_and_are_padded_but_the_last() -> None:
    hello = Smb2Hello(
        (Dialect.SMB3_02, Dialect.SMB3_11),
        contexts=(
            Context(ContextKind.PREAUTH, (1,), salt=32),
            Context(ContextKind.ENCRYPTION, (Cipher.AES_256_GCM,)),
            Context(ContextKind.NETNAME),
        ),
    )
    message = smb2_negotiate(hello, 3, b"G" * 16, "pc")
    offset, count = struct.unpack_from("<LH", message, 64 + 28)
    assert (offset % 8, count) == (0, 3)
    kinds = []
    for _ in range(count):
        kind, length = struct.unpack_from("<HH", message, offset)
        kinds.append((kind, message[offset + 8 : offset + 8 + length]))
        offset += 8 + length + -length % 8
    assert [kind for kind, _ in kinds] == [1, 2, 5]
    assert kinds[1][1] == b"\1\0\4\0"
    assert message.endswith("pc".encode("utf-16le"))


def test_no_contexts_below_311() -> None:
    message = smb2_negotiate(Smb2Hello((Dialect.SMB2_02, Dialect.SMB2_10)), 1, bytes(16), "server")
    assert message[64 + 28 :] == bytes(8) + b"\x02\x02\x10\x02"


@pytest.mark.parametrize(
    ("dialects", "left_strings", "left_numbers"),
    [
        ((Dialect.NT1,), ("NT LM 0.12",), ()),
        ((Dialect.SMB2_02,), (), (Dialect.SMB2_02,)),
        ((Dialect.SMB3_11, Dialect.SMB2_10), (), (Dialect.SMB2_10, Dialect.SMB3_11)),
        ((Dialect.NT1, Dialect.SMB2_02), ("NT LM 0.12", "SMB 2.002"), (Dialect.SMB2_02,)),
        (tuple(Dialect), ("NT LM 0.12", "SMB 2.002", "SMB 2.???"), EVERY_SMB2),
    ],
)
def test_the_control_client_offers_just_what_it_is_told(
    dialects: tuple[Dialect, ...], left_strings: tuple[str, ...], left_numbers: tuple[Dialect, ...]
) -> None:
    offered = opening(dialects)
    assert (strings(offered), numbers(offered)) == (left_strings, left_numbers)


def test_no_cipher_means_no_encryption_offered() -> None:
    plain, sealed = (opening((Dialect.SMB3_11,), ciphers=ciphers).smb2 for ciphers in ((), tuple(Cipher)))
    assert plain is not None
    assert sealed is not None
    assert (plain.capabilities & 0x40, sealed.capabilities & 0x40) == (0, 0x40)
    assert ContextKind.ENCRYPTION not in [context.kind for context in plain.contexts]


def test_the_strings_of_a_hollow_frame_stay_as_recorded() -> None:
    """Windows without SMB1 still sends NT LM 0.12; without any SMB2 the frame leads nowhere."""
    hollow = Opening(Smb1Hello(("NT LM 0.12", "SMB 2.002", "SMB 2.???"), hollow=True), BOTH.smb2)
    assert strings(hollow.restricted(False, Dialect.SMB2_02, Dialect.SMB3_11)) == (
        "NT LM 0.12",
        "SMB 2.002",
        "SMB 2.???",
    )
    assert hollow.restricted(False, Dialect.NT1, Dialect.NT1) == Opening(None, None)


def test_dialects_that_were_never_released_are_sent_in_order_and_end_with_a_limit() -> None:
    hello = Smb2Hello((Dialect.SMB2_10, Dialect.SMB3_00), unreleased=(0x0224, 0x0310))
    message = smb2_negotiate(hello, 0, bytes(16), "server")
    assert struct.unpack_from("<H4H", message, 66)[0] == 4
    assert struct.unpack_from("<4H", message, 100) == (0x0210, 0x0224, 0x0300, 0x0310)
    left = Opening(None, hello).restricted(False, Dialect.SMB2_02, Dialect.SMB2_10).smb2
    assert left is not None
    assert left.revisions == (0x0210,)


@pytest.mark.parametrize(
    ("context", "content"),
    [
        (Context(ContextKind.COMPRESSION, (4, 1), flags=1), "020000000100000004000100"),
        (Context(ContextKind.RDMA, (1, 2)), "020000000000000001000200"),
        (Context(ContextKind.TRANSPORT, flags=1), "01000000"),
        (Context(ContextKind.POSIX, data=b"\x93\xad"), "93ad"),
        (Context(ContextKind.ENCRYPTION, (1,), data=bytes(4)), "0100010000000000"),
    ],
)
def test_the_other_contexts(context: Context, content: str) -> None:
    """[MS-SMB2] 2.2.3.1.3 to 2.2.3.1.7; the last as libsmb2 pads it."""
    message = smb2_negotiate(Smb2Hello((Dialect.SMB3_11,), contexts=(context,)), 0, bytes(16), "server")
    (offset,) = struct.unpack_from("<L", message, 64 + 28)
    assert message[offset + 8 :].hex() == content
