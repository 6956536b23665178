"""A change request: what will be done, whom it costs and what they see, what it closes, and how to go back.

One page of Markdown for somebody who was not there. Servers on which the same is to be said share a section.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from harness.balance.pareto_front import tables
from harness.catalogue import Catalogue
from harness.report import markdown as md
from harness.report.explain import grouped
from harness.report.formats import Source
from harness.report.labels import Labels
from harness.report.ticket_change import Change, sections
from harness.report.ticket_trust import emulated, not_measured, origin
from harness.report.verdicts import Cost, Verdict, verdicts
from harness.result import RunResult

MOST: Final = 6
"""Changes that are told one by one; of more there is one table."""
_SHORT = {
    Cost.UNKNOWN: "It is not known whom this costs: nothing that was measured shows it.",
    Cost.ALL: "This shuts out everybody who was asked.",
    Cost.SOME: "This takes access away from some.",
    Cost.NOBODY: "Nobody who was asked loses access.",
}


def render(source: Source) -> str:
    """The whole ticket, with a section for each change."""
    result = source.result
    found = _changes(source.catalogue, result)
    lines: list[str] = [f"# Change request: {_title(found)}", "", *_first(result, found), ""]
    if len(found) > 1:
        lines += [*_overview(found), ""]
    if len(found) > MOST:
        command = f"rehearse report {result.run} --format ticket --only CHANGE:SERVER"
        lines += [f"These are too many for one page. A page for one of them: {md.code(command)}", ""]
    for one in found if len(found) <= MOST else ():
        if len(found) > 1:
            lines += [f"## {_heading(one)}", "", md.text(_in_short(one)), ""]
        lines += sections(one, level=3 if len(found) > 1 else 2)
    for heading, body in (
        ("What was emulated", emulated(result)),
        ("What was not measured", not_measured(result)),
        ("Where this comes from", origin(result)),
    ):
        lines += [f"## {heading}", "", *body, ""]
    # One blank line is enough; none of them is inside a block.
    kept = [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
    return "\n".join(kept).rstrip("\n") + "\n"


def _changes(catalogue: Catalogue, result: RunResult) -> list[Change]:
    """Those that cost most first; servers of which the same is to be said together."""
    standing = {
        (one.balance.mitigation, one.balance.server): one
        for table in tables(result)
        for one in table.standings
    }
    found = [
        Change(catalogue, result, one, (one.balance.server,), standing.get(one.name))
        for one in verdicts(result)
    ]
    alike = grouped(
        sorted(found, key=lambda one: one.verdict.cost),
        lambda one: (one.verdict.balance.mitigation, tuple(sections(one, level=2))),
    )
    return [
        Change(
            catalogue,
            result,
            those[0].verdict,
            tuple(one.verdict.balance.server for one in those),
            those[0].standing,
        )
        for those in alike.values()
    ]


def _title(found: Sequence[Change]) -> str:
    titles = dict.fromkeys(one.title for one in found)
    if not titles:
        return "nothing was changed in this rehearsal"
    if len(titles) > 1:
        return f"{len(titles)} changes"
    return md.text(next(iter(titles)))


def _first(result: RunResult, found: Sequence[Change]) -> Iterable[str]:
    """The answer, before anything else; and what stands against believing it."""
    if not result.cells:
        yield "**Nothing was measured: this is no basis for a change.**"
        return
    if len(found) == 1:
        yield f"On {_servers(found[0])}. **{md.text(_in_short(found[0]))}**"
    odd = sum(not cell.expected for cell in result.cells)
    back = sum(cell.restored is False for cell in result.cells)
    doubts = [f"{odd} of {len(result.cells)} results are not what was expected"] if odd else []
    doubts += [f"{back} results are not as before after the rollback"] if back else []
    if not result.complete:
        doubts.append(f"the rehearsal is incomplete: {len(result.cells)} of {result.planned} cells")
    if result.damage:
        doubts.append(f"not all of the run can be read: {result.damage}")
    if doubts:
        yield from ("", f"**Look closer before you decide:** {md.text('; '.join(doubts))}.")


def _in_short(one: Change) -> str:
    """Whom it costs, what it closes, whether it can be undone: in this order, in one line."""
    verdict, balance = one.verdict, one.verdict.balance
    said = [_SHORT[verdict.cost]]
    losers = len(balance.clients_lost)
    if losers:
        lose = "loses" if losers == 1 else "lose"
        said.append(f"{losers} of {losers + len(verdict.keep)} kinds of client {lose} something.")
    if balance.holes:
        before = len(balance.open_before)
        closes = (
            f"It closes {len(balance.closed)} of {before} holes that were open"
            if before
            else "No hole was open"
        )
        said.append(f"{closes}{f', and OPENS {len(balance.opened)}' if balance.opened else ''}.")
    said.append(
        {
            True: "The rollback was tried, and brought everything back.",
            False: "The rollback was tried, and did NOT bring everything back.",
            None: "It was not shown that the rollback brings everything back.",
        }[balance.rolled_back]
    )
    return " ".join(said)


def _overview(found: Sequence[Change]) -> list[str]:
    def row(one: Change) -> list[str]:
        balance = one.verdict.balance
        labels = Labels(one.result)
        loses = md.names(map(labels.client, balance.clients_lost)) or _nobody(one.verdict)
        back = {True: "yes", False: "**NO**", None: "not shown"}[balance.rolled_back]
        closes = f"{len(balance.closed)} of {len(balance.open_before)}" if balance.holes else "not looked at"
        return [md.code(balance.mitigation), _servers(one), loses, closes, back]

    return md.table(
        ("change", "server", "who loses something", "holes closed", "rolled back"), map(row, found)
    )


def _nobody(verdict: Verdict) -> str:
    return "not known" if verdict.cost is Cost.UNKNOWN else "nobody who was asked"


def _heading(one: Change) -> str:
    return f"{md.code(one.verdict.balance.mitigation)} on {_servers(one)}"


def _servers(one: Change) -> str:
    return md.names(map(Labels(one.result).marked, one.servers))
