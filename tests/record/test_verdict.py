"""Baseline subtraction, restoring, causes and claims."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from known import CATALOGUE

from harness.model import Attempt, CellId, Effect, Outcome, Phase, Side, StepName
from harness.planning.plan import Expected
from harness.record.verdict import judge
from harness.result import CellResult

CELL = CellId("nt-pipe-support-off", "sles11-like", "windows-7", "browse")
OK = Attempt(Outcome.OK)
PIPE = Attempt(Outcome.REFUSED, step=StepName.CREATE_PIPE, status="STATUS_ACCESS_DENIED", side=Side.SERVER)
FAULT = Attempt.fault("smbd died")
UNSUPPORTED = Attempt(Outcome.UNSUPPORTED, note="it cannot")


def verdict(*attempts: Attempt, cell: CellId = CELL, expected: Expected | None = None) -> CellResult:
    phases = dict(zip(Phase, attempts, strict=False))
    return judge(
        cell, phases, CATALOGUE.mitigation(cell.mitigation), CATALOGUE.clients[cell.client], expected
    )


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        (OK, OK, Effect.KEPT),
        (OK, PIPE, Effect.LOST),
        (PIPE, OK, Effect.GAINED),
        (PIPE, PIPE, Effect.NEVER),
        (UNSUPPORTED, UNSUPPORTED, Effect.NEVER),
        (OK, UNSUPPORTED, Effect.FAULT),
        (PIPE, UNSUPPORTED, Effect.FAULT),
    ],
)
def test_the_baseline_is_subtracted(before: Attempt, after: Attempt, effect: Effect) -> None:
    assert verdict(before, after, before).effect is effect


def test_a_refusal_that_a_tunnel_blurred_keeps_its_effect_and_says_so() -> None:
    """What the user sees goes by step and status: where those are not sure, it is not known."""
    hung_up = Attempt(Outcome.REFUSED, step=StepName.NEGOTIATE, status="CLOSED", side=Side.SERVER)
    sure = verdict(OK, hung_up, OK)
    assert sure.user_sees
    found = verdict(OK, replace(hung_up, unsure="through a tunnel they look alike"), OK)
    assert (found.effect, found.owner, found.user_sees) == (Effect.LOST, Side.SERVER, "")
    assert found.cause == f"{sure.cause} (how is not verified: through a tunnel they look alike)"


@pytest.mark.parametrize("place", range(3))
def test_a_fault_in_any_phase_is_a_fault_and_never_a_loss(place: int) -> None:
    for others in product((OK, PIPE), repeat=2):
        attempts = list(others)
        attempts.insert(place, FAULT)
        found = verdict(*attempts)
        assert found.effect is Effect.FAULT
        assert found.cause == "smbd died"
        assert not found.expected


@pytest.mark.parametrize(
    "attempts", [(OK, OK, FAULT), (PIPE, PIPE, FAULT), (FAULT, OK, OK), (FAULT, PIPE, PIPE)]
)
def test_a_fault_says_nothing_about_the_rollback(attempts: tuple[Attempt, ...]) -> None:
    """A broken lab is not a change that could not be taken back."""
    assert verdict(*attempts).restored is None


def test_a_change_that_a_client_cannot_be_given_took_nothing_away() -> None:
    found = verdict(OK, UNSUPPORTED, OK)
    assert (found.effect, found.cause, found.owner) == (Effect.FAULT, "it cannot", None)
    assert not found.expected


def test_a_missing_phase_is_a_fault() -> None:
    assert verdict(OK, OK).effect is Effect.FAULT


def test_a_loss_that_nobody_claimed_is_not_expected() -> None:
    assert not verdict(OK, PIPE, OK).expected
    assert verdict(OK, OK, OK).expected


def test_what_the_rollback_does_not_bring_back_is_not_expected() -> None:
    found = verdict(OK, OK, PIPE)
    assert found.restored is False
    assert not found.expected
    assert found.cause.startswith("after the rollback: ")


def test_nothing_to_bring_back_is_neither_restored_nor_not() -> None:
    assert verdict(PIPE, PIPE, PIPE).restored is None
    assert verdict(OK, cell=CellId("none", "sles11-like", "windows-7", "open")).restored is None


def test_a_loss_names_its_cause_and_its_owner_and_what_the_user_sees() -> None:
    found = verdict(OK, PIPE, OK)
    assert "nt pipe support = no" in found.cause
    assert found.owner is Side.SERVER
    assert "denied" in found.user_sees.lower()


def test_a_known_difference_is_expected_and_said_in_one_sentence() -> None:
    known = Expected(Effect.KEPT, Effect.LOST, "the article", "paths need no pipe")
    found = verdict(OK, OK, OK, expected=known)
    assert found.expected
    assert found.claim == "the article says lost, measured kept: paths need no pipe"


def test_an_unknown_difference_is_said_and_is_not_expected() -> None:
    found = verdict(OK, OK, OK, expected=Expected(Effect.LOST, Effect.LOST, "the article"))
    assert not found.expected
    assert found.claim == "the article says lost, measured kept"
