"""The SMB server of the Linux kernel: a second, independent implementation, in a guest of its own."""

from __future__ import annotations

from harness.model import Evidence, Tier
from harness.servers.base import Conf, Server
from harness.servers.platforms import named

SERVERS = (
    Server(
        "ksmbd",
        "the Linux kernel's own SMB server (Debian trixie) at its defaults",
        "ksmbd",
        Conf(),
        platform=named("ksmbd"),
        labs=frozenset({Tier.VAGRANT}),
        no_upgrade="its box has the newest packages of its release already",
        evidence=(
            Evidence("SMB 2.1 and newer, no SMB1 and no 2.0.2", "ksmbd.conf(5), server min protocol"),
            Evidence("mounts with 2.1, 3.0, 3.0.2 and 3.1.1", "measured on Linux 6.12"),
        ),
    ),
)
