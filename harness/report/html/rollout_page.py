"""A staged plan as one page for a browser, with the stages side by side as a picture. It runs no script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from harness.report.doings import ways_back
from harness.report.html.page import asset, digest, filled
from harness.report.rollout.markdown import headline
from harness.report.rollout.trust import answer, proof, rest, unknown
from harness.report.rollout.view import Plan, StageView, open_before, stages

WIDTH: Final = 170
"""Of one stage in the picture, in units of its view box."""
HEIGHT: Final = 150
_TOP, _BOTTOM = 22, 34
_BAR = 34


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the picture."""

    kind: str
    """``open`` (holes) or ``risk`` (machines): decides its colour."""
    value: int
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """A moment: today, or the end of a stage."""

    number: int
    """0 for today."""
    x: int
    bars: tuple[Bar, ...]


def render(plan: Plan, command: str) -> str:
    """The page, in the language of the plan; pure ASCII."""
    shown = stages(plan)
    style = asset("report.css") + asset("rollout.css")
    return filled(
        "rollout.html.jinja",
        {
            "plan": plan,
            "t": plan.say,
            "lang": plan.say.code,
            "csp": "; ".join(
                (
                    "default-src 'none'",
                    f"style-src '{digest(style)}'",
                    "base-uri 'none'",
                    "form-action 'none'",
                )
            ),
            "style": Markup(style),
            "servers": plan.items(plan.labels.marked(one.server) for one in plan.rollout.searched),
            "answer": list(answer(plan)),
            "stages": shown,
            "columns": list(_columns(open_before(plan), shown)),
            "width": WIDTH * (len(shown) + 1),
            "height": HEIGHT,
            "base": HEIGHT - _BOTTOM,
            "rest": list(rest(plan)),
            "proof": list(proof(plan)),
            "unknown": list(unknown(plan)),
            "headline": lambda action: headline(plan, action),
            "ways_back": ways_back,
            "command": command,
        },
    )


def _columns(before: int, shown: Sequence[StageView]) -> Iterator[Column]:
    """Both numbers of each moment, each against the most that it ever is."""
    holes = [before, *(stage.open for stage in shown)]
    risks = [0, *(stage.risk for stage in shown)]
    for number, pair in enumerate(zip(holes, risks, strict=True)):
        left = number * WIDTH + (WIDTH - 2 * _BAR - 8) // 2
        bars = []
        for place, (kind, value, most) in enumerate(
            zip(("open", "risk"), pair, (max(holes), max(risks)), strict=True)
        ):
            height = round((HEIGHT - _TOP - _BOTTOM) * value / most, 1) if most else 0.0
            bars.append(Bar(kind, value, left + place * (_BAR + 8), HEIGHT - _BOTTOM - height, height))
        yield Column(number, number * WIDTH + WIDTH // 2, tuple(bars))
