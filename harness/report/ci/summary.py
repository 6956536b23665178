"""A run on the page of a job of continuous integration: the verdict, what is wrong, and a line a change.

Markdown for ``$GITHUB_STEP_SUMMARY``, which takes a mebibyte of a step: long lists are cut, and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from harness.balance.machines import machines_of
from harness.model import Effect
from harness.report import answer, spent
from harness.report import markdown as md
from harness.report.answer import what_is_taken
from harness.report.ci.trouble import troubles, wrong
from harness.report.counted import all_odd
from harness.report.explain import WORDS, grouped
from harness.report.formats import Source
from harness.report.labels import Labels
from harness.report.language import DEFAULT, language
from harness.report.machines import losses, rest
from harness.report.reuse import of_run, sentences
from harness.report.untouched import in_lines
from harness.report.verdicts import Cost, Verdict, verdicts
from harness.report.words import versions, why
from harness.result import CellResult, RunResult

MOST: Final = 100
"""Rows of a table; of more the rest is counted."""
_LONGEST: Final = 400
"""Characters of a cause: a page is no log."""
T = TypeVar("T")


def render(source: Source) -> str:
    """The whole page."""
    result = source.result
    lines = [f"## SMB rehearsal: {_verdict(result)}", "", _counts(result), ""]
    for told in sentences(of_run(result), len(result.cells), language(DEFAULT)):
        lines += [md.text(told), ""]
    for title, body in (
        ("Not as expected", _wrong(result)),
        ("Holes and gates", _troubles(source)),
        ("Each change", _changes(result)),
        ("What people see, what it closes, what to do", _answer(result)),
        ("Nothing is changed: who gets in, and what is open", _untouched(result)),
    ):
        rows = list(body)
        if rows:
            lines += [f"### {title}", "", *rows, ""]
    lines += [*_versions(result), "", *_spent(result)]
    lines.append(f"Look closer: {md.code(f'rehearse report {source.named} --details')}")
    return "\n".join(lines) + "\n"


def _verdict(result: RunResult) -> str:
    if not result.cells:
        return "nothing was measured"
    if result.damage or not result.complete:
        return "incomplete"
    words, found = language(DEFAULT), verdicts(result)
    if odd := all_odd(result, words):
        return md.text("; ".join(odd))
    # Expected is no good news of itself: a loss that was foreseen is a loss.
    return md.text("; ".join(["all as expected", *([what_is_taken(found, words)] if found else [])]))


def _counts(result: RunResult) -> str:
    """How many cells of each effect; a loss that was foreseen is a loss."""
    counts = {name: count for name, count in result.summary().items() if count and name != "unexpected"}
    told = ", ".join(f"{count} {name}" for name, count in counts.items()) or "no cells"
    done = "" if result.complete else f" ({len(result.cells)} of {result.planned} planned cells)"
    damage = f" {md.text(result.damage)}." if result.damage else ""
    return f"{md.code(result.run)}, lab {md.code(result.lab)}: {told}{done}.{damage}"


def _wrong(result: RunResult) -> Iterable[str]:
    labels = Labels(result)

    def alike(cell: CellResult) -> tuple[str, str, str, str]:
        return cell.cell.mitigation, cell.cell.server, str(cell.effect), why(cell)

    def row(group: tuple[tuple[str, str, str, str], list[CellResult]]) -> list[str]:
        (change, server, effect, because), cells = group
        who = dict.fromkeys(f"{labels.client(cell.cell.client)} {cell.cell.check}" for cell in cells)
        place = f"{md.code(change)} on {md.code(labels.marked(server))}"
        names = md.names(list(who)[:MOST])
        return [f"**{WORDS[Effect(effect)]}**", place, names, md.text(_short(because))]

    groups = list(grouped((cell for cell in result.cells if wrong(result, cell)), alike).items())
    return _table(("", "change", "client and check", "why"), groups, row)


def _troubles(source: Source) -> Iterable[str]:
    return _table(
        ("what", "which", "why"),
        troubles(source.result, source.named),
        lambda one: [md.text(one.title), md.code(one.name), md.text(_short(one.why))],
    )


_NOBODY = {Cost.UNKNOWN: "not known", Cost.OUTSIDE: "nobody: refused before, and still, as intended"}


def _changes(result: RunResult) -> Iterable[str]:
    labels = Labels(result)
    costs = machines_of(result)

    def row(one: Verdict) -> list[str]:
        balance = one.balance
        machines = costs.get(one.name)
        words = language(DEFAULT)
        told = (
            [*losses(machines, words, labels.client), *rest(machines.whole, words, labels.client)]
            if machines
            else []
        )
        nobody = _NOBODY.get(one.cost, "nobody who was asked")
        looked = f"{len(balance.closed)} of {len(balance.open_before)}" if balance.looked else "not known"
        closes = looked if balance.holes else "not looked at"
        closes += f", **OPENS {len(balance.opened)}**" if balance.opened else ""
        return [
            md.code(balance.mitigation),
            md.code(labels.marked(balance.server)),
            "; ".join([md.names(map(labels.client, balance.clients_lost)) or nobody, *map(md.text, told)]),
            closes,
            {True: "yes", False: "**NO**", None: "not shown"}[balance.rolled_back],
        ]

    head = ("change", "server", "who loses something", "holes closed", "as before after the rollback")
    return _table(head, sorted(verdicts(result), key=lambda one: one.cost), row)


def _answer(result: RunResult) -> Iterable[str]:
    """As the first screen of a terminal has it."""
    left = MOST
    for title, advice, those in answer.in_lines(result, language(DEFAULT)):
        shown = those[:left]
        if shown:
            yield from (f"**{md.text(title)}**: {md.text(advice)}", "")
            yield from (f"- {md.text(': '.join(filter(None, one)))}" for one in shown)
            yield ""
        left -= len(shown)


def _untouched(result: RunResult) -> Iterable[str]:
    """Where no change was made: that all is as expected says nothing of who is refused every day."""
    if not verdicts(result):
        yield from (f"- {md.text(line)}" for line in in_lines(result, language(DEFAULT)))


def _table(head: Sequence[str], things: Sequence[T], row: Callable[[T], list[str]]) -> Iterable[str]:
    if not things:
        return
    yield from md.table(head, map(row, things[:MOST]))
    if len(things) > MOST:
        yield from ("", f"{len(things) - MOST} more are not shown here.")


def _versions(result: RunResult) -> Iterable[str]:
    yield from ("<details><summary>Measured with (~ is emulated)</summary>", "")
    shown = list(versions(result).items())
    yield from md.table(("what", "version"), ([md.code(key), md.code(value)] for key, value in shown[:MOST]))
    yield from ("", "</details>")


def _spent(result: RunResult) -> Iterable[str]:
    part, words = spent.of_run(result), language(DEFAULT)
    if part is None:
        return
    yield from (f"<details><summary>{words('spent.section')}</summary>", "")
    for told in spent.sentences(part, len(result.reuse.cells), len(result.cells), words):
        yield from (md.text(told), "")
    if rows := spent.rows(part, words):
        yield from (*md.table(spent.head(part, words), rows), "")
    yield from ("</details>", "")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
