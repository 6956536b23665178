"""What the servers of a domain find in their folders: smb.conf(5), and the files by which names are resolved.

Every folder is below the server's own, for an image is mounted read-only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.labs.roots.rootfs import FILES
from harness.servers.base import Conf
from harness.servers.in_domain import DC, DNS, REALM, WORKGROUP, InDomain

SYSVOL: Final = "state/sysvol"
"""Where samba-tool(8) puts it below its target directory."""
FOLDERS: Final = ("private", "state", "cache", "lock", "pid", "ncalrpc", "bind-dns", "ntp", "log")
"""What a server keeps in its folder, a directory each; it wants to have ``private`` to itself."""
PASSDB: Final = "smbpasswd"
"""The file of a member's own accounts."""
_NSSWITCH: Final = "passwd: files winbind\ngroup: files winbind\nhosts: files dns\n"
"""Else every logon of a domain's user ends in STATUS_LOGON_FAILURE, by Kerberos too: getpwuid fails."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where one domain of the lab is: loopback addresses that nobody else has."""

    controller: str
    member: str
    """That of the domain controller where it is itself the server that clients come to."""


def files(place: InDomain, at: Addresses) -> Mapping[str, str]:
    """What a server finds in the image instead of the image's own files: path -> text."""
    hosts = [FILES["etc/hosts"].strip(), f"{at.controller} {DC.name} {DC.host}"]
    if not place.is_controller:
        hosts.append(f"{at.member} {place.name} {place.host}")
    return {
        **FILES,
        "etc/group": f"{FILES['etc/group']}users:x:100:\n",  # samba-tool(8) looks for it.
        "etc/nsswitch.conf": _NSSWITCH,
        "etc/hosts": "".join(f"{line}\n" for line in hosts),
        "etc/resolv.conf": f"nameserver {at.controller}\nsearch {DNS}\n",
        "etc/krb5.conf": krb5(at.controller),
    }


def krb5(controller: str) -> str:
    """krb5.conf(5): where the KDC is, and that a name is taken as it is given."""
    return (
        f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_realm = false\ndns_lookup_kdc = false\n"
        "rdns = false\ndns_canonicalize_hostname = false\n"
        f"[realms]\n{REALM} = {{\nkdc = {controller}\n}}\n"
        f"[domain_realm]\n.{DNS} = {REALM}\n{DNS} = {REALM}\n"
    )


LOOPBACK_BITS: Final = 8
"""Of the network that a server on the loopback device is in."""


def controller(
    conf: Conf, inside: Path, address: str, share: Iterable[str] = (), bits: int = LOOPBACK_BITS
) -> str:
    """smb.conf(5) of the domain controller in the folder ``inside``, as samba(8) sees it.

    ``bits``: of the network of ``address``, as in ``member``.

    ``server services`` leaves out what cannot run from a read-only image and nobody asks here (ntp_signd and
    nbt end the whole of samba(8) there: measured), and what needs a second domain controller.
    """
    return _text(
        "[global]",
        f"realm = {REALM}",
        f"workgroup = {WORKGROUP}",
        f"netbios name = {DC.netbios}",
        "server role = active directory domain controller",
        "server services = s3fs, rpc, ldap, cldap, kdc, winbindd, dns",
        "vfs objects = dfs_samba4 acl_xattr xattr_tdb",
        f"xattr_tdb:file = {inside / 'xattr.tdb'}",
        *_places(inside, f"{address}/{bits}", "log.samba"),
        f"ntp signd socket directory = {inside / 'ntp'}",
        *(f"{name} update command = /bin/true" for name in ("dns", "spn", "gpo")),
        *_lines(conf.globals),
        "[sysvol]",
        f"path = {inside / SYSVOL}",
        "read only = no",
        "[netlogon]",
        f"path = {inside / SYSVOL / DNS / 'scripts'}",
        "read only = no",
        *share,
    )


def member(
    conf: Conf,
    inside: Path,
    address: str,
    place: InDomain,
    share: Iterable[str] = (),
    bits: int = LOOPBACK_BITS,
) -> str:
    """smb.conf(5) of a member in the folder ``inside``, as its smbd and winbindd see it.

    "kerberos method" stays at its default: the secrets alone are enough to accept tickets (measured).
    """
    return _text(
        "[global]",
        "security = ads",
        f"realm = {REALM}",
        f"workgroup = {WORKGROUP}",
        f"netbios name = {place.netbios}",
        *_places(inside, f"{address}/{bits}", "log.smbd"),
        "idmap config * : backend = tdb",
        "idmap config * : range = 100000-199999",
        f"idmap config {WORKGROUP} : backend = rid",
        f"idmap config {WORKGROUP} : range = 200000-299999",
        "machine password timeout = 0",
        f"passdb backend = smbpasswd:{inside / PASSDB}",
        *_lines(conf.globals),
        *share,
    )


def share_of(name: str, inside: Path, conf: Conf) -> tuple[str, ...]:
    """The section of the share that clients come to. Files belong to whoever made them."""
    return (f"[{name}]", f"path = {inside / 'share'}", "read only = no", *_lines(conf.share))


def _places(inside: Path, interfaces: str, log: str) -> Iterable[str]:
    """Where it listens and what it keeps, and no printers: the same for both roles."""
    return (
        f"interfaces = {interfaces}",
        "bind interfaces only = yes",
        *(f"{name} directory = {inside / name}" for name in ("lock", "state", "cache", "pid")),
        f"private dir = {inside / 'private'}",
        f"ncalrpc dir = {inside / 'ncalrpc'}",
        f"binddns dir = {inside / 'bind-dns'}",
        f"log file = {inside / 'log' / log}",
        "log level = 1 auth_audit:3",
        "max log size = 10000",
        "disable spoolss = yes",
        "load printers = no",
        "usershare path =",
        "printing = bsd",
        "printcap name = /dev/null",
    )


def _lines(settings: Mapping[str, str]) -> Iterable[str]:
    return (f"{name} = {value}" for name, value in settings.items())


def _text(*lines: str) -> str:
    return "\n".join(lines) + "\n"
