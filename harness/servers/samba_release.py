"""Samba of each Debian release at Samba's own defaults, and each once more with SMB1 and NTLMv1 allowed.

At their defaults these refuse what old scanners and copiers speak, so that no change can take anything away
from them; with SMB1 and NTLMv1 allowed it shows what such a change would cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.model import Evidence, Tier
from harness.servers.base import HOST, Conf, Server
from harness.system.image import WITH_MODULES, Image

IMAGES = (
    Image("bullseye", "bullseye", False, "Samba 4.13, Debian 11 as released", WITH_MODULES),
    Image(
        "bullseye-security", "bullseye", True, "Samba 4.13, Debian 11 with its security updates", WITH_MODULES
    ),
    Image("bookworm", "bookworm", True, "Samba 4.17, Debian 12", WITH_MODULES),
    Image("trixie", "trixie", True, "Samba 4.22, Debian 13"),
    Image("forky", "forky", True, "Samba 4.25, Debian 14 in the making"),
)
RELEASE_UPGRADE = "release-upgrade"
VENDOR_PATCH = "vendor-patch"

_NEWEST = "its distribution has no newer package: the newest is installed already"
_DEFAULTS = Evidence(
    "Samba's compiled-in defaults (not a distribution's smb.conf): server min protocol = SMB2_02 "
    "since 4.11, ntlm auth = ntlmv2-only since 4.7, map to guest = Never",
    "smb.conf(5)",
)

_ALLOWED = Evidence("what old scanners and copiers need of a current Samba", "smb.conf(5)")


def _release(
    version: str, debian: str, image: str, upgrades: Mapping[str, str], no_upgrade: str = _NEWEST
) -> tuple[Server, Server]:
    """A packaged Samba at its defaults, and the same with SMB1 and NTLMv1 allowed."""
    name = f"samba-{version}"
    plain = Server(
        name,
        f"Samba {version} (Debian {debian}) at its defaults",
        image,
        Conf(),
        upgrades=upgrades,
        no_upgrade=no_upgrade,
        evidence=(_DEFAULTS,),
        laxer=f"{name}-smb1",
    )
    return plain, replace(
        plain,
        name=f"{name}-smb1",
        title=f"Samba {version} (Debian {debian}) that still allows SMB1 and NTLMv1 beside SMB3",
        conf=Conf({"server min protocol": "NT1", "ntlm auth": "ntlmv1-permitted"}),
        evidence=(_ALLOWED,),
        laxer="",
    )


_RELEASES = (
    _release(
        "4.13",
        "bullseye as released",
        "bullseye",
        {VENDOR_PATCH: "bullseye-security", RELEASE_UPGRADE: "bookworm"},
        no_upgrade="",
    ),
    _release("4.17", "bookworm", "bookworm", {RELEASE_UPGRADE: "trixie"}),
    _release("4.22", "trixie", "trixie", {RELEASE_UPGRADE: "forky"}),
    _release("4.25", "forky", "forky", {}),
)

SERVERS = (
    *(plain for plain, _ in _RELEASES),
    *(laxer for _, laxer in _RELEASES),
    Server(
        "samba-host",
        "The Samba installed on this machine at its defaults (its own smb.conf is not read)",
        HOST,
        Conf(),
        no_upgrade="the packages of this machine are never touched",
        labs=frozenset({Tier.LOCAL}),
        evidence=(_DEFAULTS,),
    ),
)
