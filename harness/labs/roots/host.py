"""This machine's own Samba as a root file system: everything as it is, but for the accounts."""

from __future__ import annotations

from pathlib import Path

from harness.labs.roots.mounts import MS_BIND, MS_NODEV, MS_NOSUID, MS_REC, mount, narrow
from harness.labs.roots.rootfs import FILES


def mount_host(at: Path, state: Path) -> None:
    """Mount this machine's root at ``at`` with the lab's accounts and the state directory on /mnt.

    Seen in the lab's mount namespace alone; nothing on the machine changes. Raises LabFault when the
    kernel refuses.
    """
    mount("/", at, MS_BIND | MS_REC)
    # Not MS_NODEV: /dev may be no mount of its own.
    narrow(at, MS_NOSUID)
    mount(state, at / "mnt", MS_BIND | MS_REC)
    narrow(at / "mnt", MS_NOSUID | MS_NODEV)
    etc = at.parent / "etc"
    etc.mkdir(exist_ok=True)
    for name, text in FILES.items():
        file = etc / Path(name).name
        file.write_text(text)
        mount(file, at / name, MS_BIND)
