"""Samba in a Linux guest: the smbd of the guest's own distribution, started by its own systemd."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import LabFault, RunStopped
from harness.labs import server_internals
from harness.labs.boxes.recipe import UPDATES
from harness.labs.roots.rootfs import LAB_UID
from harness.labs.samba_conf import DIRECTORIES, SHARE, Account, passdb_line, render
from harness.labs.unheeded import ConfCheck, settings, unheeded
from harness.labs.vagrant import guest_shell
from harness.labs.vagrant.guest_internals import GuestInternals
from harness.labs.vagrant.guest_server import FOLDER, START_SECONDS, GuestServer
from harness.labs.vagrant.machine import Machine
from harness.model import GuestRoute
from harness.remote.base import Remote
from harness.result import ServerFact
from harness.servers.base import Server, ServerState
from harness.servers.live import ServerInternals, Software
from harness.servers.platforms.samba import PATCH
from harness.smb.control import control
from harness.system.deadline import pace

INSTALL_SECONDS = 600.0
"""For the vendor's packages: 2 minutes on a machine with ten other things to do (measured, emulated)."""

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
cat >/etc/samba/smb.conf.part
chmod 644 /etc/samba/smb.conf.part
mv /etc/samba/smb.conf.part /etc/samba/smb.conf
systemctl reset-failed smbd 2>/dev/null || true
# A samba-dcerpcd that a pipe starts while smbd is being stopped gets no signal: systemd waits 90 s for it.
settle() {
    timeout "$patience" systemctl "$1" $units && return
    systemctl kill --signal=KILL smbd || true
    systemctl "$1" $units
}
case "$1" in
    restart | stop) settle "$1" ;;
    hangup) systemctl kill --kill-whom=main --signal=HUP smbd ;;
    reload) smbcontrol smbd reload-config ;;
    close-share) smbcontrol smbd reload-config && smbcontrol smbd close-share '*' ;;
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
# Says a smb.conf that is given to it: what is wrong with it, then how it is read.
_BEHIND = "@@ as it is read\n"
_TESTPARM = f"""\
# settings and testparm
asked=$(mktemp)
trap 'rm -f "$asked" "$asked.out"' EXIT
cat >"$asked"
testparm -sv --suppress-prompt "$asked" 2>&1 >"$asked.out" || true
printf '{_BEHIND.strip()}\\n'
cat "$asked.out"
"""
_REFUSED = """\
# what smbd said of settings
grep -h -E 'Ignoring invalid|Error loading module' "$1"/log.* 2>/dev/null || true
"""

MOST_OF_A_LOG = 2**20
"""Bytes of each file that are taken as evidence of one phase."""
# Says the time first. A line before each file that nothing in a log is like; every program costs 50 ms.
_LOG = f"""\
# what the log got
mark=$1
shift
date +%s.%N
cd {FOLDER}/log
stat -c '%n %s' log.* | while read -r name size; do
    from=0
    for known; do [ "${{known%=*}}" != "$name" ] || from=${{known##*=}}; done
    # One that became smaller was begun anew.
    [ "$from" -le "$size" ] || from=0
    printf '\\n%s %s %s\\n' "$mark" "$name" "$size"
    [ "$from" -eq "$size" ] || tail -c "+$((from + 1))" "$name" | head -c {MOST_OF_A_LOG}
done
"""


@dataclass(frozen=True, slots=True)
class InGuest:
    """Where a Samba lives in a guest (``samba_conf.Place``)."""

    address: str
    inside: Path = FOLDER
    share: str = SHARE
    printer: str = ""
    """No guest has a queue."""

    @property
    def segment(self) -> None:
        """No guest is on a network where servers are looked for."""

    @property
    def interfaces(self) -> str:
        """Its address, in the host-only network."""
        return f"{self.address}/24"


class GuestSamba(GuestServer):
    """A Samba in a guest. Implements ``harness.servers.live.LiveServer``."""

    unit = "smbd"
    process = "smbd"
    units: tuple[str, ...] = ("smbd",)
    """What is started and stopped, in that order."""
    patience = 15.0
    """Seconds, of a machine that is not busy, in which they are, or are killed and started once more."""
    start_seconds = START_SECONDS
    ahead = within = 0.0
    """See ``OwnClock``: as it was when its log was read last."""

    def __init__(
        self,
        server: Server,
        machine: Machine,
        account: Account,
        evidence: Path,
        roots: tuple[tuple[str, tuple[str, ...]], ...] = (),
        guests: tuple[GuestRoute, ...] = (),
    ) -> None:
        super().__init__(server, machine, account, evidence, roots, guests)
        self._internals = GuestInternals(server, str(FOLDER / "log"))
        self._shipped: dict[str, Software] = {}

    @staticmethod
    def outfit(account: Account, remote: Remote) -> None:
        """Make a guest ready to serve: before its snapshot, once. Raises LabFault."""
        guest_shell.script(remote, _PREPARE, stdin=passdb_line(account))

    def software(self) -> Software:
        """See ``LiveServer.software``: the executable of the running process, by testinfra."""
        self._machine.check_kernel()
        inside = guest_shell.host(self._machine.remote)
        pid = self._alive()
        digest = str(inside.file(f"/proc/{pid}/exe").sha256sum)
        return Software(pid, digest, f"samba {inside.package('samba').version}")

    def shipped(self, image: str) -> Software:
        """See ``LiveServer.shipped``."""
        if image == self.server.image:
            raise LabFault(f"{self._machine.name} runs {image} itself: what it shipped is what it runs")
        if image not in self._shipped:
            self._offers(image)
            said = guest_shell.script(self._machine.remote, _SHIPPED).split()
            self._shipped[image] = Software(0, said[0], f"samba {said[-1]}")
        return self._shipped[image]

    def fact(self) -> ServerFact:
        """See ``LiveServer.fact``; ``software`` is what smbd itself says, packages are testinfra's."""
        version = guest_shell.script(self._machine.remote, "smbd -V").strip().removeprefix("Version ")
        package = guest_shell.host(self._machine.remote).package("samba").version
        return ServerFact(
            self.server.name,
            self.server.title,
            f"Samba {version}",
            str(self.server.fidelity),
            self.server.emulates,
            (f"samba {package}",),
        )

    def internals(self) -> ServerInternals | None:
        """See ``LiveServer.internals``."""
        if not self.state.running:
            return None
        return self._internals.look(self._machine.remote, self.state, self._alive())

    def complaints(self, before: ServerState) -> Sequence[str]:
        """See ``LiveServer.complaints``: what testparm says, and smbd's log once somebody has connected."""
        changed = settings(before.conf, self.state.conf)
        if not changed:
            return ()
        if self.state.running:
            control(self.target)
        log = guest_shell.script(self._machine.remote, _REFUSED, str(FOLDER / "log"))
        return unheeded(self.server.name, changed, self._ask, log)

    def reads_state(self, state: ServerState) -> Mapping[str, Mapping[str, str]]:
        """See ``ReadsState.reads_state``."""
        return server_internals.sections(self._ask(self._text(state)).stdout)

    def _text(self, state: ServerState) -> str:
        """Its smb.conf(5) in a state."""
        return render(state, InGuest(self._machine.route.address))

    def log_after(self, before: Mapping[str, int]) -> tuple[str, Mapping[str, int]]:
        """See ``LogKeeper.log_after``; of each file ``MOST_OF_A_LOG`` at the most."""
        mark = f"@@ {secrets.token_hex(16)}"
        known = (f"{name}={size}" for name, size in before.items())
        asked = time.time()
        try:
            said = guest_shell.script(self._machine.remote, _LOG, mark, *known)
        except RunStopped:
            raise
        except LabFault as fault:
            raise OSError(str(fault)) from fault
        now = time.time()
        clock, *files = said.split(f"\n{mark} ")
        self.ahead, self.within = float(clock) - (asked + now) / 2, (now - asked) / 2
        heads = [file.partition("\n") for file in files]
        sizes = {name: int(size) for name, size in (head.split() for head, _, _ in heads)}
        return "".join(text for _, _, text in heads), sizes

    def _ask(self, text: str) -> ConfCheck:
        said = guest_shell.script(self._machine.remote, _TESTPARM, stdin=text)
        stderr, _, stdout = said.partition(_BEHIND)
        return ConfCheck(stdout, stderr)

    def _write(self, action: str) -> None:
        longer = pace()
        words = f"units='{' '.join(self.units)}' patience={self.patience * longer:.0f}"
        script, text = f"# smb.conf\n{words}\n{_CONFIGURE}", self._text(self.state)
        guest_shell.configure(self._machine.remote, script, action, text, self.start_seconds * longer)

    def _install(self, image: str) -> None:
        self._offers(image)
        guest_shell.script(self._machine.remote, _PATCH, timeout=INSTALL_SECONDS)

    def _fingerprint(self) -> str:
        return guest_shell.script(self._machine.remote, _FINGERPRINT)

    def _papers(self) -> Mapping[str, str]:
        return {
            "smb.conf": "cat /etc/samba/smb.conf",
            "log.smbd": f"tail -c 1000000 {FOLDER}/log/log.smbd 2>/dev/null || true",
        }

    def _offers(self, image: str) -> None:
        can_patch = "vendor-patch" in self._machine.guest.can
        if not can_patch or image != f"{self._machine.guest.image}{PATCH}":
            raise LabFault(f"the guest {self._machine.name} has no packages of {image}")
