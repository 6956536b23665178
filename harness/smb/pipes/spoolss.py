"""A print job over any named pipe: OpenPrinter, StartDocPrinter, WritePrinter, EndDocPrinter, ClosePrinter.

[MS-RPRN] 3.1.4.2.2, 3.1.4.9.1, 3.1.4.9.3, 3.1.4.9.7 and 3.1.4.2.9.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from harness.errors import LabFault, Refused
from harness.smb.parsing import cut
from harness.smb.pipes.rpc import PipeTransport, calling, error_name

PIPE: Final = "spoolss"
_USE: Final = 0x8
"""PRINTER_ACCESS_USE, [MS-RPRN] 2.2.3.1."""
_START, _WRITE, _END = 17, 19, 23


def send(
    transceive: Callable[[bytes], bytes], read: Callable[[], bytes], printer: str, name: str, data: bytes
) -> None:
    """Open the printer ``\\\\server\\printer``, start a job of that name, write it and end it.

    Raises Refused when the server refuses a call, LabFault when it takes less than all or answers garbage.
    """
    # Large: workers have it preloaded.
    from impacket.dcerpc.v5 import rprn
    from impacket.dcerpc.v5.rpcrt import DCERPC_v5

    with calling():
        remote = DCERPC_v5(PipeTransport(transceive, read))
        remote.bind(rprn.MSRPC_UUID_RPRN)
        handle = rprn.hRpcOpenPrinter(remote, f"{printer}\0", accessRequired=_USE)["pHandle"]
        _call(remote, _START, handle + _about(name))
        padded = data + bytes(-len(data) % 4)
        answer = _call(
            remote, _WRITE, handle + struct.pack("<L", len(data)) + padded + struct.pack("<L", len(data))
        )
        (written,) = struct.unpack("<L", cut(answer, 0, 4, "the WritePrinter answer"))
        _call(remote, _END, handle)
        rprn.hRpcClosePrinter(remote, handle)
    if written != len(data):
        raise LabFault(f"the printer took {written} of {len(data)} bytes")


def _about(name: str) -> bytes:
    """DOC_INFO_CONTAINER of level 1: the job's name, no output file, and RAW ([MS-RPRN] 2.2.1.2.3)."""
    pointers = struct.pack("<LLLLLL", 1, 1, 0x20000, 0x20004, 0, 0x20008)
    return pointers + _string(name) + _string("RAW")


def _string(text: str) -> bytes:
    encoded = f"{text}\0".encode("utf-16le")
    count = len(encoded) // 2
    return struct.pack("<LLL", count, 0, count) + encoded + bytes(-len(encoded) % 4)


def _call(remote: Any, number: int, body: bytes) -> bytes:
    """What it answers. Raises Refused for the error at its end."""
    remote.call(number, body)
    answer = bytes(remote.recv())
    (code,) = struct.unpack("<L", cut(answer, max(0, len(answer) - 4), 4, "an answer of spoolss"))
    if code:
        raise Refused(error_name(code), detail=f"call {number} of spoolss: error {code}")
    return answer
