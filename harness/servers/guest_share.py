"""A current Samba that lets everybody in as guest over SMB2 and newer, as small offices set it up."""

from __future__ import annotations

from harness.model import Evidence
from harness.servers.base import Conf, Server

SERVERS = (
    Server(
        "guest-share",
        "Samba 4.22 (Debian trixie) with one share for guests, over SMB2 and newer",
        "trixie",
        Conf({"map to guest": "Bad User", "guest account": "rehearse"}, {"guest ok": "yes"}),
        unknown_user=True,
        upgrades={"release-upgrade": "forky"},
        no_upgrade="its distribution has no newer package: the newest is installed already",
        evidence=(
            Evidence(
                "map to guest = Bad User makes a guest of a user whom nobody knows; guest ok = yes lets a "
                "guest into the share; server min protocol = SMB2_02 since 4.11",
                "smb.conf(5)",
            ),
            Evidence("Debian's own smb.conf has map to guest = bad user", "Debian's package samba"),
        ),
    ),
)
