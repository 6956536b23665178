"""Boot a box by itself, to see that it does: SSH and, where it has a Samba, SMB must answer."""

from __future__ import annotations

import socket
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from harness.errors import LabFault
from harness.labs.boxes import BuiltBox, acceleration, disk, qemu
from harness.smb import health
from harness.system import ended, tempdirs
from harness.system.deadline import wait_for

MEMORY = 512
SECONDS = 180.0
"""The most that a boot may take: a machine that is emulated on a busy computer takes a minute."""
ANSWER = 15.0
"""Seconds for one answer. OpenSSH 10 starts two programs before its first line: over 2 s under emulation."""


@dataclass(frozen=True, slots=True)
class Boot:
    """How a box booted: seconds from power on until each service answered; None: not looked for."""

    ssh: float
    smb: float | None
    accelerated: bool


def boot(box: BuiltBox, *, smb: bool, seconds: float = SECONDS) -> Boot:
    """Boot the box once, throw away what it wrote.

    Raises LabFault when SSH does not answer within ``seconds``, or SMB within as many more, with the last
    line of its console.
    """
    accelerated = acceleration.find().kvm
    with tempdirs.folder("box") as folder:
        unpack(box, folder)
        ports, network = qemu.network()
        machine: list[str | Path] = [
            *qemu.words("kvm" if accelerated else "tcg", MEMORY),
            *("-drive", f"file={folder / 'box.img'},if=none,id=disk0,cache=unsafe,snapshot=on"),
            *("-device", "virtio-blk-pci,drive=disk0", "-device", "virtio-rng-pci"),
            *("-kernel", folder / "vmlinuz", "-initrd", folder / "initrd.img", "-append", disk.COMMAND_LINE),
            *network,
        ]
        begun = time.monotonic()
        console = folder / "console"
        # The machine's network takes a connection before anything in it listens.
        wait = min(ANSWER, seconds)
        with qemu.running(machine, console) as running:
            wait_for(f"{box.name}: SSH", lambda: _ssh(ports.ssh, wait, running, console), seconds)
            ssh = time.monotonic() - begun
            if smb:
                wait_for(f"{box.name}: SMB", lambda: _smb(ports.smb, wait, running, console), seconds)
            return Boot(ssh, time.monotonic() - begun if smb else None, accelerated)


def unpack(box: BuiltBox, folder: Path) -> None:
    """The box's files in ``folder``. Raises LabFault when the box cannot be read."""
    try:
        with box.opened() as archive:
            archive.extractall(folder)
    except (OSError, tarfile.TarError) as error:
        raise LabFault(f"cannot unpack {box.file}: {error}") from error


def _ssh(port: int, seconds: float, machine: Popen[bytes], console: Path) -> bool:
    _alive(machine, console)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
            connection.settimeout(seconds)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _smb(port: int, seconds: float, machine: Popen[bytes], console: Path) -> bool:
    _alive(machine, console)
    try:
        health.probe("127.0.0.1", port, seconds)
    except LabFault:
        return False
    return True


def _alive(machine: Popen[bytes], console: Path) -> None:
    if machine.poll() is not None:
        said = console.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
        why = "" if ended.by_others(machine.returncode) else f": {said[-1]}"
        raise LabFault(f"the machine {ended.how(machine.returncode)}{why}")
