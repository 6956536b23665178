"""What is kept of a cell and of a job, as rows of the store; and such rows read back.

A row is lines of a journal. What is read is checked as if a stranger had written it: a row that is not whole
in itself, or is of another cell, is none.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from harness.catalogue import Catalogue
from harness.model import Attempt, CellId, Phase
from harness.planning.plan import phases_of
from harness.record.entries import (
    Attempted,
    Entry,
    Known,
    KnownClient,
    Probed,
    TookEffect,
    TriedPart,
    entry_of,
    line_of,
)
from harness.record.evidence import MANIFEST, PLACE, folder_of
from harness.record.journal import Recorded
from harness.record.reused import Pair
from harness.result.reuse import MeasuredBefore
from harness.reuse.believed import doubt
from harness.reuse.store import Row

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
"""Names of files of evidence: no path leads elsewhere."""


@dataclass(frozen=True, slots=True)
class KeptCell:
    """A cell as it was measured before."""

    row: Row
    attempts: dict[Phase, Attempt]
    tried: dict[str, Attempt]
    entries: tuple[Entry, ...]
    """What its client was; then its attempts."""
    evidence: bool = False
    """A run that reuses it is to have its evidence."""


@dataclass(frozen=True, slots=True)
class KeptJob:
    """What a job found besides its cells."""

    row: Row
    probed: dict[Phase, Probed]
    entries: tuple[Entry, ...]


def of_cell(recorded: Recorded, cell: CellId, key: str, before: MeasuredBefore) -> Row:
    """The row of a cell of a run."""
    entries: list[Entry] = []
    if client := recorded.clients.get(cell.client):
        entries.append(KnownClient(client))
    entries += [Attempted(cell, phase, one, 0) for phase, one in recorded.attempts[cell].items()]
    entries += [TriedPart(cell, name, one, 0) for name, one in recorded.tried.get(cell, {}).items()]
    there = recorded.folder / PLACE / folder_of(cell)
    return Row(key, str(cell), before, tuple(map(line_of, entries)), _evidence(there))


def of_job(recorded: Recorded, pair: Pair, key: str, before: MeasuredBefore) -> Row | None:
    """The row of a job of a run; None where the run did not measure all of it."""
    change, server = pair
    if server not in recorded.servers:
        return None
    entries: list[Entry] = [Known(recorded.servers[server])]
    if pair in recorded.applied:
        entries.append(TookEffect(recorded.applied[pair]))
    seen = recorded.probed.get(pair, {})
    if recorded.plan.probes and not {*phases_of(change)} <= {*seen}:
        return None
    entries += [Probed(change, server, phase, found, 0) for phase, found in seen.items()]
    return Row(key, ":".join(pair), before, tuple(map(line_of, entries)))


def cell_of(catalogue: Catalogue, cell: CellId, row: Row) -> KeptCell | None:
    """What a row says of a cell; None where that is not what is kept of such a cell."""
    attempts: dict[Phase, Attempt] = {}
    tried: dict[str, Attempt] = {}
    entries = _entries(row)
    for entry in entries:
        match entry:
            case Attempted(of, phase, made) if of == cell:
                attempts[phase] = made
            case TriedPart(of, change, made) if of == cell:
                tried[change] = made
            case KnownClient(client) if client.name == cell.client:
                pass
            case _:
                return None
    if doubt(catalogue, cell, attempts, tried):
        return None
    return KeptCell(row, attempts, tried, entries)


def job_of(pair: Pair, row: Row, *, probes: bool) -> KeptJob | None:
    """What a row says of a job; None where that is not what is kept of such a job."""
    probed: dict[Phase, Probed] = {}
    entries = _entries(row)
    for entry in entries:
        match entry:
            case Known(server) if server.name == pair[1]:
                pass
            case TookEffect(applied) if (applied.mitigation, applied.server) == pair:
                pass
            case Probed(change, server, phase) if (change, server) == pair:
                probed[phase] = entry
            case _:
                return None
    whole = any(isinstance(entry, Known) for entry in entries)
    if not whole or (probes and not {*phases_of(pair[0])} <= {*probed}):
        return None
    return KeptJob(row, probed, entries)


def put_evidence(folder: Path, cell: CellId, files: Mapping[str, bytes]) -> None:
    """Put the evidence of a cell into a run folder, all at once. Raises OSError."""
    there = folder / PLACE / folder_of(cell)
    part = there.with_name(f"{there.name}.part")
    part.mkdir(parents=True)
    for name, data in files.items():
        if not _PLAIN.fullmatch(name):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)
        with open(f"{part}/{name}", "wb") as file:  # noqa: PTH123 - of each cell some
            file.write(data)
    part.replace(there)


def _entries(row: Row) -> tuple[Entry, ...]:
    try:
        # The first is what the client is, the same in many rows.
        return (*map(_entry_of_many, row.lines[:1]), *map(entry_of, row.lines[1:]))
    except ValueError:
        return ()


_entry_of_many = lru_cache(256)(entry_of)


def _evidence(there: Path) -> dict[str, bytes]:
    """The files of a cell's evidence; none of evidence that is not whole."""
    if there.is_symlink() or not (there / MANIFEST).is_file():
        return {}
    found = (path for path in there.iterdir() if path.is_file() and not path.is_symlink())
    return {path.name: path.read_bytes() for path in found}
