"""Debian's packages of the programs that we start: whoever misses one is told which to install."""

from __future__ import annotations

import os
import shutil
from typing import Final

from harness.system import environment

_ROOT = "" if os.geteuid() == 0 else "sudo "
INSTALL: Final = f"{_ROOT}apt-get install --no-install-recommends"
UPDATE: Final = f"{_ROOT}apt-get update"

OF_A_LAB: Final = {
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "chroot": "coreutils",
}
"""What no lab can be without, looked for where every program of a lab is (``environment.PATH``)."""
_PACKAGES: Final = OF_A_LAB | {
    "env": "coreutils",
    "sh": "dash",
    "gpg": "gpg",
    "mmdebstrap": "mmdebstrap",
    "tar": "tar",
    "rm": "coreutils",
    "true": "coreutils",
    "zstd": "zstd",
    "dpkg-query": "dpkg",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "virsh": "libvirt-clients",
    "vagrant": "vagrant vagrant-libvirt",
    "grub-mkimage": "grub-common",
    "mke2fs": "e2fsprogs",
    "cpio": "cpio",
}
_ESSENTIAL: Final = ("coreutils", "dash", "dpkg", "tar", "util-linux")
"""Packages that every Debian has (Policy 3.8): a program of theirs that is not there was removed."""
_AGAIN: Final = "--reinstall"
"""Without it apt does nothing where the package is installed."""


def how_to_install(program: str) -> str:
    """The command that installs a program, or who knows it."""
    package = _PACKAGES.get(program)
    if package is None:
        return "rehearse doctor says how to install it"
    return f"{INSTALL} {_AGAIN} {package}" if package in _ESSENTIAL else f"{INSTALL} {package}"


def lacking_for_a_lab() -> str:
    """The first program that a lab needs and this machine has not; "" where all are there."""
    return next((one for one in OF_A_LAB if shutil.which(one, path=environment.PATH) is None), "")
