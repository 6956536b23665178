"""The first screen of a run: what breaks, what people see, what it closes, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.balance.machines import machines_of
from harness.model import Effect
from harness.report.clauses import FEW, LOUD, Clauses, Words, text_of
from harness.report.explain import grouped, one_or_many, who
from harness.report.labels import MARK, Labels
from harness.report.language import Language
from harness.report.machines import fleet_line
from harness.report.page import INDENT, Page
from harness.report.reuse import disagreements, of_run, sentences
from harness.report.unexpected import draw_unexpected
from harness.report.untouched import draw_untouched
from harness.report.verdicts import Cost, Verdict, verdicts
from harness.result import NotApplicable, RunResult

_OF_TESTPARM = "testparm of"
"""How remarks on a configuration begin that the first screen leaves out."""
_STYLES = {
    Cost.UNKNOWN: "bold magenta",
    Cost.ALL: LOUD,
    Cost.LETS_IN: LOUD,
    Cost.SOME: LOUD,
    Cost.NOBODY: "bold green",
    Cost.OUTSIDE: "bold green",
}


def draw_answer(page: Page, result: RunResult, *, details: bool, called: str = "") -> None:
    """One entry a change and server; those of which the same is to be said share one.

    ``called``: what a command takes for this run (``render``).
    """
    labels = Labels(result)
    found = verdicts(result)
    say = page.say
    head: Words = [(result.run, "bold"), f" · {say('screen.lab', lab=result.lab)}"]
    again = "" if details else " ".join(["rehearse report", *filter(None, [called]), "--details"])
    if details:
        page.hanging(page.join(*head), indent=0)
    else:
        page.command(again, before=page.join(*head, f" · {say('screen.more')}: "))
    _summary(page, result, found, called)
    draw_unexpected(page, result, labels, again)
    if not result.complete:
        _incomplete(page, result, called)
    if result.cells and not found:
        draw_untouched(page, result)
    for title, style, advice, those in (*_costs(result, found, say), *_cannot(result, say)):
        page.hanging(page.join((title, style), f": {advice}"), indent=0)
        for names, body in those:
            first = page.text(names, "bold")
            page.hanging(page.join(*([": "] if names else []), *body), first=first, deeper=INDENT)
    if not details:
        _otherwise(page, result, labels)


def in_lines(result: RunResult, say: Language) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """(title, advice, (names, what is said of these)) without styles, for what is no terminal."""
    for title, _, advice, those in (*_costs(result, verdicts(result), say), *_cannot(result, say)):
        plain = [(names, text_of(body)) for names, body in those]
        yield title, advice, plain


_Group = tuple[str, str, str, list[tuple[str, Words]]]
"""A title with its style, what to do, and the changes: names and what is said of them."""


def _costs(result: RunResult, found: Sequence[Verdict], say: Language) -> Iterator[_Group]:
    """The changes by whom they cost something."""
    labels = Labels(result)
    for cost, those in sorted(grouped(found, lambda one: one.cost).items()):
        title, advice = (say(f"screen.{what}_{cost.name.lower()}") for what in ("cost", "advice"))
        yield title, _STYLES[cost], advice, [*_together(those, result, labels, say)]


def _cannot(result: RunResult, say: Language) -> Iterator[_Group]:
    """The changes that cannot be made on a server of this run at all: nobody is to wait for them.

    Apart from them what was not asked of a change that was made there.
    """
    labels = Labels(result)
    made = {(cell.cell.mitigation, cell.cell.server) for cell in result.cells}
    pairs = [
        one
        for one in result.not_applicable
        if one.subject not in result.clients and labels.is_server(one.subject)
    ]
    for title, style, those in (
        ("cannot", LOUD, [one for one in pairs if (one.mitigation, one.subject) not in made]),
        ("not_asked", "yellow", [one for one in pairs if (one.mitigation, one.subject) in made]),
    ):
        if those:
            yield say(f"screen.{title}"), style, say(f"screen.{title}_advice"), _why_not(those, labels, say)


def _why_not(pairs: Sequence[NotApplicable], labels: Labels, say: Language) -> list[tuple[str, Words]]:
    """The first few of them by server and reason, and how many more there are."""
    entries = [*grouped(pairs, lambda one: (one.subject, one.reason)).items()]
    # One alone that would be left out takes no more room than saying so.
    first = entries[:FEW] if len(entries) > FEW + 1 else entries
    told: list[tuple[str, Words]] = [
        (labels.on([one.mitigation for one in those], labels.marked(server), say), [reason])
        for (server, reason), those in first
    ]
    if more := len(entries) - len(first):
        told.append(("", [say("screen.cannot_more", n=more)]))
    return told


def _otherwise(page: Page, result: RunResult, labels: Labels) -> None:
    """What came out otherwise than its source says, and as the correction of that foresaw."""
    say = page.say
    groups = grouped((cell for cell in result.cells if cell.claim and cell.expected), lambda one: one.claim)
    if not groups:
        return
    page.hanging(
        page.join((say("screen.otherwise"), "bold"), f": {say('screen.otherwise_advice')}"), indent=0
    )
    first = [*groups.items()][: FEW if len(groups) > FEW + 1 else FEW + 1]
    for claim, cells in first:
        page.hanging(page.text(f"{who(cells, labels.client)}: {claim}"), deeper=INDENT)
    if more := len(groups) - len(first):
        page.hanging(page.text(say("screen.cannot_more", n=more)))


def draw_notes(page: Page, result: RunResult) -> None:
    """What is not built in; what is not as at the user's; and what the mark means where it is carried.

    The last lines of the first screen; where it is not in English, that what was recorded is.
    """
    labels, say = Labels(result), page.say
    for whose in dict.fromkeys(one.whose for one in result.added):
        names = ", ".join(labels.added(one.name) for one in result.added if one.whose == whose)
        page.hanging(page.text(f"{say.known('whose', whose)}: {names}", "dim"), indent=0, deeper=INDENT)
    if many := len({sentence for fact in result.servers.values() for sentence in fact.instead}):
        instead = say("screen.instead_one" if many == 1 else "screen.instead_many", n=many)
        page.hanging(page.text(instead, "dim"), indent=0)
    remarks = dict.fromkeys(one for fact in result.servers.values() for one in fact.remarks)
    for remark in remarks:
        if not remark.startswith(_OF_TESTPARM):
            page.hanging(page.text(f"{say('screen.note')}: {remark}", "dim"), indent=0, deeper=INDENT)
    checks = dict.fromkeys(cell.cell.check for cell in result.cells)
    if checks:
        asked = say("list.items").join(
            say("screen.asked_one", check=check, what=say.known("check", check)) for check in checks
        )
        page.hanging(page.text(f"{say('screen.asked')}: {asked}", "dim"), indent=0, deeper=INDENT)
    shown = [
        label for c in result.cells for label in (labels.marked(c.cell.server), labels.client(c.cell.client))
    ]
    if any(label.startswith(MARK) for label in shown):
        page.hanging(page.text(f"{MARK} {say('screen.emulated')}", "dim"), indent=0)
    draw_language_note(page)


def draw_language_note(page: Page) -> None:
    """Where the page is not in English, that what was recorded is."""
    if language_note := page.say("screen.recorded_in_english"):
        page.hanging(page.text(language_note, "dim"), indent=0)


def _summary(page: Page, result: RunResult, found: Sequence[Verdict], called: str) -> None:
    """How many changes cost somebody, what came back, and whose expectation "as expected" is."""
    say = page.say
    if result.fleet is not None:
        page.hanging(page.text(fleet_line(result.fleet, say)), indent=0)
    reuse = of_run(result)
    for told in disagreements(reuse, say):
        before = page.join((told, LOUD), f"; {say('reuse.measure')}: ")
        page.command(f"rehearse run --resume {called or result.run} --fresh", before=before)
    for told in sentences(reuse, len(result.cells), say):
        page.hanging(page.text(told), indent=0, deeper=INDENT)
    if found:
        back = sum(one.balance.rolled_back is True for one in found)
        which = "all" if back == len(found) else "some"
        after = say(f"screen.after_{which}", n=back, all=len(found))
        page.hanging(page.join((what_is_taken(found, say), "bold"), after), indent=0)
    if result.cells and all(cell.expected for cell in result.cells):
        page.hanging(page.text(_as_expected(result, say)), indent=0)


def what_is_taken(found: Sequence[Verdict], say: Language) -> str:
    """How many changes take access away, and of how many that cannot be said."""
    costly = sum(one.cost in (Cost.ALL, Cost.SOME) for one in found)
    unknown = sum(one.cost is Cost.UNKNOWN for one in found)
    several = len(found) > 1
    if unknown == len(found):
        return say("screen.unknown_these" if several else "screen.unknown_this")
    if several:
        of = {0: "none_take", 1: "one_takes"}.get(costly, "many_take")
        twice = len({one.balance.mitigation for one in found}) < len(found)
        counted = say("screen.counted") if twice else ""
        head = say(f"screen.{of}", n=costly, all=len(found), counted=counted)
        return head + say("screen.unknown_of", n=unknown) if unknown else head
    return say("screen.takes" if costly else "screen.takes_nothing")


def _as_expected(result: RunResult, say: Language) -> str:
    """Whose expectation all cells meet, and how many of them are losses all the same."""
    lost = sum(cell.effect is Effect.LOST for cell in result.cells)
    sources = result.expected_by
    others = len(sources) - 1
    more = say(f"screen.expected_more_{one_or_many(others)}", n=others) if others > 0 else ""
    corrected = sum(bool(cell.claim) for cell in result.cells)
    but = say(f"screen.expected_but_{one_or_many(corrected)}", n=corrected) if corrected else ""
    return say(
        "screen.expected_many" if len(result.cells) > 1 else "screen.expected_one",
        n=len(result.cells),
        lost=say("screen.expected_lost", n=lost) if lost else "",
        by=say("screen.expected_by", source=sources[0], more=more, but=but)
        if sources
        else say("screen.expected_nobody"),
    )


def _incomplete(page: Page, result: RunResult, called: str) -> None:
    """How far the run came, and the command that continues it."""
    there = len(result.cells)
    done = page.say("screen.incomplete", n=there, all=max(result.planned, there))
    before = page.join((done, LOUD), f"; {page.say('screen.continue')}: ")
    page.command(f"rehearse run --resume {called or result.run}", before=before)


def _together(
    found: Iterable[Verdict], result: RunResult, labels: Labels, say: Language
) -> Iterable[tuple[str, Words]]:
    """(names, body): one change on several servers, or several changes on one, with the same to be said."""
    costs = machines_of(result)
    bodies = {one.name: Clauses(one, result, labels, say, costs.get(one.name)).words() for one in found}

    def same(name: tuple[str, str]) -> str:
        return text_of(bodies[name])

    by_change = grouped(bodies, lambda name: (name[0], same(name)))
    entries = [
        (change, tuple(server for _, server in names), names[0]) for (change, _), names in by_change.items()
    ]
    alike = grouped(entries, lambda one: (one[1], result.on_server(one[0]), same(one[2])))
    for (servers, _, _), those in alike.items():
        changes = [change for change, _, _ in those]
        yield labels.on(changes, ", ".join(map(labels.marked, servers)), say), bodies[those[0][2]]
