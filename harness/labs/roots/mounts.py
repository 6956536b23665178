"""Mounting an image in the lab's own mount namespace, by mount(2): about 20 of them in a few milliseconds."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from harness.errors import LabFault
from harness.labs.diagnosis import in_chroot
from harness.labs.roots.rootfs import DEVICES

# sys/mount.h
MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_RELATIME = 1 << 21
MNT_DETACH = 2

# statvfs(3) f_flag has the same bits as mount(2) but for this one (bits/statvfs.h: ST_RELATIME).
_ST_RELATIME = 4096
_SAME = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME

_libc = ctypes.CDLL(None, use_errno=True)


def make_private() -> None:
    """Keep all mounts of this mount namespace to itself, even those above a chroot.

    In a chroot "/" is no mount, so its propagation cannot be changed by that name (measured: EINVAL). But
    a second chroot leaves the current directory outside of it, from where ".." leads to the root of the
    namespace, which is ours alone. Raises LabFault when the kernel refuses.
    """
    if not in_chroot():
        mount("none", Path("/"), MS_REC | MS_PRIVATE)
        return
    here = Path.cwd()
    root = os.open("/", os.O_PATH | os.O_DIRECTORY)
    try:
        os.chdir("/")
        os.chroot("/proc")
        while not os.path.samestat(Path().stat(), Path("..").stat()):
            os.chdir("..")
        mount("none", Path(), MS_REC | MS_PRIVATE)
    finally:
        os.fchdir(root)
        os.chroot(".")
        os.close(root)
        os.chdir(here)


def mount_image(image: Path, at: Path, state: Path) -> None:
    """Mount an image at ``at``, read-only, with the host's devices, ``state`` on /mnt, fresh /tmp and /run.

    No setuid program and no device in it has any effect but those ``DEVICES``.
    ``at`` is made. Nothing need be unmounted when the lab ends. Raises LabFault when the kernel refuses.
    """
    at.mkdir(parents=True, exist_ok=True)
    # With what is mounted below it: a user namespace may not uncover that (mount_namespaces(7)).
    mount(image, at, MS_BIND | MS_REC)
    narrow(at, MS_RDONLY | MS_NOSUID | MS_NODEV)
    for device in DEVICES:
        mount(f"/dev/{device}", at / "dev" / device, MS_BIND)
    mount(state, at / "mnt", MS_BIND | MS_REC)
    narrow(at / "mnt", MS_NOSUID | MS_NODEV)
    for folder in ("tmp", "run"):
        mount("tmpfs", at / folder, MS_NOSUID | MS_NODEV, kind="tmpfs", data="mode=1777,size=64m")


def narrow(at: Path, flags: int) -> None:
    """Let a bind mount allow less. Raises LabFault when the kernel refuses."""
    # In a user namespace the flags of the mount below are locked: they must be given again (mount(2)).
    given = os.statvfs(at).f_flag
    locked = given & _SAME | (MS_RELATIME if given & _ST_RELATIME else 0)
    mount("none", at, MS_BIND | MS_REMOUNT | flags | locked)


def unmount_image(at: Path) -> None:
    """Undo ``mount_image``; what still runs in the image keeps it until it ends (umount2(2), MNT_DETACH).

    Raises LabFault when nothing is mounted there.
    """
    if _libc.umount2(os.fsencode(at), MNT_DETACH) != 0:
        raise LabFault(f"cannot unmount {at}: {os.strerror(ctypes.get_errno())}")


def mount(source: Path | str, at: Path, flags: int, kind: str = "none", data: str = "") -> None:
    """mount(2). Raises LabFault when the kernel refuses."""
    words = (os.fsencode(source), os.fsencode(at), kind.encode(), ctypes.c_ulong(flags), data.encode())
    if _libc.mount(*words) != 0:
        raise LabFault(f"cannot mount {source} at {at}: {os.strerror(ctypes.get_errno())}")
