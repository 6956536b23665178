"""The first screen of a run: what breaks, what people see, what it closes, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.text import Text

from harness.model import Effect
from harness.record.parts import takes
from harness.report.explain import STYLES, WORDS, grouped, who
from harness.report.labels import MARK, Labels
from harness.report.language import DEFAULT, language
from harness.report.page import INDENT, Page
from harness.report.verdicts import Cost, Verdict, aims_in_words, gravest_first, idle, verdicts
from harness.result import CellResult, RunResult

LOUD = "bold red"
_OF_TESTPARM = "testparm of"
"""How remarks on a configuration begin that the first screen leaves out."""
FEW = 3
"""Names that are given one by one; of more the rest is counted."""
_HEADINGS = {
    Cost.UNKNOWN: ("NOTHING CAN BE SAID", "what was measured does not show whom it costs"),
    Cost.ALL: ("SHUTS OUT ALL WHO WERE ASKED", "make it only when they have another way in"),
    Cost.SOME: ("TAKES SOMETHING AWAY", "first replace or reconfigure the clients that are named"),
    Cost.NOBODY: ("COSTS NOBODY WHO WAS ASKED", "can be made, as far as these clients go"),
}
_STYLES = {Cost.UNKNOWN: "bold magenta", Cost.ALL: LOUD, Cost.SOME: LOUD, Cost.NOBODY: "bold green"}
Words = list[str | tuple[str, str]]


def draw_answer(page: Page, result: RunResult, *, details: bool) -> None:
    """One entry a change and server; those of which the same is to be said share one."""
    labels = Labels(result)
    found = verdicts(result)
    head: Words = [(result.run, "bold"), f" · lab {result.lab}"]
    if details:
        page.hanging(page.join(*head), indent=0)
    else:
        _with_command(page, page.join(*head, " · more: "), "rehearse report --details")
    _summary(page, result, found)
    draw_unexpected(page, result, labels)
    if not result.complete:
        _incomplete(page, result)
    for cost, those in sorted(grouped(found, lambda one: one.cost).items()):
        title, advice = _HEADINGS[cost]
        page.hanging(page.join((title, _STYLES[cost]), f": {advice}"), indent=0)
        for names, body in _together(those, result, labels):
            page.hanging(page.join(": ", *body), first=page.text(names, "bold"), deeper=INDENT)


def draw_notes(page: Page, result: RunResult) -> None:
    """What is not built in; what is not as at the user's; and what the mark means where it is carried.

    The last lines of the first screen.
    """
    labels = Labels(result)
    for whose in dict.fromkeys(one.whose for one in result.added):
        names = ", ".join(one.name for one in result.added if one.whose == whose)
        page.hanging(page.text(f"{whose}: {names}", "dim"), indent=0, deeper=INDENT)
    if many := len({sentence for fact in result.servers.values() for sentence in fact.instead}):
        things = "1 thing" if many == 1 else f"{many} things"
        page.hanging(page.text(f"{things} of the configuration done instead: see --details", "dim"), indent=0)
    remarks = dict.fromkeys(one for fact in result.servers.values() for one in fact.remarks)
    for remark in remarks:
        if not remark.startswith(_OF_TESTPARM):
            page.hanging(page.text(f"note: {remark}", "dim"), indent=0, deeper=INDENT)
    shown = [
        label for c in result.cells for label in (labels.marked(c.cell.server), labels.client(c.cell.client))
    ]
    if any(label.startswith(MARK) for label in shown):
        page.hanging(page.text(f"{MARK} emulated: what the server does to it", "dim"), indent=0)


def _summary(page: Page, result: RunResult, found: Sequence[Verdict]) -> None:
    """How many changes cost somebody, what came back, and whose expectation "as expected" is."""
    if found:
        head = _what_is_taken(found)
        back = sum(one.balance.rolled_back is True for one in found)
        some = f"; after the rollback as before: {back} of {len(found)}."
        every = "; after the rollback all is as before."
        page.hanging(page.join((head, "bold"), every if back == len(found) else some), indent=0)
    if result.cells and all(cell.expected for cell in result.cells):
        page.hanging(page.text(_as_expected(result)), indent=0)


def _what_is_taken(found: Sequence[Verdict]) -> str:
    """How many changes take access away, and of how many that cannot be said."""
    costly = sum(one.cost in (Cost.ALL, Cost.SOME) for one in found)
    unknown = sum(one.cost is Cost.UNKNOWN for one in found)
    several = len(found) > 1
    if unknown == len(found):
        return (
            f"It is not known whether {'these changes take' if several else 'the change takes'} access away"
        )
    if several:
        head = f"{costly or 'None'} of {len(found)} changes {'take' if costly > 1 else 'takes'} access away"
        return f"{head}, of {unknown} it is not known" if unknown else head
    return "The change takes access away" if costly else "The change takes no access away"


def _as_expected(result: RunResult) -> str:
    """Whose expectation all cells meet, and how many of them are losses all the same."""
    lost = sum(cell.effect is Effect.LOST for cell in result.cells)
    sources = result.expected_by
    more = f", and {len(sources) - 1} more" if len(sources) > 1 else ""
    corrected = sum(bool(cell.claim) for cell in result.cells)
    but = f"; but in {corrected} that claim is known to be wrong, --details says why" if corrected else ""
    by = f"by {sources[0]}{more}{but}" if sources else "nobody made a claim: nothing is to be lost"
    cells = f"All {len(result.cells)} cells" if len(result.cells) > 1 else "The cell"
    are = "are" if len(result.cells) > 1 else "is"
    return f"{cells}{f' ({lost} lost)' if lost else ''} {are} as expected ({by})."


def _incomplete(page: Page, result: RunResult) -> None:
    """How far the run came, and the command that continues it."""
    done = f"incomplete: {len(result.cells)} of {max(result.planned, len(result.cells))} cells"
    _with_command(page, page.join((done, LOUD), "; continue with: "), f"rehearse run --resume {result.run}")


def _with_command(page: Page, before: Text, command: str) -> None:
    """A command behind a few words, on a line of its own where the page is too narrow: never broken."""
    if before.cell_len + len(command) <= page.width:
        page.hanging(page.text(command), first=before, indent=0)
    else:
        page.hanging(before, indent=0)
        page.hanging(page.text(command))


def draw_unexpected(page: Page, result: RunResult, labels: Labels) -> None:
    """Everything that is not as expected, before all else; nothing where all is."""
    odd = [cell for cell in result.cells if not cell.expected]
    if not result.cells:
        page.hanging(page.text("nothing was measured", LOUD), indent=0)
    if odd:
        page.hanging(page.text(f"{len(odd)} of {len(result.cells)} cells NOT as expected:", LOUD), indent=0)

    def alike(cell: CellResult) -> tuple[object, ...]:
        return cell.cell.mitigation, cell.cell.server, cell.effect, cell.claim, cell.cause

    for (change, server, effect, claim, cause), cells in grouped(odd, alike).items():
        verdict = Effect(str(effect))
        why = cause if verdict is Effect.FAULT else claim or cause
        page.hanging(
            page.join((WORDS[verdict], STYLES[verdict]), f": {why}" if why else ""),
            first=page.text(f"{change} on {labels.marked(str(server))} {who(cells, labels.client)}: "),
            deeper=INDENT,
        )
    left = [one for one in result.exposures if not one.expected]
    if left:
        page.hanging(page.text(f"{len(left)} holes NOT CLOSED as expected:", LOUD), indent=0)
    for one in left:
        page.hanging(page.text(f"{one.id}: {one.claim}"), deeper=INDENT)
    lost = [cell for cell in result.cells if cell.restored is False]
    if lost:
        page.hanging(page.text(f"{len(lost)} NOT RESTORED by the rollback:", LOUD), indent=0)
    for found in lost:
        page.hanging(page.text(labels.cell(found.cell)))


def _together(found: Iterable[Verdict], result: RunResult, labels: Labels) -> Iterable[tuple[str, Words]]:
    """(names, body): one change on several servers, or several changes on one, with the same to be said."""
    bodies = {one.name: _body(one, result, labels) for one in found}

    def same(name: tuple[str, str]) -> str:
        return "".join(part if isinstance(part, str) else part[0] for part in bodies[name])

    by_change = grouped(bodies, lambda name: (name[0], same(name)))
    entries = [
        (change, tuple(server for _, server in names), names[0]) for (change, _), names in by_change.items()
    ]
    for (servers, _), those in grouped(entries, lambda one: (one[1], same(one[2]))).items():
        changes = ", ".join(change for change, _, _ in those)
        yield f"{changes} on {', '.join(map(labels.marked, servers))}", bodies[those[0][2]]


def _body(one: Verdict, result: RunResult, labels: Labels) -> Words:
    parts: list[Words] = [[text] for text in _without(one, result, labels)]
    parts += filter(None, [_already(one, result)])
    if one.shut_out:
        are = "is" if len(one.shut_out) == 1 else "are"
        parts.append([(f"{_all(one.shut_out, labels)} {are} shut out", STYLES[Effect.LOST])])
    for checks, clients in one.lose_some.items():
        lose = "loses" if len(clients) == 1 else "lose"
        parts.append([(f"{_all(clients, labels)} {lose} {', '.join(checks)}", STYLES[Effect.LOST])])
    sees = _sees(one.lost, labels)
    if sees:
        parts.append([sees])
    parts += [[text] for text in _takes(one, labels)]
    if one.keep:
        parts.append([(_kept(one, labels), STYLES[Effect.KEPT])])
    if one.unsettled:
        parts.append([(f"not settled: {_few(one.unsettled, labels)}", STYLES[Effect.NOT_SETTLED])])
    if one.gain:
        parts.append([(f"{_few(one.gain, labels)} gain", STYLES[Effect.GAINED])])
    laxer = result.servers[one.balance.server].laxer if one.balance.server in result.servers else ""
    for effect, refused in one.never_but.items():
        there = f" ({effect} on {laxer}, which lets them in)" if effect else ""
        unasked = f" (to be asked on {laxer}, which is less strict)" if laxer and not effect else ""
        parts.append([f"refused before: {_few(refused, labels)}{there or unasked}"])
    if one.faults:
        parts.append([(f"{one.faults} FAULT", STYLES[Effect.FAULT])])
    parts += _closes(one, result)
    parts += filter(None, [_restored(one)])
    return [word for part in parts for word in ("; ", *part)][1:]


def _without(one: Verdict, result: RunResult, labels: Labels) -> list[str]:
    """The parts of a combination that cannot be made there: the rest is what was measured."""
    server = one.balance.server
    found = grouped(result.left_out_of(one.balance.mitigation, server), lambda part: (part.part, part.reason))
    told = []
    for (part, reason), those in found.items():
        clients = [each.subject for each in those if each.subject != server]
        told.append(f"without {part}{f' on {_few(clients, labels)}' if clients else ''} ({reason})")
    return told


def _already(one: Verdict, result: RunResult) -> Words:
    """What was in force before, so that nobody can see that it was made."""
    pair = (one.balance.mitigation, one.balance.server)
    if result.changes_nothing(*pair):
        return ["already so: changes nothing here"]
    if result.unnoticed(*pair):
        nobody = "no client and no probe" if one.balance.holes else "no client"
        return [f"{nobody} saw a difference: only its configuration shows that it was made"]
    proofs = [proof for proof in result.applied if (proof.mitigation, proof.server) == pair]
    names = dict.fromkeys(already.what for proof in proofs for already in proof.already)
    if not names:
        return []
    if list(names) == [pair[0]]:
        return ["not proven that it was made: verify sees the same without it"]
    return [f"already so: {', '.join(names)}"]


def _kept(one: Verdict, labels: Labels) -> str:
    if len(one.keep) == 1:
        return f"{labels.client(one.keep[0])} keeps all"
    return f"{len(one.keep)}{' others' if one.shut_out or one.lose_some else ''} keep all"


def _all(clients: Sequence[str], labels: Labels) -> str:
    return ", ".join(map(labels.client, clients))


def _few(clients: Sequence[str], labels: Labels) -> str:
    if len(clients) <= FEW + 1:
        return _all(clients, labels)
    return f"{_all(clients[:FEW], labels)} and {len(clients) - FEW} more"


def _takes(one: Verdict, labels: Labels) -> list[str]:
    """Which part of a combination takes whom; nothing for a single change."""
    if len(one.balance.parts) < 2:
        return []
    groups = grouped(one.lost, lambda cell: takes(cell.parts))
    told = []
    for subject, cells in groups.items():
        clients = {cell.cell.client for cell in cells}
        # One that loses its checks to different parts is named with them.
        split = any(cell.cell.client in clients and takes(cell.parts) != subject for cell in one.lost)
        everybody = "it" if len(clients) == 1 else "them"
        names = ", ".join(dict.fromkeys(labels.client(cell.cell.client) for cell in cells))
        whom = everybody if len(groups) == 1 else who(cells, labels.client) if split else names
        told.append(f"{subject} {whom}" if subject else f"which part takes {whom}: not measured")
    return told


def _sees(lost: Sequence[CellResult], labels: Labels) -> str:
    """The words that the most clients see; the first, where a client has several for the same thing."""
    texts = grouped((cell for cell in lost if cell.user_sees), lambda cell: _first_words(cell.user_sees))
    if not texts:
        return ""
    text, cells = max(texts.items(), key=lambda one: len({cell.cell.client for cell in one[1]}))
    if len(texts) > 1:
        return f'{labels.client(cells[0].cell.client)} sees "{text}"'
    return f'{"they see" if len({cell.cell.client for cell in cells}) > 1 else "sees"} "{text}"'


def _first_words(text: str) -> str:
    """Without the other texts for the same thing, and without the HRESULT that repeats the error's number."""
    return re.sub(r", 0x8007[0-9A-F]{4}\)", ")", text.split(", or: ")[0])


def _closes(one: Verdict, result: RunResult) -> list[Words]:
    balance = one.balance
    if not balance.holes:
        return [["holes not probed"]]
    closed = gravest_first(balance.closed, result)
    # What it is made for and was closed before is worth a word only where it closes nothing else.
    aims = aims_in_words((aim for aim in one.aims if not (closed and idle(aim))), language(DEFAULT))
    parts: list[Words] = [[text] for text in aims]
    if closed and not balance.still_open:
        parts.append([("closes every hole that was open", "green")])
    elif closed:
        names = closed if len(closed) <= FEW + 1 else (*closed[:FEW], f"{len(closed) - FEW} more")
        count = len(balance.open_before)
        parts.append([(f"closes {len(closed)} of {count} holes: {', '.join(names)}", "green")])
    elif balance.open_before:
        parts.append(["closes nothing else" if aims else "closes no hole of the server"])
    else:
        parts.append(["no hole was open"])
    if balance.opened:
        parts.append([(f"OPENS {', '.join(gravest_first(balance.opened, result))}", LOUD)])
    return parts


def _restored(one: Verdict) -> Words:
    """Only what the summary does not say of all."""
    if one.balance.rolled_back is False:
        return [("NOT RESTORED", LOUD)]
    return [] if one.balance.rolled_back else [("not shown that it is as before again", "yellow")]
