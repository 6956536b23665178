"""The local lab: real smbd processes in a private namespace, each on port 445 of its own loopback address.

Measured: samba runs unprivileged when it gets its own passdb, paths and address; all releases give the
same verdicts this way as with a root smbd.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.labs import people
from harness.labs.capture import LOOPBACK
from harness.labs.domain import TEMPLATE
from harness.labs.home import Home
from harness.labs.network.segments import segment_for
from harness.labs.platforms import LabPart, LocalBench, part_of
from harness.labs.roots.mounted import Roots
from harness.labs.samba_conf import PRINTER, SHARE, new_account
from harness.model import Segment
from harness.servers import lists
from harness.servers.base import Server
from harness.servers.live import LiveServer
from harness.servers.platform import Platform
from harness.servers.roles import BroughtServer


class LocalLab:
    """Starts servers below one folder. Must be used inside the namespace (see ``namespace.enter``)."""

    name = "local"

    def __init__(
        self,
        folder: Path,
        images: Mapping[str, Path],
        first: int = 1,
        parts: Callable[[Platform], LabPart] = part_of,
    ) -> None:
        """``folder`` holds all state; ``images`` are the root file systems of servers and clients by name.

        ``first`` is the number of the first server, which decides its address: labs that share a namespace
        must not share numbers. ``parts`` says how the server of a platform is made.
        """
        self._parts = parts
        self._folder = folder
        self._numbers = itertools.count(first)
        self._account = new_account()
        self._template = images.get(TEMPLATE)
        mounted = {name: path for name, path in images.items() if name != TEMPLATE}
        self._roots = Roots(folder / "roots", folder / "state", mounted)
        (folder / "state").mkdir(parents=True, exist_ok=True)

    @contextmanager
    def serve(self, server: Server) -> Iterator[LiveServer]:
        """Start a server at an address of its own; stopped with all its children when the context ends."""
        number = next(self._numbers)
        with segment_for(server, number) as segment:
            yield from self._served(server, number, segment)

    def _served(self, server: Server, number: int, segment: Segment | None) -> Iterator[LiveServer]:
        home = Home(
            name=f"{number}-{server.name}"[:40],
            folder=self._folder / "state",
            evidence=self._folder.parent / "evidence",
            address=_address(number),
            share=server.share if isinstance(server, BroughtServer) else SHARE,
            segment=segment,
            printer=(lists.printer(server.conf) or PRINTER) if server.prints else "",
            controller=self._controller(server, number),
        )
        own = people.files(server)
        bench = LocalBench(
            home,
            self._account,
            lambda image: self._roots.root(image, own, prints=server.prints),
            self._roots.runners(),
            self._roots.root,
            self._template,
        )
        live = self._parts(server.platform).local(server, bench)
        try:
            live.start()
            yield live
        finally:
            live.dispose()

    def _controller(self, server: Server, number: int) -> str:
        """The address of a server's domain controller, one of its own where it is not that itself."""
        if server.in_domain is None:
            return ""
        return _address(number if server.in_domain.is_controller else next(self._numbers))

    @property
    def device(self) -> str:
        """See ``OnOneWire``: everybody is on the loopback device."""
        return LOOPBACK

    def root(self, image: str) -> Path:
        """Where an image is mounted in this namespace; mounts it at its first use."""
        return self._roots.root(image)


def _address(number: int) -> str:
    """A loopback address of the lab's, from 1."""
    return f"127.{10 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"
