"""The disk of a box: one partition with ext4, GRUB in front of it, as a compressed qcow2 file.

No loop device is used: mke2fs(8) fills the file system from a directory, and GRUB's two parts are written
to where its own boot sector looks for them.
"""

from __future__ import annotations

import struct
from pathlib import Path

from harness.errors import LabFault
from harness.system import process
from harness.system.environment import tools

SIZE = 4 << 30
"""Bytes; what is not used takes no room."""
SECTOR = 512
FIRST = 2048
"""The sector where the partition begins; GRUB lies in the gap before it."""
LABEL = "rehearsal"

KERNEL, INITRD = "boot/vmlinuz", "boot/initrd.img"
"""Where the kernel and the ram disk lie in a box."""
COMMAND_LINE = (
    "root=/dev/vda1 rw console=ttyS0 quiet net.ifnames=0 mitigations=off random.trust_cpu=on "
    "systemd.show_status=false fsck.mode=skip TERM=dumb"
)
"""Of the kernel: names cards eth0, eth1, and spares what costs seconds under software emulation."""

GRUB = Path("/usr/lib/grub/i386-pc")
GRUB_CFG = f"linux /{KERNEL} {COMMAND_LINE}\ninitrd /{INITRD}\nboot\n"
_MODULES = ("biosdisk", "part_msdos", "ext2", "linux", "normal", "configfile", "boot")
_CODE = 440
"""Bytes of a boot sector before the disk's signature and the partition table."""
_SECONDS = 600.0
_BARE = 'mount --bind "$1" /mnt; shift; exec "$@"'


def make(tree: Path, work: Path, target: Path) -> None:
    """Make ``target`` (qcow2) from the root file system ``tree``; ``work`` is an empty directory.

    Raises LabFault: a program is missing, no space.
    """
    raw = work / "disk.raw"
    core = work / "core.img"
    with raw.open("wb") as file:
        file.truncate(SIZE)
    offset = FIRST * SECTOR
    process.run(
        # A bind mount shows the tree without what is mounted below it: /proc and its kin while a hook runs.
        [
            *("unshare", "--mount", "--propagation", "private", "sh", "-euc", _BARE, "sh", tree),
            *("mke2fs", "-q", "-F", "-t", "ext4", "-L", LABEL, "-m", "0", "-J", "size=16"),
            *("-E", f"offset={offset},lazy_itable_init=1,nodiscard", "-d", "/mnt"),
            *(raw, f"{(SIZE - offset) // 1024}k"),
        ],
        timeout=_SECONDS,
        env=tools(),
    ).check("the file system of the box", "apt-get install e2fsprogs")
    process.run(
        ["grub-mkimage", "-O", "i386-pc", "-d", GRUB, "-p", "(hd0,msdos1)/boot/grub", "-o", core, *_MODULES],
        timeout=_SECONDS,
        env=tools(),
    ).check("the boot loader of the box", "apt-get install grub-pc-bin")
    _write_front(raw, (GRUB / "boot.img").read_bytes(), core.read_bytes())
    process.run(
        ["qemu-img", "convert", "-c", "-O", "qcow2", "-o", "compression_type=zstd", raw, target],
        timeout=_SECONDS,
        env=tools(),
    ).check("the disk of the box", "apt-get install qemu-utils")
    raw.unlink()


def _write_front(raw: Path, boot: bytes, core: bytes) -> None:
    """Boot sector, partition table and GRUB: its boot sector loads what begins in the sector behind it."""
    if len(core) > (FIRST - 1) * SECTOR:
        raise LabFault(f"GRUB is too large for the gap before the partition: {len(core)} bytes")
    with raw.open("r+b") as file:
        file.write(front(boot))
        file.write(core)


def front(boot: bytes) -> bytes:
    """The first sector: GRUB's code, and one bootable Linux partition from ``FIRST`` to the end."""
    sectors = SIZE // SECTOR - FIRST
    # Addresses by cylinder, head and sector are of no use to a disk of this size: the largest there are.
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", FIRST, sectors)
    return boot[:_CODE] + struct.pack("<IH", 0x534D4252, 0) + entry + bytes(48) + b"\x55\xaa"
