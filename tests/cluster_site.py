"""A cluster on loopback: a scheduler and workers as a user starts them, and a network that can be cut."""

from __future__ import annotations

import os
import random
import re
import socket
import subprocess
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from commandline import MARK, REHEARSE, begin, entries, users

from harness.cluster import certificates
from harness.system.deadline import wait_for
from harness.system.process import kill_group, run, start

CELLS = ("nt-pipe-support-off,smb3-only:samba-4.22:windows-7,windows-10-1703:browse", "--no-exposures")
SECONDS = 120.0


def free_port() -> int:
    """A port that nobody has, and that the kernel gives to no connection meanwhile (ip(7)).

    Of one that it chose itself another test's client had been given it before the scheduler listened (seen).
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(lowest // 2, lowest), 100):
        with closing(socket.socket()) as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


class Site:
    """A scheduler and its workers, each a process of its own with a folder of its own."""

    def __init__(self, home: Path, held: ExitStack) -> None:
        self.home = home
        self.certificates = home / "certificates"
        self.port = free_port()
        self.address = f"tls://127.0.0.1:{self.port}"
        self.everywhere = f"tls://0.0.0.0:{self.port}"
        self._held = held
        self.there: dict[str, subprocess.Popen[bytes]] = {}
        certificates.make(self.certificates)
        self.scheduler = self.start("scheduler", "cluster", "scheduler", self.everywhere)

    def start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        """Start one of them, and wait until it is ready."""
        (self.home / name).mkdir(exist_ok=True)
        said = self.home / f"{name}.txt"
        said.unlink(missing_ok=True)
        around = {"TMPDIR": str(self.home / name)}
        child = begin(said, self.mark(name), *words, "--certificates", self.certificates, env=around)
        self.until(name, child, "ready")
        return child

    def until(self, name: str, child: subprocess.Popen[bytes], ready: str) -> None:
        """Wait until one of them has said so."""
        said = self.home / f"{name}.txt"
        self._held.callback(end, child)
        self.there[name] = child
        wait_for(f"{name}, ready", lambda: child.poll() is not None or ready in said.read_text(), SECONDS)
        assert child.poll() is None, said.read_text()

    def mark(self, name: str) -> str:
        """By which all processes of one of them are found."""
        return f"{self.home}/{name}"

    def worker(self, name: str, *words: str, address: str = "") -> subprocess.Popen[bytes]:
        return self.start(name, "worker", address or self.address, "--workers", "2", *words)

    def within(self, network: Network, name: str) -> None:
        """Start a worker in a network of its own."""
        address = f"tls://{network.HERE}:{self.port}"
        words = (*network.into, *REHEARSE, "worker", address, "--workers", "2")
        (self.home / name).mkdir(exist_ok=True)
        around = users(TMPDIR=str(self.home / name), **{MARK: self.mark(name)})
        argv = (*words, "--certificates", str(self.certificates))
        self.until(name, start(argv, output=self.home / f"{name}.txt", env=around), "ready")

    def port_of(self, name: str) -> int:
        """Where a worker listens."""
        said = (self.home / f"{name}.txt").read_text()
        return int(re.findall(r"worker tls://127.0.0.1:(\d+): ready", said)[-1])

    def standing(self, name: str) -> None:
        """Have that worker, be it from the test before."""
        if name not in self.there:
            self.worker(name)

    def at_work(self, name: str) -> bool:
        """A worker has measured something of the group that it has, and not finished it."""
        return any(entries(folder, "attempt") for folder in (self.home / name).glob("rehearse-worker-*/run"))

    def words(self, runs: str, *more: str) -> tuple[str | Path, ...]:
        way = ("--cluster", self.address, "--cluster-certificates", self.certificates)
        return ("run", *CELLS, *way, "--runs", self.home / runs, *more)


def end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        kill_group(child.pid)
    child.wait()


class Network:
    """A network namespace of its own, with one cable between it and this one."""

    HERE, THERE = "10.98.0.1", "10.98.0.2"
    NEAR, FAR = "rehearse9801", "rehearse9802"
    """Named as the lab names its own devices: with any other one up, the lab would not be private."""

    def __enter__(self) -> Network:
        # It lasts as long as this process.
        self._holder = start(["unshare", "--net", "sleep", "600"], output=Path(os.devnull))
        pid = self._holder.pid
        ours = Path("/proc/self/ns/net").readlink()
        wait_for("a network of its own", lambda: Path(f"/proc/{pid}/ns/net").readlink() != ours, 20.0)
        self.into = ("nsenter", "--net", "--target", str(pid))
        self._ip(f"link add {self.NEAR} type veth peer name {self.FAR}")
        self._ip(f"link set {self.FAR} netns {pid}")
        self._ip(f"addr add {self.HERE}/30 dev {self.NEAR}")
        for words in (
            f"addr add {self.THERE}/30 dev {self.FAR}",
            f"link set {self.FAR} up",
            "link set lo up",
        ):
            self._ip(words, *self.into)
        self.mend()
        return self

    def _ip(self, words: str, *into: str) -> None:
        run([*into, "ip", *words.split()], timeout=30).check("ip")

    def cut(self) -> None:
        """Nothing comes through, and nobody is told."""
        self._ip(f"link set {self.NEAR} down")

    def mend(self) -> None:
        """All comes through again."""
        self._ip(f"link set {self.NEAR} up")

    def __exit__(self, *_: object) -> None:
        # The other end goes with it.
        self._ip(f"link delete {self.NEAR}")
        end(self._holder)


class Heard:
    """Who is told of verdicts."""

    def __init__(self) -> None:
        self.cells: list[tuple[str, str]] = []
        self.jobs: list[str] = []

    def job(self, mitigation: str, server: str, phase: str) -> None: ...

    def waits(self, mitigation: str, server: str, what: str) -> None: ...

    def finished(self, mitigation: str, server: str) -> None:
        self.jobs.append(f"{mitigation}:{server}")

    def cell(self, cell_id: str, effect: str, expected: bool, text: str) -> None:  # noqa: ARG002
        self.cells.append((cell_id, effect))
