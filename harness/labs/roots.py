"""The images that a lab has mounted: servers run from them, and client programs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from harness.labs import namespace
from harness.labs.host import mount_host
from harness.servers.base import HOST


class Roots:
    """Mounts images at their first use. May be used from several threads; inside the namespace only."""

    def __init__(self, folder: Path, state: Path, images: Mapping[str, Path]) -> None:
        """Mount points are made in ``folder``; programs see the folder ``state`` at /mnt."""
        self._folder = folder
        self._state = state
        self._images = images
        self._mounted: dict[str, Path] = {}
        self._lock = threading.Lock()

    def root(self, image: str) -> Path:
        """Where an image is mounted in this namespace. Raises LabFault when the kernel refuses."""
        with self._lock:
            if image not in self._mounted:
                at = self._folder / image
                at.mkdir(parents=True)
                if image == HOST:
                    mount_host(at, self._state)
                else:
                    namespace.mount_image(self._images[image], at, self._state)
                self._mounted[image] = at
            return self._mounted[image]

    def runners(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """For each image the command line that runs a program in it."""
        return tuple((name, tuple(namespace.in_image(self.root(name), []))) for name in self._images)
