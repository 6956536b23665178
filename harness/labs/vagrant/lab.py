"""The vagrant lab: the same servers and clients as the local lab's, on real virtual machines."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from harness.errors import LabFault
from harness.labs import guests
from harness.labs.base import LiveServer
from harness.labs.guests import Guest
from harness.labs.roots import Roots
from harness.labs.samba_conf import new_account
from harness.labs.vagrant import keys, places
from harness.labs.vagrant.choice import guest_for
from harness.labs.vagrant.driver import Driver
from harness.labs.vagrant.guest_samba import GuestSamba
from harness.labs.vagrant.libvirt import PrivateLibvirt
from harness.labs.vagrant.machine import Machine, Outfit
from harness.labs.vagrant.park import Park, waves
from harness.model import GuestRoute
from harness.remote.base import Remote
from harness.servers.base import Server


@dataclass(frozen=True, slots=True)
class Means:
    """What a lab of virtual machines is made with."""

    boxes: Path
    """Vagrant's own folder (VAGRANT_HOME), with the boxes in it."""
    accelerated: bool
    """False: software emulation."""
    memory: int
    """MB that all running guests may take together."""
    clients: Sequence[str] = ()
    """The guests whose clients are wanted."""


class VagrantLab:
    """Use as a context manager, inside the namespace (see ``namespace.enter``): the end removes every guest."""

    name = "vagrant"

    def __init__(self, folder: Path, images: Mapping[str, Path], means: Means) -> None:
        """``folder`` holds all state; ``images`` are the root file systems of client programs by name."""
        self._folder = folder
        self._means = means
        self._catalogue = guests.load()
        self._account = new_account()
        (folder / "state").mkdir(parents=True, exist_ok=True)
        self._roots = Roots(folder / "roots", folder / "state", images)
        consoles = folder / "consoles"
        consoles.mkdir()
        env = {
            "SMB_REHEARSAL_ACCEL": "kvm" if means.accelerated else "qemu",
            "SMB_REHEARSAL_CONSOLES": str(consoles),
        }
        driver = Driver(env, home=means.boxes, state=folder / "machines")
        self._outfit = Outfit(driver, keys.make(folder / "key"), folder)
        self._libvirt = PrivateLibvirt(folder / "libvirt", places.HOST, places.leases(self._catalogue))
        self._park = Park(means.memory, self._machine)
        self._clients: dict[str, GuestRoute] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> VagrantLab:
        self._libvirt.__enter__()
        self._share_boxes()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._park.end()
        finally:
            self._libvirt.__exit__(kind, error, trace)

    def ranks(self, servers: Sequence[Server]) -> dict[str, int]:
        """In which wave each server's guest runs. Raises LabFault when one alone does not fit."""
        always = sum(self._catalogue[name].memory for name in self._means.clients)
        wanted = {server.name: guest_for(server, self._catalogue) for server in servers}
        memory = {guest.name: guest.memory for guest in wanted.values()}
        wave = {
            name: number
            for number, names in enumerate(waves(memory, self._means.memory, always))
            for name in names
        }
        return {name: wave[guest.name] for name, guest in wanted.items()}

    @contextmanager
    def serve(self, server: Server) -> Iterator[LiveServer]:
        """A server on its guest, pristine; the guest is free for the next job when the context ends."""
        guest = guest_for(server, self._catalogue)
        with self._park.lease(guest.name) as machine:
            live = GuestSamba(
                server,
                machine,
                self._account,
                self._folder.parent / "evidence",
                self._roots.runners(),
                self._client_routes(),
            )
            try:
                live.start()
                yield live
            finally:
                live.dispose()

    def _client_routes(self) -> tuple[GuestRoute, ...]:
        """The guests of the clients, started at their first use."""
        with self._lock:
            for name in self._means.clients:
                if name not in self._clients:
                    self._clients[name] = self._park.keep(name).route
            return tuple(self._clients.values())

    def _machine(self, name: str) -> Machine:
        guest = self._catalogue[name]
        return Machine(guest, self._outfit, lambda remote: self._prepare(guest, remote))

    def _prepare(self, guest: Guest, remote: Remote) -> None:
        if "serve-samba" in guest.can:
            GuestSamba.outfit(self._account, remote)

    def _share_boxes(self) -> None:
        """Let libvirt use the boxes' disks where they are: to copy them takes seconds and room.

        vagrant-libvirt looks for a volume of this name before it makes one (0.11.2, handle_box_image.rb).
        """
        for disk in self._means.boxes.glob("boxes/*/*/libvirt/box.img"):
            name, version = disk.parts[-4:-2]
            try:
                os.link(disk, self._libvirt.pool / f"{name}_vagrant_box_image_{version}_box.img")
            except OSError:
                continue  # Another file system: Vagrant copies it.
        self._libvirt.virsh("pool-refresh", "default")


def budget(asked: int | None) -> int:
    """MB for all guests together: what was asked for, or half of what is free. Raises LabFault."""
    if asked is not None:
        return asked
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 2048
    raise LabFault("this kernel does not say how much memory is free", "give it with --memory")
