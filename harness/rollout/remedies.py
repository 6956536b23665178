"""What helps machines that a stage would shut out: what of this very run is shown to keep its access.

A remedy is a client of the run that, in the state that the server is brought into, does all that the lost one
did; or a server of the run on which the lost one works as it is. What no such measurement shows is no remedy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.balance.weigh import worked_before
from harness.result import RunResult
from harness.rollout.states import Options, State
from harness.rollout.wishes import GRADES


class Help(StrEnum):
    """The ways in which a machine keeps its access; the least work first."""

    SETTING = "setting"
    """The same kind of client, configured otherwise: it, or both, are variants of one description."""
    UPDATE = "update"
    """Another release of the same family: newer firmware, a newer system."""
    REPLACEMENT = "replacement"
    """Another kind of client."""
    LEGACY = "legacy server"
    """Its own server, left as it is, and kept apart from everything else."""
    NONE = "none"
    """Nothing of this run keeps its access."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What helps one kind of client that loses something on a server."""

    server: str
    client: str
    how: Help
    by: tuple[str, ...] = ()
    """The clients of the run that keep everything, the closest first; or the one server."""


@dataclass(frozen=True, slots=True)
class Kinship:
    """Which clients are of one make."""

    based_on: Mapping[str, str]
    """Variant -> the client that it differs from by its settings."""
    family: Mapping[str, str]
    """Client -> its family, e.g. "windows", "macos"."""

    def variants(self, one: str, other: str) -> bool:
        """Whether two are the same client with different settings."""
        return self.based_on.get(one, one) == self.based_on.get(other, other)

    def related(self, one: str, other: str) -> bool:
        """Whether two are releases of the same family."""
        mine = self.family.get(one, one)
        return bool(mine) and mine == self.family.get(other, other)


class Remedies:
    """What helps whom, by the measurements of one run."""

    def __init__(self, result: RunResult, kinship: Kinship, legacy: str) -> None:
        """``legacy``: the server that is kept as it is; "" where the plan has none."""
        self._kinship = kinship
        self._legacy = legacy
        by_server: dict[str, set[tuple[str, str]]] = {}
        for server in dict.fromkeys(cell.cell.server for cell in result.cells):
            own = [cell for cell in result.cells if cell.cell.server == server]
            by_server[server] = set(worked_before(own))
        self._worked = by_server
        self._clients = tuple(dict.fromkeys(cell.cell.client for cell in result.cells))

    def of(self, client: str, server: str, state: State) -> Remedy:
        """The least work for a client that loses something on a server that is brought into a state."""
        wanted = {server: self.wanted(client, [server])[server]}
        keeping = [name for name in self._clients if name != client and _keeps(name, state, wanted[server])]
        for how, kin in (
            (Help.SETTING, self._kinship.variants),
            (Help.UPDATE, self._kinship.related),
        ):
            found = tuple(name for name in keeping if kin(client, name))
            if found:
                return Remedy(server, client, how, found)
        if self._legacy and self.works_on(self._legacy, client, wanted):
            return Remedy(server, client, Help.LEGACY, (self._legacy,))
        if keeping:
            return Remedy(server, client, Help.REPLACEMENT, tuple(keeping))
        return Remedy(server, client, Help.NONE)

    def works_on(self, server: str, client: str, wanted: Mapping[str, Collection[str]]) -> bool:
        """Whether a client can do on a server, as it is, all that it did on those of ``wanted``."""
        there = {check for name, check in self._worked.get(server, ()) if name == client}
        return all(there >= set(checks) for checks in wanted.values())

    def wanted(self, client: str, servers: Iterable[str]) -> Mapping[str, Collection[str]]:
        """What a client could do on each of these servers before any change."""
        return {
            server: [check for name, check in self._worked[server] if name == client] for server in servers
        }


def _keeps(name: str, state: State, checks: Collection[str]) -> bool:
    balance = state.balance
    kept = {cell.check for cell in (*balance.kept, *balance.gained) if cell.client == name}
    hurt = {cell.client for cell in (*balance.lost, *balance.unknown)}
    return kept >= set(checks) and name not in hurt


@dataclass(frozen=True, slots=True)
class Legacy:
    """One server for all machines that nothing else helps: as it was measured before any change."""

    server: str
    clients: tuple[str, ...]
    """Those of the lost ones that do there, as it is, all that they did."""
    without: tuple[str, ...]
    """Those that do not: nothing of this run helps them but a replacement."""
    open: tuple[str, ...]
    """What stays open there."""
    planned: bool
    """It is one of the servers that the plan changes: a second one, set up as that one is today."""


def best_legacy(
    remedies: Remedies,
    options: Iterable[Options],
    lost: Mapping[str, Collection[str]],
    planned: Collection[str],
    grades: Mapping[str, str],
) -> Legacy | None:
    """The server that keeps most of the lost clients (client -> servers where it loses), with the fewest
    and least grave holes; None where none keeps any.
    """
    found = list(_legacies(remedies, options, lost, planned))

    def rank(one: Legacy) -> tuple[int, list[int], bool]:
        holes = [sum(grades.get(name, "") == grade for name in one.open) for grade in GRADES]
        return -len(one.clients), holes, one.planned

    return min(found, key=rank, default=None)


def _legacies(
    remedies: Remedies,
    options: Iterable[Options],
    lost: Mapping[str, Collection[str]],
    planned: Collection[str],
) -> Iterator[Legacy]:
    for one in options:
        works = {
            client: remedies.works_on(one.server, client, remedies.wanted(client, servers))
            for client, servers in lost.items()
        }
        if any(works.values()):
            yield Legacy(
                one.server,
                tuple(client for client, can in works.items() if can),
                tuple(client for client, can in works.items() if not can),
                one.before.still_open,
                one.server in planned,
            )
