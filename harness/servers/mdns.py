"""The image of Avahi, the mDNS responder that Debian has for Samba servers."""

from __future__ import annotations

from harness.system.image import Image

IMAGE = "avahi"

IMAGES = (
    Image(
        IMAGE,
        "bookworm",
        True,
        "Avahi of Debian 12, by which servers answer mDNS",
        ("base-files", "avahi-daemon"),
    ),
)
