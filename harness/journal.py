"""The run folder: the truth that everything else is rendered from.

    <run>/plan.json       what was to be done, written before anything starts
    <run>/journal.jsonl   append-only; one line a fact, each written with one write(2)
    <run>/lock            held while the run lives
    <run>/lab/            state of the running servers; gone when the run ended
    <run>/evidence/       smb.conf and logs of the servers
    <run>/log.txt         every program that was run, without secrets

The journal survives a kill -9: a line that was cut off at any byte is left out when it is read, so at most
the attempt in flight is lost. It can be read while it is written.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TextIO

from pydantic import Field, TypeAdapter, ValidationError

from harness.errors import LabFault, UsageError
from harness.model import Attempt, CellId, Phase, Sighting
from harness.plan import Plan
from harness.result import Applied, ClientFact, ExposureFact, ServerFact

FORMAT = 1


@dataclass(frozen=True)
class Begun:
    """The first line of a journal, and one more each time the run is continued."""

    lab: str
    version: str
    kind: Literal["begun"] = "begun"
    format: int = FORMAT
    parts: bool = False
    """Of what a combination loses, the parts are measured too: a lost cell without them is not finished."""


@dataclass(frozen=True)
class Attempted:
    """One attempt of one cell in one phase."""

    cell: CellId
    phase: Phase
    attempt: Attempt
    round: int
    """Counts the times a cell was begun anew: phases of different rounds are never mixed."""
    kind: Literal["attempt"] = "attempt"


@dataclass(frozen=True)
class TriedPart:
    """What a cell that a combination loses came to under a change that is part of it."""

    cell: CellId
    """The cell of the combination."""
    change: str
    """A part alone, or the combination without one part."""
    attempt: Attempt
    """With that change in force; unsupported or a fault, with the reason, where nothing could be measured."""
    round: int
    """As in ``Attempted``: what was tried in an older round does not count."""
    kind: Literal["part"] = "part"


@dataclass(frozen=True)
class Known:
    """What a server was."""

    server: ServerFact
    kind: Literal["server"] = "server"


@dataclass(frozen=True)
class KnownClient:
    """What a client was."""

    client: ClientFact
    kind: Literal["client"] = "client"


@dataclass(frozen=True)
class TookEffect:
    """That a mitigation took effect and was taken back."""

    applied: Applied
    kind: Literal["applied"] = "applied"


@dataclass(frozen=True)
class KnownExposures:
    """What is looked for in this run."""

    exposures: tuple[ExposureFact, ...]
    kind: Literal["exposures"] = "exposures"


@dataclass(frozen=True)
class Probed:
    """What the probes saw of one server in one phase of one mitigation."""

    mitigation: str
    server: str
    phase: Phase
    seen: dict[str, Sighting]
    """By the name of the exposure."""
    round: int
    """As in ``Attempted``: phases of different rounds are never mixed."""
    kind: Literal["probed"] = "probed"


Entry = Annotated[
    Begun | Attempted | TriedPart | Known | KnownClient | TookEffect | KnownExposures | Probed,
    Field(discriminator="kind"),
]
_entries: TypeAdapter[Entry] = TypeAdapter(Entry)
_plans: TypeAdapter[Plan] = TypeAdapter(Plan)


class Journal:
    """Appends to the journal of a run. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        path = folder / "journal.jsonl"
        mend_cut(path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def add(self, entry: Entry) -> None:
        """Write one fact. Raises LabFault when the disk is full or the folder is gone."""
        line = _entries.dump_json(entry, exclude_none=True) + b"\n"
        with self._lock:
            try:
                written = os.write(self._file, line)
            except OSError as error:
                raise LabFault(f"{self.folder}: cannot write the journal: {error.strerror}") from error
            if written != len(line):
                raise LabFault(f"{self.folder}: the disk is full", "make room, then: rehearse run --resume")

    def close(self) -> None:
        """Close the file; the journal stays."""
        os.close(self._file)


def mend_cut(path: Path) -> None:
    """Drop a last line that was cut off, so that the next one starts on a line of its own."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole != len(data):
        with path.open("r+b") as file:
            file.truncate(whole)


@contextmanager
def create(folder: Path, plan: Plan) -> Iterator[Journal]:
    """Start a run folder, or continue one that has the same plan; holds its lock meanwhile.

    Raises LabFault when it cannot be written, UsageError when another process is running it.
    """
    with ExitStack() as held:
        # Only what concerns the folder; what goes wrong while it is used is not explained here.
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _lock(folder, held.enter_context((folder / "lock").open("a")))
            planned = folder / "plan.json"
            if not planned.exists():
                part = folder / "plan.json.part"
                part.write_bytes(_plans.dump_json(plan, indent=1))
                part.replace(planned)
            journal = held.enter_context(closing(Journal(folder)))
        except OSError as error:
            raise LabFault(
                f"{folder}: {error.strerror or error}", "choose another folder with --runs, or make room"
            ) from error
        yield journal


def _lock(folder: Path, file: TextIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(f"{folder.name} is being run by another process") from error


@dataclass
class Recorded:
    """What a run folder holds, read back."""

    folder: Path
    plan: Plan
    begun: Begun | None = None
    servers: dict[str, ServerFact] = field(default_factory=dict)
    clients: dict[str, ClientFact] = field(default_factory=dict)
    applied: dict[tuple[str, str], Applied] = field(default_factory=dict)
    attempts: dict[CellId, dict[Phase, Attempt]] = field(default_factory=dict)
    """The newest round of each cell."""
    rounds: dict[CellId, int] = field(default_factory=dict)
    tried: dict[CellId, dict[str, Attempt]] = field(default_factory=dict)
    """By cell and change: what combinations' lost cells came to under parts of these; the newest round."""
    wants_parts: bool = False
    """Each time that the run was begun or continued, it was to measure these."""
    exposures: dict[str, ExposureFact] = field(default_factory=dict)
    probed: dict[tuple[str, str], dict[Phase, dict[str, Sighting]]] = field(default_factory=dict)
    """By mitigation and server: the newest round."""
    probe_rounds: dict[tuple[str, str], int] = field(default_factory=dict)


def load(folder: Path) -> Recorded:
    """Read a run folder, also while it is written and after a cut at any byte.

    Raises UsageError when it is not a run folder.
    """
    try:
        plan = _plans.validate_json((folder / "plan.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError(f"{folder} is not the folder of a run", "See: rehearse list runs") from error
    recorded = Recorded(folder, plan)
    for entry in _read(folder / "journal.jsonl"):
        match entry:
            case Begun():
                recorded.wants_parts = entry.parts and (recorded.begun is None or recorded.wants_parts)
                recorded.begun = entry
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
            case Attempted(cell, phase, attempt, number):
                if number > recorded.rounds.get(cell, -1):
                    recorded.attempts[cell] = {}
                    recorded.tried.pop(cell, None)
                    recorded.rounds[cell] = number
                if number == recorded.rounds[cell]:
                    recorded.attempts[cell][phase] = attempt
            case TriedPart(cell, change, attempt, number):
                if number == recorded.rounds.get(cell):
                    recorded.tried.setdefault(cell, {})[change] = attempt
    return recorded


def _read(path: Path) -> Iterator[Entry]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    for line in data.split(b"\n")[:-1]:
        try:
            yield _entries.validate_json(line)
        except ValidationError:
            # Torn by a full disk or foreign hands: what it held counts as never measured.
            continue


def runs(home: Path) -> list[Path]:
    """The run folders below ``home``, oldest first."""
    if not home.is_dir():
        return []
    return sorted(path.parent for path in home.glob("*/plan.json"))
