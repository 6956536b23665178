"""Reading what a server sent: whatever does not fit is the lab's fault, never a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import LabFault, Refused, RehearsalError

OEM = "cp850"
"""The character set of texts that are not in Unicode: what smb.conf(5) has as ``dos charset``."""


def garbage(what: str, why: object) -> LabFault:
    """The fault for an answer that cannot be read."""
    return LabFault(f"the server sent garbage: {what}: {why}")


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Around a library's parser: any exception it throws at bad bytes becomes LabFault."""
    try:
        yield
    except (Refused, RehearsalError):
        raise
    except Exception as reason:
        # impacket's structures throw struct.error, KeyError, IndexError, plain Exception and more.
        raise garbage(what, f"{type(reason).__name__}: {reason}") from reason


def cut(message: bytes, offset: int, length: int, what: str) -> bytes:
    """``length`` bytes at ``offset`` of a message. Raises LabFault when they are not all there."""
    if length == 0:
        return b""
    if offset + length > len(message):
        raise garbage(what, f"{length} bytes at {offset} of {len(message)}")
    return message[offset : offset + length]


def expect(condition: bool, what: str, why: object) -> None:
    """Raise LabFault for garbage unless the condition holds."""
    if not condition:
        raise garbage(what, why)
