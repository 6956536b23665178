"""Jobs that one running server does for, one after the other: which those are, and the baseline they share.

A server is started, changed and brought back for a job. Where everything is seen to be as before (every
client met the same, the probes too, and the change is gone), the server stands where a new one would, and
what clients met there before any change was measured: the next job begins with both. Its server is shown to
be healthy again, and its own change is seen, made and taken back as with a server of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

from harness.catalogue import Catalogue
from harness.conduct.ledger import JobLedger
from harness.model import OVER_PHASES, CellId, Outcome, Phase, Side
from harness.planning.plan import Job, Plan, served, together
from harness.record.took import NOTHING, History
from harness.servers.base import Server
from harness.smb.packets import End

Group = tuple[Job, ...]
"""Jobs that one running server does for at once; mostly one."""
A_START = 20
"""What starting and changing a server takes, in attempts (``record.took``)."""


class Baseline:
    """What the clients of one running server met before it was changed, job by job."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], tuple[JobLedger, CellId]] = {}

    def give(self, ledger: JobLedger) -> None:
        """Let the cells of a job that were measured for another one have what that came to."""
        for cell in ledger.left(Phase.BASELINE):
            known = self._made.get((cell.client, cell.check))
            # A connection that stays open has to be opened for each change.
            if known and cell.check not in OVER_PHASES:
                ledger.made_for(cell, *known)

    def take(self, ledger: JobLedger) -> None:
        """Keep what was measured for a job. One that was tried again or ran out of time is measured again."""
        for cell, attempts in ledger.attempts.items():
            made = attempts.get(Phase.BASELINE)
            sure = made and made.outcome is not Outcome.FAULT and not (made.tried_again or made.timed_out)
            if sure:
                self._made.setdefault((cell.client, cell.check), (ledger, cell))

    def ends(self) -> Iterator[End]:
        """The client's ends of the connections on which it was made, which evidence of later jobs shows."""
        for ledger, cell in self._made.values():
            yield from ledger.ends_before(cell)


class Served:
    """The servers of a plan as a lab is to serve them.

    By what all cells of the plan ask of them: those that are measured later, or were reused, count too.
    """

    def __init__(self, catalogue: Catalogue, plan: Plan) -> None:
        self._catalogue = catalogue
        self._checks = {
            (job.mitigation, job.server): [cell.check for one in group for cell in one.cells]
            for group in together(catalogue, plan.jobs)
            for job in group
        }

    def __call__(self, job: Job, first: Job | None = None) -> Server:
        """A job's server; ``first``: for which it is started, if another."""
        first = first or job
        checks = self._checks[first.mitigation, first.server]
        return served(self._catalogue, job.mitigation, job.server, checks)


def lines(
    catalogue: Catalogue,
    groups: Iterable[Group],
    served: Callable[[Job], Server],
    at_once: int,
    history: History = NOTHING,
) -> list[list[Group]]:
    """The groups in lines, each of which one running server goes through as far as it comes back.

    The longest line first, by how long its groups took before (``history``). ``served``: the server as a job
    needs it. ``at_once``: as many lines are worked on at a time, so that none should be longer than its part
    of all.
    """
    every = list(groups)
    most = heavy(every) / at_once
    alike: list[tuple[Server, list[Group]]] = []
    for group in every:
        server = served(group[0])
        # Of several servers in one each would have to come back, and so would a domain controller.
        alone = len(group) > 1 or server.in_domain is not None
        line = None if alone else next((line for known, line in alike if known == server), None)
        if line is None:
            alike.append((server, [group]))
        else:
            line.append(group)
    found = [part for server, line in alike for part in _parted(catalogue, server, line, most)]
    return sorted(found, key=history.all_of, reverse=True)


def _parted(catalogue: Catalogue, server: Server, line: list[Group], most: float) -> list[list[Group]]:
    """A line in as many parts as it weighs ``most``, each about as heavy as the others.

    A newer Samba may write its databases as an older one cannot read them, so nothing follows an upgrade.
    """
    upgrades = [group for group in line if _upgrades(catalogue, server, group)]
    stay = [group for group in line if group not in upgrades]
    # What is changed on clients alone restarts no server: its verdicts are the first that can be had.
    stay.sort(key=lambda group: Side.SERVER in catalogue.mitigation(group[0].mitigation).sides)
    parts: list[list[Group]] = [[] for _ in range(min(len(stay), math.ceil(heavy(stay) / most)))]
    for group in stay:
        min(parts, key=heavy).append(group)
    if parts and upgrades:
        min(parts, key=heavy).append(upgrades.pop(0))
    return parts + [[group] for group in upgrades]


def _upgrades(catalogue: Catalogue, server: Server, group: Group) -> bool:
    return (
        catalogue.mitigation(group[0].mitigation).within(server).changed(server.state, server).image
        != server.image
    )


def heavy(line: Iterable[Group]) -> int:
    """What groups take, in attempts."""
    return sum(A_START + sum(job.attempts for job in group) for group in line)
