"""Why a program of somebody's root file system cannot run here, and whose its smbd is: read, not run."""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.labs.images import dpkg
from harness.labs.images.executable import elf, here, hindrance

SMBD = "/usr/sbin/smbd"


def program(machine: int, loader: str, *, wide: bool = True, order: str = "<") -> bytes:
    """An ELF file of one program header, which names the loader (elf(5))."""
    size, entry = (64, 56) if wide else (52, 32)
    word = "Q" if wide else "I"
    name = loader.encode() + b"\0"
    ident = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1)) + bytes(9)
    head = ident + struct.pack(f"{order}HHI{word}{word}{word}I", 2, machine, 1, 0, size, 0, 0)
    head += struct.pack(f"{order}HHHHHH", size, entry, 1, 0, 0, 0)
    at = size + entry
    if wide:
        table = struct.pack(f"{order}IIQQQQQQ", 3, 4, at, 0, 0, len(name), len(name), 1)
    else:
        table = struct.pack(f"{order}IIIIIIII", 3, at, 0, 0, len(name), len(name), 4, 1)
    return head + table + name


def tree(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def test_this_machine() -> None:
    mine = elf(Path(sys.executable))
    assert mine is not None
    assert mine.machine == here()
    assert mine.loader.startswith("/")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (program(183 if here() != "ARM64" else 62, "/lib/ld.so"), "and this machine is"),
        (program(8, "/lib/ld.so", wide=False, order=">"), "is for MIPS, and this machine is"),
        (program(40, "/lib/ld.so", wide=False), "is for ARM (32 bits), and this machine is"),
        (program(999, "/lib/ld.so"), "is for machine 999 of elf(5), and this machine is"),
        (b"#!/bin/ash\nexec smbd\n", "is a script for /bin/ash, which is not in it"),
        (b"#!\n", "is a script for nothing"),
        (b"", "is no program"),
        (program(62, "/lib/ld.so")[:40], "is no program"),
    ],
)
def test_hindrances(tmp_path: Path, data: bytes, why: str) -> None:
    assert why in hindrance(tree(tmp_path, {SMBD: data}), SMBD)


def test_a_loader_is_looked_for_in_the_tree(tmp_path: Path) -> None:
    mine = elf(Path(sys.executable))
    assert mine is not None
    data = Path(sys.executable).resolve().read_bytes()
    assert f"is loaded by {mine.loader}" in hindrance(tree(tmp_path, {SMBD: data}), SMBD)
    tree(tmp_path, {mine.loader: b"a loader"})
    assert hindrance(tmp_path, SMBD) == ""


STATUS = (
    "Package: samba\nStatus: install ok installed\nVersion: 2:4.17.12+dfsg-0+deb12u1\n\n"
    "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
    "Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\nDescription: x\n Package: none\n"
)


def test_the_package_of_an_smbd_is_never_guessed(tmp_path: Path) -> None:
    """It must have brought this file, and be of the version that the file says itself."""
    files = {
        "var/lib/dpkg/status": STATUS.encode(),
        "var/lib/dpkg/info/samba.list": b"/.\n/usr/sbin/smbd\n",
        "usr/sbin/smbd": b"",
        "usr/local/samba/sbin/smbd": b"",
    }
    root = tree(tmp_path, files)
    package = "samba 2:4.17.12+dfsg-0+deb12u1"
    assert dpkg.packages(root) == ("libc6 2.36-9", package)
    assert dpkg.package_of_smbd(root, SMBD, "4.17.12-Debian") == package
    assert dpkg.package_of_smbd(root, SMBD, "4.19.0") == ""
    assert dpkg.package_of_smbd(root, "/usr/local/samba/sbin/smbd", "4.17.12") == ""
    assert dpkg.package_of_smbd(tmp_path / "none", SMBD, "4.17.12") == ""
    assert dpkg.is_there(root)
    assert not dpkg.is_there(tmp_path / "none")
