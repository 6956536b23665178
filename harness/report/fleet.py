"""The fleet on a terminal: what was read, which machines there are by their kinds, what is new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Final

from rich.console import Console

from harness.fleet.intake import Imported, Read
from harness.fleet.machine import DEFAULT, Basis, Fleet, Machine, Placed, size
from harness.fleet.planned import More
from harness.fleet.store import Stored
from harness.fleet.watching import Change, News
from harness.model import Dialect
from harness.report.answer import draw_language_note
from harness.report.explain import grouped, one_or_many
from harness.report.language import DEFAULT as LANGUAGE
from harness.report.language import Language
from harness.report.machines import unsure_label
from harness.report.page import INDENT, Page

FEW: Final = 6
"""Kinds that are named one by one; of more the rest is counted."""
MOST_NEWS: Final = 20
"""Machines of one kind of news that are named; of more the rest is counted."""


def render_import(imported: Imported, console: Console, *, lang: str = LANGUAGE, named: bool = False) -> None:
    """What each file held, and what the fleet is now; ``named``: it has to be named to be shown."""
    page = Page(console, lang)
    say = page.say
    fleet = imported.fleet
    for one in imported.done:
        _read(page, one)
    there = fleet.size + size(fleet.servers) + size(fleet.listed)
    told = say(
        "fleet.now",
        machines=_many("machine", there, say),
        before=imported.before,
        apart=_apart(fleet, say),
    )
    page.hanging(page.join((_called(fleet.name, say), "bold"), f": {told}"), indent=0)
    kept = say("fleet.kept_hashed" if imported.hashed else "fleet.kept", file=imported.file)
    page.hanging(page.text(kept, "dim"), indent=0)
    which = f" --fleet {fleet.name}" if named else ""
    page.command(f"rehearse fleet show{which}", before=page.text(f"{say('fleet.next')}: ", "dim"))
    draw_language_note(page)


def _read(page: Page, one: Read) -> None:
    say = page.say
    if one.failed:
        head = (say("fleet.not_read"), "bold red")
        page.hanging(page.join(head, f": {one.failed}"), indent=0, deeper=INDENT)
        return
    first = page.text(f"{one.name}", "bold")
    if one.again is not None:
        page.hanging(
            page.text(f": {say('fleet.again', day=f'{one.again:%Y-%m-%d}')}"),
            first=first,
            indent=0,
            deeper=INDENT,
        )
        return
    tally = one.tally
    said = say(
        "fleet.held",
        kind=one.kind,
        machines=_many("machine", one.machines, say),
        sightings=_many("sighting", one.sightings, say),
        lines=_many("line", tally.lines, say),
    )
    page.hanging(page.text(f" {said}"), first=first, indent=0, deeper=INDENT)
    if tally.answers_nothing:
        told = f"{say('fleet.answers_nothing')}: {tally.answers_nothing}"
        page.hanging(page.text(told, "bold yellow"), deeper=INDENT)
    if one.nobody:
        page.hanging(page.text(say("fleet.nobody", n=one.nobody)), deeper=INDENT)
    wrong = sum(tally.not_understood.values())
    if wrong:
        told = say("fleet.not_understood", lines=_many("line", wrong, say))
        page.hanging(page.text(f"{told}:", "yellow"))
    for reason, number in tally.not_understood.items():
        page.hanging(page.text(f"{number}: {reason}"), indent=2 * INDENT, deeper=INDENT)
        for line, text in tally.examples.get(reason, ()):
            page.hanging(
                page.text(f"{say('fleet.line', n=line)}: {text}", "dim"), indent=3 * INDENT, deeper=INDENT
            )
    for sentence in tally.notices:
        if sentence != tally.answers_nothing:
            page.hanging(page.text(f"{say('screen.note')}: {sentence}"), deeper=INDENT)


def _called(name: str, say: Language) -> str:
    """The fleet of a project or user has a name only where it was given one."""
    return say("fleet.the_fleet") if name == DEFAULT else say("fleet.fleet", name=name)


def _many(what: str, n: int, say: Language) -> str:
    """``1 machine``, ``2 machines``."""
    return say(f"fleet.{what}_{one_or_many(n)}", n=n)


def _apart(fleet: Fleet, say: Language) -> str:
    sure = sum(one.machine.count for one in fleet.machines if one.sure)
    said = say("fleet.connect", n=fleet.size, sure=sure)
    if fleet.servers:
        count = size(fleet.servers)
        said += say(f"fleet.serve_{one_or_many(count)}", n=count)
    if fleet.listed:
        count = size(fleet.listed)
        said += say(f"fleet.listed_{one_or_many(count)}", n=count)
    return said


def render_show(fleet: Fleet, stored: Stored, console: Console, *, every: bool, lang: str = LANGUAGE) -> None:
    """The machines by kind: sure, unsure, unknown; then those that are no clients."""
    page = Page(console, lang)
    say = page.say
    last = fleet.fact.last_seen
    head = say(
        f"fleet.head_{one_or_many(fleet.size)}",
        machines=_many("machine", fleet.size, say),
        last=say("fleet.newest", last=last) if last else say("fleet.no_time"),
        files=_many("file", len(stored.files), say),
    )
    page.hanging(page.join((_called(fleet.name, say), "bold"), f": {head}"), indent=0)
    sure = [one for one in fleet.machines if one.sure]
    fits = [one for one in fleet.machines if not one.sure and one.personas]
    none = [one for one in fleet.machines if not one.personas]
    _kinds(page, say("fleet.of_a_kind"), sure)
    _kinds(page, say("fleet.not_sure"), fits)
    _kinds(page, say("fleet.of_no_kind"), none)
    _kinds(page, say("fleet.only_serve"), fleet.servers, connect=False)
    _kinds(page, say("fleet.only_listed"), fleet.listed, connect=False)
    if every:
        page.blank()
        for one in (*fleet.machines, *fleet.servers, *fleet.listed):
            _machine(page, one)
    draw_language_note(page)


def _kinds(page: Page, title: str, those: Sequence[Placed], *, connect: bool = True) -> None:
    if not those:
        return
    say = page.say
    page.hanging(page.join((title, "bold"), f": {size(those)}"), indent=0)
    found = grouped(those, lambda one: (one.group.clients, one.group.dialect, one.basis, one.machine.serves))
    for alike in sorted(found.values(), key=lambda some: -size(some)):
        first = alike[0]
        group = replace(first.group, count=size(alike))
        label = first.personas[0] if first.sure else unsure_label(group, say)
        if not connect and not first.personas:
            label = say("fleet.no_kind")
        page.hanging(
            page.text(f" {label}: {facts([one.machine for one in alike], say)}"),
            first=page.text(f"{size(alike)}", "bold"),
            deeper=INDENT,
        )
        if not first.sure and len(first.personas) > 1:
            page.hanging(
                page.text(say("fleet.may_be", kinds=_some(first.personas, say)), "dim"),
                indent=2 * INDENT,
                deeper=INDENT,
            )
        elif not first.personas and first.machine.said:
            why = dict.fromkeys(one.why for one in alike)
            page.hanging(page.text("; ".join([*why][:2]), "dim"), indent=2 * INDENT, deeper=INDENT)


def _some(names: Sequence[str], say: Language) -> str:
    if len(names) <= FEW + 1:
        return say("list.items").join(names)
    return say("screen.few", names=say("list.items").join(names[:FEW]), n=len(names) - FEW)


def facts(those: Sequence[Machine], say: Language) -> str:
    """What was seen of several machines: dialects, logons, when last."""
    dialects = {one for machine in those for one in machine.dialects or ()}
    odd = sorted({word for machine in those for word in machine.unknown_dialects})
    logons = sorted({str(one) for machine in those for one in machine.logons or ()})
    days = [machine.last_seen.date() for machine in those if machine.last_seen]
    serves = {one for machine in those for one in machine.serves}
    said = [say("fleet.serves", dialects=_in_words(serves))] if serves else []
    if not serves or dialects or odd or logons:
        said.append(
            ", ".join([*([_in_words(dialects)] if dialects else []), *odd]) or say("fleet.no_dialect")
        )
        said.append(", ".join(say.known("value", one) for one in logons) or say("fleet.no_logon"))
    for told, key in (
        (any(machine.smb1_refused for machine in those), "refused_smb1"),
        (any(machine.cannot_sign for machine in those), "cannot_sign"),
        (any(machine.cannot_encrypt for machine in those), "cannot_encrypt"),
        (any(machine.wrong_spn for machine in those), "wrong_spn"),
    ):
        said += [say(f"fleet.{key}")] if told else []
    said += [say("fleet.last_seen", day=f"{max(days):%Y-%m-%d}")] if days else []
    return "; ".join(said)


def _in_words(dialects: Iterable[Dialect]) -> str:
    return ", ".join(one.in_words for one in sorted(dialects, key=attrgetter("revision")))


def _machine(page: Page, one: Placed) -> None:
    machine, say = one.machine, page.say
    where = ", ".join(dict.fromkeys((*machine.names[1:], *machine.addresses)))
    head = f" ({where})" if where and where != machine.name else ""
    kind = _some(one.personas, say) if one.personas else say("fleet.unknown_kind")
    if one.personas and not one.sure:
        kind = say("fleet.perhaps", kind=kind)
    page.hanging(page.text(f"{head}: {kind}"), first=page.text(machine.name, "bold"), indent=0, deeper=INDENT)
    told = [one.why]
    told += [say("fleet.serves", dialects=_in_words(machine.serves))] if machine.serves else []
    told += [say("fleet.last_seen", day=f"{machine.last_seen:%Y-%m-%d}")] if machine.last_seen else []
    page.hanging(page.text("; ".join(told), "dim"), deeper=INDENT)
    if one.basis is Basis.FITS and len(one.personas) == 1:
        page.hanging(page.text(say("fleet.no_other_fits"), "dim"))
    for remark in machine.remarks:
        page.hanging(page.text(remark, "yellow"), deeper=INDENT)


def render_watch(
    stored: Stored,
    changes: Sequence[Change],
    done: Sequence[Read],
    console: Console,
    beyond: Sequence[More] = (),
    *,
    lang: str = LANGUAGE,
) -> None:
    """What a later sample has that the fleet has not, the worst first; ``beyond``: that a plan has not."""
    page = Page(console, lang)
    say = page.say
    for one in done:
        _read(page, one)
    worse = sum(one.placed.machine.count for one in changes if one.news.bad)
    head = say("fleet.worse", machines=_many("machine", worse, say)) if worse else say("fleet.not_worse")
    page.hanging(
        page.join((_called(stored.name, say), "bold"), ": ", (head, "bold red" if worse else "bold green")),
        indent=0,
    )
    for more in beyond:
        label = more.group.clients[0] if more.group.sure else unsure_label(more.group, say)
        page.hanging(
            page.text(f": {say('fleet.beyond', n=more.group.count, kind=label, planned=more.planned)}"),
            first=page.text(say("fleet.since_plan"), "bold red"),
            indent=0,
            deeper=INDENT,
        )
    for news, those in grouped(changes, lambda one: one.news).items():
        number = sum(one.placed.machine.count for one in those)
        head = say(f"fleet.news_{news.name.lower()}")
        page.hanging(page.join((head, "bold red" if news.bad else "bold"), f": {number}"), indent=0)
        for change in those[:MOST_NEWS]:
            text = f": {change.text}" if change.text else ""
            page.hanging(page.text(text), first=page.text(change.placed.machine.name), deeper=INDENT)
        if len(those) > MOST_NEWS:
            page.hanging(page.text(say("fleet.more", n=len(those) - MOST_NEWS)))
    if any(one.news is News.GONE for one in changes):
        page.hanging(page.text(say("fleet.not_gone"), "dim"), indent=0)
    draw_language_note(page)
