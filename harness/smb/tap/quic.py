"""A relay that reads along between a client program that speaks QUIC and a server that is reached by it.

    program --QUIC--> front, with the server's certificate --TCP--> tap --QUIC--> the server's relay --> smbd

TLS lets nobody read along. So the program meets a second relay, which shows the very certificate of the
server, and what it says goes on to the server by a QUIC connection of ours.
"""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from harness.errors import LabFault, Refused
from harness.model import Target
from harness.smb.quic import front
from harness.smb.quic.dialing import UNLOOKED, dial
from harness.smb.tap.relay import Tap
from harness.system.deadline import Deadline

_BEGIN_SECONDS: Final = 10.0


class _Onward(Tap):
    """The tap, whose server is reached by QUIC."""

    def __init__(self, target: Target, seconds: float) -> None:
        super().__init__(target.address, target.port, seconds)
        self._target = target

    def _towards_server(self) -> socket.socket | None:
        assert self._target.quic is not None
        way, deadline = self._target.quic, Deadline(self._target.seconds)
        try:
            # Whether the certificate is good is for the program to say, to whom the same one is shown.
            made = dial(self._target.address, way.port, way.host, UNLOOKED, deadline)
        except Refused:
            return None
        if self._notes is not None:
            self._notes.connections.append(made.end)
        made.stream.setblocking(False)
        return made.stream


class QuicTap:
    """``with QuicTap(target, seconds) as tap:`` relays UDP ``tap.port`` of 127.0.0.1 to the target.

    Raises LabFault where it cannot be had.
    """

    def __init__(self, target: Target, seconds: float) -> None:
        self.tap = _Onward(target, seconds)
        self.port = 0
        self.seen = front.Seen()
        self._target = target
        self._seconds = seconds
        self._told: queue.SimpleQueue[int | BaseException] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="smb-quic-tap", daemon=True)

    def __enter__(self) -> Self:
        self.tap.__enter__()
        self._thread.start()
        try:
            told = self._told.get(timeout=_BEGIN_SECONDS)
        except queue.Empty:
            told = LabFault("no relay for a client program that speaks QUIC: it did not begin in time")
        if isinstance(told, int):
            self.port = told
            return self
        self.__exit__()
        raise told

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._over is not None:
            # One that ended by itself has closed it.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(_BEGIN_SECONDS)
        self.tap.__exit__(None, None, None)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._told.put(error)

    async def _serve(self) -> None:
        way = self._target.quic
        assert way is not None
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        shown = front.Shown(Path(way.certificate), Path(way.key))
        inward = front.to("127.0.0.1", self.tap.port)
        async with front.serving("127.0.0.1", 0, shown, lambda _: inward(("", 0))) as (port, self.seen):
            self._told.put(port)
            await self._over.wait()
