"""Whom a configuration names: the accounts of the lab's server, and what its lists say of them.

Each user whom a list names has an account. Each group has a member who is in nothing else, so that there is
somebody whom the share lets in, or leaves out, by that group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from harness.servers.allowed import spelled, words
from harness.servers.brought import Account

LISTS: Final = ("valid users", "write list", "read list", "admin users", "invalid users")
SINGLE: Final = ("force user", "force group")
MOST: Final = 500
SOMEBODY: Final = "listed"
"""Who stands for a list of nothing but names that nobody can have."""
_MARKS = "@+&"
_DOMAIN = re.compile(r'(?<![^\s,;"@+&])[\w.-]+\\+(?=[^\s,;])')
_REALM = re.compile(r'(?<=[^\s,;"@+&])@[\w.-]+(?=[\s,;"]|$)')
_UNFIT = re.compile(r'[%:,/\\"\x00-\x1f]|^[-+@&]|^$')


def plain(value: str, separator: str) -> str:
    """A list of names without the domains before them (``DOM\\anna``) and behind them (``anna@dom.test``).

    ``separator``: what "winbind separator" says is between a domain and a name; "" where it says nothing.
    """
    text = _REALM.sub("", _DOMAIN.sub("", value))
    if separator and separator not in "\\%":
        own = re.compile(rf'(?<![^\s,;"@+&])[\w.-]+{re.escape(separator)}(?=[^\s,;])')
        text = own.sub("", text)
    return text


def accounts(common: Mapping[str, str], shares: Mapping[str, Mapping[str, str]]) -> tuple[Account, ...]:
    """The accounts for lists as they stand in the lab's smb.conf, users first."""
    users: dict[str, str] = {}
    groups: dict[str, str] = {}
    also: dict[str, dict[str, None]] = {}
    forced: dict[str, dict[str, None]] = {}
    shared = {spelled(name): value for name, value in common.items()}
    for section, settings in (("", common), *shares.items()):
        found = {spelled(name): value for name, value in settings.items()}
        if both := _forced({**shared, **found}):
            forced.setdefault(both[0].casefold(), {})[both[1]] = None
        for name, is_group, parameter in _named(found, section):
            if _UNFIT.search(name) or len(name) > 200:
                continue
            (groups if is_group else users).setdefault(name.casefold(), name)
            if is_group and parameter == "admin users":
                # An admin must be somebody whom the share lets in.
                lets_in = {**common, **found}.get("valid users", "")
                inside = [word.lstrip(_MARKS) for word in words(lets_in) if word[:1] in _MARKS]
                also.setdefault(name.casefold(), {}).update(
                    dict.fromkeys(one for one in inside if not _UNFIT.search(one))
                )
    made = [Account(name, tuple(forced.get(folded, ()))) for folded, name in users.items()][:MOST]
    for folded, group in [*groups.items()][:MOST]:
        rest = [one for one in also.get(folded, {}) if one.casefold() != folded]
        made.append(Account(_member(group, {one.name.casefold() for one in made}), (group, *rest)))
    return tuple(made)


def _forced(found: Mapping[str, str]) -> tuple[str, str] | None:
    """Who must be in which group: smbd lets nobody into a share whose "force user" is not in "+group"."""
    user, group = (found.get(name, "").replace('"', "").strip() for name in SINGLE)
    if group[:1] != "+" or _UNFIT.search(user) or _UNFIT.search(group.lstrip(_MARKS)):
        return None
    return user, group.lstrip(_MARKS)


def _named(found: Mapping[str, str], section: str) -> Iterator[tuple[str, bool, str]]:
    for parameter in LISTS:
        for word in words(found.get(parameter, "")):
            name = word.lstrip(_MARKS)
            if section and section.lower() != "homes":
                name = name.replace("%S", section)
            yield name, word[:1] in _MARKS, parameter
    for parameter in SINGLE:
        name = found.get(parameter, "").replace('"', "").strip().lstrip(_MARKS)
        yield name, parameter == "force group", parameter


def _member(group: str, taken: set[str]) -> str:
    """What somebody is called who is in a group: letters, digits and hyphens."""
    base = (re.sub(r"[^a-z0-9]+", "-", group.lower()).strip("-") or "group") + "-member"
    number, made = 1, base
    while made in taken:
        number += 1
        made = f"{base}-{number}"
    return made
