"""One cell on one screen: what every phase did, step by step."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from rich.console import Console

from harness.errors import UsageError
from harness.model import Attempt, CellId, Phase
from harness.report import connected
from harness.report.answer import draw_language_note
from harness.report.explain import STYLES, emulated, told, word
from harness.report.labels import Labels, ran
from harness.report.language import DEFAULT, Language
from harness.report.page import INDENT, Page, widest
from harness.report.reuse import of_cell
from harness.result import CellResult, RunResult
from harness.system.registry import nearest


def show_cell(
    result: RunResult,
    cell_id: CellId,
    console: Console,
    folder: Path | None = None,
    lang: str = DEFAULT,
    called: str = "",
) -> None:
    """Print one cell of a run in a language, and where in the run folder its evidence is.

    ``called``: what a command takes for this run; its name where that is "".

    Raises UsageError when the run has no such cell.
    """
    known = {str(cell.cell): cell for cell in result.cells}
    found = known.get(str(cell_id))
    if found is None:
        near = nearest(str(cell_id), known)
        raise UsageError(
            f"the run {result.run} has no cell {cell_id}",
            f"did you mean {' or '.join(near)}?" if near else "",
        )
    page = Page(console, lang)
    say = page.say
    page.heading(page.text(str(found.cell), "bold"))
    _verdict(page, found)
    if told := of_cell(found, result, lang):
        first = page.text(f"{say('reuse.measured')}: ", "dim")
        page.hanging(page.text(told), first=first, indent=0, deeper=INDENT)
    labels = Labels(result)
    for one in result.left_out_of(found.cell.mitigation, found.cell.server):
        if one.subject in (found.cell.server, found.cell.client):
            on = say("screen.on", changes=one.part, servers=labels.subject(one.subject))
            left_out = page.text(f"{on}: {one.reason}")
            first = page.text(f"{say('details.left_out')}: ", "dim")
            page.hanging(left_out, first=first, indent=0, deeper=INDENT)
    _actors(page, result, found.cell)
    for phase in Phase:
        if phase in found.phases:
            show_attempt(page, say(f"when.{phase}"), found.phases[phase])
    for name, part in found.parts.items():
        alone = say("one_cell.alone", part=name)
        if part.effect:
            show_attempt(page, alone, part.attempt)
        else:
            missing = page.join((alone, "bold"), f": {say('outcome.not_measured')}")
            page.hanging(missing, indent=0, deeper=INDENT)
            page.hanging(page.text(part.attempt.note, "dim"), deeper=INDENT)
    where = str(folder / found.evidence) if folder and found.evidence else found.evidence
    if not found.unsupported:
        again = f"rehearse replay {quote(str(found.cell))} --run {called or result.run}"
        title = (f"{say('one_cell.evidence')}: ", "dim")
        if where:
            page.hanging(page.text(where), first=page.join(title), indent=0, deeper=INDENT)
        else:
            page.command(again, before=page.join(title, f"{say('one_cell.no_evidence')}: "))
    draw_language_note(page)


def _verdict(page: Page, found: CellResult) -> None:
    say = page.say
    odd = "" if found.expected else f"  {say('one_cell.not_expected')}"
    page.hanging(page.join((word(found.effect, say), STYLES[found.effect]), (odd, "bold yellow")), indent=0)
    if found.restored is not None:
        words = ("one_cell.restored", "") if found.restored else ("one_cell.not_restored", "bold red")
        page.hanging(page.text(say(words[0]), words[1]), indent=0)
    entries = (
        ("one_cell.cause", say.cause(found.cause)),
        ("one_cell.user_sees", say("details.quoted", text=found.user_sees) if found.user_sees else ""),
        ("one_cell.who_said_no", say(f"side.{found.owner}") if found.owner else ""),
        ("details.differs", found.claim),
    )
    for key, value in entries:
        if value:
            page.hanging(page.text(value), first=page.text(f"{say(key)}: ", "dim"), indent=0, deeper=INDENT)


def _actors(page: Page, result: RunResult, cell: CellId) -> None:
    say, labels = page.say, Labels(result)
    actors = (("server", cell.server, result.servers), ("client", cell.client, result.clients))
    for kind, name, facts in actors:
        fact = facts.get(name)
        mark = "~" if fact is None or emulated(fact.fidelity) else ""
        known = say("one_cell.not_recorded")
        if fact is not None:
            known = f"{ran(fact, say)}, {say.known('truth', fact.fidelity)}"
        label = f"{mark}{labels.called(name)} ({say('one_cell.emulated') if mark and fact else ''}{known})"
        first = page.text(f"{say(f'side.{kind}')}: ", "dim")
        page.hanging(page.text(label), first=first, indent=0, deeper=INDENT)


def show_attempt(page: Page, title: str, attempt: Attempt) -> None:
    """How an attempt ended, with what was agreed on, and each of its steps."""
    say = page.say
    page.hanging(
        page.join((title, "bold"), f": {told(attempt, say)}, {attempt.ms:.1f} ms"), indent=0, deeper=INDENT
    )
    facts = (
        ("dialect", attempt.dialect),
        ("signed", _yes(attempt.signed, say)),
        ("encrypted", _yes(attempt.encrypted, say)),
        ("cipher", attempt.cipher),
        ("auth", say.known("value", attempt.auth) if attempt.auth else None),
        ("as", say(f"value.{attempt.identity}") if attempt.identity else None),
    )
    line = ", ".join(f"{say(f'one_cell.{name}')} {value}" for name, value in facts if value)
    # What the client said at the step that failed stands beside that step.
    note = "" if any(step.detail == attempt.note for step in attempt.steps) else attempt.note
    unsure = say("one_cell.unsure", text=attempt.unsure) if attempt.unsure else ""
    doubt = say("one_cell.not_settled", text=attempt.not_settled) if attempt.not_settled else ""
    inferred = say("one_cell.inferred", text=attempt.inferred) if attempt.inferred else ""
    shared = say("one_cell.made_for", change=attempt.made_for) if attempt.made_for else ""
    stayed = connected.line(attempt.stayed, say) if attempt.stayed else ""
    for text in (line, stayed, note, unsure, doubt, inferred, attempt.tried_again, shared):
        if text:
            page.hanging(page.text(text, "dim"), deeper=INDENT)
    third = page.width // 3 - INDENT
    widths = [
        min(third, widest([page.text(step.name) for step in attempt.steps])),
        min(third, widest([page.text(step.status) for step in attempt.steps])),
        third,
    ]
    for step in attempt.steps:
        answer = page.text(step.status, "" if step.ok else "bold red")
        page.grid([[page.text(step.name), answer, page.text(f"{step.ms:8.1f} ms")]], widths)
        if step.detail:
            page.hanging(page.text(step.detail, "dim"), indent=2 * INDENT, deeper=INDENT)


def _yes(value: bool | None, say: Language) -> str | None:
    return None if value is None else say("one_cell.yes" if value else "one_cell.no")
