"""Whether the names in a selector exist: a gate with a misspelt name would hold for ever, or for nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.grammar.words import fits, is_pattern
from harness.mitigations import NONE
from harness.mitigations.inline import parts as combined
from harness.model import Check
from harness.system.registry import lookup


def check(catalogue: Catalogue, parts: Mapping[str, Iterable[str]]) -> None:
    """``parts``: the names and patterns of each kind. Raises UsageError with the nearest names."""
    every: Mapping[str, Mapping[str, object]] = {
        "mitigation": {NONE: None, **catalogue.mitigations},
        "server": catalogue.servers,
        "client": catalogue.clients,
        "check": {check.value: check for check in Check},
        "exposure": catalogue.exposures,
    }
    for kind, words in parts.items():
        known = every[kind]
        for word in words:
            # Of a combination with patterns each part must be one of something.
            whole = kind != "mitigation" or not is_pattern(word)
            for name in [word] if whole else combined(word):
                if not is_pattern(name):
                    # A combination is known to the catalogue alone.
                    if kind == "mitigation" and name != NONE:
                        catalogue.mitigation(name)
                    else:
                        lookup(kind, name, known)
                elif not any(fits(one, name) for one in known):
                    raise UsageError(f"no {kind} matches {name!r}", f"See: rehearse list {kind}s")
