"""What kind of program a file of a root file system is, and why it cannot run here: by its ELF header."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.labs.roots.within import within

_MACHINES: Final = {
    3: "x86 (32 bits)",
    8: "MIPS",
    20: "PowerPC",
    21: "PowerPC (64 bits)",
    22: "IBM Z",
    40: "ARM (32 bits)",
    62: "x86-64",
    183: "ARM64",
    243: "RISC-V",
    258: "LoongArch",
}
"""e_machine of elf(5), linux/elf-em.h."""
_PT_INTERP: Final = 3
_MOST_HEADERS: Final = 64


@dataclass(frozen=True, slots=True)
class Elf:
    """What the head of an ELF file says."""

    machine: str
    loader: str
    """The program that loads it, by its path; "" for one that needs none."""


def elf(path: Path) -> Elf | None:
    """Of a file; None where it is none, or cut off."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
            if len(head) < 52 or head[:4] != b"\x7fELF":
                return None
            wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
            (machine,) = struct.unpack_from(f"{order}H", head, 18)
            (table,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, 32 if wide else 28)
            size, count = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
            loader = ""
            for number in range(min(count, _MOST_HEADERS)):
                file.seek(table + number * size)
                entry = file.read(56 if wide else 32)
                if struct.unpack_from(f"{order}I", entry)[0] == _PT_INTERP:
                    at, length = (
                        struct.unpack_from(f"{order}Q", entry, offset)[0]
                        if wide
                        else struct.unpack_from(f"{order}I", entry, offset)[0]
                        for offset in ((8, 32) if wide else (4, 16))
                    )
                    file.seek(at)
                    loader = file.read(min(length, 4096)).split(b"\0")[0].decode("utf-8", "replace")
    except (OSError, struct.error, ValueError, OverflowError):
        return None
    return Elf(_MACHINES.get(machine, f"machine {machine} of elf(5)"), loader)


def here() -> str:
    """The kind of machine that this is: what the program is for that reads this."""
    mine = elf(Path("/proc/self/exe"))
    return mine.machine if mine else "unknown"


def hindrance(root: Path, program: str) -> str:
    """What in a root file system keeps a program of it from being started; "" where nothing of it shows."""
    path = within(root, program)
    try:
        with path.open("rb") as file:
            first = file.readline(256)
    except OSError as error:
        return f"{program} cannot be read: {error.strerror}"
    if first.startswith(b"#!"):
        words = first[2:].decode("utf-8", "replace").split()
        if not words or not within(root, words[0]).is_file():
            return f"{program} is a script for {words[0] if words else 'nothing'}, which is not in it"
        return hindrance(root, words[0]) if words[0] != program else ""
    found = elf(path)
    if found is None:
        return f"{program} is no program: neither ELF nor a script, or it is cut off"
    mine = here()
    runs = {mine, "x86 (32 bits)"} if mine == "x86-64" else {mine}
    if found.machine not in runs:
        return f"{program} is for {found.machine}, and this machine is {mine}: nothing is emulated"
    if found.loader and not within(root, found.loader).is_file():
        return f"{program} is loaded by {found.loader}, which is not in it"
    return ""
