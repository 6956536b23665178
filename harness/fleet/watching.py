"""A later sample against the stored fleet: who is new, who changed, who was not seen any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from harness.fleet.machine import Fleet, Machine, Placed
from harness.fleet.merging import groups
from harness.fleet.placing import Placing
from harness.fleet.records import Record
from harness.fleet.sighting import Logon, Role
from harness.model import Dialect

_WEAK: Final = (Logon.NTLMV1, Logon.GUEST, Logon.ANONYMOUS)


class News(StrEnum):
    """What is new of a machine."""

    NEW_SMB1 = "new SMB1 machine"
    NEW_KIND = "new kind"
    """A machine that was not seen before, and that may be what no other machine of the fleet may be."""
    NEW = "new machine"
    WORSE = "changed for the worse"
    """An older dialect, a weaker logon, no signing or encryption: what a plan did not reckon with."""
    BETTER = "changed for the better"
    GONE = "not seen any more"

    @property
    def bad(self) -> bool:
        """Whether a plan that was made before does not hold any more."""
        return self in (News.NEW_SMB1, News.NEW_KIND, News.WORSE)


@dataclass(frozen=True, slots=True)
class Change:
    """One machine that is not as it was."""

    news: News
    placed: Placed
    """As it is now; as it was, where it was not seen any more."""
    text: str
    """What changed, e.g. "SMB 3.1.1 before, SMB1 now"; "" where nothing is to be said."""


def compared(
    before: Iterable[Record], now: Iterable[Record], placing: Placing, name: str
) -> tuple[Change, ...]:
    """What is new in ``now``. The worst first, then by name."""
    old, new = list(before), list(now)
    ours, theirs = set(map(id, old)), set(map(id, new))
    known: Fleet = placing.fleet((group.machine() for group in groups(old)), name)
    groups_before = [one.group for one in known.machines]
    kinds = {client for one in groups_before for client in one.clients}
    strangers = any(not one.clients for one in groups_before)
    found = []
    for group in groups([*old, *new]):
        was = [record for record in group.records if id(record) in ours]
        is_now = [record for record in group.records if id(record) in theirs]
        whole = placing.place(group.machine())
        if not _connects(whole):
            continue
        if not was:
            # What it may be is known of others: whoever planned for these planned for it.
            may_be = whole.group.clients
            expected = kinds.issuperset(may_be) if may_be else strangers
            found.append(_new(whole, expected=expected))
        elif not is_now:
            found.append(Change(News.GONE, whole, _last(whole.machine)))
        else:
            found += _changed(
                replace(group, records=was).machine(), replace(group, records=is_now).machine(), whole
            )
    order = list(News)
    return tuple(sorted(found, key=lambda one: (order.index(one.news), one.placed.machine.name.casefold())))


def _connects(placed: Placed) -> bool:
    machine = placed.machine
    return Role.CLIENT in machine.roles or bool(machine.named) or not (machine.addresses or machine.names)


def _new(placed: Placed, *, expected: bool) -> Change:
    machine = placed.machine
    if Dialect.NT1 in (machine.dialects or ()) or machine.smb1_refused:
        return Change(News.NEW_SMB1, placed, placed.why)
    if not expected:
        return Change(News.NEW_KIND, placed, placed.why)
    return Change(News.NEW, placed, placed.why)


def _last(machine: Machine) -> str:
    return f"last seen {machine.last_seen:%Y-%m-%d}" if machine.last_seen else ""


def _changed(was: Machine, now: Machine, whole: Placed) -> list[Change]:
    worse: list[str] = []
    better: list[str] = []
    before, after = was.newest, now.newest
    smb1 = Dialect.NT1 in (now.dialects or ()) or now.smb1_refused
    smb1_before = Dialect.NT1 in (was.dialects or ()) or was.smb1_refused
    if before is not None and after is not None and before is not after:
        text = f"{before.in_words} before, {after.in_words} now"
        (worse if after.revision < before.revision else better).append(text)
    elif smb1 and not smb1_before:
        worse.append("SMB1 now, too")
    if smb1_before and not smb1 and after is not None and before is after:
        better.append("no SMB1 any more")
    worse += [f"{one} now" for one in _WEAK if one in (now.logons or ()) and one not in (was.logons or ())]
    strong = [one for one in _WEAK if one in (was.logons or ()) and one not in (now.logons or ())]
    if now.logons:
        better += [f"no {one} any more" for one in strong]
    worse += _lacking(was, now)
    changes = [Change(News.WORSE, whole, "; ".join(worse))] if worse else []
    return [*changes, *([Change(News.BETTER, whole, "; ".join(better))] if better else [])]


def _lacking(was: Machine, now: Machine) -> Sequence[str]:
    found = ["cannot sign"] if now.cannot_sign and not was.cannot_sign else []
    return [*found, *(["cannot encrypt"] if now.cannot_encrypt and not was.cannot_encrypt else [])]
