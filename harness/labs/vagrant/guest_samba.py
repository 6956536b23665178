"""Samba in a Linux guest: the smbd of the guest's own distribution, started by its own systemd."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.deadline import wait_for
from harness.errors import LabFault
from harness.labs import proof
from harness.labs.base import How, ServerInside, Software
from harness.labs.boxes.recipe import UPDATES
from harness.labs.rootfs import LAB_UID
from harness.labs.samba_conf import DIRECTORIES, SHARE, Account, passdb_line, render
from harness.labs.vagrant import within
from harness.labs.vagrant.guest_inside import GuestInterior
from harness.labs.vagrant.machine import Machine
from harness.model import Check, GuestRoute, Target
from harness.remote.base import Remote
from harness.result import Recovery, ServerFact
from harness.servers.base import Server, ServerState
from harness.smb import control

FOLDER = Path("/srv/smb-rehearsal")
"""All that the lab's smbd keeps, in the guest."""
START_SECONDS = 60.0
INSTALL_SECONDS = 600.0
"""For the vendor's packages: 2 minutes on a machine with ten other things to do (measured, emulated)."""
ATTEMPT_SECONDS = 60.0
"""The most that one attempt may take: six times the local lab's, for guests under emulation."""
HEALTH_SECONDS = 8.0
PATCH = "-security"
"""An image of this suffix is the guest's release with the updates that lie in its box."""

_PREPARE = f"""\
# the lab's folder
systemctl stop smbd
id rehearse >/dev/null 2>&1 || useradd -r -M -s /usr/sbin/nologin -u {LAB_UID} rehearse
mkdir -p {" ".join(str(FOLDER / name) for name in (*DIRECTORIES, "share"))}
echo 'Welcome to the rehearsal.' >{FOLDER}/share/welcome.txt
chown -R rehearse: {FOLDER}/share
umask 077
cat >{FOLDER}/smbpasswd
"""
_CONFIGURE = """\
# smb.conf
cat >/etc/samba/smb.conf.part
chmod 644 /etc/samba/smb.conf.part
mv /etc/samba/smb.conf.part /etc/samba/smb.conf
systemctl reset-failed smbd 2>/dev/null || true
case "$1" in
    restart) systemctl restart smbd ;;
    reload) smbcontrol smbd reload-config ;;
    stop) systemctl stop smbd ;;
esac
"""
_PATCH = f"""\
# install the updates that lie in the box
export DEBIAN_FRONTEND=noninteractive
systemctl stop smbd
# Byte code for Python is no part of the server, and takes a third of the time under emulation.
mkdir -p /run/smb-rehearsal-bin
printf '#!/bin/sh\n' >/run/smb-rehearsal-bin/py3compile
chmod +x /run/smb-rehearsal-bin/py3compile
PATH=/run/smb-rehearsal-bin:$PATH dpkg --force-unsafe-io --force-confold -i /{UPDATES}/*.deb
"""
# What a change of this server can change, and must not be changed any more when it was taken back.
_FINGERPRINT = f"""\
# fingerprint
sha256sum /etc/samba/smb.conf /var/lib/dpkg/status /usr/sbin/smbd
cut -d: -f1-4 {FOLDER}/smbpasswd | sha256sum
pid=$(systemctl show --property MainPID --value smbd)
[ "$pid" = 0 ] || sha256sum <"/proc/$pid/exe"
find {FOLDER}/share | sort
"""
_SHIPPED = f"""\
# the smbd in the updates
cd /{UPDATES}
deb=$(ls samba_*.deb)
dpkg-deb --fsys-tarfile "$deb" | tar -xO ./usr/sbin/smbd | sha256sum
dpkg-deb --field "$deb" Version
"""


@dataclass(frozen=True, slots=True)
class InGuest:
    """Where a Samba lives in a guest (``samba_conf.Place``)."""

    address: str
    inside: Path = FOLDER
    share: str = SHARE

    @property
    def interfaces(self) -> str:
        """Its address, in the host-only network."""
        return f"{self.address}/24"


class GuestSamba:
    """A Samba in a guest. Implements ``harness.labs.base.LiveServer``."""

    def __init__(
        self,
        server: Server,
        machine: Machine,
        account: Account,
        evidence: Path,
        roots: tuple[tuple[str, tuple[str, ...]], ...] = (),
        guests: tuple[GuestRoute, ...] = (),
    ) -> None:
        """``roots`` and ``guests`` are where the lab's clients are."""
        self.server = server
        self.state = server.state
        self.pristine: Recovery | None = None
        self.brought_back: Recovery | None = None
        self._machine = machine
        self._evidence = evidence
        self._base = ""
        self._interior = GuestInterior(server, str(FOLDER / "log"))
        self._shipped: dict[str, Software] = {}
        user = "somebody" if server.unknown_user else account.user
        self.target = Target(
            machine.route.address,
            SHARE,
            user,
            account.password,
            seconds=ATTEMPT_SECONDS,
            roots=roots,
            guests=guests,
        )

    @staticmethod
    def outfit(account: Account, remote: Remote) -> None:
        """Make a guest ready to serve: before its snapshot, once. Raises LabFault."""
        within.script(remote, _PREPARE, stdin=passdb_line(account))

    def start(self) -> None:
        """Make the guest pristine, give it the server's base configuration, and prove that it serves."""
        self._base = ""
        self.pristine = self._machine.pristine(self._configure, self._verified)

    def become(self, state: ServerState, how: How) -> None:
        """See ``LiveServer.become``."""
        if state == self.server.state:
            same = state.image == self.state.image
            script = self._configure if same else None
            self.brought_back = self._machine.back(script, self._configure, self._verified)
            return
        stays = state.running and self.state.running and state.image == self.state.image
        if state.image != self.state.image:
            self._install(state.image)
        self.state = state
        if not state.running:
            self._write("stop")
        elif stays and how is How.RELOAD:
            self._write("reload")
        else:
            self._write("restart")
            self._wait()

    def prove(self, *, serves: bool) -> str:
        """See ``LiveServer.prove``: the control client's session; and the guest's kernel is well."""
        self._machine.check_kernel()
        if not self.state.running:
            return self._prove_down()
        return proof.serving(
            self.server.name,
            self.target,
            serves=serves,
            alive=self._alive,
            where=str(self._evidence),
            seconds=HEALTH_SECONDS,
        )

    def software(self) -> Software:
        """See ``LiveServer.software``: the executable of the running process, by testinfra."""
        self._machine.check_kernel()
        inside = within.host(self._machine.remote)
        pid = self._alive()
        digest = str(inside.file(f"/proc/{pid}/exe").sha256sum)
        return Software(pid, digest, f"samba {inside.package('samba').version}")

    def shipped(self, image: str) -> Software:
        """See ``LiveServer.shipped``."""
        if image == self.server.image:
            raise LabFault(f"{self._machine.name} runs {image} itself: what it shipped is what it runs")
        if image not in self._shipped:
            self._offers(image)
            said = within.script(self._machine.remote, _SHIPPED).split()
            self._shipped[image] = Software(0, said[0], f"samba {said[-1]}")
        return self._shipped[image]

    def fact(self) -> ServerFact:
        """See ``LiveServer.fact``; ``software`` is what smbd itself says, packages are testinfra's."""
        version = within.script(self._machine.remote, "smbd -V").strip().removeprefix("Version ")
        package = within.host(self._machine.remote).package("samba").version
        return ServerFact(
            self.server.name,
            self.server.title,
            f"Samba {version}",
            str(self.server.fidelity),
            self.server.emulates,
            (f"samba {package}",),
        )

    def inside(self) -> ServerInside | None:
        """See ``LiveServer.inside``."""
        if not self.state.running:
            return None
        return self._interior.look(self._machine.remote, self.state, self._alive())

    def complaints(self) -> Sequence[str]:
        """See ``LiveServer.complaints``; smbd and testparm name a parameter that they do not know."""
        said = within.script(
            self._machine.remote, f"cat {FOLDER}/log/log.* 2>/dev/null; testparm -s 2>&1 >/dev/null || true"
        )
        found = re.findall(r"(?:Ignoring unknown|Unknown) parameter[^\n]*", said)
        return tuple(dict.fromkeys(line.strip() for line in found))

    def dispose(self) -> None:
        """Keep what the guest knows as evidence. The guest itself stays: the next job restores it."""
        kept = self._evidence / f"{self._machine.name}-{self.server.name}"
        with suppress(OSError, LabFault):
            kept.mkdir(parents=True, exist_ok=True)
            kept.joinpath("console.log").write_text(self._machine.console())
            remote = self._machine.remote
            kept.joinpath("smb.conf").write_text(within.script(remote, "cat /etc/samba/smb.conf"))
            log = within.script(remote, f"tail -c 1000000 {FOLDER}/log/log.smbd 2>/dev/null || true")
            kept.joinpath("log.smbd").write_text(log)

    # -- changing it --------------------------------------------------------------------------------

    def _configure(self) -> None:
        """The server's own state, whatever was before."""
        self.state = self.server.state
        self._write("restart" if self.state.running else "stop")
        self._wait()

    def _write(self, action: str) -> None:
        place = InGuest(self._machine.route.address)
        text = render(self.state, place)
        within.script(self._machine.remote, _CONFIGURE, action, stdin=text, timeout=START_SECONDS)

    def _wait(self) -> None:
        wait_for(
            f"{self.server.name} at {self.target.address}", lambda: proof.listens(self.target), START_SECONDS
        )
        # From 4.16 on the first pipe starts samba-dcerpcd: not the client's fault, so it is started before
        # anything is judged or timed.
        control.try_session(self.target, Check.BROWSE, dialects=control.EVERY_DIALECT)

    def _install(self, image: str) -> None:
        self._offers(image)
        within.script(self._machine.remote, _PATCH, timeout=INSTALL_SECONDS)

    def _offers(self, image: str) -> None:
        can_patch = "vendor-patch" in self._machine.guest.can
        if not can_patch or image != f"{self._machine.guest.image}{PATCH}":
            raise LabFault(f"the guest {self._machine.name} has no packages of {image}")

    # -- looking at it ------------------------------------------------------------------------------

    def _verified(self) -> str:
        """Fingerprint and protocol probe. Raises LabFault when it is not what it was at the baseline."""
        found = within.script(self._machine.remote, _FINGERPRINT)
        digest = hashlib.sha256(found.encode()).hexdigest()
        if self._base and digest != self._base:
            raise LabFault("its configuration, packages or files are not what they were")
        seen = self.prove(serves=True)
        self._base = digest
        return f"fingerprint {digest[:12]}; {seen}"

    def _alive(self) -> int:
        """The pid of the running smbd. Raises LabFault when it is gone."""
        said = within.script(
            self._machine.remote, "systemctl show --property MainPID,ActiveState --value smbd"
        ).split()
        pid = next((int(word) for word in said if word.isdigit()), 0)
        if pid == 0:
            raise LabFault(f"smbd of {self.server.name} is gone ({' '.join(said)})")
        return pid

    def _prove_down(self) -> str:
        said = within.script(self._machine.remote, "pgrep -x smbd || true").split()
        if said:
            raise LabFault(f"{self.server.name} still has processes although it was stopped")
        return proof.silent(self.server.name, self.target)
