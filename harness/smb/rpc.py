"""The share list: srvsvc NetrShareEnum level 1 over any named pipe. [MS-SRVS] 3.1.4.8."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from harness.errors import Refused
from harness.smb import status
from harness.smb.parsing import expect, reading

PIPE = "srvsvc"
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
    """What impacket's RPC needs of a transport, over two functions that move bytes of a pipe."""

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


def list_shares(transceive: Callable[[bytes], bytes], read: Callable[[], bytes], server: str) -> list[str]:
    """Bind to srvsvc and list the shares of ``server`` (a name or address).

    ``transceive`` writes one message to the open pipe and reads one; ``read`` reads what is left.
    Raises Refused when the server refuses the call, LabFault when it answers garbage.
    """
    return [share.name for share in shares(transceive, read, server)]


@dataclass(frozen=True, slots=True)
class Share:
    """One entry of the share list."""

    name: str
    disk: bool
    """A share of files: no printer, no pipes, no device ([MS-SRVS] 2.2.2.4)."""


def shares(transceive: Callable[[bytes], bytes], read: Callable[[], bytes], server: str) -> list[Share]:
    """As ``list_shares``, with the kind of each share."""
    # Large, and needed by who lists shares alone: the command line does not, workers have it preloaded.
    from impacket.dcerpc.v5 import srvs
    from impacket.dcerpc.v5.rpcrt import DCERPC_v5

    with calling():
        remote = DCERPC_v5(PipeTransport(transceive, read))
        remote.bind(srvs.MSRPC_UUID_SRVS)
        answer = srvs.hNetrShareEnum(remote, 1, serverName=f"\\\\{server}\0")
        entries = answer["InfoStruct"]["ShareInfo"]["Level1"]["Buffer"]
        return [Share(str(entry["shi1_netname"]).rstrip("\0"), _is_disk(entry)) for entry in entries]


def _is_disk(entry: Mapping[str, int]) -> bool:
    # The upper bits say that it is special or temporary.
    return entry["shi1_type"] & 0x0FFFFFFF == 0


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
            # SAMR answers an NTSTATUS, srvsvc a Win32 code.
            known = status.name(code) if code >= 0xC0000000 else _WIN32.get(code, "STATUS_UNSUCCESSFUL")
            raise Refused(known, detail=str(refusal)) from refusal
