"""Where a lab's machines run: in a libvirt of the lab's own, or in a remote one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol

from harness.labs.vagrant import addresses
from harness.labs.vagrant.libvirt import NETWORK, PrivateLibvirt
from harness.labs.vagrant.relay import Relay
from harness.labs.vagrant.remote_lab import Link
from harness.labs.vagrant.uri import VARIABLE
from harness.labs.vagrant.vagrant_home import own_boxes, own_home


class Hypervisor(Protocol):
    """Use as a context manager, inside the lab's namespace."""

    @property
    def home(self) -> Path:
        """VAGRANT_HOME."""

    @property
    def env(self) -> dict[str, str]:
        """Further variables that Vagrant is started with; see the Vagrantfile."""

    @property
    def tunnel(self) -> str:
        """The machine that a tunnel to the guests leads through; "" where they are reached directly."""

    def __enter__(self) -> Hypervisor: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def check(self) -> None:
        """Raises LabFault when there is no way to the guests any more."""


def hypervisor(folder: Path, home: Path, link: Link | None, guests: Iterable[str]) -> Hypervisor:
    """For the machines of a lab that keeps its state in ``folder``, with the boxes of a Vagrant home."""
    if link is None:
        return OwnHypervisor(folder, home, guests)
    return RemoteHypervisor(folder, home, link, guests)


class OwnHypervisor:
    """A libvirtd of the lab's own, which ends with it. Its guests' consoles are files here."""

    tunnel = ""

    def __init__(self, folder: Path, home: Path, guests: Iterable[str]) -> None:
        self.home = own_home(home, folder / "vagrant")
        # What the user has set for plain Vagrant is not meant for this one.
        self.env = {
            VARIABLE: "",
            "SMB_REHEARSAL_PREFIX": f"{NETWORK}-",
            "SMB_REHEARSAL_POOL": "default",
            "SMB_REHEARSAL_NETWORK": addresses.NETWORK,
            "SMB_REHEARSAL_CONSOLES": str(folder / "consoles"),
        }
        self._libvirt = PrivateLibvirt(folder / "libvirt", addresses.HOST, addresses.leases(guests))

    def __enter__(self) -> OwnHypervisor:
        self._libvirt.__enter__()
        try:
            self._share_boxes()
        except BaseException:
            self._libvirt.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._libvirt.__exit__(kind, error, trace)

    def check(self) -> None:
        """Its guests are on a bridge of the lab's own."""

    def _share_boxes(self) -> None:
        """Let libvirt use the boxes' disks where they are: to copy them takes seconds and room.

        vagrant-libvirt looks for a volume of this name before it makes one (0.11.2, handle_box_image.rb).
        """
        for disk in self.home.glob("boxes/*/*/libvirt/box.img"):
            name, version = disk.parts[-4:-2]
            try:
                os.link(disk, self._libvirt.pool / f"{name}_vagrant_box_image_{version}_box.img")
            except OSError:
                continue  # Another file system: Vagrant copies it.
        self._libvirt.virsh("pool-refresh", "default")


class RemoteHypervisor:
    """A remote libvirt. Whoever made the link also removes what is left there."""

    def __init__(self, folder: Path, home: Path, link: Link, guests: Iterable[str]) -> None:
        self.home = own_boxes(home, folder / "vagrant", link.tag)
        self.env = link.environment()
        self.tunnel = link.tunnel
        self._held = ExitStack()
        self._relay: Relay | None = None
        if link.ssh is not None:
            reached = [one.address for one in addresses.leases(guests, link.network)]
            self._relay = Relay(link.ssh, link.host, reached, link.where)

    def __enter__(self) -> RemoteHypervisor:
        if self._relay is not None:
            self._held.enter_context(self._relay)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def check(self) -> None:
        """See ``Hypervisor.check``."""
        if self._relay is not None:
            self._relay.check()
