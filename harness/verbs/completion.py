"""Completion of command lines in bash, zsh and fish: the scripts of the shells, and the words they are told.

A script asks ``rehearse`` itself (by argcomplete), so it knows every server, change and client.
Only what the word at hand needs is loaded: all clients take half a second.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Final

from harness.grammar.words import SET, UNSET, UnclosedError, split
from harness.system.paths import runs_dir

PLACES: Final = {
    "bash": "share/bash-completion/completions/rehearse",
    "zsh": "share/zsh/site-functions/_rehearse",
    "fish": "share/fish/vendor_completions.d/rehearse.fish",
}
"""Where each shell looks for a script, below a prefix such as /usr/local."""
ASKED: Final = "_ARGCOMPLETE"
"""In the environment when it is a shell that asks (argcomplete)."""


def script(shell: str) -> str:
    """What makes a shell complete the words of ``rehearse``."""
    from argcomplete.shell_integration import shellcode

    return shellcode(["rehearse"], shell=shell)


def answer(parser: argparse.ArgumentParser) -> None:
    """Tell the shell that asks what the word at hand may become. Ends this process; else does nothing."""
    import argcomplete

    for verb in every_parser(parser):
        for action in verb._actions:
            names = _NAMES.get(action.dest)
            if action.choices and not isinstance(action, argparse._SubParsersAction):
                # Its own completer for them has fish and zsh show the option's whole help beside each.
                names = _these(action.choices)
            if names is not None and not getattr(action, "completer", None):
                action.completer = _completer(names)  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser, always_complete_options=False)


def every_parser(parser: argparse.ArgumentParser) -> Iterable[argparse.ArgumentParser]:
    """It and those of its verbs, and of their operations."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from every_parser(below)


def _these(choices: Iterable[object]) -> Callable[[str], Iterable[str]]:
    return lambda _: map(str, choices)


def _completer(names: Callable[[str], Iterable[str]]) -> Callable[..., list[str]]:
    def complete(prefix: str, **_: object) -> list[str]:
        return [word for word in names(prefix) if word.startswith(prefix)]

    return complete


def cells(prefix: str) -> list[str]:
    """What the last part of ``mitigation:server:client:check`` may become; of a word alone any name."""
    try:
        *before, word = split(prefix, ":")
        # Of several that commas or + join it is the last one.
        last = split(split(word, ",")[-1], "+")[-1]
    except UnclosedError:
        return _settings(prefix)
    if len(before) >= len(_PARTS):
        return []
    change, way, _ = last.rpartition("@")
    names = _PARTS[len(before)]() if before else _names()
    if way and not before and change in names:
        names = _ways(change)
    start = prefix[: len(prefix) - len(last)]
    return [start + name for name in sorted(names)]


def _ways(change: str) -> Sequence[str]:
    from harness.mitigations.ways import MARK, WAYS

    return [f"{change}{MARK}{way}" for way in WAYS]


def _settings(prefix: str) -> list[str]:
    """What the name of a parameter behind an open ``set(`` may become."""
    from harness.servers import allowed

    begun, opening, rest = prefix.rpartition("set(")
    share, bracket, _ = rest.rpartition("] ")
    if "=" in rest:
        return []
    taken_out = begun.endswith("un")
    names = (name for name in allowed.RULES if not bracket or allowed.of_shares(name))
    return [f"{begun}{opening}{share}{bracket}{name}{')' if taken_out else '='}" for name in sorted(names)]


@cache
def _mine() -> Mapping[str, Sequence[str]]:
    """The names that the project has in which somebody is, by the fields of ``Offer``.

    What is Python is left alone: nobody's program runs because somebody presses a key.
    """
    from dataclasses import fields

    from harness.catalogue.sources import Kind, Offer
    from harness.errors import UsageError
    from harness.projects import contents

    found: dict[str, list[str]] = {one.name: [] for one in fields(Offer)}
    for source in contents.here():
        if source.kind is Kind.CODE:
            continue
        with suppress(UsageError):
            offer = source.offer()
            for name, own in found.items():
                own += getattr(offer, name)
    return found


def _mitigations() -> Sequence[str]:

    from harness.catalogue import built_in

    return [*built_in.mitigations(), *_mine()["mitigations"], f"{SET}(", f"{UNSET}("]


def _servers() -> Sequence[str]:

    from harness.catalogue import built_in

    return [*built_in.servers(), *_mine()["servers"]]


def _clients() -> Sequence[str]:

    from harness.catalogue import built_in

    return [*built_in.clients(), *_mine()["clients"]]


def _checks() -> Sequence[str]:
    from harness.model import Check

    return [check.value for check in Check]


def _scenarios() -> Sequence[str]:
    from harness.catalogue import built_in

    return [*built_in.scenarios(), *_mine()["scenarios"]]


def _names() -> Sequence[str]:
    return [*_mitigations(), *_servers(), *_clients(), *_scenarios()]


def _things(prefix: str) -> list[str]:
    """What ``show`` takes: a cell, or the name of anything."""
    if ":" in prefix or "set(" in prefix:
        return cells(prefix)

    from harness.catalogue import built_in

    return sorted([*_names(), *built_in.exposures(), *_mine()["exposures"]])


def _guests(_: str) -> list[str]:
    from harness.labs import guests

    return sorted(guests.load())


def _kinds(_: str) -> list[str]:
    from harness.verbs.facts import KINDS

    return sorted(KINDS)


def _runs(_: str) -> list[str]:
    return ["latest", "previous", *sorted(path.parent.name for path in runs_dir().glob("*/plan.json"))]


_PARTS: Final = (_mitigations, _servers, _clients, _checks)
_NAMES: Final[dict[str, Callable[[str], Iterable[str]]]] = {
    "what": cells,
    "by": lambda _: [name.removeprefix("@") for name in _ways("")],
    "only": cells,
    "client": lambda _: _clients(),
    "check": lambda _: _checks(),
    "words": _things,
    "kind": _kinds,
    "names": _guests,
    "name": _guests,
    "run": _runs,
    "resume": _runs,
    "which": _runs,
}
"""By the destination of an argument, whatever the verb."""
