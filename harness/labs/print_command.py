"""What a lab queue does with a job: nothing. The file of the job stays in the queue's folder.

smbd hands each job to ``print command`` by /bin/sh (smb.conf(5)), and takes the job back where that fails.
The images that the lab builds have no shell, and get none: a program that ends at once and says that all is
well stands in its place, for queues alone. It reads none of its arguments, so no text of a configuration or
of a client is a command.
"""

from __future__ import annotations

import platform
import struct
from pathlib import Path
from typing import Final

from harness.errors import LabFault
from harness.labs.roots.mounts import MS_BIND, MS_NODEV, MS_NOSUID, MS_RDONLY, mount, narrow

NAME: Final = "sh"
COMMAND: Final = ": %s"
"""For ``print command``. An image that was added may have a shell of its own: it does nothing either."""
_EXIT: Final = {
    # xor edi, edi; mov eax, 60; syscall.
    "x86_64": (0x3E, bytes.fromhex("31ffb83c0000000f05")),
    # mov x0, 0; mov x8, 93; svc 0.
    "aarch64": (0xB7, bytes.fromhex("000080d2a80b80d2010000d4")),
}
"""Machine -> its number in an ELF header (elf(5), e_machine), and exit(0)."""
_AT: Final = 0x400000


def stand_in(machine: str) -> bytes:
    """The program for a machine, as ``uname -m`` calls it. Raises LabFault for one that is not known."""
    if machine not in _EXIT:
        raise LabFault(f"no lab queue for printing on {machine}", f"known: {', '.join(_EXIT)}")
    number, code = _EXIT[machine]
    begins = 64 + 56
    size = begins + len(code)
    head = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        *(2, number, 1, _AT + begins, 64, 0, 0, 64, 56, 1, 0, 0, 0),
    )
    return head + struct.pack("<IIQQQQQQ", 1, 5, 0, _AT, _AT, size, size, 0x1000) + code


def give(image: Path, at: Path) -> None:
    """Put the stand-in for a shell into an image that is mounted at ``at`` and has none.

    ``image`` is where it was mounted from. Raises LabFault when the kernel refuses.
    """
    folder = "usr/bin" if (image / "bin").is_symlink() else "bin"
    if (image / folder / NAME).exists() or not (image / folder).is_dir():
        return
    there, shown = image / folder, at / folder
    files = [file for file in there.iterdir() if file.is_symlink() or file.is_file()]
    mount("tmpfs", shown, MS_NOSUID | MS_NODEV, kind="tmpfs", data="mode=755,size=64k")
    for file in files:
        if file.is_symlink():
            (shown / file.name).symlink_to(file.readlink())
            continue
        (shown / file.name).touch()
        mount(file, shown / file.name, MS_BIND)
        narrow(shown / file.name, MS_RDONLY | MS_NOSUID | MS_NODEV)
    (shown / NAME).write_bytes(stand_in(platform.machine()))
    (shown / NAME).chmod(0o755)
    narrow(shown, MS_RDONLY | MS_NOSUID | MS_NODEV)
