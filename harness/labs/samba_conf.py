"""The smb.conf(5) and smbpasswd(5) of a server of the lab."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harness.labs import rpc_services, shares
from harness.labs.print_command import COMMAND
from harness.labs.roots.rootfs import LAB_UID
from harness.labs.samba_ways import Ways, passing
from harness.model import Segment
from harness.servers.base import ServerState
from harness.system.later import Later
from harness.system.process import keep_secret

ntlm: Any = Later("impacket.ntlm")

DIRECTORIES = ("private", "lock", "state", "cache", "pid", "ncalrpc", "log", "spool")
"""What smbd keeps in its folder, a directory each."""


NETBIOS_NAME = "FILESERVER"
"""By which a server is found where nothing says otherwise: this machine's own name is nobody's business."""
SHARE = "share"
"""The one share that every server of a lab offers."""


PRINTER = "lab-printer"
"""The queue of a server whose own configuration has none."""
SPOOL = "spool"
"""The folder of its jobs, in the server's own."""


@dataclass(frozen=True, slots=True)
class Account:
    """The one account of a lab."""

    user: str
    password: str


class Place(Protocol):
    """Where a Samba lives, as it sees it itself: in an image, or in a guest."""

    @property
    def interfaces(self) -> str:
        """Where it listens: an address with the bits of its network."""

    @property
    def inside(self) -> Path:
        """The folder of all that it keeps."""

    @property
    def share(self) -> str:
        """The name of its share, which is in its folder."""

    @property
    def segment(self) -> Segment | None:
        """Where it is found by those who look for servers, if any do."""

    @property
    def printer(self) -> str:
        """The queue to print to; "" where nobody does."""


_ALL = Ways()


def put_conf(folder: Path, text: str) -> None:
    """Replace smb.conf in one step: a server that looks at that moment reads a whole file. Raises OSError."""
    part = folder / "smb.conf.part"
    part.write_text(text, encoding="utf-8")
    part.chmod(0o644)
    part.replace(folder / "smb.conf")


def render(state: ServerState, home: Place, ways: Ways = _ALL) -> str:
    """smb.conf(5) of a server: what the lab needs, then what the base configuration and mitigations say.

    Of a configuration that was brought along it is the other way round: smb.conf(5) takes the last where one
    parameter stands twice, so that nothing in it has a say in what the lab decides. What the lab decides is
    written as far as this Samba knows it, all else in any case: what a change says and it does not know must
    be found out.
    """
    conf = state.conf
    if conf.sections:
        queue = _queue(home)
        return _text(
            "[global]",
            *passing(_printing(bool(queue) or shares.has_printer(conf)), ways),
            *_found_as(home),
            *shares.lines(conf.globals),
            *passing(_decided(home), ways),
            *shares.sections(conf, home.inside),
            *queue,
        )
    settings, share = conf.lines()
    queue = _queue(home, ["force user = rehearse", *share])
    return _text(
        "[global]",
        *passing((*_decided(home), *_printing(bool(queue))), ways),
        *_found_as(home),
        *settings,
        f"[{home.share}]",
        f"path = {home.inside / 'share'}",
        "read only = no",
        "force user = rehearse",
        *share,
        *queue,
    )


def _queue(home: Place, share: Iterable[str] = ()) -> tuple[str, ...]:
    """The printer that somebody prints to, where one does; smb.conf(5) adds it to a section of that name.

    Guests may where they may into the lab's own ``share``.
    """
    if not home.printer:
        return ()
    return (
        f"[{home.printer}]",
        f"path = {home.inside / SPOOL}",
        "printable = yes",
        "printing = bsd",
        *(f"{name} command = {COMMAND}" for name in ("print", "lpq", "lprm")),
        *(line for line in share if line.startswith(("force user", "guest ok", "guest only"))),
    )


def _found_as(home: Place) -> tuple[str, ...]:
    """The name of a server that is to be found, where its own configuration says none."""
    return (f"netbios name = {NETBIOS_NAME}",) if home.segment else ()


def _decided(home: Place) -> tuple[str, ...]:
    """What of [global] is the lab's to say: where a server listens, what it keeps, logs, whom it knows."""
    inside = home.inside
    return (
        f"interfaces = {home.interfaces}",
        "bind interfaces only = yes",
        "smb ports = 445",
        "server role = standalone server",
        *(f"{name} directory = {inside / name}" for name in ("lock", "state", "cache", "pid")),
        f"private dir = {inside / 'private'}",
        f"ncalrpc dir = {inside / 'ncalrpc'}",
        f"log file = {inside / 'log' / 'log.smbd'}",
        "log level = 1 auth_audit:3",
        "max log size = 10000",
        # A text file, so that an account costs no run of pdbedit; each server has its own (a shared
        # database lost its LM hashes on 4.13 and 4.17: measured).
        f"passdb backend = smbpasswd:{inside / 'smbpasswd'}",
        "usershare path =",
        "printing = bsd",
        "printcap name = /dev/null",
        *rpc_services.ONE_OF_EACH,
    )


def _printing(printers: bool) -> tuple[str, ...]:
    return ("load printers = no", f"disable spoolss = {'no' if printers else 'yes'}")


def _text(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def new_account() -> Account:
    """An account with a password of its own, which never appears in a log."""
    letters = string.ascii_letters + string.digits
    # At most 14 characters, so that an LM hash exists, as it does for accounts of old servers.
    password = "".join(secrets.choice(letters) for _ in range(12))
    keep_secret(password)
    return Account("rehearse", password)


def passdb_line(account: Account) -> str:
    """One line of smbpasswd(5), with the LM hash that old servers keep."""
    lm = ntlm.compute_lmhash(account.password).hex().upper()
    nt = ntlm.compute_nthash(account.password).hex().upper()
    return f"{account.user}:{LAB_UID}:{lm}:{nt}:[U          ]:LCT-60000000:\n"
