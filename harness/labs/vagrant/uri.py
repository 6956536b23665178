"""The address of a remote libvirt, in libvirt's own words: https://libvirt.org/uri.html.

    qemu+ssh://USER@HOST:PORT/system?keyfile=…    over SSH; the guests are reached through it, too
    qemu+unix:///system?socket=PATH               a socket of this machine; qemu:///system is the usual one
    qemu+tcp://HOST/system, qemu+tls://HOST/system    where the guests' bridge is this machine's

Only what the lab can use is taken: QEMU's driver, and /system, for /session has no networks.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from harness.errors import UsageError

VARIABLE = "SMB_REHEARSAL_URI"
"""Names the libvirt where no option does; the Vagrantfile reads it, too.

Not LIBVIRT_DEFAULT_URI: who has set that for virsh did not ask for networks and disks of a rehearsal there.
"""
_TRANSPORTS = ("ssh", "unix", "tcp", "tls")
_NAME = re.compile(r"[A-Za-z0-9_.:%][A-Za-z0-9_.:%@-]*")
"""A host or a user: nothing that a program could take for an option or a second word."""


@dataclass(frozen=True, slots=True)
class LibvirtUri:
    """A libvirt that is not the lab's own."""

    text: str
    """As libvirt and Vagrant take it."""
    transport: str
    """ssh, unix, tcp or tls."""
    host: str = ""
    """"" for a socket of this machine."""
    user: str = ""
    port: int | None = None
    keyfile: str = ""
    verify: bool = True
    """False: the SSH key of the host is taken whatever it is (libvirt's no_verify)."""

    @property
    def over_ssh(self) -> bool:
        """Everything goes through an SSH connection to the host."""
        return self.transport == "ssh"

    @property
    def where(self) -> str:
        """The other machine, for a sentence."""
        if not self.host:
            return "this machine's libvirt"
        return f"{self.user}@{self.host}" if self.user else self.host

    @property
    def destination(self) -> list[str]:
        """The words of ssh(1) that name the host, the account and the key."""
        words = ["-p", str(self.port)] if self.port else []
        words += ["-l", self.user] if self.user else []
        words += ["-i", self.keyfile, "-o", "IdentitiesOnly=yes"] if self.keyfile else []
        if not self.verify:
            words += ["-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={os.devnull}"]
        return [*words, "--", self.host]


def wanted(given: str | None) -> LibvirtUri | None:
    """The libvirt that an option or else the environment names; None for the lab's own.

    Raises UsageError for what is no URI, or none that the lab can use.
    """
    text = os.environ.get(VARIABLE, "") if given is None else given
    if not text:
        if given is not None:
            raise UsageError("--connect names no libvirt", "e.g.: --connect qemu+ssh://HOST/system")
        return None
    return parse(text)


def parse(text: str) -> LibvirtUri:
    """Read a URI. Raises UsageError that says what is wrong with it."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _wrong(text, str(error)) from None
    try:
        params = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=True).items()}
    except ValueError:
        raise _wrong(text, "what stands behind its ? is not name=value") from None
    driver, _, transport = parts.scheme.partition("+")
    host, user = parts.hostname or "", unquote(parts.username or "")
    if driver != "qemu":
        raise _wrong(text, "it does not begin with qemu: the guests are QEMU's")
    # libvirt's rule: without a transport TLS where there is a host, else the socket of this machine.
    transport = transport or ("tls" if host else "unix")
    if transport not in _TRANSPORTS:
        raise _wrong(text, f"the transport {transport} is none of {', '.join(_TRANSPORTS)}")
    if parts.path != "/system":
        raise _wrong(text, f"its path is {parts.path or 'missing'}, not /system: only that has networks")
    if bool(host) is (transport == "unix"):
        raise _wrong(text, "it names no host" if not host else f"a host is not reached by {transport}")
    if any(word and not _NAME.fullmatch(word) for word in (host, user)) or not text.isprintable():
        raise _wrong(text, "no host or user is called so")
    socket = params.get("socket", "")
    if transport == "unix" and socket and not Path(socket).is_absolute():
        raise _wrong(text, "the path of its socket must begin with /")
    verify = params.get("no_verify", "0") == "0"
    return LibvirtUri(text, transport, host, user, port, params.get("keyfile", ""), verify)


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(f"{text!r} is no libvirt for this lab: {why}", "e.g.: qemu+ssh://HOST/system")
