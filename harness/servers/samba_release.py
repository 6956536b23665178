"""Samba of each Debian release at Samba's own defaults, and one that still allows SMB1 beside SMB3."""

from __future__ import annotations

from harness.model import Evidence, Tier
from harness.servers.base import HOST, Conf, Server

RELEASE_UPGRADE = "release-upgrade"
VENDOR_PATCH = "vendor-patch"

_NEWEST = "its distribution has no newer package: the newest is installed already"
_DEFAULTS = Evidence(
    "Samba's compiled-in defaults (not a distribution's smb.conf): server min protocol = SMB2_02 "
    "since 4.11, ntlm auth = ntlmv2-only since 4.7, map to guest = Never",
    "smb.conf(5)",
)

SERVERS = (
    Server(
        "samba-4.13",
        "Samba 4.13 (Debian bullseye as released) at its defaults",
        "bullseye",
        Conf(),
        upgrades={VENDOR_PATCH: "bullseye-security", RELEASE_UPGRADE: "bookworm"},
        evidence=(_DEFAULTS,),
    ),
    Server(
        "samba-4.17",
        "Samba 4.17 (Debian bookworm) at its defaults",
        "bookworm",
        Conf(),
        upgrades={RELEASE_UPGRADE: "trixie"},
        no_upgrade=_NEWEST,
        evidence=(_DEFAULTS,),
    ),
    Server(
        "samba-4.22",
        "Samba 4.22 (Debian trixie) at its defaults",
        "trixie",
        Conf(),
        upgrades={RELEASE_UPGRADE: "forky"},
        no_upgrade=_NEWEST,
        evidence=(_DEFAULTS,),
    ),
    Server(
        "samba-4.25",
        "Samba 4.25 (Debian forky) at its defaults",
        "forky",
        Conf(),
        no_upgrade=_NEWEST,
        evidence=(_DEFAULTS,),
    ),
    Server(
        "samba-4.22-smb1",
        "Samba 4.22 (Debian trixie) that still allows SMB1 and NTLMv1 beside SMB3",
        "trixie",
        Conf({"server min protocol": "NT1", "ntlm auth": "ntlmv1-permitted"}),
        upgrades={RELEASE_UPGRADE: "forky"},
        no_upgrade=_NEWEST,
        evidence=(Evidence("what old scanners and copiers need of a current Samba", "smb.conf(5)"),),
    ),
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
