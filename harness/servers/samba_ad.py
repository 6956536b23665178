"""Samba in an Active Directory domain: the domain controller, and members of each release.

The domain is the lab's own (``harness.servers.in_domain``); each such server has a whole one for itself.
"""

from __future__ import annotations

from typing import Final

from harness.model import EVERY_LAB, Evidence, Tier
from harness.servers.base import Conf, Server
from harness.servers.in_domain import DC, IMAGE, MEMBERS, REALM, InDomain
from harness.system.image import PACKAGES, BuildStep, Image

_OWN_FILES: Final = BuildStep(
    "the files that each server of a domain has its own of",
    "/opt/rehearsal",
    ("/bin/touch", "/etc/krb5.conf", "/etc/resolv.conf"),
)
_MEMBER: Final = (*PACKAGES, "coreutils", "winbind", "libnss-winbind", "libuid-wrapper", "krb5-user")

IMAGES: Final = (
    Image(
        IMAGE,
        "trixie",
        True,
        "Samba 4.22 as domain controller and member of a domain, Debian 13",
        (*_MEMBER, "samba-ad-dc", "samba-ad-provision", "samba-dsdb-modules", "python3-samba"),
        (_OWN_FILES,),
    ),
    Image(
        "bookworm-domain",
        "bookworm",
        True,
        "Samba 4.17 as member of a domain, Debian 12",
        _MEMBER,
        (_OWN_FILES,),
    ),
    Image(
        "forky-domain",
        "forky",
        True,
        "Samba 4.25 as member of a domain, Debian 14 in the making",
        _MEMBER,
        (_OWN_FILES,),
    ),
)

_DEFAULTS: Final = Evidence(
    "made and joined by Samba's own tools (samba-tool domain provision, net ads join); but for where it "
    "keeps its files, and services that nobody asks here, its settings are Samba's defaults",
    "docs/domain.md",
)
_NEWEST: Final = "the domain is made for the packages that it was provisioned with"
_LOCAL: Final = frozenset({Tier.LOCAL})

_BY_HOST: Final = {one.host: one for one in MEMBERS}


_NOTHING: Final = Conf()


def _server(
    name: str,
    title: str,
    image: str,
    place: InDomain,
    conf: Conf = _NOTHING,
    controller: Conf = _NOTHING,
    labs: frozenset[Tier] = _LOCAL,
) -> Server:
    return Server(
        name,
        title,
        image,
        conf,
        controller=controller,
        no_upgrade=_NEWEST,
        evidence=(_DEFAULTS,),
        labs=labs,
        in_domain=place,
    )


SERVERS: Final = (
    _server(
        "samba-ad-dc",
        f"Samba 4.22 (Debian trixie) as the domain controller of {REALM}",
        IMAGE,
        DC,
    ),
    _server(
        "samba-ad-member",
        f"Samba 4.22 (Debian trixie) as a member of {REALM}, with its domain controller",
        IMAGE,
        _BY_HOST["files"],
    ),
    _server(
        "samba-ad-member-rc4",
        f"Samba 4.22 (Debian trixie) as a member of {REALM} whose machine account has RC4 keys alone",
        IMAGE,
        _BY_HOST["filesrc4"],
    ),
    _server(
        "samba-ad-member-unsealed",
        f"Samba 4.22 (Debian trixie) as a member of {REALM} that signs its secure channel and does not seal "
        "it, and a domain controller that was told to take that",
        IMAGE,
        _BY_HOST["files"],
        Conf({"winbind sealed pipes": "no"}),
        Conf({"server schannel require seal": "no", "reject md5 clients": "no"}),
    ),
    _server(
        "samba-ad-member-4.17",
        f"Samba 4.17 (Debian bookworm) as a member of {REALM}, whose domain controller is Samba 4.22",
        "bookworm-domain",
        _BY_HOST["files417"],
        labs=EVERY_LAB,
    ),
    _server(
        "samba-ad-member-4.25",
        f"Samba 4.25 (Debian forky) as a member of {REALM}, whose domain controller is Samba 4.22",
        "forky-domain",
        _BY_HOST["files425"],
    ),
)
