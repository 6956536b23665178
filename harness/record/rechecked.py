"""What of a run was reused, and whether what was measured again came out as it was before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.catalogue import Catalogue
from harness.model import CellId, Hole, Phase, Sighting
from harness.planning.plan import phases_of
from harness.record.journal import Recorded
from harness.record.judging import judged
from harness.record.reused import Pair
from harness.result import WHEN, CellResult
from harness.result.reuse import MeasuredBefore, Recheck, Reuse


def reuse_of(catalogue: Catalogue, recorded: Recorded, found: Mapping[CellId, CellResult]) -> Reuse:
    """What was reused of a run whose verdicts are ``found``."""
    cells = {cell: one for cell, one in earlier_cells(recorded).items() if cell in found}
    return Reuse(cells, reused_changes(recorded), tuple(_rechecks(catalogue, recorded, found)))


def checked(catalogue: Catalogue, recorded: Recorded) -> Reuse:
    """The same, by as few verdicts as that takes: those on cells that were measured again."""
    drawn = [cell for cell in recorded.earlier.drawn if cell in recorded.attempts]
    found = {
        cell: judged(catalogue, recorded, cell, recorded.attempts[cell], recorded.tried.get(cell))
        for cell in drawn
        if len(recorded.attempts[cell]) == len(phases_of(cell.mitigation))
    }
    return Reuse(
        earlier_cells(recorded), reused_changes(recorded), tuple(_rechecks(catalogue, recorded, found))
    )


def earlier_cells(recorded: Recorded) -> dict[CellId, MeasuredBefore]:
    """The cells that were not measured in this run."""
    return recorded.earlier.reused(recorded.rounds)


def reused_changes(recorded: Recorded) -> dict[Pair, MeasuredBefore]:
    """The changes on servers whose exposures were not looked for in this run, and when they were."""
    return {
        pair: one.before
        for pair, one in recorded.earlier.changes.items()
        if recorded.probe_rounds.get(pair, one.round) == one.round
    }


def not_fresh(catalogue: Catalogue, recorded: Recorded) -> set[CellId]:
    """The cells that were reused, and those that did not come out as they were before."""
    known = checked(catalogue, recorded)
    odd = {one.what for one in known.disagreements}
    again = {cell for cell in recorded.earlier.drawn if odd & {str(cell), f"{cell.mitigation}:{cell.server}"}}
    return again | set(known.cells)


def _rechecks(
    catalogue: Catalogue, recorded: Recorded, found: Mapping[CellId, CellResult]
) -> Iterator[Recheck]:
    yield from (one for _, one in _cells(catalogue, recorded, found))
    for pair, drawn in recorded.earlier.drawn_changes.items():
        if recorded.probe_rounds.get(pair, drawn.round) == drawn.round:
            from harness.comparison import replays

            seen = recorded.probed.get(pair, {})
            differences = tuple(_holes(drawn.probed, seen))
            came = replays.Replayed.DIFFERENT if differences else replays.Replayed.SAME
            came = came if seen else replays.Replayed.NOT_MEASURED
            yield Recheck(":".join(pair), drawn.before, came, differences)


def _cells(
    catalogue: Catalogue, recorded: Recorded, found: Mapping[CellId, CellResult]
) -> Iterator[tuple[CellId, Recheck]]:
    for cell, drawn in recorded.earlier.drawn.items():
        if recorded.rounds.get(cell, drawn.round) != drawn.round:
            continue
        from harness.comparison import replays

        then = judged(catalogue, recorded, cell, drawn.attempts, drawn.tried)
        again = replays.again(then, found.get(cell))
        yield cell, Recheck(str(cell), drawn.before, again.came, tuple(map(str, again.differences)))


def _holes(
    then: Mapping[Phase, Mapping[str, Sighting]], now: Mapping[Phase, Mapping[str, Sighting]]
) -> Iterator[str]:
    """In what the probes saw something else. What one of the two could not tell is no difference."""
    for phase, seen in then.items():
        for name, one in seen.items():
            other = now.get(phase, {}).get(name)
            states = (one.state, other.state if other else Hole.UNKNOWN)
            if Hole.UNKNOWN not in states and states[0] is not states[1]:
                yield f"{WHEN[phase]}: {name} {states[0]} -> {states[1]}"
