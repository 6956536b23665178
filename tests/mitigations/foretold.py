"""Who a mitigation is expected to lose, held against attempts with it; and why clients are lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from known import CATALOGUE

from harness.clients.base import attempt
from harness.mitigations.base import Mitigation, NotApplicableError
from harness.model import Attempt, Check, Outcome
from harness.servers.live import LiveServer

WHO = ("linux-cifs-4.13", "windows-10-22h2", "windows-7", "windows-xp")
"""One a kind: SMB 3.0 alone, 3.1.1 with AES-128, up to 2.1, and SMB1 with NTLMv1."""
CHECKS = (Check.OPEN, Check.BROWSE)

Seen = Mapping[tuple[str, Check], Attempt]


def look(live: LiveServer, change: Mitigation | None = None) -> Seen:
    """An attempt of every client that the change can be made on, without the change when there is none."""
    seen = {}
    for client in map(CATALOGUE.clients.__getitem__, WHO):
        policy = client.policy
        if change is not None:
            try:
                policy = change.on_client(policy, client)
            except NotApplicableError:
                continue
        for check in CHECKS:
            seen[client.name, check] = attempt(client, check, live.target, policy)
    return seen


class Foretold:
    """What is expected of each change on a server, which must be without any when this is made."""

    def __init__(self, live: LiveServer) -> None:
        self._live = live
        self._was = look(live)
        self.lost = 0
        """Attempts that were refused with one of the changes."""

    def wrong(self, change: Mitigation) -> Iterator[str]:
        """Where what the change, which is in force, is expected to do to a client is not what it does."""
        for task, made in look(self._live, change).items():
            was = self._was[task]
            if was.outcome is Outcome.OK:
                self.lost += made.outcome is Outcome.REFUSED
                for why in _differs(change, was, made):
                    yield f"{change.name}:{task}: {why}"


def _differs(change: Mitigation, was: Attempt, made: Attempt) -> Iterator[str]:
    told = f"{made.outcome}, {made.step} {made.status} {made.note}"
    if made.outcome is Outcome.OK:
        expected = change.stops(was)
        if expected:
            yield f"expected to be lost ({expected}), and it is {told}"
    elif made.outcome is not Outcome.REFUSED:
        yield told
    elif change.foretold and not change.stops(was):
        yield f"expected to stay, and it is {told}"
    elif not change.cause(was, made):
        yield f"no cause is known for {told}"
