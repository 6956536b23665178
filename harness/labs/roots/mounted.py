"""The images that a lab has mounted: servers run from them, and client programs."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from pathlib import Path

from harness.labs import in_memory, namespace, print_command, rpc_services
from harness.labs.roots.host import mount_host
from harness.labs.roots.mounts import MS_BIND, mount
from harness.labs.roots.rootfs import FILES
from harness.servers.base import HOST


class Roots:
    """Mounts images at their first use. May be used from several threads; inside the namespace only."""

    def __init__(self, folder: Path, state: Path, images: Mapping[str, Path]) -> None:
        """Mount points are made in ``folder``; programs see the folder ``state`` at /mnt."""
        self._folder = folder
        self._state = state
        self._images = images
        self._mounted: dict[tuple[str, frozenset[tuple[str, str]], bool], Path] = {}
        self._numbers = itertools.count(1)
        """Of mount points: one whose mount fails is not used again."""
        self._lock = threading.Lock()

    def root(self, image: str, files: Mapping[str, str] = FILES, *, prints: bool = False) -> Path:
        """Where an image is mounted in this namespace, with these files instead of its own: path -> text.

        ``prints``: with what a lab queue needs (``labs.print_command``).

        Raises LabFault when the kernel refuses.
        """
        own = frozenset(pair for pair in files.items() if pair not in FILES.items())
        with self._lock:
            key = (image, own, prints)
            if not self._mounted:
                in_memory.begin(self._state)
            if key not in self._mounted:
                at = self._folder / (f"{image}-{next(self._numbers)}" if own or prints else image)
                at.mkdir(parents=True)
                if image == HOST:
                    mount_host(at, self._state)
                else:
                    namespace.mount_image(self._images[image], at, self._state)
                    rpc_services.hide_others(self._images[image], at)
                    if prints:
                        print_command.give(self._images[image], at)
                for name, text in own:
                    file = at.with_name(f"{at.name}.{Path(name).name}")
                    file.write_text(text, encoding="utf-8")
                    file.chmod(0o644)
                    mount(file, at / name, MS_BIND)
                self._mounted[key] = at
            return self._mounted[key]

    def runners(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """For each image the command line that runs a program in it."""
        return tuple((name, tuple(namespace.in_image(self.root(name), []))) for name in self._images)
