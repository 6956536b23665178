"""Whether the names in a selector exist: a gate with a misspelt name would hold for ever, or for nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase

from harness.clients import clients
from harness.errors import UsageError
from harness.exposures import exposures
from harness.mitigations import NONE, mitigation, mitigations
from harness.mitigations.base import SEPARATOR
from harness.model import Check
from harness.servers import servers
from harness.system.registry import lookup


def check(parts: Mapping[str, Iterable[str]]) -> None:
    """``parts``: the names and patterns of each kind. Raises UsageError with the nearest names."""
    for kind, words in parts.items():
        known = _KNOWN[kind]()
        for word in words:
            # Of a combination with patterns each part must be one of something.
            whole = kind != "mitigation" or not _is_pattern(word)
            for name in [word] if whole else word.split(SEPARATOR):
                if not _is_pattern(name):
                    _look_up(kind, name, known)
                elif not any(fnmatchcase(one, name) for one in known):
                    raise UsageError(f"no {kind} matches {name!r}", f"See: rehearse list {kind}s")


def _is_pattern(word: str) -> bool:
    return any(mark in word for mark in "*?[")


def _look_up(kind: str, name: str, known: Mapping[str, object]) -> None:
    if kind == "mitigation" and name != NONE:
        # It knows combinations, too.
        mitigation(name)
    else:
        lookup(kind, name, known)


_KNOWN: Mapping[str, Callable[[], Mapping[str, object]]] = {
    "mitigation": lambda: {NONE: None, **mitigations()},
    "server": servers,
    "client": clients,
    "check": lambda: {check.value: check for check in Check},
    "exposure": exposures,
}
