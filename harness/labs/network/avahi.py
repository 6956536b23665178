"""avahi-daemon of one server: what it is told, and the mount of its image that is its own.

It has fixed places for the files of its services (/etc/avahi/services) and for its own (/run/avahi-daemon),
so each server has a mount of the image for itself. There is no D-Bus in the lab: smbd cannot register itself
(smb.conf(5), multicast dns register), and its service stands in a file, as avahi.service(5) has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Final

from harness.errors import LabFault
from harness.labs import namespace
from harness.labs.home import Home
from harness.labs.roots.mounts import MS_BIND, mount, unmount_image
from harness.labs.roots.rootfs import FILES, LAB_UID
from harness.servers.mdns import IMAGE

SERVICES: Final = "etc/avahi/services"
_USER: Final = "avahi"
"""The account that it asks for by name even where it keeps the user that it was started as."""


class Avahi:
    """Where avahi-daemon of a server lives; it is mounted from ``argv`` until ``leave``."""

    def __init__(self, home: Home, root: Callable[[str], Path], device: str) -> None:
        """``root`` tells where an image is mounted; it answers on ``device`` alone."""
        self._home = home
        self._root = root
        self._device = device
        self._at: Path | None = None

    def argv(self, name: str) -> list[str]:
        """The command line that answers for a server of that name. Raises LabFault, OSError."""
        own = self._home.outside / "avahi"
        (own / "services").mkdir(parents=True, exist_ok=True)
        (own / "services" / "smb.service").write_text(_service(name), encoding="utf-8")
        (own / "avahi-daemon.conf").write_text(_conf(name, self._device), encoding="utf-8")
        (own / "passwd").write_text(FILES["etc/passwd"] + f"{_USER}:x:{LAB_UID}:{LAB_UID}::/:/bin/false\n")
        (own / "group").write_text(FILES["etc/group"] + f"{_USER}:x:{LAB_UID}:\n")
        namespace.hand_over(own)
        if self._at is None:
            image = self._root(IMAGE)
            at = image.with_name(f"{IMAGE}-{self._home.name}")
            namespace.mount_image(image, at, self._home.folder)
            self._at = at
            for inside, ours in ((SERVICES, "services"), ("etc/passwd", "passwd"), ("etc/group", "group")):
                mount(own / ours, at / inside, MS_BIND)
        conf = self._home.inside / "avahi" / "avahi-daemon.conf"
        words = ["/usr/sbin/avahi-daemon", "-f", str(conf), "--no-drop-root", "--no-chroot", "--no-rlimits"]
        return namespace.in_image(self._at, words)

    def leave(self) -> None:
        """Give the mount back; what still runs in it keeps it until it ends."""
        if self._at is not None:
            with suppress(LabFault):
                unmount_image(self._at)
            self._at = None


def _conf(name: str, device: str) -> str:
    """avahi-daemon.conf(5): IPv4 on one device, and nothing of the machine but its host and its services."""
    host = re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-") or "server"
    return (
        f"[server]\nhost-name={host}\nuse-ipv4=yes\nuse-ipv6=no\nallow-interfaces={device}\n"
        "enable-dbus=no\ndisallow-other-stacks=no\n"
        "[wide-area]\nenable-wide-area=no\n"
        "[publish]\npublish-hinfo=no\npublish-workstation=no\n"
        "[reflector]\nenable-reflector=no\n"
    )


def _service(name: str) -> str:
    """avahi.service(5): SMB at its port, and the kind of machine whose picture Finder shows."""
    return (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        "<!DOCTYPE service-group SYSTEM 'avahi-service.dtd'>\n"
        f"<service-group><name>{escape(name)}</name>\n"
        "<service><type>_smb._tcp</type><port>445</port></service>\n"
        "<service><type>_device-info._tcp</type><port>0</port>"
        "<txt-record>model=RackMac</txt-record></service>\n"
        "</service-group>\n"
    )
