"""Another machine's libvirt, for tests: a libvirtd and an sshd in namespaces of their own, behind one cable.

    the test's network namespace              the other machine's
        rehearse90  10.77.59.1  --- veth ---  rehearse91  10.77.59.2    sshd, libvirtd, the guests' bridges

Nothing else leads there. The account that SSH lets in is an ordinary one; libvirt's socket is open to it, as
to a member of the group libvirt.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from commandline import users
from local_sshd import USER, Sshd

from harness.labs.roots.mounts import MS_BIND, MS_NOSUID, mount
from harness.labs.roots.rootfs import LAB_UID
from harness.labs.vagrant import addresses
from harness.labs.vagrant.libvirt import PrivateLibvirt
from harness.system import process
from harness.system.deadline import wait_for

OURS, ITS = "rehearse90", "rehearse91"
"""The two ends of the cable; names that a lab knows (harness.labs.namespace)."""
HERE, THERE = "10.77.59.1", "10.77.59.2"
SECONDS = 60.0
SOCKET = Path("libvirt/run-libvirt/libvirt-sock")
"""libvirt's socket, below the machine's folder: seen from here."""


@dataclass(frozen=True)
class Machine:
    """The other machine, running."""

    folder: Path
    pid: int
    """A process in its namespaces."""

    @property
    def port(self) -> int:
        """Where its sshd listens."""
        return int((self.folder / "ready").read_text())

    @property
    def uri(self) -> str:
        """libvirt's name for it."""
        return f"qemu+ssh://{USER}@{THERE}:{self.port}/system?keyfile={self.folder}/sshd/client&no_verify=1"

    def virsh(self, *words: str) -> str:
        """What its libvirt says, asked beside the way that is tested."""
        uri = f"qemu+unix:///system?socket={self.folder / SOCKET}"
        return process.run(["virsh", "-q", "-c", uri, *words], timeout=SECONDS).check("virsh").stdout

    def things(self) -> list[str]:
        """The names of all that its libvirt has: machines, networks, pools, and what is in these."""
        pools = self.virsh("pool-list", "--all", "--name").split()
        found = [self.virsh(kind, "--all", "--name").split() for kind in ("list", "net-list")]
        found.append(pools)
        for pool in pools:
            found.append(
                [line.split()[0] for line in self.virsh("vol-list", pool).splitlines() if line.split()]
            )
        return sorted(name for names in found for name in names)


@contextmanager
def second_machine(folder: Path, hidden: Sequence[Path] = ()) -> Iterator[Machine]:
    """Start it; when the context ends everything in it is gone. Must be called in a lab's namespace.

    ``hidden``: folders that are empty there, for another machine has no files of ours.
    """
    folder.mkdir(parents=True)
    for one in (folder, *folder.parents):
        # The account that SSH lets in has its keys and its home here.
        with suppress(PermissionError):
            one.chmod(one.stat().st_mode | 0o011)
    argv = [sys.executable, "-m", "harness.labs.namespace", "--", sys.executable, __file__, folder, *hidden]
    # ./test sets PYTHONSAFEPATH: then a script does not even find what is beside it.
    beside = Path(__file__).resolve().parent
    env = users(PYTHONPATH=f"{beside.parent}:{beside}")
    outer = process.start([str(word) for word in argv], output=folder / "said", env=env)
    try:
        pid = wait_for("the other machine", lambda: _innermost(outer), SECONDS)
        _cable(pid)
        wait_for("its sshd", lambda: _ready(folder, outer), SECONDS, f"what it said is in {folder}/said")
        yield Machine(folder, pid)
    finally:
        outer.send_signal(signal.SIGTERM)
        process.finish(outer, 30.0)
        # It would go with the other end's namespace, but that can take the kernel a minute.
        process.run(["ip", "link", "delete", OURS], timeout=10)


def _innermost(outer: subprocess.Popen[bytes]) -> int | None:
    """The process that runs this file in there: below the outer one, unshare and the first of the lab."""
    assert outer.poll() is None, "the other machine ended at once"
    pid = outer.pid
    for _ in range(3):
        with suppress(OSError):
            found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if not found:
                return None
            pid = int(found[0])
    return pid


def _cable(pid: int) -> None:
    for words in (
        f"link add {OURS} type veth peer name {ITS} netns {pid}",
        f"addr add {HERE}/30 dev {OURS}",
        f"link set {OURS} up",
    ):
        process.run(["ip", *words.split()], timeout=10).check("ip")


def _there(device: str) -> bool:
    """Whether our network has that device; /sys may show another network's."""
    return any(name == device for _, name in socket.if_nameindex())


def _ready(folder: Path, outer: subprocess.Popen[bytes]) -> bool:
    assert outer.poll() is None, (folder / "said").read_text()
    return (folder / "ready").exists()


def main(folder: Path, hidden: Sequence[Path]) -> None:
    """Be the machine, until SIGTERM comes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    wait_for("the cable", lambda: _there(ITS), SECONDS)
    for words in (f"addr add {THERE}/30 dev {ITS}", f"link set {ITS} up"):
        process.run(["ip", *words.split()], timeout=10).check("ip")
    (folder / "sshd").mkdir()
    # libvirtd asks who is at the other end of its socket.
    for name, line in (("passwd", f"{LAB_UID}::{folder}:/bin/sh"), ("group", "")):
        known, ours = Path("/etc", name), folder / name
        ours.write_text(f"{known.read_text()}{USER}:*:{LAB_UID}:{line}\n")
        mount(ours, known, MS_BIND)
    for ours in hidden:
        mount("none", ours, MS_NOSUID, kind="tmpfs")
    # It has a network of the guests' usual name and addresses already, as that of another user would be.
    with PrivateLibvirt(folder / "libvirt", addresses.HOST, []):
        Path("/run/libvirt/libvirt-sock").chmod(0o777)
        with Sshd(folder / "sshd", address=THERE) as sshd:
            part = folder / "ready.part"
            part.write_text(str(sshd.port))
            part.rename(folder / "ready")
            signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]])
