"""Why demands cannot be met: which one, and by what evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import NoReturn

from harness.balance.weigh import SAFE
from harness.model import Hole, Phase
from harness.result import RunResult
from harness.rollout.search import Found, Rules, cheapest
from harness.rollout.states import State
from harness.rollout.wishes import Due, UnmetError

SHOWN = 3
"""Changes and cells that are named as evidence; the number of all is said."""


def met(rules: Sequence[Rules], result: RunResult) -> Mapping[str, Found]:
    """The cheapest order of each server. Raises UnmetError for the first demand, or set of demands, that no
    plan meets.
    """
    asked = {cell.cell.client for cell in result.cells}
    wishes = rules[0].wishes
    for client in wishes.never_lose:
        if client not in asked:
            raise _unmet(
                f"--never-lose {client}",
                f"it was not rehearsed in {result.run}, so that nobody knows what it loses",
                f"measure it: rehearse run CHANGES:SERVERS:{client}",
            )
    for due in wishes.close:
        if not any(due.exposure in one.options.before.holes for one in rules):
            raise _unmet(
                str(due),
                f"{due.exposure} was looked for on no server of this plan",
                "rehearse list exposures",
            )
    orders = {}
    for one in rules:
        for due in wishes.close:
            _possible(one, due, result)
        orders[one.options.server] = cheapest(one) or _at_odds(one)
    return orders


def _possible(rules: Rules, due: Due, result: RunResult) -> None:
    server, states = rules.options.server, rules.options.states
    closing = [state for state in states if rules.shut(state, due.exposure)]
    if not closing:
        others = [state for state in states if state.changes]
        unknown = [
            state for state in others if state.balance.holes.get(due.exposure, Hole.UNKNOWN) is Hole.UNKNOWN
        ]
        if len(unknown) == len(others) and unknown:
            raise _unmet(
                str(due),
                f"no probe could tell it on {server} under {_any(len(others))} measured there"
                f"{_why(rules, due, result)}",
            )
        each = f"{_each(len(others))} measured there leaves it open, or does not show it shut"
        stays = each if others else "no change was measured there"
        raise _unmet(str(due), f"nothing closes it on {server}: {stays}")
    if all(rules.loses(state) for state in closing):
        losing = dict.fromkeys(name for state in closing for name in rules.loses(state))
        raise _unmet(
            f"{due} with --never-lose {','.join(losing)}",
            f"on {server} {_each(len(closing))} that is measured to close it loses, or may lose, "
            f"{'one of them' if len(losing) > 1 else 'it'}: {_evidence(closing, losing)}",
        )


def _at_odds(rules: Rules) -> NoReturn:
    """Each demand can be met alone, and not all of them at once."""
    wishes = rules.wishes
    some = next(
        found
        for number in range(2, len(wishes.close) + 1)
        for found in combinations(wishes.close, number)
        if cheapest(Rules(rules.options, replace(wishes, close=found), {})) is None
    )
    kept = f" with --never-lose {','.join(wishes.never_lose)}" if wishes.never_lose else ""
    raise _unmet(
        " and ".join(map(str, some)) + kept,
        f"on {rules.options.server} no state that was measured keeps all of them at once, in an order in "
        "which what was closed stays closed",
        "measure combinations of the changes that keep each: rehearse run --pairwise CELLS",
    )


def _evidence(closing: Iterable[State], losing: Iterable[str]) -> str:
    cells = [
        cell
        for state in closing
        for cell in (*state.balance.lost, *state.balance.unknown)
        if cell.client in set(losing)
    ]
    more = len(cells) - SHOWN
    return ", ".join(map(str, cells[:SHOWN])) + (f" and {more} more" if more > 0 else "")


def _why(rules: Rules, due: Due, result: RunResult) -> str:
    for one in result.exposures:
        if (one.server, one.exposure) == (rules.options.server, due.exposure):
            seen = one.phases.get(Phase.APPLIED)
            if seen and seen.state not in SAFE and seen.evidence:
                return f" ({seen.evidence})"
    return ""


def _each(number: int) -> str:
    return "the one change" if number == 1 else f"each of the {number} changes"


def _any(number: int) -> str:
    return "the one change" if number == 1 else f"any of the {number} changes"


def _unmet(demand: str, why: str, hint: str = "") -> UnmetError:
    return UnmetError(f"{demand} cannot be met: {why}", hint)
