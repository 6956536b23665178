"""What a client program needs for Kerberos: where its KDC is, and a folder for its tickets.

The KDC is reached through a relay that reads along. Programs of an image find it in a krb5.conf(5) of the
attempt's own, by TCP alone, for the relay reads nothing else: ``udp_preference_limit = 1`` says so to MIT's
library, ``tcp/`` to Heimdal's, which Samba has built in. Names are looked up nowhere: the one that the client
was given is the one that it asks for.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.clients._process import grace
from harness.errors import LabFault, Unsupported
from harness.model import Domain, Target
from harness.smb.tap.kdc import PORT
from harness.smb.tap.kdc_trace import Tickets, tickets


@dataclass(slots=True)
class Kdc:
    """The domain's KDC for one attempt."""

    port: int
    """Where the relay takes connections, on 127.0.0.1."""
    asked: Tickets = field(default_factory=Tickets)
    """What was asked; known when the block is over."""


def domain_of(target: Target) -> Domain:
    """The domain of a target. Raises Unsupported where it is in none."""
    if target.domain is None:
        raise Unsupported("the server is in no domain: there is no Kerberos")
    return target.domain


@contextmanager
def kdc_of(target: Target, at: tuple[str, int] = ("127.0.0.1", 0)) -> Iterator[Kdc]:
    """The KDC of the target's domain, read along. Raises Unsupported where the target is in none."""
    from harness.smb.tap.relay import KdcTap

    domain = domain_of(target)
    with KdcTap(domain.controller, PORT, target.seconds + grace(), at) as tap:
        found = Kdc(tap.port)
        yield found
    found.asked = replace(tickets(tap.traces()), of_server=domain.controller == target.address)


@contextmanager
def relayed(target: Target) -> Iterator[tuple[Target, Kdc]]:
    """The target whose domain controller is the relay: for a library that asks port 88 and no other.

    The lab lets everybody listen there, and has all of 127.0.0.0/8 to itself.
    """
    address = f"127.88.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
    with kdc_of(target, (address, PORT)) as kdc:
        yield replace(target, domain=replace(domain_of(target), controller=address)), kdc


@contextmanager
def settings(target: Target, image: str, port: int) -> Iterator[Mapping[str, str]]:
    """The environment by which a program of an image finds the KDC at 127.0.0.1:port.

    Its folder is in the image's own /tmp, where nobody else looks, and is gone afterwards. Raises LabFault
    where the lab has not that image.
    """
    root = target.root(image)
    if not root:
        raise LabFault(f"this lab has no image {image}", "see: rehearse list images")
    folder = Path(tempfile.mkdtemp(prefix="kerberos-", dir=Path(root, "tmp")))
    try:
        # The program runs as another user than we do.
        folder.chmod(0o777)
        conf = folder / "krb5.conf"
        conf.write_text(krb5_conf(domain_of(target).realm, f"tcp/127.0.0.1:{port}"), encoding="utf-8")
        conf.chmod(0o644)
        inside = Path("/tmp", folder.name)
        yield {"KRB5_CONFIG": str(inside / conf.name), "KRB5CCNAME": f"FILE:{inside / 'tickets'}"}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def krb5_conf(realm: str, kdc: str) -> str:
    """A krb5.conf(5) that names one KDC, and asks no DNS."""
    return (
        f"[libdefaults]\n default_realm = {realm}\n dns_lookup_realm = false\n dns_lookup_kdc = false\n"
        " rdns = false\n dns_canonicalize_hostname = false\n udp_preference_limit = 1\n"
        f"[realms]\n {realm} = {{\n  kdc = {kdc}\n }}\n"
    )
