"""One change on one running server: made, seen to be in force, and seen to be gone again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from harness.conduct.refusals import lacks
from harness.errors import LabFault, RunStopped
from harness.mitigations.base import Mitigation, unlike
from harness.mitigations.combination import together
from harness.model import Finding, Side
from harness.servers.live import How, LiveServer
from harness.system.deadline import Deadline, pace

RELOAD_SECONDS = 5.0
"""When a reload that does not show is given up; it takes 44 to 89 ms to reach new connections (measured)."""

Findings = Mapping[str, Finding]
"""What is seen of each part of a change on its server, by the part's name."""


def on_the_wire(before: Finding, after: Finding) -> tuple[str, ...]:
    """What the server answers otherwise with a change that its configuration alone showed: a phrase each."""
    every = dict.fromkeys([*before.wire, *after.wire])
    return tuple(
        f"{what}: {before.wire.get(what, 'nothing')} before, {after.wire.get(what, 'nothing')} with it"
        for what in every
        if before.wire.get(what) != after.wire.get(what)
    )


def evidence_of(before: Finding, after: Finding) -> str:
    """What shows a change; of one that no effect shows, how else the server answers with it."""
    if not after.by_configuration:
        return after.evidence
    differs = "; ".join(on_the_wire(before, after)) or "no difference"
    return f"{after.evidence}; on the wire: {differs}"


class ServerChange:
    """What of a change acts on its server; nothing is done or seen of one that is for clients alone."""

    def __init__(self, name: str, change: Mitigation, live: LiveServer) -> None:
        """``change``: what of the mitigation ``name`` can be made on this server."""
        self._name = name
        self._change = change
        self._live = live
        self._acts = Side.SERVER in change.sides
        self._before = live.state

    def look(self) -> Findings:
        """What is seen of each part of the change on the server."""
        return self._change.look(self._live) if self._acts else {}

    def make(self) -> Findings:
        """Make the change; what shows that each part of it is in force. Raises LabFault."""
        self.apply()
        return self.seen()

    def apply(self) -> None:
        """Make the change. Raises LabFault where the server does not come back with it."""
        if not self._acts:
            return
        try:
            self._change.apply(self._live)
        except RunStopped:
            raise
        except LabFault as fault:
            complaints = ""
            with suppress(LabFault):
                complaints = "; ".join(self._live.complaints(self._before))
            if complaints:
                what = f"{self._name} cannot be made on {self._live.server.name}"
                raise LabFault(f"{what}: {complaints}", str(fault)) from fault
            raise

    def seen(self) -> Findings:
        """What shows that each part of a change that was made is in force.

        What the server does not know or take of it is a fault even where ``verify`` sees nothing amiss.
        Raises LabFault.
        """
        if not self._acts:
            return {}
        what, where = self._name, self._live.server.name
        found = self._wait_until(lambda found: all(one.in_effect for one in found.values()))
        seen = together(found.values())
        if complaints := "; ".join(self._live.complaints(self._before)):
            how = " as a whole" if seen.in_effect else ""
            raise LabFault(f"{what} did not take effect{how} on {where}: {complaints}", seen.evidence)
        if not seen.visible:
            raise LabFault(
                f"{what} cannot be seen on {where}: {seen.evidence}",
                "rehearse its parts alone, or on a server that lets somebody in",
            )
        if why := lacks(self._live):
            raise LabFault(
                f"whether {what} took effect on {where} cannot be told: {seen.evidence}, but {why}"
            )
        if not seen.in_effect:
            raise LabFault(f"{what} did not take effect on {where}: {seen.evidence}")
        return found

    def gone(self, before: Findings) -> Findings:
        """After the rollback: that nothing is in force that was not ``before``. Raises LabFault."""

        def as_before(found: Findings) -> bool:
            return all(found[name].in_effect is one.in_effect for name, one in before.items())

        found = self._wait_until(as_before)
        if found and (why := lacks(self._live)):
            seen = together(found.values()).evidence
            where = self._live.server.name
            raise LabFault(f"whether {self._name} is gone from {where} cannot be told: {seen}, but {why}")
        if not as_before(found):
            differ = [
                f"{name} could not be taken back from {self._live.server.name}: {unlike(one, found[name])}"
                for name, one in before.items()
                if found[name].in_effect is not one.in_effect
            ]
            raise LabFault("; ".join(differ))
        return found

    def _wait_until(self, wanted: Callable[[Findings], bool]) -> Findings:
        """What verify sees; a reload is given time to reach new connections, a restart needs none."""
        deadline = Deadline(RELOAD_SECONDS * pace() if self._change.how is not How.RESTART else 0.0)
        while True:
            found = self.look()
            if wanted(found) or deadline.expired:
                return found
