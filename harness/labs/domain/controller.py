"""A started domain controller: samba(8) from a copy of the template, ready when a signed LDAP bind works."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import LabFault
from harness.labs.domain.enter import as_root
from harness.labs.domain.names import address_of
from harness.labs.marked import MARK, end
from harness.labs.samba_conf import put_conf
from harness.labs.writing import writing
from harness.model.accounts import USER
from harness.servers.in_domain import DC
from harness.system import ended
from harness.system.deadline import pace, wait_for
from harness.system.process import Result, run, start

START_SECONDS: Final = 60.0
"""The KDC answers long before LDAP does; measured on a busy machine: 11 s to both."""
ASK_SECONDS: Final = 20.0
"""The most that one question of its own may take."""
PORTS: Final = {"the KDC": 88, "DNS": 53, "LDAP": 389, "SMB": 445}
"""What must listen before it is asked anything, over TCP."""
_UNSEALED: Final = r"^.*WITH SIGNED schannel from .*client_account\[{machine}\$\].*ACCESS_DENIED.*$"
"""What samba(8) logs at level 0 (schannel_util.c, dcesrv_netr_check_schannel_once; measured with 4.22)."""
_SAMBA: Final = "/usr/sbin/samba"
_NET: Final = "/usr/bin/net"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a domain controller lives."""

    name: str
    """Of its folder of evidence."""
    mark: str
    """By which its processes are told (``labs.marked``)."""
    outside: Path
    """Its folder as we see it: what the template had, and ``log``."""
    inside: Path
    """The same as its programs see it."""
    root: Path
    """Where its image is mounted, for it alone: sockets of its winbindd are in that image's /run."""
    address: str


class Controller:
    """One samba(8)."""

    def __init__(self, place: Place, password: str, names: Mapping[str, str] | None = None) -> None:
        """``password``: that of ``USER``; ``names``: what its DNS must say, name -> address."""
        self.place = place
        self._password = password
        self._names = names or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._before = 0
        """Bytes of its log from before it was started last."""

    def start(self) -> None:
        """Start it with the smb.conf(5) in its folder; returns when it answers. Raises LabFault."""
        self._before = self._log.stat().st_size if self._log.exists() else 0
        with suppress(FileExistsError):
            (self.place.root / "run/samba").mkdir(mode=0o755)
        self._process = start(
            as_root(
                self.place.root, [_SAMBA, "-F", "--no-process-group", "-s", self.place.inside / "smb.conf"]
            ),
            output=self.place.outside / "log" / "samba.out",
            env={MARK: self.place.mark},
        )
        try:
            wait_for(f"the domain controller at {self.place.address}", self._listens, START_SECONDS)
        except LabFault as fault:
            silent = [what for what, port in PORTS.items() if not self._open(port)]
            if self._process.poll() is not None or not silent:
                raise
            does = "does" if len(silent) == 1 else "do"
            raise LabFault(
                f"{fault.message}: {' and '.join(silent)} {does} not listen", self._complaint()
            ) from fault
        wait_for(
            "a signed LDAP bind at the domain controller", self._answers, START_SECONDS, self._complaint()
        )
        self._check_names()

    def write(self, text: str) -> None:
        """Its smb.conf(5), replaced in one step. Raises LabFault."""
        with writing(self.place.outside):
            put_conf(self.place.outside, text)

    def stop(self) -> None:
        """End it with all that it started. Raises LabFault when something stays."""
        end(self._process, self.place.mark, "the domain controller", self.place.root)
        self._process = None

    def dispose(self, evidence: Path) -> None:
        """Stop it, keep its smb.conf and log as evidence, drop the rest. Raises LabFault."""
        try:
            self.stop()
        finally:
            kept = evidence / self.place.name
            with suppress(OSError):  # As in ``SambaServer.dispose``.
                kept.mkdir(parents=True, exist_ok=True)
                for path in (self.place.outside / "smb.conf", self._log):
                    if path.exists():
                        shutil.copyfile(path, kept / path.name)
            shutil.rmtree(self.place.outside, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self.place.outside / "log" / "log.samba"

    def alive(self) -> subprocess.Popen[bytes]:
        """The first of its processes. Raises LabFault when it is gone."""
        if self._process is None:
            raise LabFault("the domain controller is gone (not started)")
        status = self._process.poll()
        if status is not None:
            raise LabFault(f"the domain controller is gone ({ended.how(status)})", self._complaint())
        return self._process

    def refusal(self, machine: str) -> str:
        """The line of its log by which it refuses a machine's secure channel as not sealed; "" for none."""
        if not self._log.exists():
            return ""
        said = self._log.read_bytes()[self._before :].decode(errors="replace")
        found = re.search(_UNSEALED.format(machine=re.escape(machine)), said, re.MULTILINE)
        return found[0].strip() if found else ""

    def prove(self) -> str:
        """Show that it serves: a ticket from its KDC, and with that a signed bind at its LDAP; says so.

        Raises LabFault with what it did not do.
        """
        self.alive()
        for what, port in PORTS.items():
            if not self._open(port):
                raise LabFault(
                    f"the domain controller does not serve: {what} does not listen", self._complaint()
                )
        self._bind().check("the domain controller does not serve", self._complaint())
        self._check_names()
        return f"the domain controller gave {USER} a ticket, and its LDAP took a signed bind with it"

    def _check_names(self) -> None:
        for name, address in self._names.items():
            try:
                found = address_of(self.place.address, name, ASK_SECONDS * pace())
            except OSError as error:
                raise LabFault(f"the domain's DNS does not serve: {error}", self._complaint()) from error
            if found != address:
                said = found or "no such name"
                raise LabFault(
                    f"the domain's DNS says {said} of {name}, which is {address}", self._complaint()
                )

    def _listens(self) -> bool:
        self.alive()
        return all(map(self._open, PORTS.values()))

    def _open(self, port: int) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex((self.place.address, port)) == 0

    def _answers(self) -> bool:
        self.alive()
        return self._bind().ok

    def _bind(self) -> Result:
        """net(8): a ticket for the user from the KDC, one for LDAP, a signed bind with that, and a search."""
        asked = ["ads", "search", "(objectClass=domain)", "dn", "-S", DC.name]
        return self.ask(
            [_NET, "-s", self.place.inside / "smb.conf", *asked, "--use-kerberos=required", "-U", USER],
            env={"PASSWD": self._password},
        )

    def ask(
        self,
        argv: Sequence[str | Path],
        *,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        seconds: float = ASK_SECONDS,
    ) -> Result:
        """Run a program of its image beside it."""
        return run(as_root(self.place.root, argv), timeout=seconds * pace(), stdin=stdin, env=env)

    def _complaint(self) -> str:
        return f"its log: {self._log}"
