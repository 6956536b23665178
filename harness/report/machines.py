"""Machines in sentences: whom of a fleet a change costs what, and of whom nothing is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from harness.balance.machines import Fate, Impact, Loss, Machines
from harness.report.explain import one_or_many
from harness.report.language import DEFAULT, Language, language
from harness.report.words import dialect_in_words
from harness.result.machines import FleetFact, MachineGroup

FEW: Final = 3
"""Kinds that a group may be, which are named; of more it is an unknown client."""
MOST: Final = 5
"""Groups that a sentence names; of more the rest is counted."""
Label = Callable[[str], str]
"""How a client is called: marked where it is emulated."""


def unsure_label(group: MachineGroup, say: Language | None = None, label: Label = str) -> str:
    """``like windows-7``; ``macos-11 or macos-13``; ``unknown SMB1 client``; ``unknown client``."""
    say = say or language(DEFAULT)
    if len(group.clients) == 1:
        return say("machines.like", client=label(group.clients[0]))
    if 1 < len(group.clients) <= FEW:
        return say("machines.or").join(map(label, group.clients))
    many = "s" if group.count > 1 else ""
    if group.dialect:
        return say(f"machines.unknown_client{many}_of", dialect=dialect_in_words(group.dialect))
    return say(f"machines.unknown_client{many}")


def fleet_line(fleet: FleetFact, say: Language) -> str:
    """Which fleet the numbers are of, and how fresh it is."""
    key = f"machines.fleet_{one_or_many(fleet.size)}"
    return say(f"{key}_on" if fleet.last_seen else key, name=fleet.name, n=fleet.size, last=fleet.last_seen)


def losses(found: Machines, say: Language, label: Label = str) -> tuple[str, ...]:
    """``23 of 412 machines lose open: 19 ~windows-7, ...; 5 more perhaps: ...``, for each set of checks."""
    return tuple(_loss(one, found.whole.total, say, label) for one in found.losses)


def _loss(one: Loss, total: int, say: Language, label: Label) -> str:
    lost, perhaps = _count(one.lost), _count(one.perhaps)
    checks = say("list.items").join(one.checks)
    if not lost:
        key = "machines.perhaps_lose_one" if perhaps == 1 else "machines.perhaps_lose"
        return say(key, n=perhaps, all=total, checks=checks, names=names(one.perhaps, say, label))
    key = "machines.lose_one" if lost == 1 else "machines.lose"
    told = say(key, n=lost, all=total, checks=checks, names=names(one.lost, say, label))
    if perhaps:
        told += say("machines.perhaps_more", n=perhaps, names=names(one.perhaps, say, label))
    return told


def rest(whole: Impact, say: Language, label: Label = str) -> tuple[str, ...]:
    """Of whom no loss is known, and why that is no promise."""
    told = []
    if not whole.lost and not whole.perhaps:
        told.append(say("machines.none_lose", all=whole.total))
    for fate, key in (
        (Fate.NOT_REHEARSED, "not_rehearsed"),
        (Fate.NOT_KNOWN, "not_known"),
        (Fate.NEVER, "never"),
    ):
        groups = whole.groups.get(fate, ())
        if groups:
            one = "_one" if _count(groups) == 1 else ""
            told.append(say(f"machines.{key}{one}", n=_count(groups), names=names(groups, say, label)))
    return tuple(told)


def names(groups: Sequence[MachineGroup], say: Language, label: Label = str) -> str:
    """``19 ~windows-7, 3 ~office-scanner, 1 unknown SMB1 client``."""
    alike: dict[tuple[str, ...], list[MachineGroup]] = {}
    for one in groups:
        key = (label(one.clients[0]),) if one.sure else ("", *one.clients, one.dialect)
        alike.setdefault(key, []).append(one)
    told = []
    for those in alike.values():
        first, number = those[0], _count(those)
        whole = MachineGroup(first.clients, number, first.sure, first.dialect)
        told.append((number, label(first.clients[0]) if first.sure else unsure_label(whole, say, label)))
    # What may be different kinds may be called the same.
    by_name: dict[str, int] = {}
    for number, name in told:
        by_name[name] = by_name.get(name, 0) + number
    ordered = sorted(by_name.items(), key=lambda one: -one[1])
    shown = [say("machines.some", n=number, kind=name) for name, number in ordered[:MOST]]
    if left := sum(number for _, number in ordered[MOST:]):
        shown.append(say("machines.others", n=left))
    return say("list.items").join(shown)


def _count(groups: Sequence[MachineGroup]) -> int:
    return sum(one.count for one in groups)
