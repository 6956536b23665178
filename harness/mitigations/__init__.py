"""The room of mitigations: one file each."""

from __future__ import annotations

from functools import cache

from harness.errors import UsageError
from harness.mitigations.base import SEPARATOR, Mitigation, Nothing
from harness.mitigations.combination import Combination
from harness.system.registry import collect, lookup

NONE = "none"
"""The baseline alone."""


@cache
def mitigations() -> dict[str, Mitigation]:
    """Every mitigation there is, by name; without ``none`` and combinations."""
    return collect("harness.mitigations", "MITIGATIONS", Mitigation)


@cache
def mitigation(name: str) -> Mitigation:
    """The mitigation of that name: ``none``, a single one, or several joined by ``+``.

    Raises UsageError when a part is unknown or named twice.
    """
    if name == NONE:
        return Nothing()
    parts = name.split(SEPARATOR)
    if len(set(parts)) != len(parts):
        raise UsageError(f"{name!r} names a mitigation twice")
    found = [lookup("mitigation", part, mitigations()) for part in parts]
    return found[0] if len(found) == 1 else Combination(tuple(found))
