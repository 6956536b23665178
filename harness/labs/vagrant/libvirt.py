"""A libvirtd of the lab's own, inside the lab's namespaces: where root has no usable system libvirt.

    network namespace   one bridge, with the guests on it and no way out
    mount namespace     /etc/libvirt, /var/lib/libvirt, /run/libvirt, /var/log/libvirt are the lab's own
    process namespace   libvirtd, dnsmasq and every qemu end with the lab, kill -9 included

Measured (libvirt 9.0.0, QEMU 7.2): libvirtd answers 0.1 to 0.5 s after its start. vagrant-libvirt's own
networks have the spanning tree protocol on, which keeps a port dead for 4 s; ours is defined without.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from xml.sax.saxutils import escape, quoteattr

from harness.errors import LabFault
from harness.labs import namespace
from harness.labs.roots.mounts import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, mount
from harness.labs.vagrant.virsh import Virsh
from harness.labs.writing import writing
from harness.system import environment, process
from harness.system.deadline import wait_for

BRIDGE = "rehearse0"
NETWORK = "smb-rehearsal"
"""The host-only network of the guests, as libvirt and the Vagrantfile call it."""
START_SECONDS = 30.0
CALL_SECONDS = 30.0

_MINE = ("etc/libvirt", "var/lib/libvirt", "var/log/libvirt", "run/libvirt")
_DAEMON = """\
unix_sock_group = "root"
auth_unix_ro = "none"
auth_unix_rw = "none"
"""
# As root without a device cgroup, AppArmor or a private /dev: there is no systemd to give them (measured).
_QEMU = """\
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """Which address a guest gets, by the address of its network card."""

    name: str
    mac: str
    address: str


def lacking() -> str:
    """The first program that is not installed but needed for a libvirtd of our own; "" when all are there."""
    needed = ("/usr/sbin/libvirtd", "/usr/bin/virsh", "/usr/sbin/dnsmasq", "/usr/bin/qemu-system-x86_64")
    return next((program for program in needed if not Path(program).exists()), "")


def network_xml(address: str, leases: Iterable[Lease], name: str = NETWORK, bridge: str = BRIDGE) -> str:
    """The libvirt network: isolated, without the spanning tree protocol, every guest's address fixed.

    ``address`` is the lab host's, in a network of 24 bits. Without <forward> libvirt lets nothing out of it.
    ``bridge``: a device's name, 15 characters at most.
    """
    prefix = address.rpartition(".")[0]
    hosts = "".join(
        f"<host mac={quoteattr(one.mac)} name={quoteattr(one.name)} ip={quoteattr(one.address)}/>"
        for one in leases
    )
    return (
        f"<network><name>{name}</name><bridge name='{bridge}' stp='off' delay='0'/>"
        "<dns enable='no'/>"
        f"<ip address='{address}' netmask='255.255.255.0'>"
        f"<dhcp><range start='{prefix}.200' end='{prefix}.250'/>{hosts}</dhcp></ip></network>"
    )


def pool_xml(folder: Path, name: str = "default") -> str:
    """The libvirt storage pool of the guests' disks: a directory."""
    return f"<pool type='dir'><name>{name}</name><target><path>{escape(str(folder))}</path></target></pool>"


class PrivateLibvirt:
    """A running libvirtd with one network and one storage pool. Use as a context manager, inside the lab.

    Everything is below one folder, which must not exist yet; nothing outside of it is written.
    """

    def __init__(self, folder: Path, host: str, leases: Iterable[Lease]) -> None:
        self._folder = folder
        self._host = host
        self._leases = tuple(leases)
        self._daemon: subprocess.Popen[bytes] | None = None
        self.virsh = Virsh()

    @property
    def pool(self) -> Path:
        """Where the guests' disks are."""
        return self._folder / "pool"

    def __enter__(self) -> PrivateLibvirt:
        if not namespace.inside():
            # The mounts below would hide the user's own libvirt.
            raise LabFault("a libvirtd of our own lives only in the lab's private namespace")
        missing = lacking()
        if missing:
            raise LabFault(f"{missing} is not installed", "see: rehearse doctor")
        with writing(self._folder):
            self._lay_out()
        try:
            self._start()
            self.virsh("net-create", stdin=network_xml(self._host, self._leases))
            self.virsh("pool-create", stdin=pool_xml(self.pool))
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _lay_out(self) -> None:
        """The lab's own directories over the system's, and a /sys that shows the lab's network devices."""
        self.pool.mkdir(parents=True)
        for name in _MINE:
            mine = self._folder / name.replace("/", "-")
            (mine / "qemu").mkdir(parents=True)
            at = Path("/", name)
            at.mkdir(parents=True, exist_ok=True)
            mount(mine, at, MS_BIND)
        Path("/etc/libvirt/libvirtd.conf").write_text(_DAEMON)
        Path("/etc/libvirt/qemu.conf").write_text(_QEMU)
        mount("sysfs", Path("/sys"), MS_NOSUID | MS_NODEV | MS_NOEXEC, kind="sysfs")

    def _start(self) -> None:
        output = self._folder / "libvirtd.out"
        argv = ["/usr/sbin/libvirtd", "--config", "/etc/libvirt/libvirtd.conf"]
        self._daemon = process.start(
            [*argv, "--pid-file", self._folder / "pid"], output=output, env=environment.tools()
        )

        def answers() -> bool:
            assert self._daemon is not None
            if self._daemon.poll() is not None:
                said = output.read_text(errors="replace").strip().splitlines()
                raise LabFault(f"libvirtd ended at once: {said[-1] if said else 'it said nothing'}")
            return Path("/run/libvirt/libvirt-sock").is_socket()

        wait_for("libvirtd", answers, START_SECONDS, f"what it said is in {output}")

    def _stop(self) -> None:
        """End the guests that are left, the network and the daemon."""
        if self._daemon is None:
            return
        if self._daemon.poll() is None:
            with suppress(LabFault):
                for name in self.virsh("list", "--name").split():
                    self.virsh("destroy", name)
            with suppress(LabFault):
                self.virsh("net-destroy", NETWORK)
            self._daemon.send_signal(signal.SIGTERM)
        process.finish(self._daemon, CALL_SECONDS)
        self._daemon = None
