"""What the words behind ``rehearse run`` and ``plan`` mean: scenarios, cell selectors, or names in any order.

``nt-pipe-support-off windows-7`` is ``nt-pipe-support-off:*:windows-7``: each name says by itself which part
of a cell it is. What cannot be told, or is not known, is answered with what was probably meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.grammar.words import fits
from harness.labs import guests
from harness.mitigations import NONE
from harness.mitigations.inline import is_inline, parts
from harness.mitigations.ways import apart
from harness.model import Check, Tier
from harness.planning import selecting
from harness.system.registry import nearest

PARTS = ("mitigation", "server", "client", "check")
"""The parts of a cell, in their order."""


@dataclass(frozen=True, slots=True)
class Meant:
    """Scenarios, or selectors; never both."""

    scenarios: tuple[str, ...] = ()
    """Names and paths."""
    selectors: tuple[str, ...] = ()
    named: bool = False
    """The selector was made of bare names: worth saying."""


def meant(catalogue: Catalogue, words: Sequence[str], lab: Tier) -> Meant:
    """Raises UsageError with the command that was probably meant."""
    scripts: list[str] = []
    selectors: list[str] = []
    names: list[str] = []
    for word in words:
        if not word.strip(" ,"):
            raise UsageError(
                f"{word!r} names nothing to rehearse", "is a variable not set? See: rehearse list"
            )
        for part in [word] if word.endswith(".py") else selecting.parted(word, " "):
            if part.endswith(".py") or part in catalogue.scenarios:
                scripts.append(part)
            else:
                (selectors if len(selecting.parted(part, ":")) > 1 else names).append(part)
    for one in selectors:
        _in_their_order(catalogue, one, lab)
    selector = of_names(catalogue, names, lab) if names else ""
    if scripts and (selectors or selector):
        only = " ".join(f"--only '{one}'" for one in filter(None, (*selectors, selector)))
        raise UsageError(
            "name scenarios or select cells, not both", f"did you mean: {' '.join(scripts)} {only}"
        )
    if selectors and selector:
        raise UsageError(f"{' '.join(names)!r} stands beside a selector", _beside(selectors, selector))
    return Meant(tuple(scripts), tuple(selectors) or ((selector,) if selector else ()), bool(selector))


def selector_of(catalogue: Catalogue, text: str, lab: Tier) -> str:
    """The selector that ``--only`` was given, which may be bare names too. Raises UsageError."""
    if len(selecting.parted(text, ":")) == 1:
        return of_names(catalogue, selecting.parted(text, " "), lab)
    _in_their_order(catalogue, text, lab)
    return text


def of_names(catalogue: Catalogue, words: Sequence[str], lab: Tier) -> str:
    """One selector of bare names in any order; several of a kind are joined by commas. Raises UsageError."""
    found: dict[str, list[str]] = {part: [] for part in PARTS}
    for name in (name for word in words for name in selecting.parted(word, ",") if name):
        found[_part_of(catalogue, name, lab)].append(name)
    return _joined(found)


def filled(asked: Meant, clients: Sequence[str], checks: Sequence[str]) -> Meant:
    """With the clients and checks that are meant where none are named: by a project's defaults.

    A ``*`` that somebody wrote means all.
    """
    usual = ((2, clients), (3, checks))

    def fill(selector: str) -> str:
        given = len(selector.split(":"))
        parts = [",".join(names) for names in selecting.patterns(selector)]
        for at, names in usual:
            if names and (at >= given or (asked.named and parts[at] == "*")):
                parts[at] = ",".join(names)
        return _joined({name: [part] for name, part in zip(PARTS, parts, strict=True) if part != "*"})

    return replace(asked, selectors=tuple(map(fill, asked.selectors)))


def _joined(found: dict[str, list[str]]) -> str:
    """The shortest selector: parts at the end that select everything are left off."""
    parts = [",".join(found.get(part, ())) or "*" for part in PARTS]
    while len(parts) > 1 and parts[-1] == "*":
        parts.pop()
    return ":".join(parts)


def _names(catalogue: Catalogue, labs: Sequence[Tier]) -> dict[str, list[str]]:
    """By part of a cell: every name that one of these labs knows."""
    return {
        "mitigation": [NONE, *catalogue.mitigations],
        "server": [one.name for one in catalogue.servers.values() if one.labs.intersection(labs)],
        "client": [one.name for one in catalogue.clients.values() if one.labs.intersection(labs)],
        "check": [check.value for check in Check],
    }


def _fits(name: str, known: dict[str, list[str]]) -> list[str]:
    """The parts of a cell that a name or pattern can be."""
    named = parts(name)
    written = any(is_inline(one) or apart(one)[1] for one in named)
    if written or (len(named) > 1 and set(named) & set(known["mitigation"])):
        # What is wrong with a setting or a combination is said where it is looked up.
        return ["mitigation"]
    return [part for part, names in known.items() if any(fits(one, name) for one in names)]


def _part_of(catalogue: Catalogue, name: str, lab: Tier) -> str:
    fits = _fits(name, _names(catalogue, [lab]))
    if len(fits) == 1:
        return fits[0]
    if not name.strip("*"):
        raise UsageError(f"{name!r} alone is everything", "name a part of it, as in '*:samba-4.22'")
    if fits:
        ways = " or ".join(f"'{_joined({part: [name]})}' ({part}s)" for part in fits)
        raise UsageError(
            f"{name!r} can mean {' and '.join(f'{part}s' for part in fits)}", f"say which: {ways}"
        )
    raise UsageError(f"nothing to rehearse is called {name!r}", _instead(catalogue, name, lab))


def _instead(catalogue: Catalogue, name: str, lab: Tier) -> str:
    """What somebody meant with a name that is no part of a cell here."""
    other = next(tier for tier in Tier if tier is not lab)
    if fits := _fits(name, _names(catalogue, [other])):
        beside = _family(name, _names(catalogue, [lab]))
        return f"it is a {fits[0]} of another lab: add --lab {other}" + f"; or {beside}?" * bool(beside)
    if name in catalogue.exposures:
        made = [change.name for change in catalogue.mitigations.values() if name in change.aims]
        runs = f"; the changes that are made to close it: {', '.join(made)}" if made else ""
        return f"it is a hole, which every run looks for (rehearse show {name}){runs}"
    if name in guests.load():
        return f"it is a virtual machine: rehearse up {name}"
    if name.removesuffix("s") in (*PARTS, "scenario", "exposure", "image", "guest", "run"):
        return f"See: rehearse list {name.removesuffix('s')}s"
    if re.match(r"\d{4}-\d\d-\d\dT", name):
        return f"it looks like a run: rehearse run --resume {name}, or: rehearse report {name}"
    if Path(name).is_dir():
        return f"it is a folder: name its scenarios, as in {Path(name) / '*.py'}, or: pytest {name}"
    return f"{near(catalogue, name, lab)}See: rehearse list"


def is_known(catalogue: Catalogue, name: str) -> bool:
    """A scenario, or a name or pattern of what can be rehearsed in any lab."""
    return name in catalogue.scenarios or bool(_fits(name, _names(catalogue, list(Tier))))


def near(catalogue: Catalogue, name: str, lab: Tier = Tier.LOCAL) -> str:
    """``did you mean windows-7 (client)? ``: what can be rehearsed and looks like that name; or ""."""
    kinds: dict[str, list[str]] = {name: ["scenario"] for name in catalogue.scenarios}
    known = _names(catalogue, [lab])
    for part, names in known.items():
        for one in names:
            kinds.setdefault(one, []).append(part)
    found = [f"{one} ({', '.join(kinds[one])})" for one in nearest(name, kinds)]
    if family := _family(name, known):
        found.insert(0, family)
    return f"did you mean {' or '.join(found)}? " if found else ""


def _family(name: str, known: dict[str, list[str]]) -> str:
    """``'windows-10-*' (clients)``: the pattern of the several whose names go on after this one; or ""."""
    pattern = f"{name}-*"
    members = {part: [one for one in names if fits(one, pattern)] for part, names in known.items()}
    of = [part for part, names in members.items() if names]
    return f"'{pattern}' ({of[0]}s)" if len(of) == 1 and len(members[of[0]]) > 1 else ""


def _in_their_order(catalogue: Catalogue, selector: str, lab: Tier) -> None:
    """Raises UsageError with the right order when the parts of a selector stand in each other's places."""
    given = [
        (at, names) for at, names in zip(PARTS, selecting.patterns(selector), strict=True) if names != ["*"]
    ]
    for known in (_names(catalogue, [lab]), _names(catalogue, list(Tier))):
        fits = [set.intersection(*(set(_fits(name, known)) for name in names)) for _, names in given]
        if all(at in fit or not fit for (at, _), fit in zip(given, fits, strict=True)):
            # What is known nowhere is answered with the nearest of its kind.
            return
        for order in permutations(PARTS, len(given)):
            if all(at in fit for at, fit in zip(order, fits, strict=True)):
                right = _joined({at: names for at, (_, names) in zip(order, given, strict=True)})
                raise UsageError(
                    f"{selector!r} is not in the order {':'.join(PARTS)}", f"did you mean '{right}'?"
                )


def _beside(selectors: Sequence[str], more: str) -> str:
    """What a selector and bare names beside it come to, if the names stand in parts that it leaves open."""
    made = []
    for selector in selectors:
        pairs = list(zip(selecting.patterns(selector), selecting.patterns(more), strict=True))
        if any("*" not in (*mine, *theirs) for mine, theirs in pairs):
            return "write it as one selector: mitigation:server:client:check"
        both = [theirs if mine == ["*"] else mine for mine, theirs in pairs]
        made.append(f"'{_joined(dict(zip(PARTS, both, strict=True)))}'")
    return f"did you mean {' '.join(made)}?"
