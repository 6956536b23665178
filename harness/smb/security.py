"""Security descriptors as they come over the wire: [MS-DTYP] 2.4.2 (SID) and 2.4.6."""

from __future__ import annotations

import struct

from harness.smb.parsing import expect, reading

OWNER_GROUP_DACL = 0x7
"""What is asked for: OWNER_, GROUP_ and DACL_SECURITY_INFORMATION, [MS-DTYP] 2.4.7."""
READ_CONTROL = 0x00020000
_WHAT = "a security descriptor"


def owner(descriptor: bytes) -> str:
    """The SID of the owner as text, "S-1-5-21-...". Raises LabFault where it is no descriptor or has none."""
    with reading(_WHAT):
        revision, _, _, at = struct.unpack_from("<BBHL", descriptor)
        expect(revision == 1 and at >= 20, _WHAT, f"revision {revision}, owner at {at}")
        revision, count = struct.unpack_from("<BB", descriptor, at)
        expect(revision == 1 and count <= 15, _WHAT, f"a SID of revision {revision} with {count} parts")
        authority = int.from_bytes(descriptor[at + 2 : at + 8], "big")
        parts = struct.unpack_from(f"<{count}L", descriptor, at + 8)
        return "-".join(("S-1", str(authority), *map(str, parts)))
