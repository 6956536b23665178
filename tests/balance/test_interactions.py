"""Known interactions are told where a run shows them, and only there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from balance_example import OK, run

from harness.balance.interactions import Interaction, Known, interactions
from harness.model import Attempt, Effect, Outcome, Phase, Step, StepName
from harness.result import RunResult


def with_phase(result: RunResult, cell: str, phase: Phase, attempt: Attempt) -> RunResult:
    cells = (
        replace(one, phases={**one.phases, phase: attempt}) if str(one.cell) == cell else one
        for one in result.cells
    )
    return replace(result, cells=tuple(cells))


def by_rap() -> Attempt:
    steps = (
        Step(StepName.CREATE_PIPE, "STATUS_ACCESS_DENIED", 1.0),
        Step(StepName.ENUMERATE_SHARES, "STATUS_SUCCESS", 1.0),
    )
    return Attempt(Outcome.OK, steps)


def test_pipes_off_leaves_rap() -> None:
    change, cure = "nt-pipe-support-off", "nt-pipe-support-off+smb1-server-off"
    cells = {
        f"{change}:s:old:browse": Effect.KEPT,
        f"{change}:s:ten:browse": Effect.LOST,
        f"{cure}:s:old:browse": Effect.LOST,
    }
    holes = {f"{change}:s:rap-listing": "ooo", f"{cure}:s:rap-listing": "ono"}
    shown = with_phase(run(cells, holes), f"{change}:s:old:browse", Phase.APPLIED, by_rap())
    (found,) = interactions(shown)
    assert found == Interaction(Known.PIPES_LEAVE_RAP, change, "s", (shown.cells[0].cell,), "seen o", (cure,))
    # Without a client that falls back, the probe alone shows it; without either nothing does.
    (found,) = interactions(run(cells, holes))
    assert (found.cells, found.evidence) == ((), "seen o")
    assert not interactions(run(cells, {f"{change}:s:rap-listing": "oco"}))


@pytest.mark.parametrize(("signed", "spared"), [(False, True), (True, False), (None, False)])
def test_signing_that_spares_guests(signed: bool | None, spared: bool) -> None:
    name = "signing-required:s:ten:open"
    guest = replace(OK, auth="guest", signed=signed)
    found = interactions(with_phase(run({name: Effect.KEPT}, {}), name, Phase.APPLIED, guest))
    assert [one.known for one in found] == ([Known.SIGNING_SPARES_GUESTS] if spared else [])


@pytest.mark.parametrize(("auth", "shown"), [("guest", True), ("NTLMv2", False)])
def test_signing_shuts_out_guests(auth: str, shown: bool) -> None:
    cells = {"signing-required:s:xp:open": Effect.LOST, "signing-required:s:ten:open": Effect.KEPT}
    result = run(cells, {})
    for cell in cells:
        result = with_phase(result, cell, Phase.BASELINE, replace(OK, auth=auth))
    found = interactions(result)
    assert [(one.known, [str(cell) for cell in one.cells]) for one in found] == (
        [(Known.SIGNING_SHUTS_GUESTS, ["signing-required:s:xp:open"])] if shown else []
    )


def alias(under_30: Effect, under_311: Effect | None, named: Effect = Effect.LOST) -> tuple[Interaction, ...]:
    cells = {"smb3-alias:s:eight:open": named, "smb3-only:s:eight:open": under_30}
    if under_311:
        cells["smb311-only:s:eight:open"] = under_311
    return interactions(run(cells, {}))


def test_the_name_smb3_means_311() -> None:
    (found,) = alias(Effect.KEPT, Effect.LOST)
    assert (found.known, found.same, [cell.client for cell in found.cells]) == (
        Known.ALIAS_IS_311,
        1,
        ["eight"],
    )
    assert alias(Effect.KEPT, None)[0].same == 0


def test_the_name_smb3_is_not_said_to_mean_311_where_that_is_not_what_was_measured() -> None:
    assert not alias(Effect.KEPT, Effect.KEPT)
    assert not alias(Effect.LOST, Effect.LOST)
    assert not alias(Effect.KEPT, Effect.KEPT, named=Effect.KEPT)
