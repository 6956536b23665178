"""The clients of one job through its phases: their machines and policies, and whether a change shows on them.

Most clients have no machine: their policy goes with each attempt. One that has its own may need minutes for a
policy (a reboot), and another job may want the same machine with another policy. So a job has a phase's
machines for itself from before its attempts until after them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from harness.clients.base import Client
from harness.conduct.workers import Done, Order
from harness.errors import LabFault, RunStopped, Unsupported
from harness.mitigations.base import Mitigation, unlike
from harness.model import Attempt, ClientPolicy, Finding, Outcome, Phase, Target
from harness.result import Already
from harness.windows.fingerprint import same

Policies = Mapping[str, ClientPolicy]
"""By the name of the client."""
Fail = Callable[[Phase, str, Attempt], None]
"""Told of a client whose cells of a phase come to this, as far as they have not come to anything yet."""


class ClientMachines:
    """The clients of one job."""

    def __init__(
        self,
        known: Mapping[str, Client],
        change: Mitigation,
        first: Policies,
        target: Callable[[], Target],
        fail: Fail,
    ) -> None:
        """``known``: all clients; ``first``: the policies of the job's, as they came from their vendors;
        ``target``: where they are sent now, which a change may move."""
        self._change = change
        self._target = target
        self._fail = fail
        self._phase = Phase.BASELINE
        self._policies = first
        # Every job takes them in this order, so that no two wait for each other.
        self._names = sorted(first, key=lambda name: (known[name].guest, name))
        self._clients = {name: known[name] for name in self._names}
        self._machines: dict[str, Mapping[str, str]] = {}
        """Of the clients that have their policy: what their machines are set to; empty without a machine."""
        self._lines: dict[str, ThreadPoolExecutor] = {}
        self._before: dict[str, tuple[Mapping[str, str], Finding]] = {}

    def changed(self) -> Policies:
        """Their policies with the change. Raises NotApplicableError where a client cannot have it."""
        return {name: self._change.on_client(one.policy, one) for name, one in self._clients.items()}

    @contextmanager
    def ready(self, phase: Phase, policies: Policies) -> Iterator[None]:
        """Their machines with these policies, for this job alone while the context lasts.

        A client whose machine cannot have its policy is unsupported in this phase, one whose machine does not
        get it is a fault; the others go on. Raises RunStopped.
        """
        self._phase, self._policies, self._machines, self._lines = phase, policies, {}, {}
        # Clients of one guest have one machine.
        lines: dict[str, ThreadPoolExecutor] = {}
        with ExitStack() as held:
            for name in self._names:
                client = self._clients[name]
                try:
                    found = held.enter_context(client.machine(policies[name], self._target()))
                except RunStopped:
                    raise
                except Unsupported as reason:
                    self._fail(phase, name, Attempt(Outcome.UNSUPPORTED, note=str(reason)))
                except LabFault as fault:
                    self._fail(phase, name, Attempt.fault(str(fault)))
                else:
                    self._machines[name] = found
                    if client.one_at_a_time:
                        machine = client.guest or name
                        if machine not in lines:
                            lines[machine] = line = ThreadPoolExecutor(1, machine)
                            held.callback(line.shutdown, cancel_futures=True)
                        self._lines[name] = lines[machine]
            yield

    def ordered(self, send: Callable[[Order], Future[Done]], order: Order) -> Future[Done]:
        """Send an order off with ``send``: at once, or when its machine has done those before it."""
        line = self._lines.get(order.client)
        return send(order) if line is None else line.submit(lambda: send(order).result())

    def remember(self) -> None:
        """Look at the clients as they are before the change."""
        seen = self._seen()
        self._before = {name: (self._machines[name], finding) for name, finding in seen.items()}

    def took_effect(self) -> list[str]:
        """What shows that the change is in force on each client; where nothing does, its cells are faults."""
        told = []
        for name, seen in self._seen().items():
            if seen.in_effect:
                told += [] if self._was_so(name) else [seen.evidence]
            else:
                self._broken(name, f"{self._change.name} did not take effect on {name}: {seen.evidence}")
        return told

    def already(self) -> list[Already]:
        """The clients on which the change was in force before it was made."""
        return [
            Already(f"{self._change.name} on {name}", finding.evidence)
            for name, (_, finding) in self._before.items()
            if finding.in_effect
        ]

    def _was_so(self, name: str) -> bool:
        return name in self._before and self._before[name][1].in_effect

    def came_back(self) -> list[str]:
        """What shows that each client is as it was before; where that does not show, its cells are faults."""
        told = []
        for name, seen in self._seen().items():
            was, before = self._before.get(name, ({}, None))
            try:
                if before is None:
                    raise LabFault(f"it was not seen what {name} was before {self._change.name}")
                if seen.in_effect is not before.in_effect:
                    raise LabFault(f"{self._change.name} could not be taken back: {unlike(before, seen)}")
                told += [] if before.in_effect else [seen.evidence]
                if was or self._machines[name]:
                    told.append(same(f"the machine of {name}", was, self._machines[name]))
            except LabFault as fault:
                self._broken(name, str(fault))
        return told

    def _seen(self) -> dict[str, Finding]:
        """What is seen of the change on each client that it acts on and that has its policy."""
        seen = {}
        for name in list(self._machines):
            if not self._change.acts_on(self._clients[name]):
                continue
            try:
                seen[name] = self._change.verify_client(
                    self._clients[name], self._policies[name], self._target()
                )
            except RunStopped:
                raise
            except (LabFault, Unsupported) as why:
                self._broken(name, f"{name} could not be looked at: {why}")
        return seen

    def _broken(self, name: str, why: str) -> None:
        self._fail(self._phase, name, Attempt.fault(why))
