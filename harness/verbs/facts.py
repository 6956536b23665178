"""What there is, as rows and fields: the data behind ``rehearse list`` and ``rehearse show``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from shlex import quote
from typing import Final

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.exposures import survey
from harness.grammar.words import is_combination
from harness.mitigations import inline, ways
from harness.mitigations.base import Mitigation
from harness.model import Check, Evidence
from harness.planning import scenario
from harness.system import paths
from harness.system.registry import lookup, nearest
from harness.verbs import runs

Record = dict[str, str | list[str]]
"""One thing: field name -> text or lines."""


def _emulated(label: str) -> str:
    return label if label == "real" else f"{label} (emulated)"


def _evidence(found: tuple[Evidence, ...]) -> list[str]:
    return [f"{one.what} [{one.source}]" for one in found]


def _servers(catalogue: Catalogue) -> list[Record]:
    return [
        {
            "name": server.name,
            "fidelity": _emulated(server.fidelity),
            "what": server.title,
            "emulates": server.emulates,
            "image": server.image,
            "settings": [line for part in server.conf.lines() for line in part],
            **{row: [*lines] for row, lines in server.details().items()},
            "upgrades": [f"{name} to {image}" for name, image in server.upgrades.items()],
            "no upgrade": server.no_upgrade,
            "evidence": _evidence(server.evidence),
        }
        for server in catalogue.servers.values()
    ]


def _clients(catalogue: Catalogue) -> list[Record]:
    return [
        {
            "name": client.name,
            "fidelity": _emulated(client.fidelity),
            "what": client.title,
            "checks": ", ".join(check for check in Check if check in client.checks),
            **client.details(),
            "counterpart": client.counterpart,
            "SMB1 can be removed": client.smb1_removable or "yes",
            "policy": [
                f"{field} = {getattr(client.policy, field)}" for field in client.policy.__dataclass_fields__
            ],
            "user sees": [f"{key}: {words}" for key, words in client.sees.items()],
            "evidence": _evidence(client.evidence),
        }
        for client in catalogue.clients.values()
    ]


def _mitigations(catalogue: Catalogue) -> list[Record]:
    return list(map(_mitigation, catalogue.mitigations.values()))


def _mitigation(change: Mitigation) -> Record:
    return {
        "name": change.name,
        "side": " and ".join(sorted(change.sides)),
        "what": change.title,
        "made for": ", ".join(change.aims),
        "expectation": change.expectation.text,
        "source": change.expectation.source,
    }


def _exposures(catalogue: Catalogue) -> list[Record]:
    return [
        {
            "name": one.name,
            "severity": one.severity,
            "what": one.title,
            "sends": one.sends,
            "safe": one.safe,
            "source": one.source,
            "graded by": one.graded_by,
        }
        for one in survey.facts(catalogue.exposures)
    ]


def _checks() -> list[Record]:
    return [
        {
            "name": check.value,
            "what": check.does,
            "selected by *": "yes" if check.everyday else "no, only by its name",
        }
        for check in Check
    ]


def _scenarios(catalogue: Catalogue) -> list[Record]:
    found: list[Record] = []
    for name, path in catalogue.scenarios.items():
        try:
            script = scenario.read(catalogue, path)
            whole = scenario.with_included(catalogue, script)
        except UsageError as error:
            # One that is wrong costs no other its line.
            found.append({"name": name, "what": f"cannot be used: {error}"})
            continue
        inside = {str(cell): cell for one in whole for cell in scenario.cells(one.scenario)}
        found.append(
            {
                "name": script.name,
                "what": script.title,
                "cells": str(len(inside)),
                "source": script.scenario.source,
                "text": script.text.splitlines(),
            }
        )
    return found


def _images(catalogue: Catalogue) -> list[Record]:
    from harness.labs import images

    return [
        {"name": one.name, "state": one.state, "samba": one.version, "what": one.title}
        for one in images.status(catalogue.images)
    ]


def _guests() -> list[Record]:
    from harness.labs import guests

    return [
        {
            "name": guest.name,
            "verified": "yes" if guest.verified else "no: never started by this project",
            "what": guest.title,
            "roles": ", ".join(guest.roles),
            "os": guest.os,
            "platform": str(guest.platform or ""),
            "image": guest.image or "",
            "box": f"{guest.box.name} ({guest.box.source})",
            "communicator": guest.communicator,
            "memory": f"{guest.memory} MB",
            "processors": str(guest.cpus),
            "providers": ", ".join(guest.providers),
            "can": ", ".join(guest.can),
            "licence": guest.licence + (f", {guest.evaluation_days} days" if guest.evaluation_days else ""),
            "note": guest.note,
        }
        for guest in guests.load().values()
    ]


_LISTED: Final[Mapping[str, Callable[[Catalogue, Path], list[Record]]]] = {
    "servers": lambda catalogue, _: _servers(catalogue),
    "mitigations": lambda catalogue, _: _mitigations(catalogue),
    "clients": lambda catalogue, _: _clients(catalogue),
    "checks": lambda *_: _checks(),
    "exposures": lambda catalogue, _: _exposures(catalogue),
    "scenarios": lambda catalogue, _: _scenarios(catalogue),
    "images": lambda catalogue, _: _images(catalogue),
    "guests": lambda *_: _guests(),
    "runs": lambda catalogue, home: [*runs.listed(lambda: catalogue, home)],
}
KINDS: Final = tuple(_LISTED)
"""Every kind of thing that can be listed."""
_ALSO = {
    "change": "mitigations",
    "hole": "exposures",
    "vm": "guests",
    "machine": "guests",
    "persona": "clients",
}
"""What kinds are called too, in the singular."""


_KEPT_ELSEWHERE = {
    "boxes": "rehearse boxes list",
    "fleets": "rehearse fleet show",
    "settings": "docs/settings.md",
    "verbs": "rehearse help",
}
"""Plausible words for what another verb lists."""


def is_kind(word: str) -> bool:
    """Whether a word names a kind of thing, in the singular or the plural."""
    one = word.removesuffix("s")
    return f"{one}s" in KINDS or one in _ALSO


def is_one(catalogue: Catalogue, word: str) -> bool:
    """Whether a word names a single thing of any kind."""
    return word in everything(catalogue)


def kind(catalogue: Catalogue, word: str) -> str:
    """The kind that a word names. Raises UsageError that says what there is."""
    if is_kind(word):
        return _ALSO.get(word.removesuffix("s"), f"{word.removesuffix('s')}s")
    if is_one(catalogue, word):
        raise UsageError(
            f"{word!r} is one thing, and a list is of all of a kind", f"See: rehearse show {word}"
        )
    if word in _KEPT_ELSEWHERE:
        raise UsageError(f"{word} are no kind of the catalogue", f"See: {_KEPT_ELSEWHERE[word]}")
    near = nearest(word, KINDS)
    meant = f"did you mean {near[0]}? " if near else ""
    raise UsageError(f"no kind is called {word!r}", f"{meant}The kinds: {', '.join(KINDS)}")


def of_kind(catalogue: Catalogue, kind: str, home: Path) -> list[Record]:
    """All things of a kind (``kind``), those that are not built in with whose they are.

    ``home`` is where the runs are.
    """
    found = _LISTED[kind](catalogue, home)
    one = kind.removesuffix("s")
    return [{**record, **_origin(catalogue, one, str(record["name"]))} for record in found]


def _origin(catalogue: Catalogue, kind: str, name: str) -> Record:
    file = catalogue.file(kind, name)
    return {"from": catalogue.whose(kind, name), "file": str(file)} if file else {}


def named(catalogue: Catalogue, name: str, home: Path) -> list[Record]:
    """What has a page and is called so: windows-7 is a server and a client. Raises UsageError."""
    if is_combination(name):
        each = ", ".join(f"rehearse show {quote(part)}" for part in inline.parts(name))
        raise UsageError(f"{name!r} is a combination, which has no page", f"its parts have: {each}")
    if inline.is_inline(name) or ways.apart(name)[1]:
        return [{"kind": "mitigation", **_mitigation(catalogue.mitigation(name))}]
    if name in (folder.name for folder in paths.run_folders(home)):
        raise UsageError(f"{name} is a run", f"See: rehearse report {name}")
    return lookup("thing", name, everything(catalogue), "rehearse list")


def everything(catalogue: Catalogue) -> dict[str, list[Record]]:
    """All things that have a page of their own, by name: windows-7 is a server and a client."""
    named: dict[str, list[Record]] = {}
    for kind in ("servers", "mitigations", "clients", "checks", "exposures", "scenarios", "guests"):
        # None of these is a run.
        for record in of_kind(catalogue, kind, Path()):
            named.setdefault(str(record["name"]), []).append({"kind": kind.removesuffix("s"), **record})
    return named
