"""The effective configuration of a server as text, and what differs from the one before the change."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import lru_cache

from harness.servers.live import ServerInternals


def text_of(inside: ServerInternals) -> str:
    """Every parameter as the server itself reads it, defaults included, by the names of smb.conf(5).

    Of a share only what is not as in [global]. "" where the server tells nothing of it.
    """
    return "".join(f"{line}\n" for line in _lines(inside))


def _lines(inside: ServerInternals) -> Iterator[str]:
    if inside.settings:
        yield "[global]"
        yield from (f"\t{name} = {value}" for name, value in sorted(inside.settings.items()))
    for share in inside.shares:
        yield f"[{share.name}]"
        for name, value in sorted(share.settings.items()):
            if inside.settings.get(name) != value:
                yield f"\t{name} = {value}"


# Each cell that a change takes has the same.
@lru_cache(maxsize=16)
def difference(before: str, after: str, name: str) -> str:
    """What differs, as diff -u shows it; "" for nothing."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), "baseline", name, n=0
    )
    return "".join(lines)
