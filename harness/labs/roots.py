"""The images that a lab has mounted: servers run from them, and client programs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from harness.labs import namespace
from harness.labs.groups import FILE, group_file
from harness.labs.host import mount_host
from harness.labs.mounts import MS_BIND, mount
from harness.servers.base import HOST, Conf

_PLAIN = Conf()


class Roots:
    """Mounts images at their first use. May be used from several threads; inside the namespace only."""

    def __init__(self, folder: Path, state: Path, images: Mapping[str, Path]) -> None:
        """Mount points are made in ``folder``; programs see the folder ``state`` at /mnt."""
        self._folder = folder
        self._state = state
        self._images = images
        self._mounted: dict[tuple[str, str], Path] = {}
        self._lock = threading.Lock()

    def root(self, image: str, conf: Conf = _PLAIN) -> Path:
        """Where an image is mounted in this namespace, with the groups of a server so configured.

        Raises LabFault when the kernel refuses.
        """
        text = group_file(conf)
        with self._lock:
            if (image, text) not in self._mounted:
                plain = text == group_file(_PLAIN)
                at = self._folder / (image if plain else f"{image}-{len(self._mounted)}")
                at.mkdir(parents=True)
                if image == HOST:
                    mount_host(at, self._state)
                else:
                    namespace.mount_image(self._images[image], at, self._state)
                if not plain:
                    file = at.with_name(f"{at.name}.group")
                    file.write_text(text)
                    mount(file, at / FILE, MS_BIND)
                self._mounted[image, text] = at
            return self._mounted[image, text]

    def runners(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """For each image the command line that runs a program in it."""
        return tuple((name, tuple(namespace.in_image(self.root(name), []))) for name in self._images)
