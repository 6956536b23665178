"""A cheap network disk: SMB1 only, one share for everybody, and a vendor who never patches it."""

from __future__ import annotations

from harness.model import Dialect, Evidence, Fidelity
from harness.servers.base import Conf, Server

SERVERS = (
    Server(
        "consumer-nas",
        "SMB1 only, guest share, no patch to be had (configured on Samba 4.13)",
        "bullseye",
        Conf(
            {
                "server max protocol": "NT1",
                "server min protocol": "NT1",
                "ntlm auth": "ntlmv1-permitted",
                "server signing": "disabled",
                "map to guest": "Bad User",
                "guest account": "rehearse",
            },
            {"guest ok": "yes"},
        ),
        fidelity=Fidelity.CONFIGURED,
        emulates="a consumer NAS of about 2012",
        highest=Dialect.NT1,
        unknown_user=True,
        no_upgrade="no patch to be had: the vendor of the device publishes none",
        evidence=(
            Evidence(
                "SMB1-only network disks that current Windows refuses with error 384",
                "user pages on Buffalo and IO-DATA devices",
            ),
            Evidence("map to guest = Bad User, guest ok = yes", "smb.conf(5)"),
        ),
    ),
)
