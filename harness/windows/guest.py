"""One Windows guest as it is driven: its facts, its changes made and taken back, its reboots.

What is made is written down in the guest itself, so the difference to what is wanted can be told by whoever
comes, after a reboot, a snapshot or the death of the one who made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from harness.errors import LabFault
from harness.model import Side
from harness.remote.powershell import A, O, PowerShell, Script
from harness.system import waits
from harness.system.deadline import Deadline, wait_for
from harness.windows import scripts
from harness.windows.changes import Way, way
from harness.windows.facts import Facts

ASK_SECONDS = 60.0
"""For a script that asks or sets a little; Windows under software emulation is slow."""
FEATURE_SECONDS = 600.0
"""For a change: an optional feature takes Windows minutes."""
REBOOT_SECONDS = 900.0
"""Until it answers again; removing a feature is finished during the boot."""


@dataclass(frozen=True, slots=True)
class Made:
    """What came of bringing a side of a guest to the wanted changes."""

    changed: bool
    rebooted: bool
    ignored: tuple[str, ...]
    """Settings that were set and read back otherwise, each in one line."""


class WindowsGuest:
    """A guest that PowerShell runs in. Not thread-safe: one at a time changes a guest."""

    def __init__(self, shell: PowerShell, reboot_seconds: float = REBOOT_SECONDS) -> None:
        self._shell = shell
        self._reboot_seconds = reboot_seconds

    @property
    def name(self) -> str:
        """The guest, as the Vagrantfile calls it."""
        return self._shell.name

    def ask(self, script: Script[O, A], order: O, seconds: float = ASK_SECONDS) -> A:
        """Run one script. Raises as ``PowerShell.ask``."""
        return self._shell.ask(script, order, timeout=seconds)

    def facts(self) -> Facts:
        """What it is now. Raises LabFault when it does not answer."""
        return Facts(self.ask(scripts.FACTS, scripts.FactsOrder()))

    def make(self, side: Side, wanted: Sequence[str]) -> Made:
        """Bring one side to exactly the wanted mitigations, made in that order; reboot if that is needed.

        Raises LabFault when a script fails or the guest does not come back, NoWayError when this Windows
        cannot have a change.
        """
        facts = self.facts()
        made = [one for one in facts.records if one.startswith(f"{side}-")]
        names = [_record(side, name) for name in wanted]
        # Two changes may set the same thing, so they are taken back from the last one on, down to where what
        # is made is what is wanted.
        same = takewhile(lambda pair: pair[0] == pair[1], zip(made, names, strict=False))
        kept = len(list(same))
        # Every way is looked up before anything is touched.
        undone = [way(one.removeprefix(f"{side}-"), side, facts.build) for one in made[kept:]]
        ways = [(_record(side, name), way(name, side, facts.build)) for name in wanted[kept:]]
        for one in reversed(made[kept:]):
            self._change("revert", one, ())
        ignored = [line for name, found in ways for line in self._apply(name, found)]
        rebooted = any(one.reboot for one in (*undone, *(found for _, found in ways)))
        if rebooted:
            self.reboot()
        return Made(bool(undone or ways), rebooted, tuple(ignored))

    def restart(self, service: str) -> None:
        """Stop and start a service with what depends on it: every connection of it ends."""
        self.serve(service, "restart")

    def serve(self, service: str, action: str) -> None:
        """Start, stop or restart a service. Raises LabFault when it is not as it should be then."""
        order = scripts.ServiceOrder.model_validate({"action": action, "name": service})
        status = self.ask(scripts.SERVICE, order).status
        if status != ("Stopped" if action == "stop" else "Running"):
            raise LabFault(f"{self.name}: {action} {service}: it is {status}")

    def reboot(self) -> None:
        """Reboot, and wait until it has booted and answers. Raises LabFault when it does not."""
        with waits.lasting(f"{self.name} reboots (up to {self._reboot_seconds:g} s)"):
            self._reboot()

    def _reboot(self) -> None:
        before = self.ask(scripts.REBOOT, scripts.RebootOrder(really=True)).booted
        self._shell.remote.close()
        deadline = Deadline(self._reboot_seconds)

        def back() -> bool:
            waits.check()
            seconds = max(1.0, min(ASK_SECONDS, deadline.remaining))
            try:
                return self.ask(scripts.REBOOT, scripts.RebootOrder(really=False), seconds).booted != before
            except LabFault:
                return False

        wait_for(
            f"{self.name} to come back from its reboot",
            back,
            self._reboot_seconds,
            "look at its screen: updates may be installing",
        )

    def _apply(self, record: str, made: Way) -> list[str]:
        """Apply one change; what was set and is not so, in words."""
        answer = self._change("apply", record, made.settings)
        seen = {(one.kind, one.name): one.after for one in answer.settings}
        now = [(setting, seen.get((setting.kind, setting.name))) for setting in made.settings]
        return [
            f"{setting.kind} {setting.name} is {after!r}, not {setting.value!r}"
            for setting, after in now
            if not setting.met_by(after)
        ]

    def _change(self, action: str, record: str, settings: Sequence[object]) -> scripts.ChangeAnswer:
        order = scripts.ChangeOrder.model_validate({"action": action, "name": record, "settings": settings})
        with waits.lasting(f"{self.name}: {action} {record}"):
            return self.ask(scripts.CHANGE, order, FEATURE_SECONDS)


def _record(side: Side, name: str) -> str:
    return f"{side}-{name}"
