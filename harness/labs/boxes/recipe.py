"""What each box is made of: a Debian release, packages, and the files that tune it for this lab."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.labs.roots import debian
from harness.system import resources

GUEST_FILES = resources.path("labs", "boxes", "guest")
"""Files that are put into every box, by their path in it."""

_RECIPE = 3
"""Raise it whenever a box is made in another way: every box is then built again."""

_BASE = (
    "busybox-static",
    "dbus",
    "iproute2",
    "keyutils",
    "kmod",
    # Vagrant's halt and reload hang for ever without logind.
    "libpam-systemd",
    "linux-image-cloud-amd64",
    "openssh-server",
    "procps",
    "python3",
    "smbclient",
    "sudo",
    "systemd-sysv",
    "udev",
)
_SAMBA = ("samba", "cifs-utils", *_BASE)
# A member of a domain, and a client that comes to it with a ticket (cifs.upcall is in cifs-utils).
_MEMBER = (*_SAMBA, "krb5-user", "libnss-winbind", "winbind")
# ksmbd-tools conflicts with samba, and smbclient alone is no server.
_KSMBD = ("ksmbd-tools", "cifs-utils", *_BASE)
_SYSTEMD_257 = (
    # /tmp is on the disk, and nobody passes credentials or needs locks and devices before udev.
    "run-lock.mount",
    "systemd-tmpfiles-setup-dev-early.service",
    "systemd-udev-load-credentials.service",
    "tmp.mount",
)
_PATCHED = ("samba", "smbclient")


@dataclass(frozen=True, slots=True)
class Box:
    """One Vagrant box of the libvirt provider."""

    name: str
    suite: str
    security: bool
    """With the suite's security and update archives; without them it is the release as it first came."""
    title: str
    packages: tuple[str, ...] = _SAMBA
    updates: tuple[str, ...] = ()
    """Packages whose security updates lie in the box as archives (``UPDATES``), not installed."""
    masked: tuple[str, ...] = ()
    """Units of its systemd that cost a second each and have nothing to do, besides those of every box."""
    rooms: int = 1
    """How many times the room of a box its build takes (``boxes.ROOM``)."""

    def recipe(self) -> str:
        """A digest of everything that decides what is built."""
        digest = hashlib.sha256()
        parts = (str(_RECIPE), self.suite, str(self.security), *self.packages, "+", *self.updates)
        if self.masked:
            parts += ("masked", *self.masked)
        digest.update("\0".join((*parts, debian.mirror())).encode())
        for name, path in guest_files().items():
            digest.update(f"\0{name}\0".encode() + path.read_bytes())
        return digest.hexdigest()


UPDATES = "var/lib/smb-rehearsal/updates"
"""Where a box has the archives of its updates: ``dpkg -i`` of all of them is the vendor's patch."""

BOXES: Mapping[str, Box] = {
    box.name: box
    for box in (
        Box(
            "bullseye", "bullseye", False, "Debian 11 as released, Samba 4.13", updates=("samba", "smbclient")
        ),
        Box("bookworm", "bookworm", True, "Debian 12, Samba 4.17", packages=_MEMBER),
        Box("trixie", "trixie", True, "Debian 13, Samba 4.22", masked=_SYSTEMD_257),
        Box("forky", "forky", True, "Debian 14 in the making, Samba 4.25", masked=_SYSTEMD_257),
        Box(
            "ksmbd",
            "trixie",
            True,
            "Debian 13, the kernel's own SMB server",
            packages=_KSMBD,
            masked=_SYSTEMD_257,
        ),
    )
}


def guest_files() -> dict[str, Path]:
    """The files that are put into every box: path in the box -> file."""
    return {
        str(path.relative_to(GUEST_FILES)): path for path in sorted(GUEST_FILES.rglob("*")) if path.is_file()
    }
