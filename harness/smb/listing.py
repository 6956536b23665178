"""Directory listings, which both protocols carry in the structures of [MS-FSCC] 2.4."""

from __future__ import annotations

import struct

from harness.smb.parsing import cut, reading
from harness.system.charsets import decoded

BOTH_DIRECTORY = 94
"""Where the name begins in an entry of FileBothDirectoryInformation."""
ID_BOTH_DIRECTORY = 104
"""Where the name begins in an entry of FileIdBothDirectoryInformation."""


def names(listing: bytes, name_at: int, count: int | None = None, charset: str = "utf-16le") -> list[str]:
    """The file names of a listing: ``count`` of them, or until an entry says that it is the last.

    Raises LabFault when it cannot be read.
    """
    what = "a directory listing"
    found: list[str] = []
    offset = 0
    while len(found) != count and listing:
        with reading(what):
            step, length = struct.unpack_from("<L56xL", listing, offset)
            found.append(decoded(cut(listing, offset + name_at, length, what), charset))
        if step == 0:
            break
        offset += step
    return found
