"""What each change did on each server, weighed for the first screen: who loses what, and what it closes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from harness.balance.weigh import SAFE, Balance, balances
from harness.model import CellId, Check, Effect, Hole, Phase, StepName
from harness.report.explain import grouped
from harness.report.language import Language
from harness.result import NO_CHANGE, CellResult, ExposureResult, RunResult


class Cost(IntEnum):
    """Whom a change costs, of those who were asked; the order of the first screen."""

    UNKNOWN = 0
    """Faults, or nothing that could be lost: nothing can be said."""
    ALL = 1
    """Everybody who got in before is shut out of everything that was asked."""
    LETS_IN = 2
    """Whom the share's lists leave out gets in with it."""
    SOME = 3
    NOBODY = 4
    OUTSIDE = 5
    """Whom the share's lists leave out was refused before, and still is: as intended."""


OUTSIDER: Final = "outsider"
"""``harness.servers.brought.Role.OUTSIDER``, as a run keeps it."""
DOOR: Final = (StepName.CONNECT, StepName.NEGOTIATE, StepName.SESSION_SETUP)
"""Who is refused here gets nothing of a server."""
LISTING: Final = (Check.BROWSE, Check.BROWSE_CONNECTED, Check.PERMISSIONS, Check.PRINT)
"""Whose loss behind the door leaves the files themselves where they were."""
ONE_WAY: Final = (Check.DISCOVER, Check.OPEN_BY_ADDRESS, Check.OPEN_BY_ALIAS, Check.OPEN_BY_SPN_ALIAS)
"""One of several ways to a server: its loss, at whatever step, says nothing of the others."""
WORKED = (Effect.KEPT, Effect.LOST, Effect.NOT_SETTLED)
"""The effects of what worked before the change."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One change on one server, on both sides. The clients are those that were asked under this change."""

    balance: Balance
    cells: tuple[CellResult, ...]
    """Its cells, those too that a client cannot do at all."""
    cost: Cost
    shut_out: tuple[str, ...]
    """Clients that lose all that they could do before, and with it the way to their files."""
    lose_some: Mapping[tuple[str, ...], tuple[str, ...]]
    """The checks that are lost, and the clients that lose these and keep others."""
    keep: tuple[str, ...]
    """Clients that keep all that they could do before."""
    unsettled: tuple[str, ...]
    """Clients of which sources disagree, or are silent, whether the real one keeps what came through here."""
    gain: tuple[str, ...]
    never: tuple[str, ...]
    """Clients that could do nothing before either."""
    never_but: Mapping[Effect | None, Sequence[str]]
    """Of these, by what the laxer server shows; None where it was not measured."""
    faults: int
    lost: tuple[CellResult, ...]
    aims: tuple[ExposureResult, ...]
    """What was seen of the exposures that the change is made for."""

    @property
    def name(self) -> tuple[str, str]:
        """Mitigation and server."""
        return self.balance.mitigation, self.balance.server


def verdicts(result: RunResult) -> tuple[Verdict, ...]:
    """One for each mitigation and server of the run, in the order of the plan; none for no change."""
    by_id = result.by_id()
    by_pair = grouped(result.cells, lambda cell: (cell.cell.mitigation, cell.cell.server))
    return tuple(
        _verdict(result, one, by_id, by_pair.get((one.mitigation, one.server), ()))
        for one in balances(result)
    )


def _verdict(
    result: RunResult, balance: Balance, by_id: Mapping[CellId, CellResult], cells: Sequence[CellResult]
) -> Verdict:
    pair = (balance.mitigation, balance.server)
    own = [cell for cell in cells if not cell.unsupported]
    by_client = grouped(own, lambda cell: cell.cell.client)
    worked = {client: [cell for cell in its if cell.effect in WORKED] for client, its in by_client.items()}
    lost = {client: [c for c in its if c.effect is Effect.LOST] for client, its in worked.items()}
    asked = grouped(cells, lambda cell: cell.cell.client)
    shut_out = tuple(
        name
        for name, its in worked.items()
        if its and len(lost[name]) == len(its) and not _may_get_in(asked[name])
    )
    never = tuple(name for name, its in by_client.items() if all(c.effect is Effect.NEVER for c in its))
    partly = [name for name, its in lost.items() if its and name not in shut_out]
    faults = sum(cell.effect is Effect.FAULT for cell in own)
    unsettled = _with(by_client, Effect.NOT_SETTLED)
    keep = tuple(name for name, its in worked.items() if its and not lost[name] and name not in unsettled)
    gain = _with(by_client, Effect.GAINED)
    cost = _cost(shut_out, partly, keep, faults + len(unsettled))
    if cost is Cost.UNKNOWN and not (faults or unsettled) and by_client:
        if _leaves_out(result, balance.server):
            cost = Cost.LETS_IN if gain else Cost.OUTSIDE
        elif gain:
            # There was nothing to lose: the share is new.
            cost = Cost.NOBODY
    return Verdict(
        balance,
        tuple(cells),
        cost,
        shut_out,
        {
            checks: tuple(names)
            for checks, names in grouped(
                partly, lambda name: tuple(cell.cell.check for cell in lost[name])
            ).items()
        },
        keep,
        unsettled,
        gain,
        never,
        grouped(never, lambda name: _on_laxer(result, by_client[name], by_id)),
        faults,
        tuple(cell for cell in own if cell.effect is Effect.LOST),
        aims(result, *pair),
    )


def _may_get_in(asked: Iterable[CellResult]) -> bool:
    """Whether nothing was asked that tells if it still gets at its files: only the list of shares, say."""
    return all(
        cell.cell.check in ONE_WAY or (cell.cell.check in LISTING and _step(cell) not in DOOR)
        for cell in asked
    )


def _step(cell: CellResult) -> StepName | None:
    """Where it was refused under the change."""
    made = cell.phases.get(Phase.APPLIED)
    return made.step if made else None


def _leaves_out(result: RunResult, server: str) -> bool:
    """Whether clients come there as somebody whom the share's lists leave out."""
    fact = result.servers.get(server)
    return fact is not None and fact.role == OUTSIDER


def _on_laxer(
    result: RunResult, cells: Iterable[CellResult], by_id: Mapping[CellId, CellResult]
) -> Effect | None:
    """What the same change does to this client where the server still lets it in."""
    found = [twin for cell in cells if (twin := result.on_laxer(cell, by_id)) is not None]
    if any(twin.effect is Effect.LOST for twin in found):
        return Effect.LOST
    return found[0].effect if found else None


def _cost(shut_out: Sequence[str], partly: Sequence[str], keep: Sequence[str], unknown: int) -> Cost:
    if not (shut_out or partly or keep):
        return Cost.UNKNOWN
    if shut_out and not partly and not keep and not unknown:
        return Cost.ALL
    if shut_out or partly:
        return Cost.SOME
    return Cost.UNKNOWN if unknown else Cost.NOBODY


def _with(by_client: Mapping[str, Iterable[CellResult]], effect: Effect) -> tuple[str, ...]:
    return tuple(name for name, its in by_client.items() if any(cell.effect is effect for cell in its))


def aims(result: RunResult, mitigation: str, server: str) -> tuple[ExposureResult, ...]:
    """What was seen of the exposures that a change is made for, on a server."""
    fact = result.mitigations.get(mitigation)
    seen = {
        one.exposure: one for one in result.exposures if (one.mitigation, one.server) == (mitigation, server)
    }
    # What a part of a combination is made for that cannot be made there is nobody's aim.
    gone = {
        aim
        for one in result.left_out
        if (one.mitigation, one.subject) == (mitigation, server)
        for aim in one.aims
    }
    return tuple(seen[name] for name in (fact.aims if fact else ()) if name in seen and name not in gone)


def gravest_first(names: Iterable[str], result: RunResult) -> tuple[str, ...]:
    """Exposures in the order of their severity: that of the run's facts; others behind, by name."""
    place = {name: at for at, name in enumerate(result.exposure_facts)}
    return tuple(sorted(names, key=lambda name: (place.get(name, len(place)), name)))


def graded(names: Iterable[str], result: RunResult, say: Language) -> str:
    """``high: ntlmv1-accepted, smb1-spoken; low: smb2-spoken``; bare where nobody graded."""

    def severity(name: str) -> str:
        grade = result.exposure_facts[name].severity if name in result.exposure_facts else ""
        return say.known("severity", grade)

    return "; ".join(
        f"{grade}: {', '.join(those)}" if grade else ", ".join(those)
        for grade, those in grouped(gravest_first(names, result), severity).items()
    )


def undecided(found: Iterable[ExposureResult], result: RunResult) -> list[tuple[str, str]]:
    """(names, why) of the exposures that were unknown before or under the change; one reason once."""

    unsure = [one for one in found if Hole.UNKNOWN in (one.state(Phase.BASELINE), one.state(Phase.APPLIED))]
    return [
        (", ".join(gravest_first((one.exposure for one in those), result)), reason)
        for reason, those in grouped(unsure, _unseen).items()
    ]


def _unseen(one: ExposureResult) -> str:
    """Why it was unknown."""
    return next((seen.evidence for seen in one.phases.values() if seen.state is Hole.UNKNOWN), "")


def aims_in_words(aimed: Iterable[ExposureResult], say: Language, *, because: bool = False) -> list[str]:
    """What became of the exposures that a change is made for, where "closes" does not say it.

    A hole that was closed before cannot be closed, and one that nobody can see cannot be said to be.
    ``because``: with the reason where it cannot be told, for reports that do not give it elsewhere.
    """
    items, told = say("list.items"), []
    for fate, those in grouped(aimed, _fate).items():
        text = say(f"aim.{fate}", names=items.join(one.exposure for one in those)) if fate else ""
        why = "; ".join(dict.fromkeys(filter(None, map(_unseen, those))))
        if because and fate == "unknown" and why:
            text = say("aim.unknown_because", told=text, why=why)
        told += [text] if text else []
    return told


def _fate(one: ExposureResult) -> str:
    """A key of ``aim`` in the language files; "" where nothing is to be said."""
    before, under = one.state(Phase.BASELINE), one.state(Phase.APPLIED)
    if one.mitigation == NO_CHANGE or under is None or (before is Hole.OPEN and under in SAFE):
        return ""
    if under is Hole.OPEN:
        return "still_open"
    if under is Hole.UNKNOWN:
        return "unknown"
    if before is Hole.UNKNOWN:
        return "out_of_reach"
    return "closed_before" if before is Hole.CLOSED else "out_of_reach_before"


def idle(one: ExposureResult) -> bool:
    """Nothing could be done about this hole: it was not open before, and is not under the change."""
    return one.state(Phase.BASELINE) in SAFE and one.state(Phase.APPLIED) in SAFE
