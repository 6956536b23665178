"""One change on one server: the holes it closes, leaves, opens; the clients it keeps and loses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.grammar.words import split
from harness.mitigations.base import SEPARATOR
from harness.model import CellId, Effect, Hole, Outcome, Phase
from harness.result import NO_CHANGE, CellResult, ExposureResult, RunResult

OUTAGE = "server-stopped"
"""The mitigation under which nobody is served: every hole is shut and so is every door, so that it is weighed
for what it costs, and never held against a change that leaves the server running."""

Weights = Mapping[str, float]
"""Client -> how much its loss weighs, e.g. how many people have it. A client that is not named weighs 1."""

SAFE = (Hole.CLOSED, Hole.NOT_EXPOSED)


@dataclass(frozen=True, slots=True)
class Balance:
    """What one mitigation (or combination) did on one server."""

    mitigation: str
    server: str
    holes: Mapping[str, Hole]
    """Exposure -> its state under the change; ``unknown`` where no probe could decide."""
    closed: tuple[str, ...]
    """Open before; closed or not exposed any more under the change."""
    still_open: tuple[str, ...]
    """Open before and under the change."""
    opened: tuple[str, ...]
    """Closed or not exposed before, open under the change."""
    undecided: tuple[str, ...]
    """Unknown, or not probed, before the change or under it. Never counted as closed."""
    kept: tuple[CellId, ...]
    lost: tuple[CellId, ...]
    gained: tuple[CellId, ...]
    unknown: tuple[CellId, ...]
    """What worked before, and nobody knows whether it does under the change: a fault, not measured with
    this change, or a client that the change cannot be made on."""
    judged: bool
    """False when nothing was measured under the change, e.g. because it did not take effect."""
    rolled_back: bool | None
    """Everything is as it was before: every client, every hole. False: something is not. None: not shown."""
    not_settled: tuple[CellId, ...] = ()
    """Came through as emulated clients of which nobody knows whether the real ones do; in ``unknown`` too."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The single mitigations that it is made of; none of them for no change."""
        return () if self.mitigation == NO_CHANGE else parts_of(self.mitigation)

    @property
    def outage(self) -> bool:
        """Nobody is served under it."""
        return OUTAGE in self.parts

    @property
    def looked(self) -> bool:
        """Whether anything is known of its holes under the change: a server that fell over tells nothing."""
        return any(state is not Hole.UNKNOWN for state in self.holes.values())

    @property
    def open_before(self) -> tuple[str, ...]:
        """The holes that were open without the change."""
        return tuple(sorted({*self.closed, *self.still_open}))

    @property
    def clients_lost(self) -> tuple[str, ...]:
        """The clients that lose a check, in the order of the plan."""
        return _clients(self.lost)

    @property
    def clients_kept(self) -> tuple[str, ...]:
        """The clients that keep all that they could do before."""
        spoiled = {*_clients(self.lost), *_clients(self.unknown)}
        return tuple(client for client in _clients(self.kept) if client not in spoiled)


def parts_of(mitigation: str) -> tuple[str, ...]:
    """The single mitigations in the name of a combination."""
    return tuple(split(mitigation, SEPARATOR))


def parts_made(result: RunResult, mitigation: str, server: str, client: str = "") -> tuple[str, ...]:
    """The single mitigations that were made of a combination on a server, and on a client of it."""
    gone = {
        one.part
        for one in result.left_out
        if one.mitigation == mitigation and one.subject in (server, client)
    }
    return tuple(part for part in parts_of(mitigation) if part not in gone)


def weight(cells: Iterable[CellId], weights: Weights | None = None) -> float:
    """What it costs to lose these cells: each counts as much as its client weighs."""
    known = weights or {}
    return sum(known.get(cell.client, 1) for cell in cells)


def balances(result: RunResult, only: Collection[CellId] | None = None) -> tuple[Balance, ...]:
    """A balance for every mitigation and server of a run, in the order of the plan; none for no change.

    With ``only`` other cells are left out of account: the view of one scenario of the run.
    """
    cells = [cell for cell in result.cells if only is None or cell.cell in only]
    # Looked for once, and not once a change: a sweep has hundreds of changes and ten thousand cells.
    own: dict[tuple[str, str], list[CellResult]] = {}
    on_server: dict[str, list[CellResult]] = {}
    for cell in cells:
        own.setdefault((cell.cell.mitigation, cell.cell.server), []).append(cell)
        on_server.setdefault(cell.cell.server, []).append(cell)
    tasks = {server: worked_before(found) for server, found in on_server.items()}
    probed: dict[tuple[str, str], list[ExposureResult]] = {pair: [] for pair in own}
    for one in result.exposures:
        probed.setdefault((one.mitigation, one.server), []).append(one)
    undone = {(one.mitigation, one.server) for one in result.applied if one.undone or one.already}
    return tuple(
        _balance(pair, own[pair], tasks[pair[1]], probed[pair], shown=pair in undone)
        for pair in own
        if pair[0] != NO_CHANGE
    )


def untouched(result: RunResult, server: str) -> Balance:
    """The balance of leaving a server as it is: nothing closed, nobody lost.

    Its holes are those that were seen before a change; where two probes of the same hole disagree the open
    one counts.
    """
    holes: dict[str, Hole] = {}
    for one in result.exposures:
        if one.server == server:
            state = seen(one, Phase.BASELINE)
            holes[one.exposure] = max(holes.get(one.exposure, state), state, key=rank)
    found = tuple(name for name in sorted(holes) if holes[name] is Hole.OPEN)
    on_server = [cell for cell in result.cells if cell.cell.server == server]
    kept = tuple(CellId(NO_CHANGE, server, *task) for task in worked_before(on_server))
    unsure = tuple(name for name in sorted(holes) if holes[name] is Hole.UNKNOWN)
    return Balance(
        NO_CHANGE, server, holes, (), found, (), unsure, kept, (), (), (), judged=True, rolled_back=None
    )


def seen(one: ExposureResult, phase: Phase) -> Hole:
    """The state of an exposure in a phase; ``unknown`` where it was not probed."""
    return one.phases[phase].state if phase in one.phases else Hole.UNKNOWN


def rank(state: Hole) -> int:
    """How bad a state is: 0 safe, 1 unknown, 2 open. Unknown is never read as closed."""
    if state in SAFE:
        return 0
    return 2 if state is Hole.OPEN else 1


def worked_before(cells: Iterable[CellResult]) -> dict[tuple[str, str], None]:
    """(client, check) of all that worked on a server before any change, in the order of the plan."""
    return dict.fromkeys(
        (cell.cell.client, cell.cell.check)
        for cell in cells
        if Phase.BASELINE in cell.phases and cell.phases[Phase.BASELINE].outcome is Outcome.OK
    )


def _balance(
    pair: tuple[str, str],
    own: Sequence[CellResult],
    tasks: Iterable[tuple[str, str]],
    probed: Sequence[ExposureResult],
    *,
    shown: bool,
) -> Balance:
    """``tasks``: client and check of all that worked on the server before: what is asked of one is of all.

    ``shown``: it was seen that the change was taken back, or that there was nothing to take back.
    """
    change, server = pair
    by_effect = {effect: tuple(cell.cell for cell in own if cell.effect is effect) for effect in Effect}
    decided = {(c.client, c.check) for c in (*by_effect[Effect.KEPT], *by_effect[Effect.LOST])}
    unknown = [CellId(change, server, *task) for task in tasks if task not in decided]
    before = {one.exposure: seen(one, Phase.BASELINE) for one in probed}
    under = {one.exposure: seen(one, Phase.APPLIED) for one in probed}

    def holes(was: tuple[Hole, ...], now: tuple[Hole, ...]) -> tuple[str, ...]:
        return tuple(name for name in sorted(under) if before[name] in was and under[name] in now)

    return Balance(
        mitigation=change,
        server=server,
        holes=under,
        closed=holes((Hole.OPEN,), SAFE),
        still_open=holes((Hole.OPEN,), (Hole.OPEN,)),
        opened=holes(SAFE, (Hole.OPEN,)),
        undecided=tuple(n for n in sorted(under) if Hole.UNKNOWN in (before[n], under[n])),
        kept=by_effect[Effect.KEPT],
        lost=by_effect[Effect.LOST],
        gained=by_effect[Effect.GAINED],
        unknown=tuple(unknown),
        judged=any(cell.effect is not Effect.FAULT for cell in own),
        rolled_back=_rolled_back(own, probed, shown=shown),
        not_settled=by_effect[Effect.NOT_SETTLED],
    )


def _rolled_back(
    cells: Sequence[CellResult], probed: Sequence[ExposureResult], *, shown: bool
) -> bool | None:
    holes = [(seen(one, Phase.BASELINE), seen(one, Phase.ROLLED_BACK)) for one in probed]
    differ = any(before is not after for before, after in holes if Hole.UNKNOWN not in (before, after))
    if differ or any(cell.restored is False for cell in cells):
        return False
    lost_sight = any(after is Hole.UNKNOWN and before is not Hole.UNKNOWN for before, after in holes)
    unsure = lost_sight or any(cell.effect is Effect.FAULT for cell in cells)
    return True if shown and not unsure else None


def _clients(cells: Iterable[CellId]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cell.client for cell in cells))
