"""What a mitigation did to a server's exposures, in a few lines; and the exposures of a pair in full."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from harness.model import Hole, Phase
from harness.report.explain import grouped
from harness.report.page import INDENT, Page
from harness.report.verdicts import graded, undecided
from harness.result import WHEN, ExposureResult, RunResult

SHUT = (Hole.CLOSED, Hole.NOT_EXPOSED)
STYLES = {Hole.OPEN: "bold red", Hole.CLOSED: "green", Hole.NOT_EXPOSED: "green", Hole.UNKNOWN: "yellow"}


def draw_holes(page: Page, found: Sequence[ExposureResult], result: RunResult) -> None:
    """What the change closed, opened and left open, the gravest first. Nothing where nothing was probed."""
    groups: tuple[tuple[str, str, Callable[[ExposureResult], bool]], ...] = (
        ("closes: ", "green", _closed),
        ("OPENS: ", "bold red", _opened),
        ("NOT SHUT AGAIN by the rollback: ", "bold red", lambda one: one.stayed_open),
        ("stays open: ", "yellow", _still_open),
    )
    if not found:
        return
    if Phase.APPLIED not in {phase for one in found for phase in one.phases}:
        groups = (("open: ", "yellow", lambda one: one.state(Phase.BASELINE) is Hole.OPEN),)
    lines = [
        (page.text(word, style), page.text(graded(names, result)))
        for word, style, belongs in groups
        if (names := [one.exposure for one in found if belongs(one)])
    ]
    lines += [
        (page.text("cannot be told: ", "dim"), page.text(f"{names}: {why}" if why else names))
        for names, why in undecided(found, result)
    ]
    for first, body in lines or [(page.text("no hole open"), page.text(""))]:
        page.hanging(body, first=first, indent=2 * INDENT, deeper=INDENT)
    for one in found:
        if not one.expected:
            page.hanging(
                page.text(f"{one.exposure}: {one.claim}"),
                first=page.text("NOT CLOSED as expected: ", "bold red"),
                indent=2 * INDENT,
                deeper=INDENT,
            )


def show_holes(page: Page, title: str, server: str, found: Iterable[ExposureResult]) -> None:
    """Every exposure of one mitigation on one server with what decided it, phase by phase.

    ``server``: its name with what it is, labelled where it is emulated.
    """
    page.heading(page.text(title, "bold"))
    page.hanging(page.text(server), first=page.text("server: ", "dim"), indent=0, deeper=INDENT)
    for one in found:
        page.hanging(page.text(one.exposure, "bold"), indent=0)
        for phase, seen in one.phases.items():
            head = page.join(f"{WHEN[phase]}: ", (str(seen.state), STYLES[seen.state]))
            page.hanging(page.text(f"; {seen.evidence}"), first=head, deeper=INDENT)


def show_sightings(page: Page, title: str, found: Sequence[ExposureResult]) -> None:
    """The exposures of one server that nothing was done to: the open ones first."""
    page.heading(page.text(title, "bold"))
    for state in (Hole.OPEN, Hole.UNKNOWN, Hole.CLOSED, Hole.NOT_EXPOSED):
        those = [one for one in found if one.state(Phase.BASELINE) is state]
        for evidence, same in grouped(those, lambda one: one.phases[Phase.BASELINE].evidence).items():
            names = ", ".join(one.exposure for one in same)
            head = page.join((str(state), STYLES[state]), "  ", (names, "bold"))
            page.hanging(page.text(f": {evidence}"), first=head, indent=0, deeper=INDENT)
    counts = {state: sum(one.state(Phase.BASELINE) is state for one in found) for state in Hole}
    page.hanging(page.text(", ".join(f"{count} {state}" for state, count in counts.items())), indent=0)


def _closed(one: ExposureResult) -> bool:
    return one.state(Phase.BASELINE) is Hole.OPEN and one.state(Phase.APPLIED) in SHUT


def _opened(one: ExposureResult) -> bool:
    return one.state(Phase.BASELINE) in SHUT and one.state(Phase.APPLIED) is Hole.OPEN


def _still_open(one: ExposureResult) -> bool:
    return one.state(Phase.BASELINE) is Hole.OPEN and one.state(Phase.APPLIED) is Hole.OPEN
