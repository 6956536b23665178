"""The run folder: the truth that everything else is rendered from.

    <run>/plan.json       what was to be done, written before anything starts
    <run>/journal.jsonl   append-only; one line a fact, each written with one write(2)
    <run>/lock            held while something is measured
    <run>/attended        held while a command works on the run: also while it builds images
    <run>/lab/            state of the running servers; gone when the run ended
    <run>/evidence/       smb.conf and logs of the servers; that of single cells (record.evidence)
    <run>/took.jsonl      how long its jobs took (record.took)
    <run>/outline.json    what it came to in a few numbers (record.outline): made of the journal
    <run>/log.txt         every program that was run, without secrets

The journal survives a kill -9: a line that was cut off at any byte is left out when it is read, so at most
the attempt in flight is lost. It can be read while it is written.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TextIO

from pydantic import TypeAdapter, ValidationError

from harness.errors import LabFault, UsageError
from harness.model import Attempt, CellId, Fidelity, Phase, Sighting
from harness.planning.plan import Plan
from harness.record.entries import (
    FORMAT,
    Attempted,
    Begun,
    Ended,
    Entry,
    Known,
    KnownClient,
    KnownExposures,
    Probed,
    TookEffect,
    TriedPart,
    entry_of,
    line_of,
)
from harness.record.reused import Drawn, DrawnChange, Earlier, Reused, ReusedChange
from harness.record.sharing import Phases, Sharing
from harness.result import Applied, ClientFact, ExposureFact, ServerFact
from harness.system import files, locks
from harness.system.plain import many

LONGEST_LINE, MOST_OF_A_JOURNAL, MOST_OF_A_PLAN = 2**24, 2**33, 2**29
"""Bytes. A million cells make a plan of 142 MB, twice that in a shard, and 3 KB a cell a journal of 3 GB."""
ATTENDED = "attended"
"""A file that is locked while a command works on the run; ``lock`` is, while something is measured."""


@cache
def _plans() -> TypeAdapter[Plan]:
    """Made when a plan is read or written: a list of runs needs none."""
    return TypeAdapter(Plan)


class Journal:
    """Appends to the journal of a run. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        path = folder / "journal.jsonl"
        mend_cut(path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def add(self, *facts: Entry | bytes) -> None:
        """Write facts, or lines of them, at once. Raises LabFault: the disk is full, the folder is gone."""
        line = b"".join((one if isinstance(one, bytes) else line_of(one)) + b"\n" for one in facts)
        with self._lock:
            try:
                written = os.write(self._file, line)
            except OSError as error:
                raise LabFault(f"{self.folder}: cannot write the journal: {error.strerror}") from error
            if written != len(line):
                raise LabFault(
                    f"{self.folder}: the disk is full, or no file may become larger (ulimit -f)",
                    "make room, then: rehearse run --resume",
                )

    def close(self) -> None:
        """Close the file; the journal stays."""
        os.close(self._file)


def mend_cut(path: Path) -> None:
    """Drop a last line that was cut off, so that the next one starts on a line of its own."""
    if not path.exists():
        return
    files.check(path)
    with path.open("r+b") as file:
        end = whole = file.seek(0, os.SEEK_END)
        while whole:
            begin = max(0, whole - 2**16)
            file.seek(begin)
            found = file.read(whole - begin).rfind(b"\n")
            whole = begin + found + 1
            if found >= 0:
                break
        if whole != end:
            file.truncate(whole)


@contextmanager
def attended(folder: Path) -> Iterator[None]:
    """While a command works on a run, from the first image that is built to the last server that is stopped.

    Raises LabFault when the folder cannot be written, UsageError when another command works on it.
    """
    with ExitStack() as held:
        try:
            _lock(folder, held.enter_context((folder / ATTENDED).open("a")))
        except OSError as error:
            raise _unwritable(folder, error) from error
        yield


def remove_untouched(folder: Path) -> None:
    """Remove a run folder of which no lab was entered: nothing was measured, and no log tells anything.

    Call it while the run is ``attended``. What cannot be removed stays.
    """
    journal, log = folder / "journal.jsonl", folder / "log.txt"
    if not log.exists() and not (journal.exists() and journal.stat().st_size):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def create(folder: Path, plan: Plan) -> Iterator[Journal]:
    """Start a run folder, or continue one that has the same plan; holds its lock meanwhile.

    Raises LabFault when it cannot be written, UsageError when another process is running it.
    """
    with ExitStack() as held:
        # Only what concerns the folder; what goes wrong while it is used is not explained here.
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (folder / "lock").exists():
                files.check(folder / "lock")
            _lock(folder, held.enter_context((folder / "lock").open("a")))
            planned = folder / "plan.json"
            if not planned.exists():
                part = folder / "plan.json.part"
                part.write_bytes(_plans().dump_json(plan, indent=1))
                part.replace(planned)
            journal = held.enter_context(closing(Journal(folder)))
        except OSError as error:
            raise _unwritable(folder, error) from error
        yield journal


def _unwritable(folder: Path, error: OSError) -> LabFault:
    return LabFault(f"{folder}: {error.strerror or error}", "choose another folder with --runs, or make room")


def _lock(folder: Path, file: TextIO) -> None:
    if not locks.take(file):
        raise UsageError(f"{folder.name} is being run by another process")


@dataclass
class Recorded:
    """What a run folder holds, read back."""

    folder: Path
    plan: Plan
    begun: Begun | None = None
    stretches: list[tuple[Begun, Ended | None]] = field(default_factory=list)
    """Each time that it was measured in; without an end for one that was killed, or goes on."""
    servers: dict[str, ServerFact] = field(default_factory=dict)
    clients: dict[str, ClientFact] = field(default_factory=dict)
    applied: dict[tuple[str, str], Applied] = field(default_factory=dict)
    attempts: dict[CellId, Phases] = field(default_factory=dict)
    """The newest round of each cell."""
    sharing: Sharing = field(default_factory=Sharing, repr=False, compare=False)
    """Of these attempts."""
    rounds: dict[CellId, int] = field(default_factory=dict)
    tried: dict[CellId, dict[str, Attempt]] = field(default_factory=dict)
    """By cell and change: what combinations' lost cells came to under parts of these; the newest round."""
    wants_parts: bool = False
    """Each time that the run was begun or continued, it was to measure these."""
    exposures: dict[str, ExposureFact] = field(default_factory=dict)
    probed: dict[tuple[str, str], dict[Phase, dict[str, Sighting]]] = field(default_factory=dict)
    """By mitigation and server: the newest round."""
    probe_rounds: dict[tuple[str, str], int] = field(default_factory=dict)
    earlier: Earlier = field(default_factory=Earlier)
    """What of it was reused from earlier runs."""
    damage: str = ""
    """Which lines of the journal cannot be read, and why: what they held counts as never measured."""


def plan_of(folder: Path) -> Plan:
    """What a run was to measure. Raises UsageError when it is not a run folder."""
    hint = "See: rehearse list runs"
    try:
        return _plans().validate_json(files.read(folder / "plan.json", most=MOST_OF_A_PLAN))
    except UsageError as error:
        raise UsageError(f"{folder} is not the folder of a run: {error.message}", hint) from error
    except ValidationError as error:
        why = f"plan.json is damaged: {_first(error)}"
        raise UsageError(f"{folder} is not the folder of a run: {why}", hint) from error


def load(folder: Path) -> Recorded:
    """Read a run folder, also while it is written and after a cut at any byte.

    Raises UsageError when it is not a run folder, or one of another format.
    """
    recorded = Recorded(folder, plan_of(folder))
    for entry in _read(recorded):
        if isinstance(entry, Attempted):
            # Nearly all of a journal.
            _attempted(recorded, entry)
            continue
        match entry:
            case Begun(_, version):
                if entry.format != FORMAT:
                    why = f"its journal has format {entry.format}, and this smb-rehearsal reads {FORMAT}"
                    raise UsageError(
                        f"{folder}: {why}", f"read it with smb-rehearsal {version}, which wrote it"
                    )
                recorded.wants_parts = entry.parts and (recorded.begun is None or recorded.wants_parts)
                recorded.begun = entry
                recorded.stretches.append((entry, None))
            case Ended():
                recorded.stretches[-1:] = [(begun, entry) for begun, _ in recorded.stretches[-1:]]
            case Known(server):
                recorded.servers[server.name] = server
            case KnownClient(client):
                recorded.clients[client.name] = client
            case TookEffect(applied):
                recorded.applied[applied.mitigation, applied.server] = applied
            case KnownExposures(found):
                recorded.exposures.update({fact.name: fact for fact in found})
            case Probed(mitigation, server, phase, seen, number):
                pair = (mitigation, server)
                if number > recorded.probe_rounds.get(pair, -1):
                    recorded.probed[pair] = {}
                    recorded.probe_rounds[pair] = number
                if number == recorded.probe_rounds[pair]:
                    recorded.probed[pair][phase] = seen
            case TriedPart(cell, change, attempt, number):
                if number == recorded.rounds.get(cell):
                    recorded.tried.setdefault(cell, {})[change] = attempt
            case Reused() | ReusedChange() | Drawn() | DrawnChange():
                recorded.earlier.note(entry)
    return recorded


def _attempted(recorded: Recorded, entry: Attempted) -> None:
    cell, known = entry.cell, recorded.rounds.get(entry.cell, -1)
    if entry.round > known:
        recorded.tried.pop(cell, None)
        recorded.rounds[cell] = entry.round
    if entry.round >= known:
        before = recorded.attempts[cell] if entry.round == known else None
        recorded.attempts[cell] = recorded.sharing.added(before, entry.phase, entry.attempt)


def _read(recorded: Recorded) -> Iterator[Entry]:
    """The entries of a journal. Lines that are none, by a full disk or foreign hands, go to ``damage``."""
    damaged, first = 0, ""
    path = recorded.folder / "journal.jsonl"
    for number, line in enumerate(files.lines(path, LONGEST_LINE, MOST_OF_A_JOURNAL), 1):
        try:
            entry = entry_of(line)
            if isinstance(entry, Known | KnownClient):
                _sound(entry.server if isinstance(entry, Known) else entry.client)
        except ValueError as error:  # ValidationError is one
            damaged += 1
            first = first or f"line {number}: {_first(error)}"
            continue
        yield entry
    if damaged:
        recorded.damage = (
            f"{many(damaged, 'line')} of its journal cannot be read ({first}): what they held is missing"
        )


def _sound(fact: ServerFact | ClientFact) -> None:
    """Raises ValueError for a fidelity that there is not."""
    Fidelity(fact.fidelity)


def _first(error: ValueError) -> str:
    """The first mistake that was found, and where."""
    return files.first_mistake(error) if isinstance(error, ValidationError) else str(error)
