"""A run on a terminal: one block a scenario row, in it one matrix a mitigation and server, then why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console

from harness.model import CellId, Effect, Phase
from harness.report.answer import draw_answer, draw_notes
from harness.report.explain import STYLES, WORDS, emulated, grouped, reasons, seen, told, who
from harness.report.gates import draw_gates
from harness.report.holes import draw_holes
from harness.report.labels import Labels
from harness.report.language import DEFAULT, language
from harness.report.matrix import draw
from harness.report.overview import draw_overview
from harness.report.page import INDENT, Page
from harness.report.twosided import draw_balance, draw_combinations, draw_stages
from harness.result import Applied, CellResult, ClientFact, RunResult, ServerFact

LOUD = "bold red"


def render(result: RunResult, console: Console, *, details: bool = False, lang: str = DEFAULT) -> None:
    """Print a run: the answer, and with ``details`` everything that it rests on.

    Never wider than the console; harmless whatever servers and programs sent. ``lang``: the language of the
    answer alone; details are in English, and so is what stands above them.
    """
    page = Page(console, DEFAULT if details else lang)
    draw_answer(page, result, details=details)
    if details:
        page.blank()
        _Report(result, page).render()
    else:
        draw_notes(page, result)
    draw_gates(page, result, details=details)


def render_pair(result: RunResult, mitigation: str, server: str, console: Console) -> None:
    """Print all that a run measured of one mitigation on one server, its exposures apart."""
    cells = [c.cell for c in result.cells if (c.cell.mitigation, c.cell.server) == (mitigation, server)]
    if cells:
        _Report(result, Page(console)).matrix(mitigation, server, cells, holes=False)


class _Report:
    def __init__(self, result: RunResult, page: Page) -> None:
        self.result = result
        self.page = page
        self.labels = Labels(result)
        self.cells = {cell.cell: cell for cell in result.cells}
        self.shown: set[Applied] = set()

    def render(self) -> None:
        page, result = self.page, self.result
        in_rows = {cell for _, _, cells in result.rows for cell in cells}
        for name, title, cells in result.rows:
            self.block(name, title, cells)
        others = [cell for cell in self.cells if cell not in in_rows]
        if others:
            self.block("other cells", "in no scenario of this run", others)
        self.also_applied()
        self.not_applicable()
        self.measured_with()
        self.done_instead()
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
        page = self.page
        page.hanging(page.join((mitigation, "bold"), " on ", self.labels.server(server)), deeper=INDENT)
        draw(page, ids, self.cells, self.labels.client)
        for one in self.result.left_out_of(mitigation, server):
            self.page.hanging(
                self.page.join(f"{one.part} on {one.subject}: {one.reason}"),
                first=self.page.text("left out: ", "bold yellow"),
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
        for reason in reasons(measured):
            head = page.join(
                (WORDS[reason.effect], STYLES[reason.effect]), " ", who(reason.cells, self.labels.client)
            )
            sees = seen(reason.cells, self.labels.client)
            # Their outcome says no more than the word in front of it.
            where = "" if reason.effect in (Effect.FAULT, Effect.NOT_SETTLED) else f": {reason.what}"
            body = page.join(f"{where}: {reason.cause}", f"; {sees}" if sees else "")
            page.hanging(body, first=head, indent=2 * INDENT, deeper=INDENT)
        self.not_restored(measured)
        for claim, cells in grouped((c for c in measured if c.claim), lambda c: c.claim).items():
            body = page.join(f"{who(cells, self.labels.client)}: {claim}")
            page.hanging(body, first=page.text("differs: ", "bold yellow"), indent=2 * INDENT, deeper=INDENT)
        for text, cells in grouped((c for c in measured if c.inferred), lambda c: c.inferred).items():
            body = page.join(f"{who(cells, self.labels.client)}: {text}")
            page.hanging(
                body, first=page.text("only inferred: ", "bold yellow"), indent=2 * INDENT, deeper=INDENT
            )
        for found in measured:
            for remark in found.remarks:
                told = page.text(f"{self.labels.client(found.cell.client)} {found.cell.check}: {remark}")
                page.hanging(told, first=page.text("note: ", "bold yellow"), indent=2 * INDENT, deeper=INDENT)
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
            return told(cell.phases.get(Phase.BASELINE)), told(cell.phases.get(Phase.ROLLED_BACK))

        for (before, after), cells in grouped(lost, key).items():
            self.page.hanging(
                self.page.join(
                    f"{who(cells, self.labels.client)}: {before} before, {after} after the rollback"
                ),
                first=self.page.text("NOT RESTORED ", LOUD),
                indent=2 * INDENT,
                deeper=INDENT,
            )

    def proof(self, applied: Applied, where: str) -> None:
        """How it was seen that the mitigation was in force, and that it was gone again."""
        self.shown.add(applied)
        proofs = [("took effect", applied.took_effect), ("taken back", applied.undone)]
        if applied.already:
            # Of a machine it is still to be shown that it is as it was.
            proofs = [proof for proof in proofs if proof[1]]
            how = "seen before the change too, which proves nothing"
            if self.result.changes_nothing(applied.mitigation, applied.server):
                how = "already so: changes nothing here"
            proofs += [
                (how if one.what == applied.mitigation else f"{one.what}: {how}", one.seen)
                for one in applied.already
            ]
        if applied.took_effect and applied.took_effect == applied.undone:
            # What looks the same with the change and without it shows no change.
            proofs = [("changes nothing here, seen the same with it and after it", applied.undone)]
        for word, evidence in proofs:
            self.page.hanging(
                self.page.join(evidence or ("NOT SHOWN", LOUD)),
                first=self.page.text(f"{word}{where}: ", "dim"),
                indent=2 * INDENT,
                deeper=INDENT,
            )

        ways = (("pristine by", applied.pristine), ("brought back by", applied.brought_back))
        for word, recovery in ways:
            if recovery is not None:
                tried = f" after {'; '.join(recovery.failed)}" if recovery.failed else ""
                self.page.hanging(
                    self.page.join(
                        f"{recovery.rung} in {recovery.seconds:.1f} s{tried}: {recovery.evidence}"
                    ),
                    first=self.page.text(f"{word}{where}: ", "dim"),
                    indent=2 * INDENT,
                    deeper=INDENT,
                )

    def also_applied(self) -> None:
        """Evidence that belongs to no matrix of this report."""
        rest = [applied for applied in self.result.applied if applied not in self.shown]
        if not rest:
            return
        self.page.heading(self.page.text("Also applied", "bold"))
        for applied in rest:
            self.proof(applied, f" ({applied.mitigation} on {applied.server})")
        self.page.blank()

    def not_applicable(self) -> None:
        """What could not be rehearsed, and why."""
        if not self.result.not_applicable:
            return
        self.page.heading(self.page.text("Not applicable", "bold"))
        for (mitigation, reason), pairs in grouped(
            self.result.not_applicable, lambda pair: (pair.mitigation, pair.reason)
        ).items():
            subjects = ", ".join(pair.subject for pair in pairs)
            self.page.hanging(self.page.join(f"{mitigation} on {subjects}: {reason}"), deeper=INDENT)
        self.page.blank()

    def measured_with(self) -> None:
        """Which servers and clients were real, and what speaks for those that were not."""
        facts: list[ServerFact | ClientFact] = [*self.result.servers.values(), *self.result.clients.values()]
        if not facts:
            return
        self.page.heading(self.page.text("Measured with", "bold"))
        for (fidelity, software), those in grouped(facts, lambda f: (f.fidelity, f.software)).items():
            mark = "~ emulated, " if emulated(fidelity) else ""
            means = language(DEFAULT).sections["fidelity"].get(fidelity, "")
            self.page.hanging(
                self.page.join(
                    f"{', '.join(fact.name for fact in those)} · {software or 'version not known'}"
                ),
                first=self.page.join((f"{mark}{fidelity}", "bold"), f" ({means}): " if means else ": "),
                deeper=INDENT,
            )
        self.page.blank()

    def done_instead(self) -> None:
        """What of the user's own configuration cannot be had in the lab, once for all shares of it."""
        told = dict.fromkeys(fact.instead for fact in self.result.servers.values() if fact.instead)
        for sentences in told:
            names = [name for name, fact in self.result.servers.items() if fact.instead == sentences]
            self.page.heading(self.page.text(f"Done instead on {', '.join(names)}", "bold"))
            for sentence in sentences:
                self.page.hanging(self.page.text(sentence), deeper=INDENT)
            self.page.blank()

    def legend(self) -> None:
        """What the words and marks mean."""
        meanings = (
            "kept: works as before · LOST: worked before, not now · gained: works only now · "
            "never: did not work before either · not settled: came through here, and whether the real client "
            "does is not known · FAULT: the lab broke, no result · ! not as expected · "
            "~ emulated · n/a: this client cannot do it at all · ? not measured · - not asked"
        )
        self.page.hanging(self.page.text(meanings, "dim"), indent=0)

    def summary(self) -> None:
        """The last line: how many of each. What was not as expected stands on top of the report."""
        page, result = self.page, self.result
        counts = result.summary()
        usual = [effect for effect in Effect if counts[effect] or effect is not Effect.NOT_SETTLED]
        text = ", ".join(f"{counts[effect]} {effect}" for effect in usual)
        odd = counts["unexpected"]
        page.blank()
        page.hanging(page.text(f"{text}; {f'{odd} NOT as expected' if odd else 'all as expected'}"), indent=0)
