"""A lab whose machines run in a remote libvirt: what is made there, recorded here, and removed at the end.

A process that is killed leaves its ownership record behind; the next one that connects to that libvirt
removes what the record names. What has no record here (another user's, another machine's) is never touched.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.errors import LabFault
from harness.labs.vagrant import ownership
from harness.labs.vagrant.addresses import leases
from harness.labs.vagrant.ownership import OwnershipRecord
from harness.labs.vagrant.relay import PORTS
from harness.labs.vagrant.remote_libvirt import RemoteLibvirt, name_of
from harness.labs.vagrant.ssh_master import SshMaster, path_with
from harness.labs.vagrant.uri import VARIABLE, LibvirtUri
from harness.system.paths import links_dir

log = logging.getLogger("harness.labs.vagrant")

ACCELERATOR = "SMB_REHEARSAL_ACCEL"
"""kvm or qemu: what the machines run on there, whatever libvirt says."""


class Link(BaseModel):
    """Where the machines of a lab live, for whoever starts them; handed over to the lab's namespace."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    uri: str
    where: str
    """The other machine, for a sentence."""
    tag: str
    """The number in the names of all that is made there."""
    network: str
    """The first three numbers of the guests' addresses."""
    ssh: Path | None = None
    """The folder of the SSH connection; None where the guests are reached directly."""
    accelerated: bool
    """False: software emulation."""
    acceleration: str
    """Who says so."""
    memory: int
    """MB that all guests may take together: half of what is free there."""

    @property
    def tunnel(self) -> str:
        """The machine that a tunnel to the guests leads through; "" where they are reached directly."""
        return self.where if self.ssh else ""

    @property
    def host(self) -> str:
        """The address of the other machine among its guests."""
        return f"{self.network}.1"

    def environment(self) -> dict[str, str]:
        """What Vagrant is started with; see the Vagrantfile."""
        name = name_of(self.tag)
        return {
            VARIABLE: self.uri,
            "SMB_REHEARSAL_PREFIX": f"{name}-",
            "SMB_REHEARSAL_POOL": name,
            "SMB_REHEARSAL_NETWORK": self.network,
            "SMB_REHEARSAL_CONSOLES": "",
            **({"PATH": path_with(self.ssh)} if self.ssh else {}),
        }


@dataclass(frozen=True, slots=True)
class RemoteLab:
    """A connection to a remote libvirt, with a lab's network and disks there."""

    link: Link
    libvirt: RemoteLibvirt

    def remove(self) -> None:
        """Take away all that was made there. Raises LabFault when something stays."""
        self.libvirt.unmake(self.link.tag)
        ownership.drop(self.link.tag)


@contextmanager
def connected(uri: LibvirtUri) -> Iterator[tuple[RemoteLibvirt, SshMaster | None]]:
    """The libvirt of a URI, which answers; with the SSH connection to its host where it goes through one.

    Raises LabFault that says why there is no way to it.
    """
    with ExitStack() as held:
        master = held.enter_context(SshMaster(uri)) if uri.over_ssh else None
        libvirt = RemoteLibvirt(uri, {"PATH": path_with(master.folder)} if master else {})
        libvirt.version()
        yield libvirt, master


@contextmanager
def opened(uri: LibvirtUri, guests: Iterable[str], cleaned: Callable[[str], None]) -> Iterator[RemoteLab]:
    """A network for these guests and a storage pool in a remote libvirt; removed when the context ends.

    What killed runs left there is removed first: ``cleaned`` hears of each thing. Raises LabFault.
    """
    with connected(uri) as (libvirt, master):
        for what in sweep(uri, libvirt):
            cleaned(what)
        tag = str(_LOWEST + secrets.randbelow(9 * _LOWEST))
        with ownership.held(tag, OwnershipRecord(uri=uri.text)):
            try:
                yield _made(libvirt, master, tag, tuple(guests))
            finally:
                _take_away(libvirt, tag)


@contextmanager
def lasting(uri: LibvirtUri, guests: Iterable[str], *, new: bool) -> Iterator[RemoteLab]:
    """The same for machines that stay up between commands: always the same, and removed by ``remove`` alone.

    Raises LabFault; also where nothing was made there before, unless it may be ``new``.
    """
    tag = lasting_tag(uri)
    with connected(uri) as (libvirt, master):
        if not new and not ownership.exists(tag):
            raise LabFault(f"no machine is up at {uri.where}", "rehearse up --connect URI NAME")
        ownership.write(tag, OwnershipRecord(uri=uri.text, lasting=True))
        yield _made(libvirt, master, tag, tuple(guests))


_LOWEST = 1_000_000
"""Of the tags: seven digits, for a bridge's name is "rehearse" and a tag, and has 15 characters at most."""


def lasting_tag(uri: LibvirtUri) -> str:
    """The tag of the machines that this user of this machine keeps up there."""
    whose = f"{uri.text} {links_dir()} {os.getuid()} {socket.gethostname()}"
    return str(_LOWEST + int(hashlib.sha256(whose.encode()).hexdigest(), 16) % (9 * _LOWEST))


def sweep(uri: LibvirtUri, libvirt: RemoteLibvirt) -> list[str]:
    """Remove from a libvirt what killed runs of ours left there; what was removed, in words.

    Raises LabFault when something stays.
    """
    removed = []
    for tag, record in ownership.every():
        if record.uri == uri.text and not record.lasting:
            with ownership.claimed(tag) as ours:
                if ours:
                    removed += [f"{what} at {uri.where}" for what in libvirt.unmake(tag)]
                    ownership.drop(tag)
    return removed


def offer(kvm: bool) -> str:
    """What a remote libvirt says of acceleration. It may offer a KVM in which no guest runs (measured)."""
    if not kvm:
        return "its libvirt has no KVM"
    return f"its libvirt offers KVM, which is not tried; if no guest starts: {ACCELERATOR}=qemu"


def _made(libvirt: RemoteLibvirt, master: SshMaster | None, tag: str, names: tuple[str, ...]) -> RemoteLab:
    uri = libvirt.uri
    network = libvirt.make(tag, names)
    if master is not None:
        master.forward((one.address, port) for one in leases(names, network) for port in PORTS)
    accelerator = os.environ.get(ACCELERATOR, "")
    kvm = accelerator == "kvm" if accelerator else libvirt.kvm()
    link = Link(
        uri=uri.text,
        where=uri.where,
        tag=tag,
        network=network,
        ssh=master.folder if master else None,
        accelerated=kvm,
        acceleration=f"{ACCELERATOR}={accelerator}" if accelerator else offer(kvm),
        memory=libvirt.free_memory() // 2,
    )
    return RemoteLab(link, libvirt)


def _take_away(libvirt: RemoteLibvirt, tag: str) -> None:
    try:
        libvirt.unmake(tag)
    except LabFault as fault:
        log.error("%s; what is left there goes with the next start, or: rehearse clean --connect URI", fault)
    else:
        ownership.drop(tag)
