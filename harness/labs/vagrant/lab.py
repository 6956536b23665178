"""The vagrant lab: the same servers and clients as the local lab's, on real virtual machines."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType

from harness.errors import LabFault
from harness.labs import guests
from harness.labs.domain import TEMPLATE
from harness.labs.guests import Guest
from harness.labs.network import netlink
from harness.labs.platforms import Beside, GuestBench, part_of
from harness.labs.roots.mounted import Roots
from harness.labs.samba_conf import new_account
from harness.labs.vagrant import console, keys
from harness.labs.vagrant.addresses import BESIDE, BITS, BROADCAST
from harness.labs.vagrant.choice import guest_for
from harness.labs.vagrant.driver import Driver
from harness.labs.vagrant.gather import Means
from harness.labs.vagrant.hypervisor import hypervisor
from harness.labs.vagrant.libvirt import BRIDGE
from harness.labs.vagrant.machine import Machine, Machines, Outfit
from harness.labs.vagrant.machine_pool import MachinePool, in_waves
from harness.model import GuestRoute
from harness.remote.base import Remote
from harness.servers import platforms
from harness.servers.base import Server
from harness.servers.live import LiveServer
from harness.system import waits
from harness.windows.fingerprint import Fingerprint

log = logging.getLogger("harness.labs.vagrant")

EARLY_SECONDS = 5.0
"""What the start of a client's guest may take to break off."""


class VagrantLab:
    """Use as a context manager inside the namespace (``namespace.enter``); its end removes every guest."""

    name = "vagrant"

    def __init__(self, folder: Path, images: Mapping[str, Path], means: Means) -> None:
        """``folder`` holds all state; ``images`` are the root file systems of client programs by name."""
        self._folder = folder
        self._means = means
        self._catalogue = guests.load()
        self._account = new_account()
        (folder / "state").mkdir(parents=True, exist_ok=True)
        self._template = images.get(TEMPLATE)
        mounted = {name: path for name, path in images.items() if name != TEMPLATE}
        self._roots = Roots(folder / "roots", folder / "state", mounted)
        self._spare: SimpleQueue[str] = SimpleQueue()
        for address in BESIDE:
            self._spare.put(address)
        (folder / "consoles").mkdir()
        self._hypervisor = on = hypervisor(folder, means.boxes, means.link, self._catalogue)
        env = {"SMB_REHEARSAL_ACCEL": "kvm" if means.accelerated else "qemu", **on.env}
        limits = guests.boot_limits(self._catalogue)
        driver = Driver(env, home=on.home, state=folder / "machines", boots=limits)
        self._driver = driver
        self._outfit = Outfit(
            driver,
            keys.make(folder / "key"),
            folder,
            consoles=means.link is None,
            tunnel=on.tunnel,
            check_way=on.check,
            lost=driver.lost,
        )
        self._pool = MachinePool(means.memory, self._machine)
        self._windows: dict[str, Fingerprint] = {}
        """What each Windows under change was set to when it was fresh."""
        self._lock = threading.Lock()
        # Beside the first server's guest; whoever needs the clients waits for them.
        self._early = threading.Thread(target=self._client_routes, name="client-guests", daemon=True)

    def __enter__(self) -> VagrantLab:
        self._hypervisor.__enter__()
        self._early.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._early.is_alive():
                # Nobody waits any more for what it starts; the guests end with libvirt.
                self.interrupt()
                self._early.join(EARLY_SECONDS)
            self._keep_consoles()
            self._pool.end()
        finally:
            self._hypervisor.__exit__(kind, error, trace)

    def interrupt(self) -> None:
        """Let no thread wait any longer for Vagrant or a guest: the run is being stopped."""
        self._driver.interrupt()
        self._pool.interrupt()

    @property
    def device(self) -> str:
        """See ``OnOneWire``: the bridge of its guests."""
        return BRIDGE if self._means.link is None else ""

    @property
    def machines(self) -> Machines:
        """Vagrant itself, for whoever wants to measure it."""
        return self._outfit.machines

    def waves(self, servers: Sequence[Server]) -> dict[str, int]:
        """By a server's name, the wave that it runs in: the guests of one fit into the memory together.

        Raises LabFault when one alone does not fit.
        """
        always = sum(self._catalogue[name].memory for name in self._means.clients)
        wanted = {server.name: guest_for(server, self._catalogue) for server in servers}
        memory = {guest.name: guest.memory for guest in wanted.values()}
        wave = {
            name: number
            for number, names in enumerate(in_waves(memory, self._means.memory, always))
            for name in names
        }
        return {name: wave[guest.name] for name, guest in wanted.items()}

    @contextmanager
    def serve(self, server: Server) -> Iterator[LiveServer]:
        """A server on its guest, pristine; the guest is free for the next job when the context ends."""
        guest = guest_for(server, self._catalogue)
        with self._pool.lease(guest.name) as machine:
            bench = GuestBench(
                self._account,
                self._folder.parent / "evidence",
                self._roots.runners(),
                self._client_routes,
                self._folder / "known_hosts",
                self._windows,
                self._beside() if self._means.link is None else None,
            )
            with part_of(server.platform).in_guest(server, machine, bench) as live:
                yield live

    def _beside(self) -> Beside:
        return Beside(self._template, self._roots.root, self._folder / "state", self._address)

    @contextmanager
    def _address(self) -> Iterator[str]:
        """One on the bridge that nobody has. Raises LabFault."""
        try:
            address = self._spare.get_nowait()
        except Empty:
            raise LabFault(f"no more than {len(BESIDE)} servers run beside guests at a time") from None
        try:
            with netlink.address_on(BRIDGE, address, BITS, BROADCAST):
                yield address
        finally:
            self._spare.put(address)

    def _client_routes(self) -> tuple[GuestRoute, ...]:
        """The guests of the clients, started at their first use. Without one its cells alone are faults."""
        found = []
        with waits.lasting("the machines of the clients are waited for"), self._lock:
            for name in self._means.clients:
                try:
                    found.append(self._well(self._pool.keep(name)).route)
                except LabFault as fault:
                    log.warning("%s is left out: %s", name, fault)
        return tuple(found)

    def _well(self, machine: Machine) -> Machine:
        """A client's guest, brought back where it has failed. Raises LabFault when it cannot be."""
        try:
            machine.check()
        except LabFault as fault:
            log.warning("%s is brought back: %s", machine.name, fault)
            machine.pristine(_as_it_is, machine.check)
        return machine

    def _keep_consoles(self) -> None:
        """What all guests have said: servers, clients, and those that never came up."""
        for path in (self._folder / "consoles").glob("*.log"):
            kept = self._folder.parent / "evidence" / path.stem
            with suppress(OSError):
                kept.mkdir(parents=True, exist_ok=True)
                (kept / "console.log").write_text(console.everything(path))

    def _machine(self, name: str) -> Machine:
        guest = self._catalogue[name]
        return Machine(guest, self._outfit, lambda remote: self._prepare(guest, remote))

    def _prepare(self, guest: Guest, remote: Remote) -> None:
        for platform in map(platforms.named, platforms.names()):
            if platform.ability in guest.can:
                part_of(platform).outfit(self._account, remote)


def _as_it_is() -> None:
    """Nothing is configured before a server's own start, or in a client's guest."""
