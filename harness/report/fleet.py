"""The fleet on a terminal: what was read, which machines there are by their kinds, what is new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Final

from rich.console import Console

from harness.fleet.intake import Read
from harness.fleet.machine import DEFAULT, Basis, Fleet, Machine, Placed, size
from harness.fleet.planned import More
from harness.fleet.store import Stored
from harness.fleet.watching import Change, News
from harness.model import Dialect
from harness.report.explain import grouped
from harness.report.machines import unsure_label
from harness.report.page import INDENT, Page
from harness.system.plain import many

FEW: Final = 6
"""Kinds that are named one by one; of more the rest is counted."""
MOST_NEWS: Final = 20
"""Machines of one kind of news that are named; of more the rest is counted."""


def render_import(
    fleet: Fleet, done: Sequence[Read], before: int, file: str, console: Console, *, hashed: bool
) -> None:
    """What each file held, and what the fleet is now. ``before``: machines that it had."""
    page = Page(console)
    for one in done:
        _read(page, one)
    there = fleet.size + size(fleet.servers) + size(fleet.listed)
    page.hanging(
        page.join(
            (_called(fleet.name), "bold"), f": {many(there, 'machine')}, {before} before; {_apart(fleet)}"
        ),
        indent=0,
    )
    kept = "kept (addresses and names as keyed hashes)" if hashed else "kept"
    page.hanging(page.text(f"{kept} in {file}", "dim"), indent=0)
    page.hanging(page.text("next: rehearse fleet show", "dim"), indent=0)


def _read(page: Page, one: Read) -> None:
    if one.failed:
        page.hanging(page.join(("not read", "bold red"), f": {one.failed}"), indent=0, deeper=INDENT)
        return
    first = page.text(f"{one.name}", "bold")
    if one.again is not None:
        page.hanging(
            page.text(f": was read on {one.again:%Y-%m-%d} already; the same file counts once"),
            first=first,
            indent=0,
            deeper=INDENT,
        )
        return
    tally = one.tally
    said = f" ({one.kind}): {many(one.machines, 'machine')} in {many(one.sightings, 'sighting')}"
    page.hanging(page.text(f"{said}; {many(tally.lines, 'line')}"), first=first, indent=0, deeper=INDENT)
    if tally.answers_nothing:
        page.hanging(
            page.text(f"says nothing of any machine: {tally.answers_nothing}", "bold yellow"), deeper=INDENT
        )
    if one.nobody:
        page.hanging(page.text(f"{one.nobody} without an address, a name or a kind"), deeper=INDENT)
    wrong = sum(tally.not_understood.values())
    if wrong:
        page.hanging(page.text(f"{many(wrong, 'line')} not understood:", "yellow"))
    for reason, number in tally.not_understood.items():
        page.hanging(page.text(f"{number}: {reason}"), indent=2 * INDENT, deeper=INDENT)
        for line, text in tally.examples.get(reason, ()):
            page.hanging(page.text(f"line {line}: {text}", "dim"), indent=3 * INDENT, deeper=INDENT)
    for sentence in tally.notices:
        if sentence != tally.answers_nothing:
            page.hanging(page.text(f"note: {sentence}"), deeper=INDENT)


def _called(name: str) -> str:
    """The fleet of a project or user has a name only where it was given one."""
    return "the fleet" if name == DEFAULT else f"fleet {name}"


def _apart(fleet: Fleet) -> str:
    sure = sum(one.machine.count for one in fleet.machines if one.sure)
    said = f"{fleet.size} connect, {sure} of them of a known kind"
    if fleet.servers:
        count = size(fleet.servers)
        said += f"; {count} {'was' if count == 1 else 'were'} seen only to serve"
    if fleet.listed:
        count = size(fleet.listed)
        said += f"; {count} in a list alone: nobody saw {'it' if count == 1 else 'them'} connect"
    return said


def render_show(fleet: Fleet, stored: Stored, console: Console, *, every: bool) -> None:
    """The machines by kind: sure, unsure, unknown; then those that are no clients."""
    page = Page(console)
    last = fleet.fact.last_seen
    head = f": {many(fleet.size, 'machine')} that connect"
    head += f", the newest sighting of {last}" if last else ", no source tells when"
    page.hanging(
        page.join((_called(fleet.name), "bold"), head, f"; {many(len(stored.files), 'file')}"), indent=0
    )
    sure = [one for one in fleet.machines if one.sure]
    fits = [one for one in fleet.machines if not one.sure and one.personas]
    none = [one for one in fleet.machines if not one.personas]
    _kinds(page, "of a known kind", sure)
    _kinds(page, "not sure: each may be any of the kinds that are named", fits)
    _kinds(page, "of no kind of the catalogue, or of which too little is known", none)
    _kinds(page, "seen only to serve: no clients", fleet.servers, connect=False)
    _kinds(page, "only in a list: nobody saw them connect", fleet.listed, connect=False)
    if every:
        page.blank()
        for one in (*fleet.machines, *fleet.servers, *fleet.listed):
            _machine(page, one)


def _kinds(page: Page, title: str, those: Sequence[Placed], *, connect: bool = True) -> None:
    if not those:
        return
    page.hanging(page.join((title, "bold"), f": {size(those)}"), indent=0)
    found = grouped(those, lambda one: (one.group.clients, one.group.dialect, one.basis, one.machine.serves))
    for alike in sorted(found.values(), key=lambda some: -size(some)):
        first = alike[0]
        label = first.personas[0] if first.sure else unsure_label(replace(first.group, count=size(alike)))
        if not connect and not first.personas:
            label = "of no known kind"
        page.hanging(
            page.text(f" {label}: {facts([one.machine for one in alike])}"),
            first=page.text(f"{size(alike)}", "bold"),
            deeper=INDENT,
        )
        if not first.sure and len(first.personas) > 1:
            page.hanging(
                page.text(f"may be {_some(first.personas)}", "dim"), indent=2 * INDENT, deeper=INDENT
            )
        elif not first.personas and first.machine.said:
            why = dict.fromkeys(one.why for one in alike)
            page.hanging(page.text("; ".join([*why][:2]), "dim"), indent=2 * INDENT, deeper=INDENT)


def _some(names: Sequence[str]) -> str:
    if len(names) <= FEW + 1:
        return ", ".join(names)
    return f"{', '.join(names[:FEW])} and {len(names) - FEW} more"


def facts(those: Sequence[Machine]) -> str:
    """What was seen of several machines: dialects, logons, when last."""
    dialects = {one for machine in those for one in machine.dialects or ()}
    odd = sorted({word for machine in those for word in machine.unknown_dialects})
    logons = sorted({str(one) for machine in those for one in machine.logons or ()})
    days = [machine.last_seen.date() for machine in those if machine.last_seen]
    serves = {one for machine in those for one in machine.serves}
    said = [f"serves {_in_words(serves)}"] if serves else []
    if not serves or dialects or odd or logons:
        said.append(", ".join([*([_in_words(dialects)] if dialects else []), *odd]) or "no dialect known")
        said.append(", ".join(logons) or "no logon known")
    said += ["refused SMB1"] if any(machine.smb1_refused for machine in those) else []
    said += ["cannot sign"] if any(machine.cannot_sign for machine in those) else []
    said += ["cannot encrypt"] if any(machine.cannot_encrypt for machine in those) else []
    said += ["sends no right server name (SPN)"] if any(machine.wrong_spn for machine in those) else []
    said += [f"last seen {max(days):%Y-%m-%d}"] if days else []
    return "; ".join(said)


def _in_words(dialects: Iterable[Dialect]) -> str:
    return ", ".join(one.in_words for one in sorted(dialects, key=attrgetter("revision")))


def _machine(page: Page, one: Placed) -> None:
    machine = one.machine
    where = ", ".join(dict.fromkeys((*machine.names[1:], *machine.addresses)))
    head = f" ({where})" if where and where != machine.name else ""
    kind = _some(one.personas) if one.personas else "no known kind"
    said = f"{head}: {kind if one.sure else f'perhaps {kind}' if one.personas else kind}"
    page.hanging(page.text(said), first=page.text(machine.name, "bold"), indent=0, deeper=INDENT)
    seen = f"; serves {_in_words(machine.serves)}" if machine.serves else ""
    seen += f"; last seen {machine.last_seen:%Y-%m-%d}" if machine.last_seen else ""
    page.hanging(page.text(f"{one.why}{seen}", "dim"), deeper=INDENT)
    if one.basis is Basis.FITS and len(one.personas) == 1:
        page.hanging(page.text("no other kind of the catalogue fits; there are more kinds than that", "dim"))
    for remark in machine.remarks:
        page.hanging(page.text(remark, "yellow"), deeper=INDENT)


def render_watch(
    stored: Stored,
    changes: Sequence[Change],
    done: Sequence[Read],
    console: Console,
    beyond: Sequence[More] = (),
) -> None:
    """What a later sample has that the fleet has not, the worst first; ``beyond``: that a plan has not."""
    page = Page(console)
    for one in done:
        _read(page, one)
    worse = sum(one.placed.machine.count for one in changes if one.news.bad)
    head = (
        f"{many(worse, 'machine')} that a plan of before did not reckon with"
        if worse
        else "nothing got worse"
    )
    page.hanging(
        page.join((_called(stored.name), "bold"), ": ", (head, "bold red" if worse else "bold green")),
        indent=0,
    )
    for more in beyond:
        label = more.group.clients[0] if more.group.sure else unsure_label(more.group)
        page.hanging(
            page.text(f": {more.group.count} more {label} than it reckons with, which is {more.planned}"),
            first=page.text("since the plan was made", "bold red"),
            indent=0,
            deeper=INDENT,
        )
    for news, those in grouped(changes, lambda one: one.news).items():
        number = sum(one.placed.machine.count for one in those)
        page.hanging(page.join((str(news), "bold red" if news.bad else "bold"), f": {number}"), indent=0)
        for change in those[:MOST_NEWS]:
            text = f": {change.text}" if change.text else ""
            page.hanging(page.text(text), first=page.text(change.placed.machine.name), deeper=INDENT)
        if len(those) > MOST_NEWS:
            page.hanging(page.text(f"and {len(those) - MOST_NEWS} more"))
    if any(one.news is News.GONE for one in changes):
        page.hanging(
            page.text("Not in this sample is not gone: what runs once a month is in few samples.", "dim"),
            indent=0,
        )
