"""The image of wsdd, the WS-Discovery responder that Debian has for Samba servers."""

from __future__ import annotations

from harness.system.image import Image

IMAGE = "wsdd"

IMAGES = (
    Image(
        IMAGE,
        "bookworm",
        True,
        "wsdd of Debian 12, by which servers answer WS-Discovery",
        ("base-files", "python3", "wsdd"),
    ),
)
