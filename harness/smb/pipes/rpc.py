"""Remote calls over any named pipe: what moves their bytes, and what their errors are called. [MS-RPCE]."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.errors import Refused
from harness.smb import status
from harness.smb.parsing import expect, reading

_LONGEST_ANSWER = 1 << 20

# Win32 codes that the call itself or an RPC fault returns: [MS-ERREF] 2.2, as NTSTATUS names.
_WIN32 = {
    5: "STATUS_ACCESS_DENIED",
    8: "STATUS_NO_MEMORY",
    50: "STATUS_NOT_SUPPORTED",
    53: "STATUS_BAD_NETWORK_PATH",
    124: "STATUS_INVALID_LEVEL",
}


class PipeTransport:
    """A pipe as impacket's RPC wants its transport to be, over two functions that move bytes of a pipe."""

    def __init__(self, transceive: Callable[[bytes], bytes], read: Callable[[], bytes]) -> None:
        self._transceive = transceive
        self._read = read
        self._received = b""
        self._total = 0

    def send(self, data: bytes, **_: object) -> None:
        """One request PDU; the answer (or its beginning) comes back in the same round trip."""
        self._received = self._counted(self._transceive(data))

    def recv(self, _force: object = 0, count: int = 0) -> bytes:
        """``count`` bytes of the answer, or what is there."""
        while not self._received or len(self._received) < count:
            more = self._counted(self._read())
            expect(bool(more), "an RPC answer", "it ends early")
            self._received += more
        count = count or len(self._received)
        taken, self._received = self._received[:count], self._received[count:]
        return taken

    def _counted(self, data: bytes) -> bytes:
        self._total += len(data)
        expect(self._total <= _LONGEST_ANSWER, "an RPC answer", "it does not end")
        return data


def error_name(code: int) -> str:
    """The NTSTATUS name of what a call answers: SAMR answers an NTSTATUS, srvsvc a Win32 code."""
    return status.name(code) if code >= 0xC0000000 else _WIN32.get(code, "STATUS_UNSUCCESSFUL")


@contextmanager
def calling() -> Iterator[None]:
    """Around a remote call of impacket's: the server's error code as Refused, garbage as LabFault."""
    from impacket.dcerpc.v5.rpcrt import DCERPCException

    with reading("an RPC answer"):
        try:
            yield
        except DCERPCException as refusal:
            code = refusal.get_error_code()
            if code is None:
                raise
            raise Refused(error_name(code), detail=str(refusal)) from refusal
