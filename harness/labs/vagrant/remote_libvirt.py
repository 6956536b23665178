"""A remote libvirt (another machine's), asked and changed by virsh(1): what the lab makes and removes there.

All that a run makes has its tag in its name, a number: the network ``smb-rehearsal-TAG``, the storage pool of
the same name, whose folder goes with it, and the guests ``smb-rehearsal-TAG-NAME``. Nothing else is touched.
"""

from __future__ import annotations

import re
import socket
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from harness.errors import LabFault
from harness.labs.vagrant import addresses, libvirt
from harness.labs.vagrant.uri import LibvirtUri
from harness.labs.vagrant.virsh import SECONDS, Virsh
from harness.system import causes
from harness.system.causes import Cause

IMAGES = Path("/var/lib/libvirt/images")
"""Where a libvirt without a storage pool "default" may keep disks: security modules know this folder."""
_TAKEN = re.compile(r"already in use|already exists with")

CAUSES: Final = (
    # what libvirt says, what that means, what to do
    Cause(r"UNKNOWN port 65535", "the SSH connection to it is gone", "is it up, and the way there?"),
    Cause(
        r"authentication (failed|unavailable|cancelled)|[Pp]ermission denied|access denied",
        "{user} may not use it",
        "there, as root: adduser {user} libvirt; then log in anew",
    ),
    Cause(
        r"No such file or directory|Connection refused|Failed to connect socket|End of file while reading",
        "no libvirt answers",
        "start it there: systemctl start libvirtd",
    ),
    Cause(
        r"virt-ssh-helper|nc: not found|netcat",
        "its SSH leads to no libvirt",
        "install libvirt-clients there",
    ),
    Cause(
        r"unable to connect to server|[Cc]annot recv data|timed out|No route to host|Unable to resolve",
        "it cannot be reached",
        "is it up, and the URI right?",
    ),
    Cause(
        r"[Cc]ertificate|TLS|x509",
        "no TLS with it",
        "see https://libvirt.org/remote.html, or use qemu+ssh",
    ),
)


def name_of(tag: str) -> str:
    """What the network and the storage pool of a run are called."""
    return f"{libvirt.NETWORK}-{tag}"


class RemoteLibvirt:
    """One libvirt that is not the lab's own."""

    def __init__(self, uri: LibvirtUri, env: Mapping[str, str]) -> None:
        """``env``: what virsh needs in its environment to get there."""
        self.uri = uri
        self._virsh = Virsh(uri.text, env)

    def virsh(self, command: str, *words: str, stdin: str = "") -> str:
        """What virsh says to one command; ``stdin`` is its XML. Raises LabFault with what to do."""
        done = self._virsh.run(command, *words, stdin=stdin)
        if done.ok:
            return done.stdout
        if done.status is None:
            raise LabFault(
                f"{self.uri.where}: virsh {command}: no answer within {SECONDS:g} s",
                "is libvirt well there?",
            )
        raise refusal(f"virsh {command}", done.stderr, self.uri)

    def version(self) -> str:
        """libvirt and QEMU there, in one line. Raises LabFault when it does not answer."""
        said = dict(re.findall(r"^Running (\S+).*: (.*)$", self.virsh("version", "--daemon"), re.MULTILINE))
        return f"libvirt {said.get('against', '?')}, {said.get('hypervisor', '?')}"

    def kvm(self) -> bool:
        """Whether libvirt says that guests run at full speed there. It is not tried."""
        try:
            self.virsh("domcapabilities", "--virttype", "kvm", "--machine", "q35")
        except LabFault:
            return False
        return True

    def free_memory(self) -> int:
        """MB that programs could have there now."""
        said = dict(re.findall(r"^(\w+) *: +(\d+) KiB", self.virsh("nodememstats"), re.MULTILINE))
        return sum(int(said.get(name, 0)) for name in ("free", "buffers", "cached")) // 1024

    def make(self, tag: str, guests: Iterable[str]) -> str:
        """A network for these guests and a storage pool, made as far as they are not there.

        Answers with the network's first three numbers. Raises LabFault, also where it is out of our reach.
        """
        name, bridge = name_of(tag), f"rehearse{tag}"
        if name in self._names("net-list"):
            found = ET.fromstring(self.virsh("net-dumpxml", name)).find("ip")
            network = str(found.get("address") if found is not None else "").rpartition(".")[0]
        else:
            network = self._make_network(name, bridge, tuple(guests))
        if not self.uri.over_ssh and bridge not in (device for _, device in socket.if_nameindex()):
            raise LabFault(
                f"the network of the guests is on {self.uri.where}, and leads nowhere from here",
                f"only SSH leads to them: qemu+ssh://{self.uri.host or 'HOST'}/system",
            )
        if name not in self._names("pool-list"):
            self.virsh("pool-define", stdin=libvirt.pool_xml(self._folder() / name, name))
        self._start_pool(name)
        return network

    def unmake(self, tag: str) -> list[str]:
        """Remove all that bears this tag; the names of what was there.

        Raises LabFault when something stays.
        """
        name = name_of(tag)
        removed = [one for one in self._names("list") if one.startswith(f"{name}-")]
        for guest in removed:
            if guest in self.virsh("list", "--name").split():
                self.virsh("destroy", guest)
            if guest in self._names("list"):
                self.virsh("undefine", guest, "--managed-save", "--snapshots-metadata", "--nvram")
        if name in self._names("pool-list"):
            removed.append(f"pool {name}")
            self._remove_pool(name)
        if name in self._names("net-list"):
            removed.append(f"network {name}")
            self.virsh("net-destroy", name)
        return removed

    def _names(self, kind: str) -> list[str]:
        return self.virsh(kind, "--all", "--name").split()

    def _make_network(self, name: str, bridge: str, guests: tuple[str, ...]) -> str:
        """The first of the networks that nobody there has yet."""
        for network in addresses.REMOTE_NETWORKS:
            leases = addresses.leases(guests, network)
            try:
                self.virsh("net-create", stdin=libvirt.network_xml(f"{network}.1", leases, name, bridge))
            except LabFault as fault:
                if not _TAKEN.search(fault.message):
                    raise
            else:
                return network
        tried = f"{addresses.REMOTE_NETWORKS[0]}.0/24 and {len(addresses.REMOTE_NETWORKS) - 1} others"
        raise LabFault(f"{self.uri.where} has no network left for guests: {tried} are in use there", "")

    def _folder(self) -> Path:
        """Where its disks are: beside those of the pool "default", where there is one."""
        if "default" in self._names("pool-list"):
            found = ET.fromstring(self.virsh("pool-dumpxml", "default"))
            if found.get("type") == "dir":
                return Path(found.findtext("target/path") or IMAGES)
        return IMAGES

    def _start_pool(self, name: str) -> None:
        if name not in self.virsh("pool-list", "--name").split():
            self.virsh("pool-build", name)
            self.virsh("pool-start", name)

    def _remove_pool(self, name: str) -> None:
        """Remove a pool with its disks and its folder, however far its making came."""
        self._start_pool(name)
        self.virsh("pool-refresh", name)
        for line in self.virsh("vol-list", name).splitlines():
            if line.split():
                self.virsh("vol-delete", line.split()[0], "--pool", name)
        for operation in ("pool-destroy", "pool-delete", "pool-undefine"):
            self.virsh(operation, name)


def refusal(what: str, said: str, uri: LibvirtUri) -> LabFault:
    """Why virsh(1) failed, by what it said, and what to do."""
    lines = [line.removeprefix("error: ").strip() for line in said.splitlines() if line.strip()]
    told = [line for line in lines if line != "failed to connect to the hypervisor"]
    last = told[-1] if told else "it said nothing"
    if len(told) == len(lines):
        # It answers, so that it is what was asked for that failed.
        return LabFault(f"{uri.where}: {what}: {last}")
    if found := causes.find(CAUSES, [said]):
        cause, user = found[0], uri.user or "the user"
        return LabFault(
            f"libvirt of {uri.where}: {cause.why.format(user=user)} ({last})", cause.hint.format(user=user)
        )
    return LabFault(f"libvirt of {uri.where}: {last}", "does virsh get there? virsh -c URI list")
