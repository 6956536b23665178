"""Looking at processes from outside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def alive(pid: int) -> bool:
    """True while a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def machines_below(folder: Path, *programs: str) -> list[int]:
    """The daemons and machines whose files are below a folder; ``programs``: only these of them."""
    return [
        pid
        for pid, words in _machines()
        if any(str(folder) in word for word in words[1:])
        and (not programs or Path(words[0]).name in programs)
    ]


def _machines() -> Iterator[tuple[int, list[str]]]:
    """The libvirt daemons and the machines that run now, of whomever: other tests may have some too."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = os.fsdecode((entry / "cmdline").read_bytes()).split("\0")
                if Path(words[0]).name in ("qemu-system-x86_64", "libvirtd"):
                    yield int(entry.name), words
