"""The local lab: real smbd processes in a private namespace, each on port 445 of its own loopback address.

Measured: samba runs unprivileged when it gets its own passdb, paths and address; all releases give the
same verdicts this way as with a root smbd.
"""

from __future__ import annotations

import itertools
import secrets
import string
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.labs import namespace
from harness.labs.base import LiveServer
from harness.labs.host import mount_host
from harness.labs.samba import SambaServer
from harness.labs.samba_conf import Account, Home
from harness.process import keep_secret
from harness.servers.base import HOST, Server

SHARE = "share"
"""The one share that every server of the lab offers."""


class LocalLab:
    """Starts servers below one folder. Must be used inside the namespace (see ``namespace.enter``)."""

    name = "local"

    def __init__(self, folder: Path, images: Mapping[str, Path], first: int = 1) -> None:
        """``folder`` holds all state; ``images`` are the root file systems of servers and clients by name.

        ``first`` is the number of the
        first server, which decides its address: labs that share a namespace must not share numbers.
        """
        self._folder = folder
        self._images = images
        self._numbers = itertools.count(first)
        self._roots: dict[str, Path] = {}
        self._lock = threading.Lock()
        letters = string.ascii_letters + string.digits
        # At most 14 characters, so that an LM hash exists, as it does for accounts of old servers.
        password = "".join(secrets.choice(letters) for _ in range(12))
        keep_secret(password)
        self._account = Account("rehearse", password)
        (folder / "state").mkdir(parents=True, exist_ok=True)

    @contextmanager
    def serve(self, server: Server) -> Iterator[LiveServer]:
        """Start a server at an address of its own; stopped with all its children when the context ends."""
        number = next(self._numbers)
        home = Home(
            name=f"{number}-{server.name}"[:40],
            folder=self._folder / "state",
            evidence=self._folder.parent / "evidence",
            address=f"127.{10 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}",
            share=SHARE,
        )
        live = SambaServer(server, home, self._account, self.root, self._runners())
        try:
            live.start()
            yield live
        finally:
            live.dispose()

    def root(self, image: str) -> Path:
        """Where an image is mounted in this namespace; mounts it at its first use."""
        with self._lock:
            if image not in self._roots:
                at = self._folder / "roots" / image
                at.mkdir(parents=True)
                if image == HOST:
                    mount_host(at, self._folder / "state")
                else:
                    namespace.mount_image(self._images[image], at, self._folder / "state")
                self._roots[image] = at
            return self._roots[image]

    def _runners(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """For each image the command line that runs a program in it."""
        return tuple((name, tuple(namespace.in_image(self.root(name), []))) for name in self._images)
