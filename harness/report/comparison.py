"""Two runs held against each other, on a terminal: the answer, then what turned which way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.text import Text

from harness.comparison.cells import CellTurn, Detail, HoleTurn
from harness.comparison.runs import Comparison, Doubt, ExpectationTurn, VersionTurn
from harness.comparison.turns import ORDER, Turn
from harness.model import CellId, Hole
from harness.report.answer import draw_language_note
from harness.report.explain import grouped, word
from harness.report.labels import MARK, Labels
from harness.report.language import DEFAULT, Language
from harness.report.page import INDENT, Page

SHOWN = 20
"""Lines of a section; with ``--details`` all of them."""
_STYLES = {
    Turn.WORSE: "bold red",
    Turn.NOT_COMPARABLE: "bold magenta",
    Turn.CHANGED: "bold yellow",
    Turn.BETTER: "bold green",
}
_RESTORED = {True: "diff.restored", False: "diff.not_restored", None: "diff.nothing_to_restore"}
T = TypeVar("T")


def render(found: Comparison, console: Console, *, details: bool = False, lang: str = DEFAULT) -> None:
    """Print it in a language. Never wider than the console; harmless whatever is in the runs."""
    _Report(found, Page(console, lang), SHOWN if not details else None).render()


def emulated(found: Comparison) -> frozenset[str]:
    """The ids of the cells among it whose server or client is not known to be the real thing in both runs."""
    both = (Labels(found.first), Labels(found.second))
    return frozenset(
        str(one.cell) for one in found.cells if any(_marked(labels, one.cell) for labels in both)
    )


def _marked(labels: Labels, cell: CellId) -> bool:
    return labels.cell(cell).startswith(MARK)


class _Report:
    def __init__(self, found: Comparison, page: Page, most: int | None) -> None:
        self.found = found
        self.page = page
        self.say = page.say
        self.most = most
        self.emulated = emulated(found)

    def render(self) -> None:
        found, page, say = self.found, self.page, self.say
        page.hanging(page.text(f"{found.first.run} -> {found.second.run}", "bold"), indent=0, deeper=INDENT)
        page.hanging(page.text(*self.answer()), indent=0, deeper=INDENT)
        for doubt in found.doubts:
            first = page.text(f"{say('diff.not_whole')}: ", "yellow")
            page.hanging(page.text(_doubt(doubt, say), "yellow"), first=first, indent=0, deeper=INDENT)
        for run in (found.first, found.second):
            if reused := len(run.reuse.cells):
                page.hanging(page.text(say("reuse.diff", run=run.run, n=reused)), indent=0, deeper=INDENT)
        for turn in ORDER:
            lines = [*self.holes(turn), *self.cells(turn)]
            if lines:
                head = page.text(say(f"diff.{turn.name.lower()}"), _STYLES[turn])
                self.section(head, lines, lambda line: page.text(line))
        if found.expectations:
            self.section(page.text(say("diff.expectations"), "bold"), found.expectations, self.expectation)
        if found.versions:
            self.section(page.text(say("diff.measured_with"), "bold"), found.versions, self.version)
        for only, run in ((found.only_first, found.first), (found.only_second, found.second)):
            if only:
                head = page.text(say("diff.alone", run=run.run, n=len(only)), "bold")
                self.section(head, list(grouped(only, lambda c: (c.mitigation, c.server)).items()), self.only)
        if self.emulated:
            page.hanging(page.text(f"{MARK} {say('diff.emulated')}", "dim"), indent=0)
        draw_language_note(page)

    def answer(self) -> tuple[str, str]:
        found, say = self.found, self.say
        words = []
        for turn in ORDER:
            cells, holes = found.many(turn)
            if cells or holes:
                words.append(say(f"diff.count_{turn.name.lower()}", what=self.many(cells, holes)))
        words.append(say("diff.same", what=self.many(found.same, found.same_holes, both=True)))
        verdict = "nothing_worse_measured" if found.doubts else "nothing_worse"
        if found.worse:
            verdict = "got_worse"
        elif not found.compared:
            verdict = "nothing_compared"
        return say(f"diff.{verdict}", what="; ".join(words)), "bold red" if found.worse else "bold"

    def many(self, cells: int, holes: int, *, both: bool = False) -> str:
        """``2 cells and 1 exposure``; without ``both`` only those that there are."""
        counts = [counted(cells, "cell", self.say)] if cells or both else []
        counts += [counted(holes, "exposure", self.say)] if holes or both else []
        return self.say("diff.both", first=counts[0], last=counts[1]) if len(counts) > 1 else counts[0]

    def section(self, head: Text, things: Sequence[T], line: Callable[[T], Text]) -> None:
        page = self.page
        page.hanging(head, indent=0)
        for thing in things[: self.most]:
            page.hanging(line(thing), deeper=INDENT)
        if self.most is not None and len(things) > self.most:
            page.hanging(page.text(self.say("diff.more", n=len(things) - self.most), "dim"))

    def cells(self, turn: Turn) -> Iterator[str]:
        """One line for the clients and checks that turned the same way for the same reason."""
        those = [one for one in self.found.cells if one.turn is turn]
        for (change, server, how, why), alike in grouped(those, self.key).items():
            who = self.who(alike)
            on = self.say("screen.on", changes=change, servers=Labels(self.found.second).marked(server))
            yield f"{on}: {who}: {how}" + (f": {why}" if why else "")

    def who(self, those: Sequence[CellTurn]) -> str:
        """Clients with the checks that turned: those with the same ones together."""
        label = Labels(self.found.second).client
        by_client = grouped(those, lambda one: one.cell.client)
        by_checks = grouped(by_client, lambda name: tuple(one.cell.check for one in by_client[name]))
        return "; ".join(
            f"{', '.join(map(label, names))} {', '.join(checks)}" for checks, names in by_checks.items()
        )

    def key(self, one: CellTurn) -> tuple[str, str, str, str]:
        say = self.say
        how = word(one.second, say)
        if one.first is not one.second:
            how = f"{word(one.first, say)} -> {how}"
        if one.restored[0] is not one.restored[1] and False in one.restored:
            was, now = (say(_RESTORED[restored]) for restored in one.restored)
            how += f"; {was} -> {now}"
        # What became another effect has a cause; what kept its own is explained by what differs.
        why = (
            one.why if one.first is not one.second else "; ".join(_detail(each, say) for each in one.details)
        )
        return one.cell.mitigation, one.cell.server, how, why

    def holes(self, turn: Turn) -> Iterator[str]:
        """One line for an exposure that turned the same way under several changes of a server."""
        those = [one for one in self.found.holes if one.turn is turn]
        for (server, name, how, evidence), alike in grouped(those, self.hole_key).items():
            where = self.say(
                "diff.hole",
                name=name,
                server=Labels(self.found.second).marked(server),
                changes=", ".join(one.mitigation for one in alike),
            )
            yield f"{where}: {how}" + (f": {evidence}" if evidence else "")

    def hole_key(self, one: HoleTurn) -> tuple[str, str, str, str]:
        was, now = (self.state(state) for state in one.phases[one.decisive])
        how = self.say("diff.hole_turned", was=was, now=now, when=self.say(f"when.{one.decisive}"))
        return one.server, one.exposure, how, one.evidence

    def state(self, state: Hole | None) -> str:
        return self.say(f"hole.{state.name.lower()}") if state else self.say("diff.not_probed")

    def expectation(self, one: ExpectationTurn) -> Text:
        how = self.say("diff.expected" if one.expected else "diff.not_expected")
        return self.page.text(f"{one.what}: {how}" + (f": {one.claim}" if one.claim else ""))

    def version(self, one: VersionTurn) -> Text:
        return self.page.text(version_line(one, self.say))

    def only(self, those: tuple[tuple[str, str], Sequence[CellId]]) -> Text:
        (change, server), cells = those
        clients = len({cell.client for cell in cells})
        return self.page.text(
            self.say(
                "diff.only",
                pair=f"{change}:{server}",
                cells=counted(len(cells), "cell", self.say),
                clients=counted(clients, "client", self.say),
            )
        )


def counted(number: int, what: str, say: Language) -> str:
    """``1 cell``, ``2 cells``; so for exposures and clients."""
    return say(f"diff.{what}" if number == 1 else f"diff.{what}s", n=number)


def _doubt(one: Doubt, say: Language) -> str:
    if one.damage:
        return f"{one.run}: {one.damage}"
    return say("diff.cut_off", run=one.run, n=one.there, all=one.planned)


def _detail(one: Detail, say: Language) -> str:
    was, now = (compared(one.what, value, say) for value in (one.first, one.second))
    when, what = say(f"when.{one.phase}"), say.known("compared", one.what)
    return say("diff.detail", when=when, what=what, was=was, now=now)


def compared(what: str, value: str, say: Language) -> str:
    """One side of what two attempts differ in; what is the protocol's or was recorded as it is."""
    if what == "cause":
        return value or say("value.none")
    well, of, tries = value.partition(" of ")
    if what == "came through" and of:
        return say("value.of", n=well, all=tries)
    return _word_of(value or "none", say)


def _word_of(value: str, say: Language) -> str:
    """A word of the model in the reader's language: yes and no, effects, outcomes, sides."""
    for section in ("value", "outcome", "side"):
        if value in say.sections[section]:
            return say.sections[section][value]
    return value


def version_line(one: VersionTurn, say: Language) -> str:
    """``server samba-4.22: software X -> Y``: what two runs were not both measured with."""
    name = " ".join(filter(None, (say.known("version", one.kind), one.name)))
    missing = say("diff.not_recorded")
    was, now = (
        say.known("truth", value) if one.what == "fidelity" else value for value in (one.first, one.second)
    )
    return f"{name}: {say.known('version', one.what)} {was or missing} -> {now or missing}"
