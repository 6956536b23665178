"""The first bytes of a capture: enough to tell that a file is one, without what reads it."""

from __future__ import annotations

from typing import Final

_PCAP: Final = {
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\xc3\xd4",
    b"\x4d\x3c\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
}
"""Byte order and resolution: microseconds, nanoseconds."""
PCAPNG: Final = b"\x0a\x0d\x0d\x0a"
MAGIC: Final = frozenset({*_PCAP, PCAPNG})
"""With what a capture begins, unpacked."""
