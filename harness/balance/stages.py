"""The stages of a larger plan, as its scenarios name them: what each closes and whom it costs."""

from __future__ import annotations

from dataclasses import dataclass

from harness.balance.weigh import Balance, balances
from harness.result import NO_CHANGE, NotApplicable, RunResult


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: a scenario of the run, weighed on its own cells alone."""

    name: str
    """The stage as its scenario calls it."""
    scenario: str
    balances: tuple[Balance, ...]
    """One for every change and server, in the order of the plan."""
    left_out: tuple[NotApplicable, ...]
    """What the stage cannot change, e.g. a device that gets no patch."""


def stages(result: RunResult) -> tuple[Stage, ...]:
    """The stages of a run in the order of its scenarios; none where no scenario names one."""
    found = []
    for row in result.rows:
        if not row.stage:
            continue
        own = set(row.cells)
        changes = {cell.mitigation for cell in own} - {NO_CHANGE}
        clients = {cell.client for cell in own}
        left_out = (one for one in result.not_applicable if one.mitigation in changes)
        found.append(
            Stage(
                row.stage,
                row.name,
                balances(result, own),
                tuple(one for one in left_out if one.subject not in clients),
            )
        )
    return tuple(found)
