"""Which RPC services a Samba of the lab starts: those that somebody asks for.

From 4.16 on smbd leaves RPC to samba-dcerpcd(8), which runs every program ``rpcd_*`` beside it once with
``--list-interfaces`` before it serves the first pipe, after each start of a server: 25 to 65 ms of processor
time each, most of it the dynamic linker's (measured, 4.17 to 4.25). Those for which nobody here opens a pipe
are hidden from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.labs.mounts import MS_BIND, MS_NODEV, MS_NOSUID, MS_RDONLY, mount, narrow

FOLDER: Final = "usr/libexec/samba"
"""Of an image: where Debian has them."""
WANTED: Final = ("rpcd_classic", "rpcd_lsad", "rpcd_spoolss", "rpcd_winreg")
"""What a check or a probe opens pipes of: srvsvc and wkssvc; lsarpc, samr and netlogon; spoolss; and winreg,
in which spoolss keeps its printers."""


def hide_others(image: Path, at: Path) -> None:
    """Leave in an image mounted at ``at`` the programs ``WANTED`` alone; nothing where it has no such folder.

    ``image`` is where it was mounted from. Raises LabFault when the kernel refuses.
    """
    folder = image / FOLDER
    if not (folder / "samba-dcerpcd").is_file():
        return
    kept = [
        file.name for file in folder.iterdir() if file.name in WANTED or not file.name.startswith("rpcd_")
    ]
    mount("tmpfs", at / FOLDER, MS_NOSUID | MS_NODEV, kind="tmpfs", data="mode=755,size=64k")
    for name in kept:
        (at / FOLDER / name).touch()
        mount(folder / name, at / FOLDER / name, MS_BIND)
        narrow(at / FOLDER / name, MS_RDONLY | MS_NOSUID | MS_NODEV)
    narrow(at / FOLDER, MS_RDONLY | MS_NOSUID | MS_NODEV)
