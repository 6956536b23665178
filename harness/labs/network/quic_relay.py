"""The process of a relay that speaks QUIC in front of a server: ``quic_front`` starts and ends it.

    python -m harness.system.entry harness.labs.network.quic_relay ADDRESS PORT CERTIFICATE KEY SERVER PORT2

It listens at ADDRESS, UDP PORT, and passes on to SERVER, TCP port PORT2, until a signal ends it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

from harness.errors import LabFault
from harness.smb.quic import front
from harness.system import confine
from harness.system.entry import ended


def main(argv: Sequence[str]) -> int:
    """Serve until SIGTERM; the exit status. What goes wrong is its last line."""
    address, port, certificate, key, server, server_port = argv
    shown = front.Shown(Path(certificate), Path(key))
    # It reads what clients send.
    confine.keep(())
    try:
        asyncio.run(_serve(address, int(port), shown, front.to(server, int(server_port))))
    except LabFault as fault:
        return ended(fault)
    return 0


async def _serve(address: str, port: int, shown: front.Shown, onward: front.Upstream) -> None:
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with front.serving(address, port, shown, onward):
        await over.wait()
