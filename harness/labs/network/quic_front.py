"""SMB over QUIC in front of a server of the local lab: certificates, and a relay where clients come to.

Debian's smbd has no QUIC of its own here: from 4.23 on Samba can listen on it with a kernel module (quic),
which Debian's kernel has not. With the setting, 4.25 opened no UDP port (measured). So the relay is this
program's (``harness.smb.quic.front``); smbd answers all that comes through.

Where TCP port 445 is to be closed, smbd moves to another address, which nobody but the relay and the lab's
own client know, and nothing listens on TCP where clients come to.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from harness.errors import LabFault, Refused
from harness.labs.home import Home
from harness.labs.marked import MARK, end
from harness.labs.writing import writing
from harness.model import QuicWay, Target
from harness.servers import ports
from harness.servers.base import ServerState
from harness.servers.quic import HOST, OTHER, Certificate, Quic
from harness.smb.quic import PORT
from harness.system import certificates, ended, environment
from harness.system.deadline import pace, wait_for
from harness.system.process import start

START_SECONDS: Final = 20.0
"""Until the relay answers; it takes 0.2 s of a processor that is idle (measured)."""
ANSWER_SECONDS: Final = 2.0
DAYS: Final = 30
_APART: Final = 100
"""How far apart the addresses are at which clients come and at which smbd is then."""


class QuicFront:
    """The relay of one server, and what is shown there."""

    def __init__(self, name: str, home: Home, hosts: tuple[str, ...] = (HOST,)) -> None:
        """``hosts``: the DNS names that its certificate is for."""
        self._name = name
        self._home = home
        self._hosts = hosts
        self._folder = home.outside / "quic"
        self._serves: Quic | None = None
        self._port = ports.USUAL
        """What the running relay was started for, and the TCP port of the smbd behind it."""
        self._relay: subprocess.Popen[bytes] | None = None

    def home(self, state: ServerState) -> Home:
        """Where smbd lives in a state: at the address that clients know, or apart."""
        if state.quic is None or not state.quic.alone:
            return self._home
        first, second, rest = self._home.address.split(".", 2)
        return replace(self._home, address=f"{first}.{int(second) + _APART}.{rest}")

    def of_clients(self, target: Target) -> Target:
        """The way that clients come, of the one that the lab's own client does."""
        if self._serves is None:
            return replace(target, quic=QuicWay(self._hosts[0], "", "", "", "", PORT))
        files = self.files(self._serves.certificate)
        way = QuicWay(
            self._hosts[0],
            str(self._folder / _authority(self._serves.certificate)),
            str(self._home.inside / "quic" / _authority(self._serves.certificate)),
            str(files[0]),
            str(files[1]),
            PORT,
        )
        return replace(target, address=self._home.address, quic=way)

    def follow(self, state: ServerState) -> None:
        """Serve as the state has it; returns when it answers. Raises LabFault where it does not."""
        wanted, port = state.quic if state.running else None, ports.of(state.conf)
        if (wanted, port) == (self._serves, self._port):
            return
        self.stop()
        if wanted is None:
            return
        self._make(wanted.certificate)
        files = map(str, self.files(wanted.certificate))
        argv = [sys.executable, "-m", "harness.system.entry", "harness.labs.network.quic_relay"]
        argv += [self._home.address, str(PORT), *files, self.home(state).address, str(port)]
        self._relay = start(argv, output=self._output, env={**environment.python(), MARK: self.mark})
        self._serves, self._port = wanted, port
        wait_for(f"{self._name}: the relay that speaks QUIC", self._answers, START_SECONDS)

    def alive(self) -> None:
        """Raises LabFault where the relay is gone that should serve."""
        if self._relay is not None and self._relay.poll() is not None:
            said = self._output.read_text(errors="replace").strip() if self._output.exists() else ""
            what = (
                f"the relay that speaks QUIC for {self._name} is gone ({ended.how(self._relay.returncode)})"
            )
            raise LabFault(what, f"it said: {said.splitlines()[-1]}" if said else "")

    def prove(self) -> str:
        """Show that a NEGOTIATE is answered through it; says by whom. Raises LabFault where none is.

        Its certificate is taken as it is: whether clients trust it is for them to say.
        """
        self.alive()
        if self._serves is None:
            return ""
        from harness.smb.quic.reaching import asked

        where, seconds = f"{self._name} over QUIC", ANSWER_SECONDS * pace()
        try:
            said, _ = asked(self._home.address, PORT, self._hosts[0], where, seconds)
        except Refused as refusal:
            raise LabFault(f"the relay that speaks QUIC for {self._name}: {refusal}") from refusal
        return f"over QUIC it {said}"

    def stop(self) -> None:
        """End the relay. Raises LabFault where something of it stays."""
        end(self._relay, self.mark, f"the relay that speaks QUIC for {self._name}")
        self._relay, self._serves = None, None

    def _answers(self) -> bool:
        try:
            return bool(self.prove())
        except LabFault:
            self.alive()
            return False

    @property
    def mark(self) -> str:
        """What marks the relay's process (``labs.marked``)."""
        return f"{self._home.mark}:quic"

    @property
    def _output(self) -> Path:
        return self._home.outside / "quic.out"

    def files(self, certificate: Certificate) -> tuple[Path, Path]:
        """The certificate that is shown, and its key."""
        return self._folder / f"{certificate}.server.pem", self._folder / f"{certificate}.server.key"

    def _make(self, certificate: Certificate) -> None:
        """The files, where they are not there yet. Raises LabFault."""
        shown, key_file = self.files(certificate)
        if shown.exists():
            return
        hosts = (OTHER,) if certificate is Certificate.OTHER_NAME else self._hosts
        days = -1 if certificate is Certificate.EXPIRED else DAYS
        with writing(self._folder):
            self._folder.mkdir(mode=0o755, exist_ok=True)
            trusted, stranger = certificates.new_key(), certificates.new_key()
            authority = certificates.signed("The authority of the lab", trusted, trusted, None, DAYS)
            strange = certificates.signed("An authority nobody knows", stranger, stranger, None, DAYS)
            certificates.write(self._folder / _authority(certificate), certificates.pem(authority), 0o644)
            by = (stranger, strange) if certificate is Certificate.UNTRUSTED else (trusted, authority)
            key = certificates.new_key()
            made = certificates.signed(hosts[0], key, *by, days, hosts)
            certificates.write(key_file, certificates.pem_of_key(key), 0o600)
            certificates.write(shown, certificates.pem(made), 0o644)


def _authority(certificate: Certificate) -> str:
    """The file with the authority that clients trust, whoever signed the certificate."""
    return f"{certificate}.authority.pem"
