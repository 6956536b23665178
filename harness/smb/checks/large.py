"""Copy a file of 64 MiB to the share and back, and tell how long each way took.

Pieces are as large as client, server and dialect allow, up to 1 MiB, one after the other; a real file manager
has several under way. How long it takes is told beside how long it took before the change, and judged by
nobody.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import cache
from typing import Final

from harness.checks import StepName
from harness.errors import LabFault, Refused
from harness.model import Copied
from harness.smb import trial
from harness.smb.attempting import Log
from harness.smb.prober import Connection

SIZE: Final = 64 << 20
_LEAST: Final = 1024
"""Bytes of a request where a server announces less: nothing that speaks SMB does."""
INFERRED = (
    "that it copies in pieces of the negotiated sizes, up to 1 MiB, one after the other; the time is that of "
    "this lab's own Python [inferred: no capture of this kind of client copying a large file was found]"
)


def do(connection: Connection, log: Log) -> None:
    """Raises Refused at the step that is stopped, LabFault when the file comes back changed."""
    log.inferred = log.inferred or INFERRED
    session = connection.session
    name = trial.new_name()
    tree = connection.reach_share(log)
    with log.step(StepName.CREATE):
        file = session.create(tree, name)
    try:
        write_size, read_size = max(session.write_size, _LEAST), max(session.read_size, _LEAST)
        with log.step(StepName.WRITE):
            wrote = write(lambda data, at: session.write(file, data, at), write_size)
        with log.step(StepName.READ):
            read = read_back(lambda length, at: session.read(file, length, at), read_size)
    except (Refused, LabFault):
        connection.discard(tree, name)
        raise
    with log.step(StepName.DELETE):
        session.delete(file, name)
    if not any(step.name is StepName.TLS for step in log.steps):
        # Through the relay that speaks QUIC for a server it would be the relay's speed.
        log.copied = Copied(SIZE, wrote, read, write_size, read_size)


def write(put: Callable[[bytes, int], object], piece: int) -> float:
    """Write the whole file in pieces of so many bytes, at most 1 MiB; the seconds that it took."""
    _block()  # Made before the clock runs.
    begun = time.perf_counter()
    for at in range(0, SIZE, piece):
        put(_content(at, min(piece, SIZE - at)), at)
    return time.perf_counter() - begun


def read_back(get: Callable[[int, int], bytes], piece: int) -> float:
    """Read it in such pieces; the seconds that it took. Raises LabFault when it is another."""
    begun = time.perf_counter()
    at = 0
    while at < SIZE:
        data = get(min(piece, SIZE - at), at)
        if not data or data != _content(at, len(data)):
            raise LabFault(f"a file of {SIZE} bytes came back changed at byte {at}")
        at += len(data)
    return time.perf_counter() - begun


def _content(at: int, length: int) -> bytes:
    block = _block()
    begin = at % len(block)
    part = block[begin : begin + length]
    return part + block[: length - len(part)]


@cache
def _block() -> bytes:
    """What the file consists of, over and over: nothing that could be made smaller on its way."""
    return random.Random(2017).randbytes(1 << 20)
