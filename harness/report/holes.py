"""What a mitigation did to a server's exposures, in a few lines; and the exposures of a pair in full."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from harness.model import Hole, Phase
from harness.report.explain import grouped
from harness.report.language import Language
from harness.report.page import INDENT, Page
from harness.report.verdicts import graded, undecided
from harness.result import ExposureResult, RunResult

SHUT = (Hole.CLOSED, Hole.NOT_EXPOSED)
STYLES = {Hole.OPEN: "bold red", Hole.CLOSED: "green", Hole.NOT_EXPOSED: "green", Hole.UNKNOWN: "yellow"}


def draw_holes(page: Page, found: Sequence[ExposureResult], result: RunResult) -> None:
    """What the change closed, opened and left open, the gravest first. Nothing where nothing was probed."""
    say = page.say
    groups: tuple[tuple[str, str, Callable[[ExposureResult], bool]], ...] = (
        ("closes", "green", _closed),
        ("opens", "bold red", _opened),
        ("not_shut_again", "bold red", lambda one: one.stayed_open),
        ("stays_open", "yellow", _still_open),
    )
    if not found:
        return
    if Phase.APPLIED not in {phase for one in found for phase in one.phases}:
        groups = (("open", "yellow", lambda one: one.state(Phase.BASELINE) is Hole.OPEN),)
    lines = [
        (page.text(f"{say(f'exposed.{key}')}: ", style), page.text(graded(names, result, say)))
        for key, style, belongs in groups
        if (names := [one.exposure for one in found if belongs(one)])
    ]
    lines += [
        (
            page.text(f"{say('exposed.cannot_be_told')}: ", "dim"),
            page.text(f"{names}: {why}" if why else names),
        )
        for names, why in undecided(found, result)
    ]
    for first, body in lines or [(page.text(say("exposed.none_open")), page.text(""))]:
        page.hanging(body, first=first, indent=2 * INDENT, deeper=INDENT)
    for one in found:
        if not one.expected:
            page.hanging(
                page.text(f"{one.exposure}: {one.claim}"),
                first=page.text(f"{say('exposed.not_closed')}: ", "bold red"),
                indent=2 * INDENT,
                deeper=INDENT,
            )


def show_holes(page: Page, title: str, server: str, found: Iterable[ExposureResult]) -> None:
    """Every exposure of one mitigation on one server with what decided it, phase by phase.

    ``server``: its name with what it is, labelled where it is emulated.
    """
    say = page.say
    page.heading(page.text(title, "bold"))
    first = page.text(f"{say('side.server')}: ", "dim")
    page.hanging(page.text(server), first=first, indent=0, deeper=INDENT)
    for one in found:
        page.hanging(page.text(one.exposure, "bold"), indent=0)
        for phase, seen in one.phases.items():
            head = page.join(f"{say(f'when.{phase}')}: ", (_state(seen.state, say), STYLES[seen.state]))
            page.hanging(page.text(f"; {seen.evidence}"), first=head, deeper=INDENT)


def show_sightings(page: Page, title: str, found: Sequence[ExposureResult]) -> None:
    """The exposures of one server that nothing was done to: the open ones first."""
    say = page.say
    page.heading(page.text(title, "bold"))
    for state in (Hole.OPEN, Hole.UNKNOWN, Hole.CLOSED, Hole.NOT_EXPOSED):
        those = [one for one in found if one.state(Phase.BASELINE) is state]
        for evidence, same in grouped(those, lambda one: one.phases[Phase.BASELINE].evidence).items():
            names = ", ".join(one.exposure for one in same)
            head = page.join((_state(state, say), STYLES[state]), "  ", (names, "bold"))
            page.hanging(page.text(f": {evidence}"), first=head, indent=0, deeper=INDENT)
    counts = {state: sum(one.state(Phase.BASELINE) is state for one in found) for state in Hole}
    told = (say("exposed.count", n=count, state=_state(state, say)) for state, count in counts.items())
    page.hanging(page.text(", ".join(told)), indent=0)


def _state(state: Hole, say: Language) -> str:
    return say(f"hole.{state.name.lower()}")


def _closed(one: ExposureResult) -> bool:
    return one.state(Phase.BASELINE) is Hole.OPEN and one.state(Phase.APPLIED) in SHUT


def _opened(one: ExposureResult) -> bool:
    return one.state(Phase.BASELINE) in SHUT and one.state(Phase.APPLIED) is Hole.OPEN


def _still_open(one: ExposureResult) -> bool:
    return one.state(Phase.BASELINE) is Hole.OPEN and one.state(Phase.APPLIED) is Hole.OPEN
