"""A run on a terminal: one block a scenario row, in it one matrix a mitigation and server, then why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console

from harness.model import CellId, Effect, Phase
from harness.report.answer import draw_answer, draw_language_note, draw_notes
from harness.report.explain import STYLES, emulated, grouped, reasons, seen, told, who, word
from harness.report.gates import draw_gates
from harness.report.holes import draw_holes
from harness.report.labels import Labels, ran
from harness.report.language import DEFAULT
from harness.report.matrix import draw
from harness.report.overview import draw_overview
from harness.report.page import INDENT, Page
from harness.report.spent import draw_spent
from harness.report.twosided import draw_balance, draw_combinations, draw_stages
from harness.result import Applied, CellResult, ClientFact, RunResult, ServerFact

LOUD = "bold red"


def render(
    result: RunResult, console: Console, *, details: bool = False, lang: str = DEFAULT, called: str = ""
) -> None:
    """Print a run in a language: the answer, and with ``details`` everything that it rests on.

    ``called``: what a command takes for this run; "" for the newest, which is meant where none is named.
    Never wider than the console; harmless whatever servers and programs sent.
    """
    page = Page(console, lang)
    with page.at_once():
        draw_answer(page, result, details=details, called=called)
        if details:
            page.blank()
            _Report(result, page).render()
            draw_language_note(page)
        else:
            draw_notes(page, result)
        draw_gates(page, result, details=details)


def render_pair(result: RunResult, mitigation: str, server: str, page: Page) -> None:
    """Print all that a run measured of one mitigation on one server, its exposures apart."""
    cells = [c.cell for c in result.cells if (c.cell.mitigation, c.cell.server) == (mitigation, server)]
    if cells:
        _Report(result, page).matrix(mitigation, server, cells, holes=False)


class _Report:
    def __init__(self, result: RunResult, page: Page) -> None:
        self.result = result
        self.page = page
        self.say = page.say
        self.labels = Labels(result)
        self.cells = {cell.cell: cell for cell in result.cells}
        self.shown: set[Applied] = set()

    def render(self) -> None:
        page, result = self.page, self.result
        in_rows = {cell for row in result.rows for cell in row.cells}
        for row in result.rows:
            self.block(row.name, row.title, row.cells)
        others = [cell for cell in self.cells if cell not in in_rows]
        if others:
            self.block(self.say("details.other_cells"), self.say("details.in_no_scenario"), others)
        self.also_applied()
        self.not_applicable()
        self.measured_with()
        self.done_instead()
        draw_spent(page, result)
        if result.exposures:
            draw_balance(page, result)
        else:
            draw_overview(page, result, self.labels.client, self.labels.marked)
        draw_combinations(page, result)
        draw_stages(page, result)
        self.legend()
        self.summary()

    def block(self, name: str, title: str, cells: Iterable[CellId]) -> None:
        """One scenario row: its name, what it rehearses, and a matrix for each mitigation and server."""
        self.page.heading(self.page.join((name, "bold"), f"  {title}"))
        for (mitigation, server), ids in grouped(cells, lambda c: (c.mitigation, c.server)).items():
            self.matrix(mitigation, server, ids)

    def matrix(self, mitigation: str, server: str, ids: Sequence[CellId], *, holes: bool = True) -> None:
        """Clients against checks for one mitigation on one server, and what explains it."""
        page, say = self.page, self.say
        on = page.filled("screen.on", changes=(mitigation, "bold"), servers=self.labels.server(server, say))
        page.hanging(on, deeper=INDENT)
        draw(page, ids, self.cells, self.labels.client)
        for one in self.result.left_out_of(mitigation, server):
            where = say("screen.on", changes=one.part, servers=self.labels.subject(one.subject))
            self.page.hanging(
                page.text(f"{where}: {one.reason}"),
                first=page.text(f"{say('details.left_out')}: ", "bold yellow"),
                indent=2 * INDENT,
                deeper=INDENT,
            )
        names = {server, *(cell.client for cell in ids)}
        for applied in self.result.applied:
            if applied.mitigation == mitigation and applied.server in names:
                self.proof(applied, "" if applied.server == server else f" ({applied.server})")
        if holes:
            self.holes(mitigation, server)
        measured = [self.cells[cell] for cell in dict.fromkeys(ids) if cell in self.cells]
        for reason in reasons(measured, say):
            head = page.join(
                (word(reason.effect, say), STYLES[reason.effect]), " ", who(reason.cells, self.labels.client)
            )
            sees = seen(reason.cells, self.labels.client, say)
            # Their outcome says no more than the word in front of it.
            where = "" if reason.effect in (Effect.FAULT, Effect.NOT_SETTLED) else f": {reason.what}"
            body = page.join(f"{where}: {reason.cause}", f"; {sees}" if sees else "")
            page.hanging(body, first=head, indent=2 * INDENT, deeper=INDENT)
        self.not_restored(measured)
        for claim, cells in grouped((c for c in measured if c.claim), lambda c: c.claim).items():
            body = page.join(f"{who(cells, self.labels.client)}: {claim}")
            first = page.text(f"{say('details.differs')}: ", "bold yellow")
            page.hanging(body, first=first, indent=2 * INDENT, deeper=INDENT)
        for text, cells in grouped((c for c in measured if c.inferred), lambda c: c.inferred).items():
            body = page.join(f"{who(cells, self.labels.client)}: {text}")
            first = page.text(f"{say('details.only_inferred')}: ", "bold yellow")
            page.hanging(body, first=first, indent=2 * INDENT, deeper=INDENT)
        for found in measured:
            for remark in found.remarks:
                told = page.text(f"{self.labels.client(found.cell.client)} {found.cell.check}: {remark}")
                first = page.text(f"{say('screen.note')}: ", "bold yellow")
                page.hanging(told, first=first, indent=2 * INDENT, deeper=INDENT)
        page.blank()

    def holes(self, mitigation: str, server: str) -> None:
        """What the change did to the server's exposures."""
        pair = (mitigation, server)
        draw_holes(
            self.page,
            [e for e in self.result.exposures if (e.mitigation, e.server) == pair],
            self.result,
        )

    def not_restored(self, measured: Iterable[CellResult]) -> None:
        """The worst news there is: the change was taken back, and it is not as it was."""
        lost = [cell for cell in measured if cell.restored is False]

        def key(cell: CellResult) -> tuple[str, str]:
            before, after = cell.phases.get(Phase.BASELINE), cell.phases.get(Phase.ROLLED_BACK)
            return told(before, self.say), told(after, self.say)

        for (before, after), cells in grouped(lost, key).items():
            clients = who(cells, self.labels.client)
            self.page.hanging(
                self.page.text(self.say("details.was_is", clients=clients, before=before, after=after)),
                first=self.page.text(f"{self.say('details.not_restored')} ", LOUD),
                indent=2 * INDENT,
                deeper=INDENT,
            )

    def proof(self, applied: Applied, where: str) -> None:
        """How it was seen that the mitigation was in force, and that it was gone again."""
        say = self.say
        self.shown.add(applied)
        proofs = [
            (say("details.took_effect"), applied.took_effect),
            (say("details.taken_back"), applied.undone),
        ]
        if applied.already:
            # Of a machine it is still to be shown that it is as it was.
            proofs = [proof for proof in proofs if proof[1]]
            nothing = self.result.changes_nothing(applied.mitigation, applied.server)
            how = say("screen.already_all" if nothing else "details.seen_before")
            proofs += [
                (how if one.what == applied.mitigation else f"{one.what}: {how}", one.seen)
                for one in applied.already
            ]
        if applied.took_effect and applied.took_effect == applied.undone:
            # What looks the same with the change and without it shows no change.
            proofs = [(say("details.seen_after"), applied.undone)]
        for what, evidence in proofs:
            self.page.hanging(
                self.page.join(evidence or (say("details.not_shown"), LOUD)),
                first=self.page.text(f"{what}{where}: ", "dim"),
                indent=2 * INDENT,
                deeper=INDENT,
            )

        ways = (("pristine", applied.pristine), ("brought_back", applied.brought_back))
        for way, recovery in ways:
            if recovery is not None:
                failed = "; ".join(recovery.failed)
                how = say(
                    "details.recovery",
                    rung=say.known("rung", recovery.rung),
                    seconds=f"{recovery.seconds:.1f}",
                    tried=say("details.recovery_tried", failed=failed) if failed else "",
                    evidence=recovery.evidence,
                )
                self.page.hanging(
                    self.page.text(how),
                    first=self.page.text(f"{say(f'details.{way}')}{where}: ", "dim"),
                    indent=2 * INDENT,
                    deeper=INDENT,
                )

    def also_applied(self) -> None:
        """Evidence that belongs to no matrix of this report."""
        rest = [applied for applied in self.result.applied if applied not in self.shown]
        if not rest:
            return
        self.page.heading(self.page.text(self.say("details.also_applied"), "bold"))
        for applied in rest:
            on = self.say("screen.on", changes=applied.mitigation, servers=self.labels.called(applied.server))
            self.proof(applied, f" ({on})")
        self.page.blank()

    def not_applicable(self) -> None:
        """What could not be rehearsed, and why."""
        if not self.result.not_applicable:
            return
        self.page.heading(self.page.text(self.say("details.not_applicable"), "bold"))
        for (mitigation, reason), pairs in grouped(
            self.result.not_applicable, lambda pair: (pair.mitigation, pair.reason)
        ).items():
            subjects = ", ".join(self.labels.subject(pair.subject) for pair in pairs)
            on = self.say("screen.on", changes=mitigation, servers=subjects)
            self.page.hanging(self.page.text(f"{on}: {reason}"), deeper=INDENT)
        self.page.blank()

    def measured_with(self) -> None:
        """Which servers and clients were real, and what speaks for those that were not."""
        facts: list[ServerFact | ClientFact] = [*self.result.servers.values(), *self.result.clients.values()]
        if not facts:
            return
        say = self.say
        self.page.heading(self.page.text(say("details.measured_with"), "bold"))
        for (fidelity, software), those in grouped(facts, lambda f: (f.fidelity, ran(f, say))).items():
            called = say.known("truth", fidelity)
            title = say("details.emulated", fidelity=called) if emulated(fidelity) else called
            means = say.sections["fidelity"].get(fidelity, "")
            names = ", ".join(self.labels.called(fact.name) for fact in those)
            self.page.hanging(
                self.page.text(f"{names} · {software}"),
                first=self.page.join((title, "bold"), f" ({means}): " if means else ": "),
                deeper=INDENT,
            )
        self.page.blank()

    def done_instead(self) -> None:
        """What of the user's own configuration cannot be had in the lab, once for all shares of it."""
        told = dict.fromkeys(fact.instead for fact in self.result.servers.values() if fact.instead)
        for sentences in told:
            names = [
                self.labels.called(name)
                for name, fact in self.result.servers.items()
                if fact.instead == sentences
            ]
            title = self.say("details.done_instead", names=", ".join(names))
            self.page.heading(self.page.text(title, "bold"))
            for sentence in sentences:
                self.page.hanging(self.page.text(sentence), deeper=INDENT)
            self.page.blank()

    def legend(self) -> None:
        """What the words and marks mean."""
        self.page.hanging(self.page.text(self.say("details.legend"), "dim"), indent=0)

    def summary(self) -> None:
        """The last line: how many of each. What was not as expected stands on top of the report."""
        page, result, say = self.page, self.result, self.say
        counts = result.summary()
        usual = [effect for effect in Effect if counts[effect] or effect is not Effect.NOT_SETTLED]
        told = ", ".join(say(f"counted.{effect.name.lower()}", n=counts[effect]) for effect in usual)
        odd = counts["unexpected"]
        page.blank()
        ends = "details.summary_odd" if odd else "details.summary_good"
        page.hanging(page.text(say(ends, counts=told, n=odd)), indent=0)
