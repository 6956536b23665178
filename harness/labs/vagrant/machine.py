"""One guest of a lab: started, given the lab's own key, prepared, snapshotted, and brought back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from harness.errors import LabFault
from harness.labs.guests import Guest
from harness.labs.vagrant import console, guest_shell
from harness.labs.vagrant.domain import Watched
from harness.labs.vagrant.keys import LabKey
from harness.labs.vagrant.recovery import RecoveryStep, recover
from harness.model import GuestRoute
from harness.remote.base import PUBLIC, Remote
from harness.remote.ssh import SshRemote
from harness.result import Recovery
from harness.system import waits
from harness.system.deadline import Deadline, pace

log = logging.getLogger("harness.labs.vagrant")

SNAPSHOT = "pristine"
USED = "/run/smb-rehearsal-used"
"""A file that is made in a guest before it is restored: one that is still there was not restored."""
MARK_SECONDS = 10.0
CHECK_SECONDS = 20.0
"""In which a guest that is well runs a command."""
ANSWER_SECONDS = 90.0
"""How long a guest may take until it answers SSH after a restore (0.2 s on an idle machine) or a reboot."""


class Machines(Protocol):
    """What a machine needs of Vagrant: ``driver.Driver``, or what stands for it in a test."""

    def use_key(self, name: str, key: Path | None) -> None: ...
    def up(self, name: str) -> None: ...
    def reboot(self, name: str) -> None: ...
    def destroy(self, name: str) -> None: ...
    def save(self, name: str, snapshot: str) -> None: ...
    def restore(self, name: str, snapshot: str) -> None: ...
    def route(self, name: str) -> GuestRoute: ...


@dataclass(frozen=True, slots=True)
class Outfit:
    """What a lab gives all its machines."""

    machines: Machines
    key: LabKey
    folder: Path
    """For what the lab learns of them: host keys, consoles."""
    connect: Callable[[GuestRoute, Path], Remote] = SshRemote
    consoles: bool = True
    """Whether what they say on their consoles comes into a file here."""
    tunnel: str = ""
    """The machine that a tunnel to them leads through; "" where they are reached directly."""
    check_way: Callable[[], None] = lambda: None
    """Raises LabFault when there is no way to any of them any more."""
    lost: Callable[[str], LabFault | None] = lambda _name: None
    """Why one of them will never answer again, by its name; None where it may."""


class Machine:
    """A virtual machine. Used by one job at a time."""

    def __init__(self, guest: Guest, outfit: Outfit, prepare: Callable[[Remote], None]) -> None:
        """``prepare`` gives the guest what the lab needs in it, once, before the snapshot is taken."""
        self.guest = guest
        self.name = guest.name
        self.quarantined = ""
        """Why it is left out; "" while it can be used."""
        self._outfit = outfit
        self._prepare = prepare
        self._remote: Remote | None = None
        self._route: GuestRoute | None = None
        self._used = False
        self._heard = 0
        self._stopped = False

    @property
    def running(self) -> bool:
        """True once it was started."""
        return self._route is not None

    @property
    def remote(self) -> Remote:
        """The way in. Raises LabFault when it was not started, or the run is being stopped."""
        if self._remote is None:
            raise LabFault(f"{self.name} is not up")
        if self._stopped:
            raise LabFault(f"{self.name}: the run is being stopped")
        return self._remote

    @property
    def route(self) -> GuestRoute:
        """How others reach it. Raises LabFault when it was not started."""
        if self._route is None:
            raise LabFault(f"{self.name} is not up")
        return self._route

    @property
    def known_hosts(self) -> Path:
        """The lab's own list of host keys."""
        return self._outfit.folder / "known_hosts"

    def start(self) -> None:
        """Start, prepare and snapshot it. Raises LabFault, with what it said last where it hangs at boot."""
        try:
            self._outfit.machines.use_key(self.name, None)
            with waits.lasting(f"{self.name} starts"):
                self._outfit.machines.up(self.name)
        except LabFault as fault:
            said = console.last_words(self.console())
            words = (f"its last words: {said}" if said else "", fault.hint)
            raise LabFault(fault.message, "; ".join(filter(None, words))) from fault
        if not self.guest.linux:
            self._route = self._windows_route()
        else:
            self._adopt()
            self._prepare(self.remote)
            self.remote.close()
        self._outfit.machines.save(self.name, SNAPSHOT)
        self._used = False

    def pristine(self, configure: Callable[[], None], verify: Callable[[], str]) -> Recovery:
        """Bring it to its snapshot, unless nobody has used it, then ``configure``; each way verified.

        A reboot is no way there: what the job before has installed stays on the disk, and the next job does
        not know what was there before it. Raises LabFault when no way leads there; the machine is left out
        then.
        """
        fresh = [] if self._used else [(RecoveryStep.FRESH, configure)]
        self._used = True
        ways = [way for way in self._ways(configure) if way[0] is not RecoveryStep.REBOOT]
        return self._recover([*fresh, *ways], verify)

    def back(
        self, script: Callable[[], None] | None, configure: Callable[[], None], verify: Callable[[], str]
    ) -> Recovery:
        """Take a change back: by its revert script where there is one, else by the snapshot, a reboot, anew.

        ``verify`` must know what the guest was before the change.
        """
        first = [(RecoveryStep.SCRIPT, script)] if script is not None else []
        return self._recover([*first, *self._ways(configure)], verify)

    @property
    def tunnel(self) -> str:
        """The machine that a tunnel to it leads through; "" where it is reached directly."""
        return self._outfit.tunnel

    def console(self) -> str:
        """All that it has said on its console since QEMU was started anew, as every way back does.

        Without one: what its kernel has logged, while it answers.
        """
        if self._outfit.consoles:
            return console.read(self._console)
        if self._remote is not None:
            with suppress(LabFault):
                return guest_shell.script(self._remote, "dmesg", timeout=MARK_SECONDS)
        return ""

    @property
    def _console(self) -> Path:
        return self._outfit.folder / "consoles" / f"{self.name}.log"

    def check_kernel(self) -> None:
        """Raises LabFault when its kernel has told of an oops or a panic since it was last asked.

        Or when there is no way to it: a way that is lost looks like a server that hangs up.
        """
        self._outfit.check_way()
        said = self.console()
        found = console.alarms(said[self._heard :])
        self._heard = len(said)
        if found:
            self._used = True
            raise LabFault(f"the kernel of {self.name} failed: {found[0]}", "see its console in evidence")

    def check(self) -> str:
        """That it is well; says how that was seen.

        Raises LabFault when it does not answer, is left out, or its kernel has failed since it was asked.
        """
        if self.quarantined:
            raise self._left_out()
        self.check_kernel()
        if self._remote is not None:
            self._remote.run("true", timeout=CHECK_SECONDS).check(f"a command in {self.name}")
        return "it answers, and its kernel is well"

    def interrupt(self) -> None:
        """End what is being run in it by whatever thread; it is not waited for any more."""
        self._stopped = True
        self._hang_up()

    def end(self) -> None:
        """Remove it. Never raises: the lab's end removes what is left."""
        if self._remote is not None:
            self._remote.close()
        self._remote = self._route = None
        with suppress(LabFault):
            self._outfit.machines.destroy(self.name)

    # -- the ways back ------------------------------------------------------------------------------

    def _ways(self, configure: Callable[[], None]) -> list[tuple[RecoveryStep, Callable[[], None]]]:
        def then(rung: RecoveryStep, go: Callable[[], None]) -> tuple[RecoveryStep, Callable[[], None]]:
            def both() -> None:
                with waits.lasting(f"{self.name} is brought back: {rung}"):
                    go()
                    configure()

            return rung, both

        return [
            then(RecoveryStep.SNAPSHOT, self._restore),
            then(RecoveryStep.REBOOT, self._reboot),
            then(RecoveryStep.REBUILD, self._rebuild),
        ]

    def _recover(
        self, ways: list[tuple[RecoveryStep, Callable[[], None]]], verify: Callable[[], str]
    ) -> Recovery:
        if self.quarantined:
            raise self._left_out()
        try:
            done = recover(self.name, ways, verify)
        except LabFault as fault:
            self.quarantined = fault.message
            raise
        log.debug("%s: %s in %.1f s: %s", self.name, done.rung, done.seconds, done.evidence)
        return done

    def _left_out(self) -> LabFault:
        return LabFault(f"{self.name} is left out: {self.quarantined}")

    def _restore(self) -> None:
        """Bring it to its snapshot. Raises LabFault when that failed, also where Vagrant calls it done."""
        if self._remote is not None:
            # A guest that hangs takes no mark; that it answers afterwards shows as much.
            with suppress(LabFault):
                guest_shell.script(self._remote, f"touch {USED}", timeout=MARK_SECONDS)
        # A connection that is open would be one that the guest knows nothing of.
        self._leave()
        self._outfit.machines.restore(self.name, SNAPSHOT)
        self._settle()
        if self._remote is not None and guest_shell.script(self._remote, f"ls {USED} 2>/dev/null || true"):
            raise LabFault(f"{self.name} was not restored, although vagrant said so")

    def _reboot(self) -> None:
        self._leave()
        self._outfit.machines.reboot(self.name)
        self._settle()

    def _hang_up(self) -> None:
        if self._remote is not None:
            self._remote.close()

    def _leave(self) -> None:
        """Before QEMU is started anew: what it said on its console until now would be lost."""
        self._hang_up()
        console.keep(self._console)

    def _settle(self) -> None:
        """Wait until it answers; whoever drives a Windows guest has a readiness probe of its own."""
        if self.guest.linux:
            self._answers()
            self._set_clock()
        self._heard = len(self.console())

    def _rebuild(self) -> None:
        self._leave()
        self._outfit.machines.destroy(self.name)
        self.start()
        self._used = True
        self._heard = len(self.console())

    # -- the way in ---------------------------------------------------------------------------------

    def _windows_route(self) -> GuestRoute:
        """The account that Windows boxes bring along; nobody else is on the network."""
        found = self._outfit.machines.route(self.name)
        winrm = self.guest.communicator == "winrm"
        return replace(
            found,
            port=5985 if winrm else found.port,
            password=PUBLIC,
            communicator="winrm" if winrm else "ssh",
        )

    def _adopt(self) -> None:
        """Replace the key of the box, which everybody has, by the lab's own."""
        given = self._outfit.machines.route(self.name)
        known = self.known_hosts
        first = self._connect(given, known)
        try:
            self._remote = first
            self._answers()
            guest_shell.script(
                first,
                'umask 077; cat >"$1/.ssh/authorized_keys"; chown --reference="$1" "$1/.ssh/authorized_keys"',
                f"/home/{given.user}",
                stdin=self._outfit.key.public + "\n",
            )
        finally:
            first.close()
        self._outfit.machines.use_key(self.name, self._outfit.key.private)
        self._route = replace(given, key=str(self._outfit.key.private), password="")
        self._remote = self._connect(self._route, known)
        self._set_clock()

    def _connect(self, route: GuestRoute, known_hosts: Path) -> Remote:
        return Watched(self._outfit.connect(route, known_hosts), lambda: self._outfit.lost(self.name))

    def _set_clock(self) -> None:
        """A restored guest believes that it is the time of its snapshot; Kerberos, NTLM and logs mind."""
        guest_shell.script(self.remote, 'date -u -s "@$1" >/dev/null', str(int(time.time())))

    def _answers(self) -> None:
        """Wait until SSH answers. Raises LabFault, with what the guest said last."""
        deadline = Deadline(ANSWER_SECONDS * pace())
        while True:
            try:
                self.remote.run("true", timeout=min(20.0, deadline.remaining + 1.0))
            except LabFault as fault:
                if self._stopped:
                    raise
                if deadline.expired:
                    said = console.last_words(self.console())
                    hint = f"its last words: {said}" if said else fault.hint
                    raise LabFault(f"{self.name} does not answer: {fault.message}", hint) from fault
                time.sleep(min(0.1, deadline.remaining))
            else:
                return
