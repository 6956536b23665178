"""What differs between two configurations that were brought along, as lines that are set and taken out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from harness.grammar.words import SET, UNSET, closed
from harness.servers.brought import Brought
from harness.servers.lists import on_disk
from harness.servers.parameters import meant, section_key, spoken

_GONE: Final = "available=no"
"""As good as gone for clients (smb.conf(5), available): STATUS_BAD_NETWORK_NAME, as for a share that is not
there, and not in the list of shares. Measured with 4.22."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change of a file comes to."""

    parts: tuple[str, ...]
    """Each a ``set(...)`` or ``unset(...)``."""
    left_out: tuple[str, ...]
    """What cannot be rehearsed of it, or not so: a sentence each."""


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
            left_out.append(
                f"the share [{name}] is gone after the change: it is rehearsed as one that is there and that "
                f"nobody can open or see ({_GONE.replace('=', ' = ')})"
            )
        elif now is None:
            left_out.append(f"the share [{name}] is gone after the change: that it goes is not rehearsed")
        else:
            parts += _between(f"[{name}] ", settings, now)
    left_out += [
        f"the share [{name}] is new with the change: that it comes is not rehearsed"
        for name in after.conf.sections
        if section_key(name) not in known_ones
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
