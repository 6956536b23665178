"""Samba with a share that a user made by himself, with ``net usershare add``: no section of smb.conf(5).

How many such shares may be there ("usershare max shares") is a default that distributions decide: Debian's
Samba 4.22 has 100, its 4.25 has 0, which is none (measured with testparm). Where the file says nothing, the
upgrade takes them away.
"""

from __future__ import annotations

from harness.model import Evidence, Tier
from harness.servers.base import Conf, Server
from harness.servers.in_domain import IMAGE
from harness.servers.samba_release import RELEASE_UPGRADE

_TEMPLATE = {"usershare template share": "share"}
"""So a change of the lab's own share reaches that of the user, too."""
_AS_WRITTEN = Evidence(
    "the file of the share is as net usershare add writes it; it is in the folder of usershare path, which "
    "belongs to root",
    "smb.conf(5), usershare path; net(8)",
)


def _server(name: str, title: str, said: dict[str, str]) -> Server:
    return Server(
        name,
        title,
        # As root of an ordinary user's lab smbd needs libuid_wrapper, which these images have.
        IMAGE,
        Conf({**_TEMPLATE, **said}),
        upgrades={RELEASE_UPGRADE: "forky-domain"},
        evidence=(_AS_WRITTEN,),
        labs=frozenset({Tier.LOCAL}),
        user_share=True,
    )


SERVERS = (
    _server("samba-4.22-user-share", "Samba 4.22 (Debian trixie) with a share that a user made", {}),
    _server(
        "samba-4.22-user-share-set",
        "Samba 4.22 (Debian trixie) with a share that a user made, and usershare max shares set",
        {"usershare max shares": "100"},
    ),
)
