"""What is said of the parts of a combination, from what each was measured to do alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.model import Attempt, Effect, Outcome
from harness.record.parts import cause, taken_by
from harness.result import PartAlone

LOST, KEPT, OPEN = Effect.LOST, Effect.KEPT, Effect.NOT_SETTLED


def parts(found: Mapping[str, tuple[Effect | None, Effect | None]]) -> dict[str, PartAlone]:
    """By part: the effect of it alone, and of all but it."""
    return {
        name: PartAlone(
            alone,
            Attempt(Outcome.OK) if alone else Attempt(Outcome.UNSUPPORTED, note="it is far away"),
            without,
            f"the reason of {name}" if alone is LOST else "",
        )
        for name, (alone, without) in found.items()
    }


@pytest.mark.parametrize(
    ("found", "how", "those", "said"),
    [
        (
            {"a": (LOST, KEPT), "b": (KEPT, LOST)},
            "one",
            "a",
            "lost to a: the reason of a; kept under b alone",
        ),
        (
            {"a": (LOST, None), "b": (LOST, None), "c": (KEPT, None), "d": (KEPT, None), "e": (OPEN, None)},
            "each",
            "a b",
            "lost to a: the reason of a; lost to b: the reason of b; kept under each of these alone: c, d; "
            "not settled under e alone",
        ),
        (
            {"a": (KEPT, KEPT), "b": (KEPT, KEPT)},
            "together",
            "a b",
            "lost only to a and b together: all at once; kept under each alone",
        ),
        (
            {"a": (KEPT, KEPT), "b": (KEPT, OPEN), "c": (KEPT, LOST)},
            "among",
            "a b",
            "lost to several parts together: all at once; kept under each of these alone: a, b, c; "
            "kept without a or b; lost still without c",
        ),
        (
            {"a": (KEPT, LOST), "b": (KEPT, LOST), "c": (OPEN, LOST)},
            "several",
            "",
            "lost to several parts together: all at once; kept under each of these alone: a, b; "
            "not settled under c alone; lost still without a, b or c",
        ),
        (
            {"a": (LOST, None), "b": (None, LOST)},
            "one",
            "a",
            "lost to a: the reason of a; under b alone: not measured (it is far away)",
        ),
        (
            {"a": (KEPT, None), "b": (None, KEPT)},
            "unknown",
            "",
            "all at once; kept under a alone; under b alone: not measured (it is far away)",
        ),
        (
            {"a": (KEPT, KEPT), "b": (KEPT, None), "c": (KEPT, LOST)},
            "unknown",
            "",
            "all at once; kept under each of these alone: a, b, c",
        ),
        ({}, "unknown", "", "all at once; which part takes it away: not measured"),
    ],
)
def test_what_is_said(
    found: Mapping[str, tuple[Effect | None, Effect | None]], how: str, those: str, said: str
) -> None:
    assert taken_by(parts(found)) == (how, tuple(those.split()))
    assert cause(parts(found), "all at once") == said
