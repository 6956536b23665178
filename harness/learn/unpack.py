"""Gzip as a stream that gives all it can: where the file is cut off or damaged, what came before is there.

The standard library's reader raises and keeps what it has unpacked to itself.
"""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK: Final = 64 * 1024
MAX_RATIO: Final = 200
"""Gzip makes a thousandth of zeros; of 49 captures that it was tried on none became less than an eighth."""
_FREE: Final = 4 * 1024 * 1024
"""Unpacked bytes from which on the ratio counts."""
_GZIP: Final = 16 + zlib.MAX_WBITS
"""zlib's way to say: expect gzip's header and check sum."""


class Packed(Protocol):
    """Where the packed bytes come from."""

    def read(self, size: int, /) -> bytes: ...


class Gunzip(io.RawIOBase):
    """The unpacked bytes, never more at a time than asked for; several gzip files in a row are one."""

    def __init__(self, packed: Packed) -> None:
        self._packed = packed
        self._unpack = zlib.decompressobj(_GZIP)
        self._input = b""
        self._read = self._given = 0
        self.damage = ""
        """Why it ended early; "" when it did not."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        while not self.damage:
            if self._unpack.eof:
                self._input = self._unpack.unused_data or self._more()
                if not self._input.strip(b"\0"):
                    return 0
                self._unpack = zlib.decompressobj(_GZIP)
            self._input = self._input or self._more()
            if not self._input:
                self.damage = "the packed file is cut off"
                break
            try:
                data = self._unpack.decompress(self._input, len(view))
            except zlib.error as error:
                self.damage = f"the packed file is damaged: {error}"
                break
            self._input = self._unpack.unconsumed_tail
            self._given += len(data)
            if self._given > max(_FREE, MAX_RATIO * (self._read - len(self._input))):
                self.damage = f"it unpacks to more than {MAX_RATIO} times its size, as no capture does"
                break
            if data:
                view[: len(data)] = data
                return len(data)
        return 0

    def _more(self) -> bytes:
        data = self._packed.read(_CHUNK)
        self._read += len(data)
        return data
