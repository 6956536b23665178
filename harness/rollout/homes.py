"""A configuration that was brought along is one server, whatever shares and roles of it were rehearsed.

In the lab each share and role is a server of its own (``NAME@SHARE@ROLE``). An administrator changes the one
file that all of them are from, so that a plan speaks of ``NAME``: what a client does on each share stands in
its check, and a hole of any share is a hole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from harness.balance.weigh import rank
from harness.model import CellId, Phase, Sighting
from harness.result import ExposureResult, RunResult

MARK: Final = "@"
"""As ``harness.servers.roles`` has it; a test holds both together."""


def as_one(result: RunResult) -> RunResult:
    """The run with the shares and roles of each configuration as one server; what has but one stays."""
    names = dict.fromkeys(cell.cell.server for cell in result.cells)
    parts: dict[str, list[str]] = {}
    for name in names:
        parts.setdefault(name.partition(MARK)[0], []).append(name)
    homes = {name: home for home, those in parts.items() if len(those) > 1 for name in those}
    if not homes:
        return result
    return replace(
        result,
        cells=tuple(
            replace(one, cell=_moved(one.cell, homes[one.cell.server])) if one.cell.server in homes else one
            for one in result.cells
        ),
        servers={
            **result.servers,
            **{
                home: replace(result.servers[name], name=home, called="")
                for name, home in reversed(homes.items())
                if name in result.servers
            },
        },
        applied=tuple(replace(one, server=homes.get(one.server, one.server)) for one in result.applied),
        left_out=tuple(replace(one, subject=homes.get(one.subject, one.subject)) for one in result.left_out),
        exposures=tuple(_together(result.exposures, homes)),
    )


def measured_as(cell: CellId) -> CellId:
    """The cell of the run that one of ``as_one`` is."""
    check, _, rest = cell.check.partition(MARK)
    return replace(cell, server=f"{cell.server}{MARK}{rest}", check=check) if rest else cell


def _moved(cell: CellId, home: str) -> CellId:
    return replace(cell, server=home, check=f"{cell.check}{MARK}{cell.server.partition(MARK)[2]}")


def _together(found: Iterable[ExposureResult], homes: Mapping[str, str]) -> Iterable[ExposureResult]:
    """Each exposure of one server once: in every phase as it was where it was worst."""
    merged: dict[tuple[str, str, str], ExposureResult] = {}
    for one in found:
        moved = replace(one, server=homes.get(one.server, one.server))
        key = (moved.mitigation, moved.server, moved.exposure)
        merged[key] = (
            replace(moved, phases=_worse(merged[key].phases, one.phases)) if key in merged else moved
        )
    return merged.values()


def _worse(one: Mapping[Phase, Sighting], other: Mapping[Phase, Sighting]) -> Mapping[Phase, Sighting]:
    return {
        phase: max(
            (seen[phase] for seen in (one, other) if phase in seen), key=lambda sighting: rank(sighting.state)
        )
        for phase in Phase
        if phase in one or phase in other
    }
