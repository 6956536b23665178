"""What a recorded run holds of cells that are to be measured once more, and the plan that measures them.

A run folder may be damaged, edited or a stranger's. All that can be told of that is told before anything of
it is used: only names of what is known here, and data of the user's own, go from a run into its replay.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.catalogue import Catalogue
from harness.catalogue.sources import FORMS
from harness.errors import UsageError
from harness.grammar.words import is_pattern
from harness.model import CellId, Effect
from harness.planning import interpret, sources
from harness.planning.applicable import why_not
from harness.planning.plan import Plan, SourceKind, phases_of
from harness.planning.selecting import cell_of, is_cell, matches, parted
from harness.record import folders, journal
from harness.record.journal import Recorded
from harness.record.verdict import effect_of
from harness.result import FileSince
from harness.system import trust
from harness.system.registry import lookup, nearest

KEPT = {sources.KINDS[kind]: form.folder for kind, form in FORMS.items() if form.kept}
"""Where a run folder has its copies of files of that kind."""
_ANY_CELLS = frozenset(KEPT) - {SourceKind.PERSONA, SourceKind.EXPOSURES}
"""Kinds of files whose names do not say which cells they are for."""


def folder_of(home: Path, name: str) -> Path:
    """The run folder of that name; for "" the newest run that is not itself a replay. Raises UsageError."""
    if name:
        return folders.named(home, name)
    newest_first = folders.by_age(home)[::-1]
    for folder in newest_first:
        if not journal.plan_of(folder).replay_of:
            return folder
    if newest_first:
        raise UsageError(f"all runs in {home} are replays", f"name one: --run {newest_first[0].name}")
    return folders.named(home, name)


def read(folder: Path) -> Recorded:
    """A run as it is recorded. Raises UsageError for one that others could have written, or that is not
    whole in itself: what it says of a cell may not be what was measured."""
    sound: set[Path] = set()
    for path in (folder, folder / "plan.json", folder / "journal.jsonl", *folders.copies(folder)):
        trust.check(path, sound)
    recorded = journal.load(folder)
    hint = "nothing was started; see what can be told of it: rehearse report"
    name = folder.name
    if recorded.damage:
        raise UsageError(f"{name}: {recorded.damage}", f"{hint} {name}")
    if recorded.begun is None:
        raise UsageError(f"nothing was measured in {name}", f"rehearse run --resume {name}")
    if recorded.begun.lab != recorded.plan.lab:
        why = f"its plan is for the lab {recorded.plan.lab}, and its journal of the lab {recorded.begun.lab}"
        raise UsageError(f"{name} was edited: {why}", f"{hint} {name}")
    planned = set(recorded.plan.cells)
    if strange := [cell for cell in recorded.attempts if cell not in planned]:
        why = f"{strange[0]} is in its journal, and not in its plan"
        raise UsageError(f"{name} was edited: {why}", f"{hint} {name}")
    for one in recorded.plan.sources:
        copy = folder / KEPT[one.kind] / one.name if one.kind in KEPT else None
        if copy is not None and not sources.is_same(one, copy):
            why = f"{copy} is not what was measured with"
            raise UsageError(f"{name} was edited: {why}", f"{hint} {name}")
    return recorded


def whole(recorded: Recorded) -> list[CellId]:
    """The cells that were measured in all their phases, in the order of the plan."""
    return [
        cell
        for cell in recorded.plan.cells
        if len(recorded.attempts.get(cell, {})) == len(phases_of(cell.mitigation))
    ]


def chosen(catalogue: Catalogue, recorded: Recorded, words: Sequence[str]) -> list[CellId]:
    """The cells of a run that cell ids, selectors or names select; all that are measured for no word.

    Raises UsageError for a word that selects none, with what is near, and for a cell that is not measured.
    """
    measured, name = whole(recorded), recorded.folder.name
    if not words:
        return measured
    known = {str(cell): cell for cell in recorded.plan.cells}
    found: dict[CellId, None] = {}
    for word in words:
        exact = is_cell(word) and not is_pattern(word) and len(parted(word, ",")) == 1
        if exact and str(cell_of(word)) in known:
            hits = [known[str(cell_of(word))]]
        elif exact:
            raise _absent(recorded, word)
        else:
            pattern = interpret.selector_of(catalogue, word, recorded.plan.lab)
            hits = [cell for cell in recorded.plan.cells if matches(pattern, cell)]
            if not hits:
                raise UsageError(f"{name} has no cell {pattern!r}", f"See: rehearse report {name} --details")
        left = [cell for cell in hits if cell not in measured]
        if len(left) == len(hits):
            raise UsageError(
                f"{left[0]} is planned in {name}, and was not measured to its end",
                f"rehearse run --resume {name}",
            )
        found.update(dict.fromkeys(cell for cell in hits if cell not in left))
    return [cell for cell in measured if cell in found]


def _absent(recorded: Recorded, word: str) -> UsageError:
    """The answer to a cell that a run has not: why, where it is known, and the nearest ones it has."""
    wanted = cell_of(word)
    parts = _parts(wanted)

    def alike(cell: CellId) -> int:
        return sum(one == other for one, other in zip(parts, _parts(cell), strict=True))

    most = max(map(alike, recorded.plan.cells), default=0)
    # Those that differ in the fewest parts; among these the names that look like it.
    ids = [str(cell) for cell in recorded.plan.cells if most and alike(cell) == most]
    near = (nearest(word, ids) or ids)[:3]
    name = recorded.folder.name
    reasons = (
        f": {one.mitigation} on {one.subject}: {one.reason}"
        for one in recorded.plan.not_applicable
        if one.mitigation == wanted.mitigation and one.subject in (wanted.server, wanted.client)
    )
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    return UsageError(
        f"{name} has no cell {word}{next(reasons, '')}", f"{meant}See: rehearse report {name} --details"
    )


def _parts(cell: CellId) -> tuple[str, str, str, str]:
    return cell.mitigation, cell.server, cell.client, cell.check


def drawn(recorded: Recorded, cells: Sequence[CellId], many: int, seed: int) -> list[CellId]:
    """So many of these cells by chance, the same for the same seed; all where there are no more.

    A recorded fault says nothing that could come out the same: none is drawn. Raises UsageError for no cell.
    """
    told = [cell for cell in cells if effect_of(cell, recorded.attempts[cell]) is not Effect.FAULT]
    if not told:
        raise UsageError(f"{recorded.folder.name} has no cell with a result to draw", "See: rehearse report")
    taken = set(random.Random(seed).sample(sorted(told, key=str), min(many, len(told))))
    return [cell for cell in cells if cell in taken]


def plan_for(catalogue: Catalogue, recorded: Recorded, cells: Iterable[CellId]) -> Plan:
    """The plan that measures these cells as they were: same lab, probes, expectations.

    ``catalogue``: with the personas of the run. Raises UsageError for what is not known here any more, or
    cannot be rehearsed any more.
    """
    wanted, plan = set(cells), recorded.plan
    name = recorded.folder.name
    for cell in plan.cells:
        if cell not in wanted:
            continue
        catalogue.mitigation(cell.mitigation)
        server = lookup("server", cell.server, catalogue.servers)
        client = lookup("client", cell.client, catalogue.clients)
        if reason := why_not(catalogue, cell.mitigation, server, client, plan.lab):
            why = f"{reason.mitigation} on {reason.subject}: {reason.reason}"
            raise UsageError(f"{cell} was measured in {name}, and cannot be any more: {why}")
    ids = set(map(str, wanted))
    pairs = {(cell.mitigation, cell.server) for cell in wanted}
    return replace(
        plan.only(wanted.__contains__),
        name="replay",
        expected={cell: one for cell, one in plan.expected.items() if cell in ids},
        closes=tuple(one for one in plan.closes if (one.mitigation, one.server) in pairs),
        not_applicable=(),
        not_rehearsed=0,
        shard=None,
        replay_of=name,
    )


def changed_since(recorded: Recorded, plan: Plan) -> Iterator[FileSince]:
    """The files of the user's own, of those that the plan needs, that are not what the run was made with."""
    people = {f"{cell.client}.toml" for cell in plan.cells}
    rows = {row.name for row in plan.rows}
    for one in recorded.plan.sources:
        needed = (
            (one.kind is SourceKind.SCENARIO and one.name in rows)
            or (one.kind is SourceKind.EXPOSURES and plan.probes)
            or (one.kind is SourceKind.PERSONA and one.name in people)
            or one.kind in _ANY_CELLS
        )
        if needed and (became := sources.since(one)):
            yield became
