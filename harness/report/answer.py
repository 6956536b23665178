"""The first screen of a run: what breaks, what people see, what it closes, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.text import Text

from harness.balance.machines import Machines, machines_of
from harness.model import Effect
from harness.record.parts import taken_by
from harness.report import connected, logons
from harness.report.explain import STYLES, grouped, who, word
from harness.report.labels import MARK, Labels
from harness.report.language import Language
from harness.report.machines import fleet_line, losses, rest
from harness.report.page import INDENT, Page
from harness.report.reuse import disagreements, of_run, sentences
from harness.report.verdicts import Cost, Verdict, aims_in_words, gravest_first, idle, verdicts
from harness.result import CellResult, RunResult

LOUD = "bold red"
_OF_TESTPARM = "testparm of"
"""How remarks on a configuration begin that the first screen leaves out."""
FEW = 3
"""Names that are given one by one; of more the rest is counted."""
_STYLES = {
    Cost.UNKNOWN: "bold magenta",
    Cost.ALL: LOUD,
    Cost.LETS_IN: LOUD,
    Cost.SOME: LOUD,
    Cost.NOBODY: "bold green",
    Cost.OUTSIDE: "bold green",
}
Words = list[str | tuple[str, str]]


def draw_answer(page: Page, result: RunResult, *, details: bool) -> None:
    """One entry a change and server; those of which the same is to be said share one."""
    labels = Labels(result)
    found = verdicts(result)
    say = page.say
    head: Words = [(result.run, "bold"), f" · {say('screen.lab', lab=result.lab)}"]
    if details:
        page.hanging(page.join(*head), indent=0)
    else:
        _with_command(page, page.join(*head, f" · {say('screen.more')}: "), "rehearse report --details")
    _summary(page, result, found)
    draw_unexpected(page, result, labels)
    if not result.complete:
        _incomplete(page, result)
    for cost, those in sorted(grouped(found, lambda one: one.cost).items()):
        title, advice = (say(f"screen.{what}_{cost.name.lower()}") for what in ("cost", "advice"))
        page.hanging(page.join((title, _STYLES[cost]), f": {advice}"), indent=0)
        for names, body in _together(those, result, labels, say):
            page.hanging(page.join(": ", *body), first=page.text(names, "bold"), deeper=INDENT)


def draw_notes(page: Page, result: RunResult) -> None:
    """What is not built in; what is not as at the user's; and what the mark means where it is carried.

    The last lines of the first screen; where it is not in English, that what was recorded is.
    """
    labels, say = Labels(result), page.say
    for whose in dict.fromkeys(one.whose for one in result.added):
        names = ", ".join(one.name for one in result.added if one.whose == whose)
        page.hanging(page.text(f"{say.known('whose', whose)}: {names}", "dim"), indent=0, deeper=INDENT)
    if many := len({sentence for fact in result.servers.values() for sentence in fact.instead}):
        instead = say("screen.instead_one" if many == 1 else "screen.instead_many", n=many)
        page.hanging(page.text(instead, "dim"), indent=0)
    remarks = dict.fromkeys(one for fact in result.servers.values() for one in fact.remarks)
    for remark in remarks:
        if not remark.startswith(_OF_TESTPARM):
            page.hanging(page.text(f"{say('screen.note')}: {remark}", "dim"), indent=0, deeper=INDENT)
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


def _summary(page: Page, result: RunResult, found: Sequence[Verdict]) -> None:
    """How many changes cost somebody, what came back, and whose expectation "as expected" is."""
    say = page.say
    if result.fleet is not None:
        page.hanging(page.text(fleet_line(result.fleet, say)), indent=0)
    reuse = of_run(result)
    for told in disagreements(reuse, say):
        before = page.join((told, LOUD), f"; {say('reuse.measure')}: ")
        _with_command(page, before, f"rehearse run --resume {result.run} --fresh")
    for told in sentences(reuse, len(result.cells), say):
        page.hanging(page.text(told), indent=0, deeper=INDENT)
    if found:
        back = sum(one.balance.rolled_back is True for one in found)
        which = "all" if back == len(found) else "some"
        after = say(f"screen.after_{which}", n=back, all=len(found))
        page.hanging(page.join((_what_is_taken(found, say), "bold"), after), indent=0)
    if result.cells and all(cell.expected for cell in result.cells):
        page.hanging(page.text(_as_expected(result, say)), indent=0)


def _what_is_taken(found: Sequence[Verdict], say: Language) -> str:
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
    more = say(f"screen.expected_more_{_number(others)}", n=others) if others > 0 else ""
    corrected = sum(bool(cell.claim) for cell in result.cells)
    but = say(f"screen.expected_but_{_number(corrected)}", n=corrected) if corrected else ""
    return say(
        "screen.expected_many" if len(result.cells) > 1 else "screen.expected_one",
        n=len(result.cells),
        lost=say("screen.expected_lost", n=lost) if lost else "",
        by=say("screen.expected_by", source=sources[0], more=more, but=but)
        if sources
        else say("screen.expected_nobody"),
    )


def _number(n: int) -> str:
    """The part of a key by which a sentence is about one or about several."""
    return "one" if n == 1 else "many"


def _incomplete(page: Page, result: RunResult) -> None:
    """How far the run came, and the command that continues it."""
    there = len(result.cells)
    done = page.say("screen.incomplete", n=there, all=max(result.planned, there))
    before = page.join((done, LOUD), f"; {page.say('screen.continue')}: ")
    _with_command(page, before, f"rehearse run --resume {result.run}")


def _with_command(page: Page, before: Text, command: str) -> None:
    """A command behind a few words, on a line of its own where the page is too narrow: never broken."""
    if before.cell_len + len(command) <= page.width:
        page.hanging(page.text(command), first=before, indent=0)
    else:
        page.hanging(before, indent=0)
        page.hanging(page.text(command))


def draw_unexpected(page: Page, result: RunResult, labels: Labels) -> None:
    """Everything that is not as expected, before all else; nothing where all is."""
    say = page.say
    odd = [cell for cell in result.cells if not cell.expected]
    if not result.cells:
        page.hanging(page.text(say("screen.nothing_measured"), LOUD), indent=0)
    if odd:
        count = say("screen.odd_cells", n=len(odd), all=len(result.cells))
        page.hanging(page.text(f"{count}:", LOUD), indent=0)

    def alike(cell: CellResult) -> tuple[object, ...]:
        return cell.cell.mitigation, cell.cell.server, cell.effect, cell.claim, cell.cause

    for (change, server, effect, claim, cause), cells in grouped(odd, alike).items():
        verdict = Effect(str(effect))
        why = cause if verdict is Effect.FAULT else claim or cause
        on = say("screen.on", changes=change, servers=labels.marked(str(server)))
        page.hanging(
            page.join((word(verdict, say), STYLES[verdict]), f": {why}" if why else ""),
            first=page.text(f"{on} {who(cells, labels.client)}: "),
            deeper=INDENT,
        )
    left = [one for one in result.exposures if not one.expected]
    if left:
        page.hanging(page.text(f"{say('screen.odd_holes', n=len(left))}:", LOUD), indent=0)
    for one in left:
        page.hanging(page.text(f"{one.id}: {one.claim}"), deeper=INDENT)
    lost = [cell for cell in result.cells if cell.restored is False]
    if lost:
        page.hanging(page.text(f"{say('screen.not_restored_cells', n=len(lost))}:", LOUD), indent=0)
    for found in lost:
        page.hanging(page.text(labels.cell(found.cell)))


def _together(
    found: Iterable[Verdict], result: RunResult, labels: Labels, say: Language
) -> Iterable[tuple[str, Words]]:
    """(names, body): one change on several servers, or several changes on one, with the same to be said."""
    costs = machines_of(result)
    bodies = {one.name: _body(one, result, labels, say, costs.get(one.name)) for one in found}

    def same(name: tuple[str, str]) -> str:
        return "".join(part if isinstance(part, str) else part[0] for part in bodies[name])

    by_change = grouped(bodies, lambda name: (name[0], same(name)))
    entries = [
        (change, tuple(server for _, server in names), names[0]) for (change, _), names in by_change.items()
    ]
    for (servers, _), those in grouped(entries, lambda one: (one[1], same(one[2]))).items():
        changes = ", ".join(change for change, _, _ in those)
        on = say("screen.on", changes=changes, servers=", ".join(map(labels.marked, servers)))
        yield on, bodies[those[0][2]]


def _body(
    one: Verdict, result: RunResult, labels: Labels, say: Language, machines: Machines | None = None
) -> Words:
    parts: list[Words] = [[text] for text in _without(one, result, labels, say)]
    parts += filter(None, [_already(one, result, say)])
    if machines:
        parts += [[(text, STYLES[Effect.LOST])] for text in losses(machines, say, labels.client)]
        parts += [[(text, "yellow")] for text in rest(machines.whole, say, labels.client)]
    if one.shut_out:
        key = "screen.shut_out_one" if len(one.shut_out) == 1 else "screen.shut_out_many"
        parts.append([(say(key, clients=_all(one.shut_out, labels)), STYLES[Effect.LOST])])
    for checks, clients in one.lose_some.items():
        key = "screen.lose_one" if len(clients) == 1 else "screen.lose_many"
        keeping = _keeping(one, clients, say)
        lose = say(key, clients=_all(clients, labels), checks=", ".join(checks), keeping=keeping)
        parts.append([(lose, STYLES[Effect.LOST])])
    sees = _sees(one.lost, labels, say)
    if sees:
        parts.append([sees])
    parts += [[text] for text in _takes(one, labels, say)]
    if stay := list(connected.told(one.cells, lambda names: _few(list(names), labels, say), say)):
        parts.append([f"{say('screen.connected')}: {'; '.join(stay)}"])
    if one.keep:
        parts.append([(_kept(one, labels, say), STYLES[Effect.KEPT])])
    fell = logons.otherwise(one.cells, say, lambda names: _few(names, labels, say), "screen")
    parts += [[(text, "yellow")] for text in fell]
    if one.unsettled:
        unsettled = say("screen.not_settled", clients=_few(one.unsettled, labels, say))
        parts.append([(unsettled, STYLES[Effect.NOT_SETTLED])])
    if one.gain:
        parts.append([(say("screen.gain", clients=_few(one.gain, labels, say)), STYLES[Effect.GAINED])])
    laxer = result.servers[one.balance.server].laxer if one.balance.server in result.servers else ""
    for effect, refused in one.never_but.items():
        there = ""
        if effect is not None:
            there = say("screen.laxer_shows", effect=word(effect, say), server=laxer)
        elif laxer:
            there = say("screen.laxer_unasked", server=laxer)
        parts.append([say("screen.refused_before", clients=_few(refused, labels, say), there=there)])
    if one.faults:
        parts.append([(say("screen.faults", n=one.faults), STYLES[Effect.FAULT])])
    parts += _closes(one, result, say)
    parts += filter(None, [_restored(one, say)])
    return [word for part in parts for word in ("; ", *part)][1:]


def _without(one: Verdict, result: RunResult, labels: Labels, say: Language) -> list[str]:
    """The parts of a combination that cannot be made there: the rest is what was measured."""
    server = one.balance.server
    found = grouped(result.left_out_of(one.balance.mitigation, server), lambda part: (part.part, part.reason))
    told = []
    for (part, reason), those in found.items():
        clients = [each.subject for each in those if each.subject != server]
        on = say("screen.without_on", clients=_few(clients, labels, say)) if clients else ""
        told.append(say("screen.without", part=part, on=on, reason=reason))
    return told


def _already(one: Verdict, result: RunResult, say: Language) -> Words:
    """What was in force before, so that nobody can see that it was made."""
    pair = (one.balance.mitigation, one.balance.server)
    if result.changes_nothing(*pair):
        return [say("screen.already_all")]
    if result.unnoticed(*pair):
        return [say("screen.unnoticed_probed" if one.balance.holes else "screen.unnoticed")]
    proofs = [proof for proof in result.applied if (proof.mitigation, proof.server) == pair]
    names = dict.fromkeys(already.what for proof in proofs for already in proof.already)
    if not names:
        return []
    if list(names) == [pair[0]]:
        return [say("screen.not_proven")]
    return [say("screen.already", names=", ".join(names))]


def _keeping(one: Verdict, clients: Sequence[str], say: Language) -> str:
    """What those keep who lose something else; "" where it is not the same for all of them."""
    kept = {
        tuple(c.cell.check for c in one.cells if c.cell.client == client and c.effect is Effect.KEPT)
        for client in clients
    }
    if len(kept) != 1 or not (checks := kept.pop()):
        return ""
    return say("screen.keeping_one" if len(clients) == 1 else "screen.keeping_many", checks=", ".join(checks))


def _kept(one: Verdict, labels: Labels, say: Language) -> str:
    if len(one.keep) == 1:
        return say("screen.keep_one", client=labels.client(one.keep[0]))
    if len(one.keep) <= FEW + 1:
        return say("screen.keep_named", clients=_all(one.keep, labels))
    return say("screen.keep_others" if one.shut_out or one.lose_some else "screen.keep_many", n=len(one.keep))


def _all(clients: Sequence[str], labels: Labels) -> str:
    return ", ".join(map(labels.client, clients))


def _few(clients: Sequence[str], labels: Labels, say: Language) -> str:
    if len(clients) <= FEW + 1:
        return _all(clients, labels)
    return say("screen.few", names=_all(clients[:FEW], labels), n=len(clients) - FEW)


def _takes(one: Verdict, labels: Labels, say: Language) -> list[str]:
    """Which part of a combination takes whom; nothing for a single change."""
    if len(one.balance.parts) < 2:
        return []
    groups = grouped(one.lost, lambda cell: taken_by(cell.parts))
    told = []
    for subject, cells in groups.items():
        clients = {cell.cell.client for cell in cells}
        # One that loses its checks to different parts is named with them.
        split = any(cell.cell.client in clients and taken_by(cell.parts) != subject for cell in one.lost)
        everybody = say("screen.it" if len(clients) == 1 else "screen.them")
        named = ", ".join(dict.fromkeys(labels.client(cell.cell.client) for cell in cells))
        names = say("screen.named", names=who(cells, labels.client) if split else named)
        how, parts = subject
        whom = everybody if len(groups) == 1 else names
        told.append(say(f"screen.part_{how}", parts=_and(parts, say), whom=whom))
    return told


def _and(names: Sequence[str], say: Language) -> str:
    """``a``; ``a, b and c``; "" for none."""
    if len(names) < 2:
        return "".join(names)
    return say("screen.and", first=", ".join(names[:-1]), last=names[-1])


def _sees(lost: Sequence[CellResult], labels: Labels, say: Language) -> str:
    """The words that the most clients see; the first, where a client has several for the same thing."""
    texts = grouped((cell for cell in lost if cell.user_sees), lambda cell: _first_words(cell.user_sees))
    if not texts:
        return ""
    text, cells = max(texts.items(), key=lambda one: len({cell.cell.client for cell in one[1]}))
    if len(texts) > 1:
        return say("screen.client_sees", client=labels.client(cells[0].cell.client), text=text)
    several = len({cell.cell.client for cell in cells}) > 1
    return say("screen.they_see" if several else "screen.sees", text=text)


def _first_words(text: str) -> str:
    """Without the other texts for the same thing, and without the HRESULT that repeats the error's number."""
    return re.sub(r", 0x8007[0-9A-F]{4}\)", ")", text.split(", or: ")[0])


def _closes(one: Verdict, result: RunResult, say: Language) -> list[Words]:
    balance = one.balance
    if not balance.holes:
        return [[say("screen.not_probed")]]
    closed = gravest_first(balance.closed, result)
    # What it is made for and was closed before is worth a word only where it closes nothing else.
    aims = aims_in_words((aim for aim in one.aims if not (closed and idle(aim))), say)
    parts: list[Words] = [[text] for text in aims]
    if closed and not balance.still_open:
        parts.append([(say("screen.closes_every"), "green")])
    elif closed:
        more = say("screen.more_holes", n=len(closed) - FEW)
        names = ", ".join(closed if len(closed) <= FEW + 1 else (*closed[:FEW], more))
        closes = say("screen.closes", n=len(closed), all=len(balance.open_before), names=names)
        parts.append([(closes, "green")])
    elif balance.open_before:
        parts.append([say("screen.closes_nothing_else" if aims else "screen.closes_none")])
    else:
        parts.append([say("screen.none_open")])
    if balance.opened:
        parts.append([(say("screen.opens", names=", ".join(gravest_first(balance.opened, result))), LOUD)])
    return parts


def _restored(one: Verdict, say: Language) -> Words:
    """Only what the summary does not say of all."""
    if one.balance.rolled_back is False:
        return [(say("screen.not_restored"), LOUD)]
    return [] if one.balance.rolled_back else [(say("screen.not_shown"), "yellow")]
