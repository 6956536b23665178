"""What differs between two configurations that were brought along, as lines that are set and taken out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.grammar.words import SET, UNSET, closed
from harness.servers.brought import Brought
from harness.servers.parameters import meant, spoken


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change of a file comes to."""

    parts: tuple[str, ...]
    """Each a ``set(...)`` or ``unset(...)``."""
    left_out: tuple[str, ...]
    """What cannot be rehearsed of it: a sentence each."""


def difference(before: Brought, after: Brought) -> Difference:
    """What was set and taken out between the two; another spelling of the same is no difference."""
    parts = list(_between("", before.conf.globals, after.conf.globals))
    left_out = []
    for name, settings in before.conf.sections.items():
        now = after.conf.sections.get(name)
        if now is None:
            left_out.append(f"the share [{name}] is gone after the change: that it goes is not rehearsed")
        else:
            parts += _between(f"[{name}] ", settings, now)
    left_out += [
        f"the share [{name}] is new with the change: that it comes is not rehearsed"
        for name in after.conf.sections
        if name not in before.conf.sections
    ]
    known = set(before.instead)
    left_out += [
        f"[{one.section}] {one.parameter} = {one.value} of the change: {one.done}"
        for one in after.instead
        if one not in known
    ]
    return Difference(tuple(parts), tuple(left_out))


def _between(where: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    was = {meant(name): spoken(name, value) for name, value in before.items()}
    now = {meant(name): spoken(name, value) for name, value in after.items()}
    for name, value in after.items():
        if was.get(meant(name)) != now[meant(name)]:
            yield closed(SET, f"{where}{name}={value}")
    for name in before:
        if meant(name) not in now:
            yield closed(UNSET, f"{where}{name}")
