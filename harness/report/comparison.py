"""Two runs held against each other, on a terminal: the answer, then what turned which way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.text import Text

from harness.comparison.cells import CellTurn, HoleTurn
from harness.comparison.runs import Comparison, ExpectationTurn, VersionTurn
from harness.comparison.turns import ORDER, Turn
from harness.model import CellId
from harness.report.explain import WORDS, grouped
from harness.report.labels import MARK, Labels
from harness.report.page import INDENT, Page
from harness.result import WHEN
from harness.system.plain import many

SHOWN = 20
"""Lines of a section; with ``--details`` all of them."""
_HEADS = {
    Turn.WORSE: ("WORSE", "bold red"),
    Turn.NOT_COMPARABLE: ("NOT COMPARABLE: one of both runs does not know", "bold magenta"),
    Turn.CHANGED: ("DIFFERENT, neither better nor worse by itself", "bold yellow"),
    Turn.BETTER: ("BETTER", "bold green"),
}
_RESTORED = {
    True: "the rollback brings it back",
    False: "the rollback does NOT bring it back",
    None: "nothing to bring back",
}
T = TypeVar("T")


def render(found: Comparison, console: Console, *, details: bool = False) -> None:
    """Print it. Never wider than the console; harmless whatever is in the runs."""
    _Report(found, Page(console), SHOWN if not details else None).render()


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
        self.most = most
        self.emulated = emulated(found)

    def render(self) -> None:
        found, page = self.found, self.page
        page.hanging(page.text(f"{found.first.run} -> {found.second.run}", "bold"), indent=0, deeper=INDENT)
        page.hanging(page.text(*self.answer()), indent=0, deeper=INDENT)
        for doubt in found.doubts:
            page.hanging(
                page.text(doubt, "yellow"), first=page.text("not whole: ", "yellow"), indent=0, deeper=INDENT
            )
        for turn in ORDER:
            lines = [*self.holes(turn), *self.cells(turn)]
            if lines:
                self.section(page.text(*_HEADS[turn]), lines, lambda line: page.text(line))
        if found.expectations:
            self.section(page.text("EXPECTATIONS", "bold"), found.expectations, self.expectation)
        if found.versions:
            self.section(page.text("MEASURED WITH", "bold"), found.versions, self.version)
        for only, run in ((found.only_first, found.first), (found.only_second, found.second)):
            if only:
                head = page.text(f"IN {run.run} ALONE: {len(only)} cells", "bold")
                self.section(head, list(grouped(only, lambda c: (c.mitigation, c.server)).items()), self.only)
        if self.emulated:
            page.hanging(page.text(f"{MARK} emulated, the client or the server", "dim"), indent=0)

    def answer(self) -> tuple[str, str]:
        found = self.found
        words = []
        for turn in ORDER:
            cells, holes = found.many(turn)
            parts = [many(cells, "cell")] * bool(cells) + [many(holes, "exposure")] * bool(holes)
            words += [f"{turn}: {' and '.join(parts)}"] if parts else []
        same = f"the same in both: {many(found.same, 'cell')} and {many(found.same_holes, 'exposure')}"
        where = " in what both have measured" if found.doubts else ""
        verdict = "Something got worse" if found.worse else f"Nothing got worse{where}"
        return f"{verdict} ({'; '.join([*words, same])}).", "bold red" if found.worse else "bold"

    def section(self, head: Text, things: Sequence[T], line: Callable[[T], Text]) -> None:
        page = self.page
        page.hanging(head, indent=0)
        for thing in things[: self.most]:
            page.hanging(line(thing), deeper=INDENT)
        if self.most is not None and len(things) > self.most:
            page.hanging(page.text(f"and {len(things) - self.most} more: rehearse diff --details", "dim"))

    def cells(self, turn: Turn) -> Iterator[str]:
        """One line for the clients and checks that turned the same way for the same reason."""
        those = [one for one in self.found.cells if one.turn is turn]
        for (change, server, how, why), alike in grouped(those, self.key).items():
            who = self.who(alike)
            labels = Labels(self.found.second)
            yield f"{change} on {labels.marked(server)}: {who}: {how}" + (f": {why}" if why else "")

    def who(self, those: Sequence[CellTurn]) -> str:
        """Clients with the checks that turned: those with the same ones together."""
        label = Labels(self.found.second).client
        by_client = grouped(those, lambda one: one.cell.client)
        by_checks = grouped(by_client, lambda name: tuple(one.cell.check for one in by_client[name]))
        return "; ".join(
            f"{', '.join(map(label, names))} {', '.join(checks)}" for checks, names in by_checks.items()
        )

    def key(self, one: CellTurn) -> tuple[str, str, str, str]:
        how = WORDS[one.second]
        if one.first is not one.second:
            how = f"{WORDS[one.first]} -> {WORDS[one.second]}"
        if one.restored[0] is not one.restored[1] and False in one.restored:
            how += f"; {_RESTORED[one.restored[0]]} -> {_RESTORED[one.restored[1]]}"
        # What became another effect has a cause; what kept its own is explained by what differs.
        why = one.why if one.first is not one.second else "; ".join(one.details)
        return one.cell.mitigation, one.cell.server, how, why

    def holes(self, turn: Turn) -> Iterator[str]:
        """One line for an exposure that turned the same way under several changes of a server."""
        those = [one for one in self.found.holes if one.turn is turn]
        for (server, name, how, evidence), alike in grouped(those, _hole_key).items():
            changes = ", ".join(one.mitigation for one in alike)
            where = f"{name} on {Labels(self.found.second).marked(server)}"
            yield f"exposure {where} ({changes}): {how}" + (f": {evidence}" if evidence else "")

    def expectation(self, one: ExpectationTurn) -> Text:
        how = "as expected now" if one.expected else "not as expected any more"
        return self.page.text(f"{one.what}: {how}" + (f": {one.claim}" if one.claim else ""))

    def version(self, one: VersionTurn) -> Text:
        return self.page.text(version_line(one))

    def only(self, those: tuple[tuple[str, str], Sequence[CellId]]) -> Text:
        (change, server), cells = those
        clients = len({cell.client for cell in cells})
        return self.page.text(f"{change}:{server}: {many(len(cells), 'cell')} of {many(clients, 'client')}")


def _hole_key(one: HoleTurn) -> tuple[str, str, str, str]:
    was, now = one.phases[one.decisive]
    how = f"{was or 'not probed'} -> {now or 'not probed'} {WHEN[one.decisive]}"
    return one.server, one.exposure, how, one.evidence


def version_line(one: VersionTurn) -> str:
    """``server samba-4.22: software X -> Y``: what two runs were not both measured with."""
    name = " ".join(filter(None, (one.kind, one.name)))
    return f"{name}: {one.what} {one.first or 'not recorded'} -> {one.second or 'not recorded'}"
