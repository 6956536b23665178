"""The file that a write check leaves for a moment in a share."""

from __future__ import annotations

import uuid

from harness.errors import LabFault

CONTENT = b"smb-rehearsal: written, read back, deleted.\r\n" * 20


def new_name() -> str:
    """A name that no share has yet."""
    return f"rehearsal-{uuid.uuid4().hex[:12]}.tmp"


def compare(name: str, content: bytes) -> None:
    """Raises LabFault when a file came back changed."""
    if content != CONTENT:
        raise LabFault(f"{name}: read back {len(content)} bytes that are not what was written")
