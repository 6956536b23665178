"""What differs between two configurations that were brought along, as lines that are set and taken out.

A share that goes stays in the lab and is not available after the change; one that comes is there before it
with its lines and accounts, and not available. So each of them is one and the same share in every phase.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from harness.grammar.words import SET, UNSET, closed
from harness.servers.base import Conf
from harness.servers.brought import Account, Brought
from harness.servers.lists import available, on_disk
from harness.servers.parameters import meant, section_key, spoken, with_one
from harness.servers.roles import HOMES

_GONE: Final = "available=no"
"""As good as gone for clients (smb.conf(5), available): STATUS_BAD_NETWORK_NAME, as for a share that is not
there, and not in the list of shares. Measured with 4.22; of [homes] see ``_instead``."""

_COMES: Final = "available=yes"


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change of a file comes to."""

    parts: tuple[str, ...]
    """Each a ``set(...)`` or ``unset(...)``."""
    left_out: tuple[str, ...]
    """What cannot be rehearsed of it, or not so: a sentence each."""
    before: Brought
    """What is changed: with the shares that come, which are not available there."""


def difference(before: Brought, after: Brought) -> Difference:
    """What was set and taken out between the two; another spelling of the same is no difference."""
    parts = list(_between("", before.conf.globals, after.conf.globals))
    left_out = []
    # Neither case nor blanks make another share of it.
    those = {section_key(name): settings for name, settings in after.conf.sections.items()}
    known_ones = set(map(section_key, before.conf.sections))
    for name, settings in before.conf.sections.items():
        now = those.get(section_key(name))
        if now is None and on_disk(before.conf, name):
            parts.append(closed(SET, f"[{name}] {_GONE}"))
            left_out.append(f"the share [{name}] is gone after the change: {_instead(name)}")
        elif now is None:
            left_out.append(f"the share [{name}] is gone after the change: that it goes is not rehearsed")
        else:
            parts += _between(f"[{name}] ", settings, now)
    coming = []
    for name in (name for name in after.conf.sections if section_key(name) not in known_ones):
        if not on_disk(after.conf, name):
            left_out.append(f"the share [{name}] is new with the change: that it comes is not rehearsed")
            continue
        coming.append(name)
        parts.append(closed(SET, f"[{name}] {_COMES}"))
        left_out.append(f"the share [{name}] is new with the change: before the change {_instead(name)}")
    before = _with_shares(before, after, coming)
    known = set(before.instead)
    left_out += [
        f"[{one.section}] {one.parameter} = {one.value} of the change: {one.done}"
        for one in after.instead
        if one not in known
    ]
    return Difference(tuple(parts), tuple(left_out), before)


def _instead(name: str) -> str:
    """What stands for a share that is not there, for people."""
    told = "it is rehearsed as one that is there and that nobody can open or see (available = no)"
    if name.casefold() == HOMES:
        # Measured with 4.13, 4.22.
        told += ", which refuses a home with STATUS_ACCESS_DENIED in place of STATUS_BAD_NETWORK_NAME"
    return told


def _with_shares(before: Brought, after: Brought, names: Sequence[str]) -> Brought:
    """The first with shares of the second, not available yet, and with whom the second names besides."""
    if not names:
        return before
    parameter, _, no = _GONE.partition("=")
    shares = {name: with_one(after.conf.sections[name], parameter, no) for name in names}
    people = {one.name.casefold(): one for one in before.accounts}
    for one in after.accounts:
        known = people.get(one.name.casefold(), one)
        groups = tuple(dict.fromkeys((*known.groups, *one.groups)))
        people[one.name.casefold()] = Account(known.name, groups)
    modes = {name: after.modes[name] for name in names if name in after.modes}
    return replace(
        before,
        conf=replace(before.conf, sections=MappingProxyType({**before.conf.sections, **shares})),
        accounts=tuple(people.values()),
        modes=MappingProxyType({**before.modes, **modes}),
        instead=(*before.instead, *(one for one in after.instead if one.section in names)),
    )


def appearing(before: Conf, after: Conf) -> tuple[str, ...]:
    """The shares on a disk that are not available in one configuration, and are in the next."""
    return tuple(name for name in after.sections if on_disk(after, name) and not available(before, name))


def _between(where: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    was = {meant(name): spoken(name, value) for name, value in before.items()}
    now = {meant(name): spoken(name, value) for name, value in after.items()}
    for name, value in after.items():
        if was.get(meant(name)) != now[meant(name)]:
            yield closed(SET, f"{where}{name}={value}")
    for name in before:
        if meant(name) not in now:
            yield closed(UNSET, f"{where}{name}")
