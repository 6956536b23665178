"""What a run comes to so far: verdicts on its cells and holes, and which cells are still to be measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.grammar.words import is_combination
from harness.mitigations.base import Mitigation
from harness.model import Attempt, CellId, Effect, Phase
from harness.planning.plan import change_of, parts_of, phases_of
from harness.record.journal import Recorded
from harness.record.verdict import effect_of, judge, judge_exposure
from harness.result import CellResult, ExposureResult


def judged(
    catalogue: Catalogue,
    recorded: Recorded,
    cell: CellId,
    phases: Mapping[Phase, Attempt],
    tried: Mapping[str, Attempt] | None = None,
    made: dict[tuple[str, str, str], Mitigation] | None = None,
) -> CellResult:
    """The verdict on a cell of a run. Raises UsageError for a mitigation that is not known here.

    ``tried``: what it came to under parts of its combination. ``made``: what of each change is made on a
    server and client, kept by whoever asks of many cells: it is the same for all checks.
    """
    made = {} if made is None else made
    key = (cell.mitigation, cell.server, cell.client)
    if key not in made:
        made[key] = change_of(catalogue, cell)
    expected = recorded.plan.expected.get(str(cell))
    return judge(cell, phases, made[key], catalogue.clients.get(cell.client), expected, tried)


def judged_exposures(recorded: Recorded, pairs: Iterable[tuple[str, str]]) -> Iterator[ExposureResult]:
    """What the probes of a run saw under these mitigations on these servers, judged."""
    for pair in pairs:
        probed = recorded.probed.get(pair, {})
        for name in sorted({name for seen in probed.values() for name in seen}):
            phases = {phase: probed[phase][name] for phase in Phase if name in probed.get(phase, {})}
            yield judge_exposure(pair, name, phases, recorded.plan.closes)


def incomplete(catalogue: Catalogue, recorded: Recorded) -> list[CellId]:
    """The cells of a run that are not measured in all their phases.

    Also those that a combination loses, where its parts are to be measured and were not.
    """
    return [
        cell
        for cell in recorded.plan.cells
        if len(recorded.attempts.get(cell, {})) < len(phases_of(cell.mitigation))
        or (
            recorded.wants_parts
            and loses(cell, recorded.attempts[cell])
            and not {*parts_of(catalogue, cell)} <= {*recorded.tried.get(cell, {})}
        )
    ]


def not_as_expected(catalogue: Catalogue, recorded: Recorded) -> list[CellId]:
    """The cells of a run whose verdict is not as expected, and those that are incomplete.

    Also the cells of a server that fell over, or on which a hole is not shown to be closed that must be.
    """
    missing = incomplete(catalogue, recorded)
    pairs = dict.fromkeys((cell.mitigation, cell.server) for cell in recorded.plan.cells)
    left = {
        (one.mitigation, one.server)
        for one in judged_exposures(recorded, pairs)
        if not one.expected or one.fell
    }
    wrong = [
        cell
        for cell, phases in recorded.attempts.items()
        if cell not in missing
        and ((cell.mitigation, cell.server) in left or not judged(catalogue, recorded, cell, phases).expected)
    ]
    if not missing and not wrong:
        raise UsageError(f"everything in {recorded.folder.name} is as expected", "nothing to rerun")
    return missing + wrong


def loses(cell: CellId, phases: Mapping[Phase, Attempt]) -> bool:
    """A combination loses this cell, which was attempted in all its phases."""
    return (
        is_combination(cell.mitigation)
        and len(phases) == len(phases_of(cell.mitigation))
        and effect_of(cell, phases) is Effect.LOST
    )
