"""What is said of a run in which nothing is changed: who gets in, and what is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.model import Effect, Hole, Phase
from harness.report.clauses import FEW
from harness.report.explain import STYLES, grouped, one_or_many
from harness.report.labels import Labels
from harness.report.language import Language
from harness.report.page import INDENT, Page
from harness.report.verdicts import gravest_first
from harness.result import CellResult, RunResult


def draw_untouched(page: Page, result: RunResult) -> None:
    """One entry a server; that all is "as expected" says nothing of who is refused there."""
    page.hanging(page.text(page.say("screen.untouched"), "bold"), indent=0)
    for name, clauses in untouched(result, page.say):
        words = [part for clause in clauses for part in ("; ", clause)][1:]
        page.hanging(page.join(": ", *words), first=page.text(name, "bold"), deeper=INDENT)


def in_lines(result: RunResult, say: Language) -> Iterator[str]:
    """The same without styles, a line a server, for what is no terminal."""
    for name, clauses in untouched(result, say):
        yield f"{name}: {'; '.join(words for words, _ in clauses)}"


def untouched(result: RunResult, say: Language) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """(``on SERVER``, clauses with their styles) for each server; nothing for a run that holds no cell."""
    labels = Labels(result)
    for server, cells in grouped(result.cells, lambda one: one.cell.server).items():
        clauses = [*_clients(say, labels, [one for one in cells if not one.unsupported])]
        if holes := _open(say, result, server):
            clauses.append((holes, ""))
        yield say("screen.untouched_on", server=labels.marked(server)), clauses


def _clients(say: Language, labels: Labels, cells: Sequence[CellResult]) -> Iterator[tuple[str, str]]:
    """(words, style): who gets in, who only for a part of what was asked, and who not at all."""
    fates: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for client, its in grouped(cells, lambda one: one.cell.client).items():
        refused = tuple(one.cell.check for one in its if one.effect is Effect.NEVER)
        if any(one.effect is Effect.FAULT for one in its):
            continue
        fate = "refused" if len(refused) == len(its) else "in_part" if refused else "gets_in"
        fates.setdefault((fate, refused if fate == "in_part" else ()), []).append(client)
    for (fate, checks), clients in fates.items():
        names = ", ".join(map(labels.client, clients))
        key = f"screen.untouched_{fate}_{one_or_many(len(clients))}"
        style = STYLES[Effect.KEPT if fate == "gets_in" else Effect.NEVER]
        yield say(key, clients=names, checks=", ".join(checks)), style
    if faults := sum(one.effect is Effect.FAULT for one in cells):
        yield say("screen.faults", n=faults), STYLES[Effect.FAULT]


def _open(say: Language, result: RunResult, server: str) -> str:
    """The holes that are open there, the gravest named; "" where none was seen."""
    # Of a run that was cut off there may be more changes whose holes alone were looked at.
    names = gravest_first(
        {
            one.exposure
            for one in result.exposures
            if one.server == server and one.state(Phase.BASELINE) is Hole.OPEN
        },
        result,
    )
    if not names:
        return ""
    more = say("screen.more_holes", n=len(names) - FEW)
    few = ", ".join(names if len(names) <= FEW + 1 else (*names[:FEW], more))
    return say(f"screen.untouched_open_{one_or_many(len(names))}", n=len(names), names=few)
