"""What a run would measure, before it does: in numbers, what is left out and why, and how long it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter

from harness.model import CellId
from harness.planning.plan import Plan
from harness.record.forecast import Forecast, in_words
from harness.report.answer import draw_language_note
from harness.report.explain import grouped, one_or_many
from harness.report.labels import MARK
from harness.report.language import Language
from harness.report.listing import Table
from harness.report.page import INDENT, Page

_COUNTED = ("mitigation", "server", "client", "check")
_HEADS = ("changes", "servers", "clients", "checks", "cells", "starts", "of")
"""``starts``: how many servers are started, one for each change on each server."""

OF_A_CELL = ("job", "cell", "phases", "emulated")
"""What is told of each cell: its job by number, its id, how many phases it has, and what of it is emulated:
``server``, ``client``, ``both``, or "" for nothing."""


class State(StrEnum):
    """How an image is there."""

    PRESENT = "present"
    TO_BUILD = "to_build"
    GONE = "gone"
    """The user's own, which nobody can build here."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """A plan, and what is known of measuring it here."""

    made: Plan
    trials: int
    """Changes that may be made besides, to tell which part of a combination takes a client away."""
    images: Mapping[str, State]
    """Those that it needs."""
    time: Forecast
    reusable: int | None = None
    """Cells that need not be measured again; None where nobody asked."""
    marked: Callable[[str, str], str] = lambda _, name: name
    """The name of a server or client on which a change cannot be made, with its mark where it is emulated."""


def draw(page: Page, outlook: Outlook) -> None:
    """The plan in numbers: one line a scenario or selector, and one for all of them; then its words."""
    say, made = page.say, outlook.made
    _counts(made, say).render(page.console)
    page.blank()
    for line in titles(made):
        page.hanging(page.text(line), indent=0, deeper=INDENT)
    if made.not_applicable:
        many = made.not_rehearsed
        head = say("plan.cannot_some", cells=_cells(many, say)) if many else say("plan.cannot")
        page.hanging(page.text(head), indent=0)
    for line in not_applicable(outlook, say):
        page.hanging(page.text(line), deeper=INDENT)
    for line in (*without(outlook, say), sums(outlook, say), time(outlook, say)):
        page.hanging(page.text(line), indent=0, deeper=INDENT)
    named = [(one.mitigation, one.subject) for one in made.not_applicable]
    named += [(one.part, one.subject) for one in made.left_out]
    if any(outlook.marked(change, name) != name for change, name in named):
        page.hanging(page.text(f"{MARK} {say('screen.emulated')}", "dim"), indent=0)


def each(cells: Iterable[Mapping[str, str]], say: Language) -> Table:
    """A row a cell; each has what ``OF_A_CELL`` says."""
    rows = ((one["job"], one["cell"], one["phases"], say.known("plan", one["emulated"])) for one in cells)
    return Table(tuple(say(f"plan.{name}") for name in OF_A_CELL), tuple(rows))


def draw_end(page: Page, made: Plan, *, details: bool) -> None:
    """Where each cell is told; and, where the page is not in English, that what others wrote is."""
    if not details:
        page.command("rehearse plan --details", before=page.text(f"{page.say('plan.each')}: "))
    if made.not_applicable or made.left_out or titles(made):
        draw_language_note(page)


def in_numbers(made: Plan, say: Language) -> str:
    """``4 cells, 1 server to start``; ``16 cells, at most 2 servers to start``."""
    # One may do for several changes (harness.conduct.in_turn).
    start = say(f"plan.start_{one_or_many(len(made.jobs))}", n=len(made.jobs))
    return say("plan.numbers", cells=_cells(len(made.cells), say), start=start)


def sums(outlook: Outlook, say: Language) -> str:
    """Cells, servers, attempts, and the images that are needed."""
    made, trials = outlook.made, outlook.trials
    return say(
        "plan.sums",
        numbers=in_numbers(made, say),
        attempts=_attempts(outlook, say),
        trials=say(f"plan.trials_{one_or_many(trials)}", n=trials) if trials else "",
        images=", ".join(_image(name, state, say) for name, state in outlook.images.items())
        or say("plan.no_image"),
    )


def _attempts(outlook: Outlook, say: Language) -> str:
    # What clients meet before a change is measured once for several (harness.record.costs).
    if 0 < outlook.time.attempts < outlook.made.attempts:
        return say("plan.attempts_about", n=outlook.time.attempts)
    return say(f"plan.attempts_{one_or_many(outlook.made.attempts)}", n=outlook.made.attempts)


def time(outlook: Outlook, say: Language) -> str:
    """How long it takes, and how much of that is measured already."""
    told = foreseen(outlook.time, say)
    if outlook.reusable is None:
        return told
    every = _cells(len(outlook.made.cells), say)
    return told + say("plan.reusable", n=outlook.reusable, all=every)


def foreseen(one: Forecast, say: Language) -> str:
    """Between how many seconds it takes, and what that rests on."""
    if not one.most:
        return say("plan.not_predicted")
    least, most = in_words(one.least), in_words(one.most)
    span = least if least == most else say("plan.span", least=least, most=most)
    basis = say(f"plan.by_{one_or_many(one.runs)}", n=one.runs) if one.runs else say("plan.by_none")
    return say("plan.about", time=span, basis=basis)


def titles(made: Plan) -> list[str]:
    """What the rows of ``--pairwise`` combine."""
    return [f"{row.name}: {row.title}" for row in made.rows] if made.name == "pairwise" else []


def not_applicable(outlook: Outlook, say: Language) -> Iterator[str]:
    """What cannot be rehearsed, with the reason; what has the same one is on one line."""
    alike = grouped(outlook.made.not_applicable, lambda one: (one.mitigation, one.reason))
    for (change, reason), those in alike.items():
        names = ", ".join(outlook.marked(change, one.subject) for one in those)
        on = say("screen.on", changes=change, servers=names)
        yield f"{on}: {reason}"


def without(outlook: Outlook, say: Language) -> Iterator[str]:
    """The parts of combinations that are rehearsed without them."""
    for one in outlook.made.left_out:
        on = say("screen.on", changes=one.mitigation, servers=outlook.marked(one.part, one.subject))
        yield say("plan.without", on=on, part=one.part, reason=one.reason)


def _counts(made: Plan, say: Language) -> Table:
    rows = [_row(row.name, row.cells) for row in made.rows]
    if len(rows) > 1:
        rows.append(_row(say("plan.together"), made.cells))
    return Table(tuple(say(f"plan.{head}") for head in _HEADS), tuple(rows))


def _row(name: str, cells: Sequence[CellId]) -> tuple[str, ...]:
    changes, servers, clients, checks = (set(map(attrgetter(part), cells)) for part in _COUNTED)
    jobs = set(map(attrgetter("mitigation", "server"), cells))
    return (*(str(len(each)) for each in (changes, servers, clients, checks, cells, jobs)), name)


def _cells(n: int, say: Language) -> str:
    return say(f"plan.cells_{one_or_many(n)}", n=n)


def _image(name: str, state: State, say: Language) -> str:
    return name if state is State.PRESENT else f"{name} ({say(f'plan.{state}')})"
