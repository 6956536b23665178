"""When a client's own failure is its refusal, when it makes it unreliable, and when it stays a fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.clients.base import Client, Log, Offer, attempt
from harness.clients.tries import TRIES, settled
from harness.errors import ClientFailed, LabFault, Refused
from harness.model import (
    GAVE_UP,
    STATUS_OK,
    TIMEOUT,
    UNRELIABLE,
    Attempt,
    Check,
    ClientPolicy,
    Fidelity,
    Outcome,
    Side,
    Step,
    StepName,
    Target,
)
from harness.smb.attempting import record

NOWHERE = Target("127.0.0.1", "share", "nobody", "", seconds=5.0)
STEPS = (Step(StepName.CONNECT, STATUS_OK, 0.1), Step(StepName.NEGOTIATE, STATUS_OK, 0.1))
OK = Attempt(Outcome.OK, STEPS)
DENIED = Attempt(Outcome.REFUSED, STEPS, step=StepName.TREE_CONNECT, status="STATUS_ACCESS_DENIED")
LATE = Attempt(Outcome.REFUSED, STEPS, step=StepName.NEGOTIATE, status=TIMEOUT)


def failed(why: str = "cipher 0", step: StepName = StepName.NEGOTIATE, ms: float = 1.0) -> Attempt:
    return Attempt(Outcome.FAULT, STEPS, ms, step, GAVE_UP, Side.CLIENT, note=why)


def outcome(*made: Attempt) -> tuple[Attempt, int]:
    """What comes of these attempts in a row, and how many of them were asked for."""
    left = iter(made)
    found = settled(lambda _: next(left), seconds=5.0)
    return found, len(made) - len(list(left))


def test_the_same_failure_twice_is_the_clients_own_no() -> None:
    found, tries = outcome(failed("file a81 is odd"), failed("file b72 is odd"), OK)
    assert (found.outcome, found.step, found.status, found.side) == (
        Outcome.REFUSED,
        StepName.NEGOTIATE,
        GAVE_UP,
        Side.CLIENT,
    )
    assert (tries, found.works) == (2, (0, 2))
    assert "file a81 is odd" in found.note
    assert [step.status for step in found.steps] == [STATUS_OK, GAVE_UP]


def test_one_that_comes_through_in_some_tries_is_unreliable_and_no_success() -> None:
    for made in ((failed(), OK), (failed(), failed("other"), failed("third"), OK)):
        found, tries = outcome(*made, DENIED)
        assert (found.outcome, found.status, found.side) == (Outcome.REFUSED, UNRELIABLE, Side.CLIENT)
        assert (tries, found.works) == (len(made), (1, len(made)))
        assert f"came through in 1 of {tries} tries" in found.note


def test_one_that_fails_in_another_way_each_time_is_tried_so_often_and_no_more() -> None:
    found, tries = outcome(*(failed(f"reason {word}") for word in "vwxyz"), OK)
    assert (tries, found.status, found.works) == (TRIES, GAVE_UP, (0, TRIES))


def test_nobody_else_is_tried_again() -> None:
    for one in (OK, DENIED, LATE, Attempt.fault("the image is not here"), Attempt(Outcome.UNSUPPORTED)):
        assert outcome(one, OK) == (one, 1)


def test_one_that_is_known_to_waver_is_tried_until_it_fails() -> None:
    sometimes = replace(OK, works=(1, 1))
    found, tries = outcome(sometimes, sometimes, failed(), OK, OK)
    assert (tries, found.status, found.works) == (3, UNRELIABLE, (2, 3))
    found, tries = outcome(*[sometimes] * TRIES, OK)
    assert (tries, found.outcome, found.works) == (TRIES, Outcome.OK, (TRIES, TRIES))
    assert found.note


def test_one_that_is_known_to_waver_is_not_given_up_for_failing_twice() -> None:
    """It fails by chance, and no change that was made meanwhile has anything to do with it."""
    badly = replace(failed(), works=(0, 1))
    found, tries = outcome(badly, badly, badly, OK, OK)
    assert (tries, found.status, found.works) == (4, UNRELIABLE, (1, 4))
    found, tries = outcome(*[badly] * TRIES, OK)
    assert (tries, found.status, found.works) == (TRIES, GAVE_UP, (0, TRIES))


def test_what_failed_says_whether_its_client_is_known_to_waver() -> None:
    def fails(log: Log) -> None:
        log.wavers = True
        raise ClientFailed("it muddled the answer", StepName.READ)

    assert record("a client", fails).works == (0, 1)


def test_another_kind_of_end_is_the_last_word() -> None:
    assert outcome(failed(), DENIED, OK) == (DENIED, 2)
    broke = Attempt.fault("the server died")
    assert outcome(failed(), broke, OK) == (broke, 2)


def test_without_time_for_another_try_it_stays_a_fault_and_says_so() -> None:
    found, tries = outcome(failed(ms=9000.0), OK)
    assert (found.outcome, tries) == (Outcome.FAULT, 1)
    assert "no time to try it again" in found.note
    # A try that had less time than the first one decides nothing.
    found, tries = outcome(failed(), LATE, OK)
    assert (found.outcome, tries) == (Outcome.FAULT, 2)


class Fake(Client):
    """A client whose software does what it is told to."""

    name = title = "fake"
    checks = frozenset({Check.OPEN})

    def __init__(self, fidelity: Fidelity, *does: Exception | None) -> None:
        self.fidelity = fidelity
        self.does: Iterator[Exception | None] = iter(does)

    def software(self, target: Target | None = None) -> str:  # noqa: ARG002
        return ""

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:  # noqa: ARG002
        return Offer()

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:  # noqa: ARG002
        with log.step(StepName.CONNECT):
            pass
        with log.step(StepName.NEGOTIATE):
            if error := next(self.does):
                raise error


def test_a_crash_of_a_real_library_is_its_own_failure_at_the_step_it_was_in() -> None:
    found = attempt(Fake(Fidelity.REAL, KeyError(0), KeyError(0)), Check.OPEN, NOWHERE, ClientPolicy())
    assert (found.outcome, found.step, found.status) == (Outcome.REFUSED, StepName.NEGOTIATE, GAVE_UP)
    assert found.said == "KeyError: 0"


def test_a_crash_of_our_own_prober_is_a_fault() -> None:
    found = attempt(Fake(Fidelity.RECORDED, KeyError(0)), Check.OPEN, NOWHERE, ClientPolicy())
    assert (found.outcome, found.status, found.works) == (Outcome.FAULT, None, None)


@pytest.mark.parametrize("error", [LabFault("no image"), ClientFailed("odd")])
def test_only_the_clients_own_failure_is_tried_again(error: Exception) -> None:
    found = attempt(Fake(Fidelity.REAL, error, None), Check.OPEN, NOWHERE, ClientPolicy())
    assert found.works == ((1, 2) if isinstance(error, ClientFailed) else None)


def test_a_refusal_names_the_step_that_it_left() -> None:
    """Not a later one of the same status, and not one before that decided nothing."""

    class Goes(Fake):
        def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:  # noqa: ARG002
            log.steps.append(Step(StepName.TREE_CONNECT_IPC, "STATUS_ACCESS_DENIED", 0.1))
            try:
                with log.step(StepName.TREE_CONNECT):
                    raise Refused("STATUS_ACCESS_DENIED")
            finally:
                log.steps.append(Step(StepName.LOGOFF, "STATUS_ACCESS_DENIED", 0.1))

    found = attempt(Goes(Fidelity.REAL), Check.OPEN, NOWHERE, ClientPolicy())
    assert found.step is StepName.TREE_CONNECT
