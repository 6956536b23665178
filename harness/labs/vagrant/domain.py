"""What libvirt says of a guest that will never come up, while Vagrant still waits for its address."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness import process
from harness.errors import LabFault

PREFIX = "smb-rehearsal-"
"""The beginning of a domain's name, as in the Vagrantfile."""
SECONDS = 20.0
FULL = 32 << 20
"""Bytes that are free on a disk that is full for a guest: it writes in pieces."""
_LOST = ("paused (I/O error)", "shut off (crashed)", "shut off (failed)", "crashed")
"""States (virsh domstate --reason) that no guest leaves by itself; QEMU pauses one whose disk has no room."""


def lost(name: str, folder: Path) -> LabFault | None:
    """Why a guest will never come up; None while it may. ``folder`` is where its disk is."""
    try:
        asked = ["virsh", "-q", "-c", "qemu:///system", "domstate", "--reason", f"{PREFIX}{name}"]
        state = process.run(asked, timeout=SECONDS).stdout.strip()
    except LabFault:
        return None
    if not state.startswith(_LOST):
        return None
    what = f"{name} stopped before it was up: {state}"
    if shutil.disk_usage(folder).free < FULL:
        return LabFault(f"{what}, the disk is full", f"make room in {folder}")
    return LabFault(what, "see its console in evidence")
