"""What the page shows of a run, in rows: made from the result document alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Final

from harness.model import Effect, Hole, Outcome, Side
from harness.report.documents.actors import ServerPart
from harness.report.documents.cells import CellPart
from harness.report.documents.exposures import ExposurePart
from harness.report.documents.result import ResultDocument
from harness.report.documents.weighed import StandingPart
from harness.report.explain import either, grouped
from harness.report.labels import MARK
from harness.report.language import Language
from harness.report.verdicts import OUTSIDER
from harness.result import NO_CHANGE, SURVIVES

MOST: Final = 4
"""Changes that cannot be made of which one by one is told."""


def key(value: str) -> str:
    """A word of the model as the language files and style sheets have it."""
    return value.replace(" ", "_")


def marked(name: str, known: Mapping[str, object]) -> str:
    """A server's or client's name; with a mark where it is not known to be the real thing."""
    there = known.get(name)
    mark = "" if there is not None and not getattr(there, "emulated", True) else MARK
    return f"{mark}{getattr(there, 'called', '') or name}"


def added(name: str, servers: Mapping[str, ServerPart]) -> str:
    """What is not built in: as people call it, and by the id that commands take."""
    own = servers[name].called if name in servers else ""
    return f"{own} ({name})" if own else name


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page itself shows of a cell; all else its script shows when the cell is opened."""

    mitigation: str
    server: str
    client: str
    check: str
    effect: Effect
    expected: bool
    cause: str
    user_sees: str
    unsupported: bool
    """The client cannot do this check at all."""
    where: str
    """The step, status and side of the refusal that its effect rests on; "" where there is none."""

    @classmethod
    def of(cls, cell: CellPart) -> Shown:
        """Of a cell of the result document."""
        names = (cell.mitigation, cell.server, cell.client, cell.check)
        # Cells with one reason share its words.
        where, cause = intern(_where(cell)), intern(cell.cause)
        return cls(*names, cell.effect, cell.expected, cause, cell.user_sees, _unsupported(cell), where)


@dataclass(frozen=True, slots=True)
class Losers:
    """Clients that lose the same."""

    clients: tuple[str, ...]
    checks: tuple[str, ...]
    whole: bool
    """They lose everything that they could do before."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change on one server, on both sides; the server as it is has number 0."""

    number: int
    """Within its server, from 1."""
    part: StandingPart
    loses: tuple[Losers, ...]
    gains: tuple[Losers, ...]
    sees: tuple[str, ...]
    unknown: int
    """Cells of which nothing is known."""
    open: bool
    """Nothing tells whether it costs anybody: all was refused before already, or is not known."""
    looked: bool
    """Whether anything is known of its holes under the change."""
    unnoticed: str
    """The key of the words where nothing but the configuration showed that it was made; "" where more did."""
    side: str
    """Where it is made; "" for what nobody knows."""

    @property
    def probed(self) -> int:
        """How many holes were open before."""
        return len(self.part.closed) + len(self.part.still_open)

    @property
    def at_clients(self) -> bool:
        """Whether it closes no hole of the server, which is not where it is made."""
        return self.side == Side.CLIENT and self.looked and not self.part.closed

    @property
    def harmless(self) -> bool:
        """No change does as well and no better: it costs nobody, and closes nothing that was seen open."""
        part = self.part
        only = tuple(part.beaten_by) == (NO_CHANGE,)
        return only and not (part.lost or part.unknown or part.opened)

    @property
    def candidate(self) -> bool:
        """False for a stopped server, and where nothing was measured."""
        return self.part.judged and (self.part.on_front or bool(self.part.beaten_by))


def changes(document: ResultDocument, shown: Iterable[Shown]) -> tuple[Change, ...]:
    """Every balance of the run, those of a server together; ``shown``: its cells."""
    cells = grouped(shown, lambda cell: (cell.mitigation, cell.server))
    numbers: dict[str, int] = {}
    unnoticed = {(one.mitigation, one.server) for one in document.applied if one.unnoticed}
    probed = {(one.mitigation, one.server) for one in document.exposures}
    known = {
        (one.mitigation, one.server)
        for one in document.exposures
        if one.applied not in (None, Hole.UNKNOWN) and one.exposure != SURVIVES
    }
    found = []
    for part in document.balances:
        pair = (part.mitigation, part.server)
        if part.mitigation != NO_CHANGE:
            numbers[part.server] = numbers.get(part.server, 0) + 1
        own = cells.get(pair, [])
        lost = [cell for cell in own if cell.effect is Effect.LOST]
        found.append(
            Change(
                0 if part.mitigation == NO_CHANGE else numbers[part.server],
                part,
                _together(lost, own),
                _together([cell for cell in own if cell.effect is Effect.GAINED], ()),
                tuple(dict.fromkeys(cell.user_sees for cell in lost if cell.user_sees)),
                sum(cell.effect in (Effect.FAULT, Effect.NOT_SETTLED) for cell in own),
                not lost and _nothing_tells(own, document.servers.get(part.server)),
                pair in known,
                ("unnoticed" if pair in probed else "unnoticed_by_clients") if pair in unnoticed else "",
                fact.side if (fact := document.mitigations.get(part.mitigation)) else "",
            )
        )
    return tuple(found)


def _nothing_tells(own: Sequence[Shown], server: ServerPart | None) -> bool:
    """As ``harness.report.verdicts`` has it of a change by which nothing is lost."""
    effects = {cell.effect for cell in own if not cell.unsupported}
    if effects & {Effect.FAULT, Effect.NOT_SETTLED}:
        return True
    refused_as_intended = server is not None and server.role == OUTSIDER and bool(effects)
    return not (effects & {Effect.KEPT, Effect.GAINED} or refused_as_intended)


def _together(some: Sequence[Shown], own: Iterable[Shown]) -> tuple[Losers, ...]:
    worked = grouped(
        (cell for cell in own if cell.effect in (Effect.KEPT, Effect.LOST, Effect.NOT_SETTLED)),
        lambda cell: cell.client,
    )
    by_client = grouped(some, lambda cell: cell.client)
    able = {client: [cell for cell in its if not cell.unsupported] for client, its in worked.items()}
    alike = grouped(
        by_client,
        lambda client: (
            tuple(cell.check for cell in by_client[client]),
            len(by_client[client]) == len(able.get(client, ())),
        ),
    )
    return tuple(Losers(tuple(clients), checks, whole) for (checks, whole), clients in alike.items())


def _unsupported(cell: CellPart) -> bool:
    made = [one for one in (cell.phases.baseline, cell.phases.applied, cell.phases.rolled_back) if one]
    return bool(made) and all(one.outcome is Outcome.UNSUPPORTED for one in made)


@dataclass(frozen=True, slots=True)
class Why:
    """Cells with one reason."""

    effect: Effect
    mitigation: str
    server: str
    where: str
    cause: str
    sees: str
    who: tuple[Losers, ...]


_ORDER = (Effect.FAULT, Effect.LOST, Effect.NOT_SETTLED, Effect.GAINED, Effect.NEVER)


def reasons(cells: Sequence[Shown]) -> tuple[Why, ...]:
    """Why cells are not kept: what has one reason on one server together, what weighs most first."""
    wanted = [cell for cell in cells if cell.effect in _ORDER[:3] and not cell.unsupported]
    # What never worked has its reason in the server, not in the change.
    never = [cell for cell in cells if cell.effect is Effect.NEVER and not cell.unsupported]

    def reason(cell: Shown) -> tuple[Effect, str, str, str, str, str]:
        change = "" if cell.effect is Effect.NEVER else cell.mitigation
        return cell.effect, change, cell.server, cell.where, cell.cause, cell.user_sees

    found = [
        Why(effect, change, server, where, cause, sees, _once(alike))
        for (effect, change, server, where, cause, sees), alike in grouped([*wanted, *never], reason).items()
    ]
    return tuple(sorted(found, key=lambda why: _ORDER.index(why.effect)))


def _once(cells: Iterable[Shown]) -> tuple[Losers, ...]:
    checks = grouped(cells, lambda cell: cell.client)
    alike = grouped(checks, lambda client: tuple(dict.fromkeys(cell.check for cell in checks[client])))
    return tuple(Losers(tuple(clients), which, False) for which, clients in alike.items())


def _where(cell: CellPart) -> str:
    made = cell.phases.baseline if cell.effect is Effect.NEVER else cell.phases.applied
    if made is None or made.outcome is not Outcome.REFUSED:
        return ""
    side = f"({made.side})" if made.side else ""
    return " ".join(word for word in (str(made.step or ""), made.status or "", side) if word)


@dataclass(frozen=True, slots=True)
class HolesOf:
    """The exposures of one server: a row each, a column for each change."""

    server: str
    mitigations: tuple[str, ...]
    rows: tuple[tuple[str, tuple[ExposurePart | None, ...]], ...]
    """An exposure, and what was seen under each change."""
    never: tuple[str, ...]
    """Exposures that were closed or not exposed in every phase of every change."""


def cannot(document: ResultDocument, words: Language) -> list[str]:
    """The changes that cannot be made on a server at all, a sentence each; of many the first few."""
    made = {(cell.mitigation, cell.server) for cell in document.cells}
    found = grouped(
        (one for one in document.not_applicable if one.side == Side.SERVER),
        lambda one: (one.subject, one.emulated, one.reason, (one.mitigation, one.subject) in made),
    )
    told = []
    for (subject, emulated, reason, there), those in [*found.items()][:MOST]:
        called = document.servers[subject].called if subject in document.servers else ""
        label = f"{MARK if emulated else ''}{called or subject}"
        on = words("screen.on", changes=either([one.mitigation for one in those], words), servers=label)
        told.append(f"{words('screen.not_asked' if there else 'screen.cannot')}: {on}: {reason}")
    return [*told, words("screen.cannot_more", n=len(found) - MOST)] if len(found) > MOST else told


def fallen(document: ResultDocument) -> int:
    """How often a server did not survive that it was probed for holes."""
    phases = [one.phases for one in document.exposures if one.exposure == SURVIVES]
    return sum(
        any(seen and seen.state is Hole.OPEN for seen in (one.baseline, one.applied, one.rolled_back))
        for one in phases
    )


def holes(document: ResultDocument) -> tuple[HolesOf, ...]:
    """A table for each server that was probed; what was never open in a line of its own."""
    place = {name: at for at, name in enumerate(document.exposure_facts)}
    tables = []
    for server, its in grouped(document.exposures, lambda one: one.server).items():
        mitigations = tuple(dict.fromkeys(one.mitigation for one in its))
        by_name = grouped(its, lambda one: one.exposure)
        names = sorted(by_name, key=lambda name: (place.get(name, len(place)), name))
        shown = [name for name in names if any(map(_matters, by_name[name]))]
        rows = []
        for name in shown:
            seen = {one.mitigation: one for one in by_name[name]}
            rows.append((name, tuple(seen.get(change) for change in mitigations)))
        rest = tuple(name for name in names if name not in shown)
        tables.append(HolesOf(server, mitigations, tuple(rows), rest))
    return tuple(tables)


def _matters(one: ExposurePart) -> bool:
    states = (one.baseline, one.applied, one.rolled_back)
    return Hole.OPEN in states or Hole.UNKNOWN in states or not one.expected
