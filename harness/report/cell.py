"""One cell on one screen: what every phase did, step by step."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from rich.console import Console

from harness.errors import UsageError
from harness.model import Attempt, CellId
from harness.report.explain import STYLES, WORDS, emulated, told
from harness.report.page import INDENT, Page, widest
from harness.result import WHEN, CellResult, RunResult
from harness.system.registry import nearest


def show_cell(result: RunResult, cell_id: CellId, console: Console, folder: Path | None = None) -> None:
    """Print one cell of a run, and where in the run folder its evidence is.

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
    page = Page(console)
    page.heading(page.text(str(found.cell), "bold"))
    _verdict(page, found)
    for one in result.left_out_of(found.cell.mitigation, found.cell.server):
        if one.subject in (found.cell.server, found.cell.client):
            left_out = page.text(f"{one.part} on {one.subject}: {one.reason}")
            page.hanging(left_out, first=page.text("left out: ", "dim"), indent=0, deeper=INDENT)
    _actors(page, result, found.cell)
    for phase, title in WHEN.items():
        if phase in found.phases:
            show_attempt(page, title, found.phases[phase])
    for name, part in found.parts.items():
        if part.effect:
            show_attempt(page, f"with {name} alone", part.attempt)
        else:
            page.hanging(page.join((f"with {name} alone", "bold"), ": not measured"), indent=0, deeper=INDENT)
            page.hanging(page.text(part.attempt.note, "dim"), deeper=INDENT)
    where = str(folder / found.evidence) if folder and found.evidence else found.evidence
    if not found.unsupported:
        again = f"rehearse replay {quote(str(found.cell))} --run {result.run}"
        kept = where or f"none was kept; measure it again: {again}"
        page.hanging(page.text(kept), first=page.text("evidence: ", "dim"), indent=0, deeper=INDENT)


def _verdict(page: Page, found: CellResult) -> None:
    odd = "" if found.expected else "  NOT as expected"
    page.hanging(page.join((WORDS[found.effect], STYLES[found.effect]), (odd, "bold yellow")), indent=0)
    if found.restored is not None:
        words = (
            ("restored by the rollback", "")
            if found.restored
            else ("NOT RESTORED by the rollback", "bold red")
        )
        page.hanging(page.text(*words), indent=0)
    entries = (
        ("cause", found.cause),
        ("user sees", f'"{found.user_sees}"' if found.user_sees else ""),
        ("who said no", str(found.owner or "")),
        ("differs", found.claim),
    )
    for name, value in entries:
        if value:
            page.hanging(page.text(value), first=page.text(f"{name}: ", "dim"), indent=0, deeper=INDENT)


def _actors(page: Page, result: RunResult, cell: CellId) -> None:
    actors = (("server", cell.server, result.servers), ("client", cell.client, result.clients))
    for kind, name, facts in actors:
        fact = facts.get(name)
        mark = "~" if fact is None or emulated(fact.fidelity) else ""
        known = "not recorded" if fact is None else f"{fact.software}, {fact.fidelity}"
        label = f"{mark}{name} ({'emulated: ' if mark and fact else ''}{known})"
        page.hanging(page.text(label), first=page.text(f"{kind}: ", "dim"), indent=0, deeper=INDENT)


def show_attempt(page: Page, title: str, attempt: Attempt) -> None:
    """How an attempt ended, with what was agreed on, and each of its steps."""
    page.hanging(
        page.join((title, "bold"), f": {told(attempt)}, {attempt.ms:.1f} ms"), indent=0, deeper=INDENT
    )
    facts = (
        ("dialect", attempt.dialect),
        ("signed", _yes(attempt.signed)),
        ("encrypted", _yes(attempt.encrypted)),
        ("cipher", attempt.cipher),
        ("auth", attempt.auth),
        ("as", attempt.identity),
    )
    line = ", ".join(f"{name} {value}" for name, value in facts if value)
    # What the client said at the step that failed stands beside that step.
    note = "" if any(step.detail == attempt.note for step in attempt.steps) else attempt.note
    unsure = f"step and status are not verified: {attempt.unsure}" if attempt.unsure else ""
    doubt = f"not settled: {attempt.not_settled}" if attempt.not_settled else ""
    inferred = f"only inferred: {attempt.inferred}" if attempt.inferred else ""
    stayed = attempt.stayed.in_words if attempt.stayed else ""
    for text in (line, stayed, note, unsure, doubt, inferred, attempt.tried_again):
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


def _yes(value: bool | None) -> str | None:
    return None if value is None else ("yes" if value else "no")
