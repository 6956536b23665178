"""One change in a ticket: the sections from what will be done to how to go back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.balance.pareto_front import Standing
from harness.balance.weigh import SAFE
from harness.catalogue import Catalogue
from harness.model import Effect, Hole, Phase, Platform, Side
from harness.planning.settings import COPY, Doing, on_clients, on_server
from harness.report import markdown as md
from harness.report.explain import grouped
from harness.report.labels import Labels
from harness.report.verdicts import Cost, Verdict, aims_in_words, gravest_first, undecided
from harness.report.words import in_words
from harness.result import NO_CHANGE, Applied, CellResult, RunResult


@dataclass(frozen=True, slots=True)
class Change:
    """One mitigation on servers of which the same is to be said; ``verdict`` is that of the first."""

    catalogue: Catalogue
    result: RunResult
    verdict: Verdict
    servers: tuple[str, ...]
    standing: Standing | None

    @property
    def title(self) -> str:
        """What it is, in words."""
        fact = self.result.mitigations.get(self.verdict.balance.mitigation)
        return fact.title if fact else self.verdict.balance.mitigation

    @property
    def on_server(self) -> bool:
        """Whether it acts on the server, where the holes are looked for; so is one that nobody knows."""
        fact = self.result.mitigations.get(self.verdict.balance.mitigation)
        return fact is None or Side.SERVER in fact.side

    @property
    def own(self) -> list[CellResult]:
        """Its cells on the first server, without what a client cannot do at all."""
        cells = self.result.cells
        return [
            c for c in cells if (c.cell.mitigation, c.cell.server) == self.verdict.name and not c.unsupported
        ]

    @property
    def proofs(self) -> list[Applied]:
        """What was seen of it on the first server, and on clients that it was made on."""
        change, server = self.verdict.name
        there = {server, *(cell.cell.client for cell in self.own)}
        return [one for one in self.result.applied if one.mitigation == change and one.server in there]


def sections(one: Change, level: int) -> list[str]:
    """The sections; ``level`` is that of their headings. No name of a server is in them."""
    lines: list[str] = []
    for heading, body in (
        ("What will be done", _done(one)),
        ("Who loses what, and what they see", _lost(one)),
        ("What it closes", _closed(one)),
        ("What to do first", _first(one)),
        ("How to roll back, and how that was verified", _back(one)),
    ):
        lines += [f"{'#' * level} {heading}", "", *body, ""]
    return lines


def _doings(one: Change) -> tuple[Doing, ...]:
    change, server = one.verdict.name
    return (*on_server(one.catalogue, change, server), *on_clients(one.catalogue, change))


def _done(one: Change) -> Iterator[str]:
    change, server = one.verdict.name
    fact = one.result.mitigations.get(change)
    yield f"{md.text(one.title)} ({md.code(change)}):"
    yield ""
    doings = _doings(one)
    if not doings:
        yield "The exact settings are not known to this version of smb-rehearsal."
    for number, doing in enumerate(doings, 1):
        yield from _numbered(number, doing.where, doing.do, doing.language)
    for (part, reason), those in grouped(
        one.result.left_out_of(change, server), lambda out: (out.part, out.reason)
    ).items():
        where = [out.subject for out in those if out.subject != server]
        on = f" on {md.names(map(Labels(one.result).client, where))}" if where else ""
        yield from ("", f"**Without** {md.code(part)}{on}: {md.text(reason)}.")
    if one.result.changes_nothing(change, server):
        yield from (
            "",
            "**It was in force already on the server of the rehearsal: there it changed nothing.**",
        )
    if fact and fact.expectation:
        yield ""
        yield f"What is to be expected: {md.text(fact.expectation)} ({md.text(fact.source)})."
    for proof in one.proofs:
        if proof.took_effect:
            yield from ("", f"Seen in the rehearsal, that it was in force: {md.text(proof.took_effect)}.")


def _numbered(number: int, where: str, lines: Iterable[str], language: str) -> Iterator[str]:
    yield f"{number}. {md.text(where[:1].upper() + where[1:])}{':' if lines else '.'}"
    if lines:
        yield ""
        yield from (f"   {line}" for line in md.block(lines, language))
        yield ""


def _lost(one: Change) -> Iterator[str]:
    labels, verdict = Labels(one.result), one.verdict
    if verdict.lost:
        yield from md.table(("who", "loses", "keeps", "sees on the screen", "why"), _losses(one, labels))
        yield ""
    elif verdict.cost is Cost.NOBODY:
        yield "Nobody who was asked loses anything."
        yield ""
    told = (
        ("Keeps everything", verdict.keep),
        ("Works here, and **it is not settled whether the real one does**", verdict.unsettled),
        ("Gains something", verdict.gain),
        ("Could not get in before either", verdict.never),
    )
    for words, clients in told:
        if clients:
            yield f"- {words}: {md.names(map(labels.client, clients))}"
    faults = [cell for cell in one.own if cell.effect is Effect.FAULT]
    for cause, cells in grouped(faults, lambda cell: cell.cause).items():
        yield f"- **Not known** of {_tasks(cells, labels)}: the lab broke: {md.text(cause)}"


def _losses(one: Change, labels: Labels) -> Iterator[list[str]]:
    def alike(cell: CellResult) -> tuple[str, str]:
        return cell.user_sees, cell.cause

    for (sees, cause), cells in grouped(one.verdict.lost, alike).items():
        for checks, clients in _by_checks(cells).items():
            kept = dict.fromkeys(
                cell.cell.check
                for cell in one.own
                if cell.cell.client in clients and cell.effect is Effect.KEPT
            )
            yield [
                md.names(map(labels.client, clients)),
                _activities(checks),
                _activities(kept) or "nothing of what was asked",
                md.code(sees) if sees else "not known",
                md.text(cause),
            ]


def _activities(checks: Iterable[str]) -> str:
    return md.text(", ".join(map(in_words, checks)))


def _by_checks(cells: Iterable[CellResult]) -> dict[tuple[str, ...], list[str]]:
    by_client = grouped(cells, lambda cell: cell.cell.client)
    return dict(grouped(by_client, lambda client: tuple(cell.cell.check for cell in by_client[client])))


def _tasks(cells: Iterable[CellResult], labels: Labels) -> str:
    return "; ".join(
        f"{md.names(map(labels.client, clients))} ({_activities(checks)})"
        for checks, clients in _by_checks(cells).items()
    )


def _closed(one: Change) -> Iterator[str]:
    balance, result = one.verdict.balance, one.result
    if not balance.holes:
        yield "Not known: this rehearsal did not look for holes."
        return
    for words, names in (("**OPENS**", balance.opened), ("Closes", balance.closed)):
        for name in gravest_first(names, result):
            fact = result.exposure_facts.get(name)
            yield f"- {words} {_hole(name, result)}{f': {md.text(fact.title)}' if fact else ''}"
    if balance.still_open:
        left = (_hole(name, result) for name in gravest_first(balance.still_open, result))
        yield f"- Stays open: {', '.join(left)}"
    for words in aims_in_words(one.verdict.aims):
        yield f"- {md.text(words[:1].upper() + words[1:])}"
    own = [each for each in result.exposures if (each.mitigation, each.server) == one.verdict.name]
    # What was unknown before and is shut with the change is no hole that may be open then.
    unsafe = [each for each in own if each.state(Phase.APPLIED) not in SAFE]
    for unsure, why in undecided(unsafe, result):
        because = f": {md.text(why)}" if why else ""
        yield f"- Cannot be told, and may be open: {md.names(unsure.split(', '))}{because}"
    if not one.on_server:
        yield "- These are holes of the server. What the change closes on clients was not looked for."
    if not (balance.opened or balance.closed or balance.still_open):
        yield "- No hole was open before, and none is with the change."


def _hole(name: str, result: RunResult) -> str:
    """A name with its severity."""
    fact = result.exposure_facts.get(name)
    return f"{md.code(name)}{f' ({md.text(fact.severity)})' if fact and fact.severity else ''}"


def _first(one: Change) -> Iterator[str]:
    verdict, labels = one.verdict, Labels(one.result)
    if verdict.balance.rolled_back is False:
        yield "- **Do not make this change yet**: find out why the rollback did not bring everything back."
    if verdict.cost is Cost.UNKNOWN:
        again = f"rehearse run --resume {one.result.run} --failed-only"
        yield f"- Measure again: {md.code(again)}."
    if verdict.shut_out:
        names = md.names(map(labels.client, verdict.shut_out))
        yield f"- Replace or reconfigure {names}, or give them another way to their files: they are shut out."
    for checks, clients in verdict.lose_some.items():
        names = md.names(map(labels.client, clients))
        yield f"- Tell the users of {names} what will not work any more: {_activities(checks)}."
    yield from _better(one)
    for client in verdict.unsettled:
        name = md.code(labels.client(client))
        yield f"- Try it with a real {name}: sources disagree, or are silent, on whether it keeps access."
    yield from _who_is_there(one)
    if verdict.cost is Cost.NOBODY and not verdict.unsettled:
        yield "- Compare the clients that were asked with those you have; what was not asked may lose access."


def _better(one: Change) -> Iterator[str]:
    """Changes of the same rehearsal that close no less and cost no more."""
    if one.standing is None:
        return
    # What it is made for may be closed unseen: then nobody can say that another one does as much.
    if not one.on_server or any(aim.state(Phase.APPLIED) is Hole.UNKNOWN for aim in one.verdict.aims):
        return
    better = [name for name in one.standing.beaten_by if name != NO_CHANGE]
    if better:
        yield f"- Consider instead: {md.names(better)}; measured here, it closes no less and costs no more."
    if NO_CHANGE in one.standing.beaten_by and one.verdict.lost:
        yield "- Consider leaving it as it is: this closes no hole that was open, and costs somebody."


def _who_is_there(one: Change) -> Iterator[str]:
    """How to see who connects today: smbstatus(1) shows protocol version, encryption and signing."""
    known = one.catalogue.servers.get(one.verdict.balance.server)
    if not one.verdict.lost or known is None:
        return
    if known.platform is Platform.SAMBA:
        yield (
            "- See who connects today, over which protocol version, signed and encrypted or not: run "
            "`smbstatus` on the server, at several times of a working day."
        )
    elif known.platform is Platform.WINDOWS:
        yield "- See who connects today, and over which dialect: run `Get-SmbSession` on the server."


def _back(one: Change) -> Iterator[str]:
    # Where a copy of the file is put back, its lines are only said.
    doings = _doings(one)
    copied = any(doing.where == COPY for doing in doings)
    steps = [doing for doing in doings if not (copied and doing.language == "ini")]
    once = {(doing.undo_where, doing.undo): doing for doing in steps}.values()
    for number, doing in enumerate(once, 1):
        yield from _numbered(number, doing.undo_where, doing.undo, doing.language)
    if not doings:
        yield "The exact settings are not known to this version of smb-rehearsal."
    yield ""
    for doing in doings:
        if doing not in steps:
            yield from (f"Without that copy, {md.text(doing.undo_where)}.", "")
    yield "How that was verified:"
    yield ""
    tried = [cell for cell in one.own if cell.restored is not None]
    back = sum(cell.restored is True for cell in tried)
    if tried:
        yield f"- {back} of {len(tried)} checks that worked before the change worked after the rollback."
    for cell in tried:
        if not cell.restored:
            name = Labels(one.result).client(cell.cell.client)
            yield f"- **NOT as before**: {md.code(name)} {md.text(cell.cell.check)}"
    yield from _holes_back(one)
    for proof in one.proofs:
        if proof.undone:
            yield f"- Seen, that the change was gone: {md.text(proof.undone)}"
        if proof.brought_back is not None:
            how = proof.brought_back
            yield f"- The guest was brought back by {md.text(how.rung)}: {md.text(how.evidence)}"
    if not tried and not any(proof.undone for proof in one.proofs):
        yield "- **It was not verified**: nothing was measured after the rollback."


def _holes_back(one: Change) -> Iterator[str]:
    own = [each for each in one.result.exposures if (each.mitigation, each.server) == one.verdict.name]
    both = [each for each in own if each.state(Phase.BASELINE) and each.state(Phase.ROLLED_BACK)]
    stayed = [each.exposure for each in own if each.stayed_open]
    if stayed:
        yield f"- **NOT shut again**: {md.names(gravest_first(stayed, one.result))}"
    same = sum(each.state(Phase.BASELINE) is each.state(Phase.ROLLED_BACK) for each in both)
    if both:
        yield f"- {same} of {len(both)} holes that were looked for were as before the change."
