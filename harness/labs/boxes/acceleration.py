"""Whether this machine runs virtual machines at full speed: found by booting a tiny one, not by looking.

/dev/kvm can be there, and open, where guests still abort or hang (cloud and CI machines, measured). So a
kernel with a ram disk that says a word and ends must do that under KVM within ``SECONDS``.
The answer is kept until the machine boots again, its kernel or QEMU changes, or somebody has it tried again:
a machine that is too busy for ``SECONDS`` gives a wrong one.
"""

from __future__ import annotations

import os
import platform
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import LabFault
from harness.labs import boxes
from harness.labs.boxes import qemu
from harness.system import process, tempdirs
from harness.system.environment import tool_path, tools
from harness.system.paths import cache_dir, made_cache_dir

DEVICE = Path("/dev/kvm")
SECONDS = 8.0
"""What a guest under KVM may take: it takes less than one."""
_NAME = "acceleration.json"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MEMORY = 256


class Acceleration(BaseModel):
    """What was found, and of which machine that is true."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    kvm: bool
    why: str
    """One line for the user."""
    kernel: str = ""
    qemu: str = ""
    boot: str = ""
    user: int = -1


def find(*, again: bool = False) -> Acceleration:
    """Whether KVM works here; at most ``SECONDS`` the first time, at once afterwards.

    ``again``: try, whatever is known.
    Raises LabFault when it cannot be tried: no QEMU, or no box is built to take a kernel from.
    """
    if shutil.which(qemu.PROGRAM, path=tool_path()) is None:
        raise LabFault(f"{qemu.PROGRAM} is not installed", qemu.HINT)
    known = _unusable() if again else remembered()
    if known is not None:
        return known
    with tempdirs.folder("kvm") as folder:
        wrong = boots("kvm", *tiny_guest(folder))
    why = f"/dev/kvm is there, but {wrong}; machines are emulated, which is slow" if wrong else "KVM works"
    found = Acceleration.model_validate({"kvm": not wrong, "why": why, **_key()})
    # Where nothing can be kept it is tried again the next time.
    with suppress(OSError, LabFault):
        file = made_cache_dir() / _NAME
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.write_text(found.model_dump_json() + "\n")
        fresh.rename(file)
    return found


def remembered() -> Acceleration | None:
    """The answer without booting anything: from last time, or because there is no KVM at all; else None."""
    unusable = _unusable()
    if unusable is not None:
        return unusable
    try:
        known = Acceleration.model_validate_json((cache_dir() / _NAME).read_bytes())
    except (OSError, ValidationError):
        return None
    return known if known == known.model_copy(update=_key()) else None


def boots(accelerator: str, kernel: Path, ram: Path, seconds: float = SECONDS) -> str:
    """Boot the tiny guest; "" when it said its word and ended well in time, else what happened instead."""
    token = secrets.token_hex(8)
    line = f"console=ttyS0 quiet panic=-1 token={token}"
    machine = [*qemu.words(accelerator, _MEMORY), "-kernel", str(kernel), "-initrd", str(ram)]
    done = process.run(process.ends_with_us([*machine, "-append", line]), timeout=seconds, env=tools())
    if done.status is None:
        return f"a guest did not come up within {seconds:g} s"
    if done.ok and token in done.stdout:
        return ""
    said = (done.stderr.strip().splitlines() or [f"it ended with status {done.status}"])[-1]
    return f"a guest does not run ({said.removeprefix(f'{qemu.PROGRAM}: ')})"


def tiny_guest(folder: Path) -> tuple[Path, Path]:
    """The kernel and the ram disk of the tiny guest, out of any box that is built.

    Raises LabFault when there is none.
    """
    for name in boxes.BOXES:
        box = boxes.find(name)
        if box is not None:
            with box.opened() as archive:
                for part in ("vmlinuz", "probe.img"):
                    archive.extract(part, folder)
            return folder / "vmlinuz", folder / "probe.img"
    raise LabFault(
        "whether KVM works cannot be tried: there is no box to take a kernel from", "rehearse boxes build"
    )


def _unusable() -> Acceleration | None:
    """The answer where there is no KVM that could be tried."""
    if not DEVICE.exists():
        why = "no /dev/kvm: this machine has no virtualization, or it is switched off"
    elif not os.access(DEVICE, os.R_OK | os.W_OK):
        why = "/dev/kvm may not be used by this user: add the user to the group kvm"
    else:
        return None
    return Acceleration(kvm=False, why=why)


def _key() -> dict[str, str | int]:
    """What the answer depends on."""
    version = process.run([qemu.PROGRAM, "--version"], timeout=20, env=tools()).check("QEMU", qemu.HINT)
    return {
        "kernel": platform.release(),
        "qemu": version.stdout.splitlines()[0],
        "boot": _BOOT_ID.read_text().strip(),
        "user": os.getuid(),
    }
