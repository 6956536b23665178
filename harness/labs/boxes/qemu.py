"""QEMU by itself, without Vagrant: for machines that live for seconds and show that something works."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from harness.system import process
from harness.system.environment import tools

PROGRAM = "qemu-system-x86_64"
HINT = "apt-get install qemu-system-x86"


def words(accelerator: str, memory: int) -> list[str]:
    """The command line of a machine without screen, network or disk; its serial port is standard output.

    ``accelerator``: kvm or tcg. ``memory``: MB.
    """
    return [
        PROGRAM,
        *("-machine", "q35", "-accel", accelerator, "-cpu", "host" if accelerator == "kvm" else "max"),
        *("-m", str(memory), "-smp", "1", "-nodefaults", "-no-user-config", "-no-reboot"),
        *("-display", "none", "-serial", "stdio"),
    ]


@dataclass(frozen=True, slots=True)
class ForwardedPorts:
    """Ports of the loopback address 127.0.0.1 that lead into a machine."""

    ssh: int
    smb: int


def network() -> tuple[ForwardedPorts, list[str]]:
    """A card whose only way out or in is by two ports of 127.0.0.1."""
    ports = ForwardedPorts(*_free_ports(2))
    forwards = f"hostfwd=tcp:127.0.0.1:{ports.ssh}-:22,hostfwd=tcp:127.0.0.1:{ports.smb}-:445"
    netdev = ["-netdev", f"user,id=net0,restrict=on,{forwards}"]
    return ports, [*netdev, "-device", "virtio-net-pci,netdev=net0"]


@contextmanager
def running(argv: Sequence[str | Path], output: Path) -> Iterator[Popen[bytes]]:
    """The machine while the context lasts; it ends with us, whatever ends us. ``output`` gets its console.

    Raises LabFault when it cannot be started.
    """
    machine = process.start(process.ends_with_us(argv), output=output, env=tools())
    try:
        yield machine
    finally:
        process.kill_group(machine.pid)
        machine.wait()


def _free_ports(count: int) -> list[int]:
    """Ports that nobody uses now; all are held until all are found."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
