"""Writes the evidence of one cell: its files, and a manifest that says what is there and what is not."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from harness.model import Attempt, CellId, Phase
from harness.record.evidence import (
    CELL,
    CLIENT,
    LOG,
    MANIFEST,
    MOST_OF_PACKETS,
    MOST_OF_TEXT,
    PACKETS,
    folder_of,
)
from harness.record.evidence import packets as recordings
from harness.record.evidence.configuration import difference
from harness.result import CellResult, Circumstances, ClientFact, ServerFact
from harness.smb.packets import Connection
from harness.smb.traces import Trace
from harness.system.plain import clean

FORMAT: Final = 1
"""Of the manifest and of ``cell.json``; additions do not count."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one attempt of a cell."""

    attempt: Attempt
    trace: Trace | None = None
    connections: tuple[Connection, ...] = ()
    log: str | None = None
    """Of the server's log what was written meanwhile; None where this lab keeps none."""
    configuration: str = ""
    """As the server itself read it in this phase; "" where it was not asked, or tells nothing."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is to be kept of one cell."""

    found: CellResult
    phases: Mapping[Phase, Seen]
    server: ServerFact | None
    client: ClientFact | None
    circumstances: Circumstances | None
    run: str
    """The name of the run, for the command that repeats the cell."""
    no_packets: str = ""
    """Why no packets were recorded in this run; "" where they were."""
    lost: int = 0
    """Packets, of whichever connection, that the kernel had no room for during the run."""


@dataclass(slots=True)
class _Folder:
    """A folder while it is filled."""

    path: Path
    files: list[dict[str, object]] = field(default_factory=list)
    missing: list[dict[str, str]] = field(default_factory=list)

    def put(self, name: str, what: str, data: bytes, cut: str = "") -> None:
        (self.path / name).write_bytes(data)
        one = {"name": name, "what": what, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        self.files.append({**one, "cut": cut})

    def text(self, name: str, what: str, lines: Iterable[str]) -> None:
        """Each line as it may be shown: nothing in it steers a terminal, a browser or a job."""
        data = "".join(f"{_shown(line)}\n" for line in lines).encode("utf-8", "backslashreplace")
        cut = f"the first {MOST_OF_TEXT} of {len(data)} bytes" if len(data) > MOST_OF_TEXT else ""
        self.put(name, what, data[:MOST_OF_TEXT].decode("utf-8", "ignore").encode() if cut else data, cut)

    def lacks(self, what: str, why: str) -> None:
        self.missing.append({"what": what, "why": why})


def _shown(line: str) -> str:
    indent = len(line) - len(line.lstrip("\t"))
    return "    " * indent + clean(line[indent:])


def write(home: Path, one: Evidence, room: int) -> int:
    """Put the evidence of a cell in its folder below ``home``, in place of what was there; its bytes.

    Where it has more than ``room`` bytes, only the manifest stays, and says so. Raises OSError.
    """
    cell = one.found.cell
    there = home / folder_of(cell)
    part = home / f"{there.name}.part"
    _remove(there)
    _remove(part)
    part.mkdir(parents=True)
    folder = _Folder(part)
    _cell(folder, one)
    _packets(folder, one)
    _log(folder, one)
    _configuration(folder, one)
    _output(folder, one)
    size = sum(path.stat().st_size for path in part.iterdir())
    if size > room:
        for path in part.iterdir():
            path.unlink()
        folder.files.clear()
        folder.missing.clear()
        folder.lacks("everything", f"{size} bytes would be more than a run's evidence may have")
        size = 0
    manifest = {"format": FORMAT, "cell": str(cell), "files": folder.files, "missing": folder.missing}
    text = json.dumps(manifest, indent=1) + "\n"
    (part / MANIFEST).write_text(text, "ascii")
    part.replace(there)
    return size + len(text)


def forget(home: Path, cells: Iterable[CellId]) -> None:
    """Remove the evidence of cells that are measured anew, and what a killed run had half written."""
    for cell in cells:
        _remove(home / folder_of(cell))
    for part in home.glob("*.part"):
        _remove(part)


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _cell(folder: _Folder, one: Evidence) -> None:
    found = one.found
    cell = found.cell
    told = {
        "format": FORMAT,
        "cell": str(cell),
        "effect": found.effect,
        "expected": found.expected,
        "restored": found.restored,
        "cause": found.cause,
        "user_sees": found.user_sees,
        "who_said_no": found.owner,
        "repeat": f"rehearse replay {shlex.quote(str(cell))} --run {shlex.quote(one.run)}",
        "server": asdict(one.server) if one.server else None,
        "client": asdict(one.client) if one.client else None,
        "measured_with": asdict(one.circumstances) if one.circumstances else None,
        "phases": {phase: _phase(seen) for phase, seen in one.phases.items()},
        "parts": {
            name: {"effect": part.effect, "cause": part.cause, "attempt": asdict(part.attempt)}
            for name, part in found.parts.items()
        },
    }
    folder.put(
        CELL, "verdict, steps with times, versions", (json.dumps(told, indent=1) + "\n").encode("ascii")
    )
    if found.parts:
        folder.lacks(
            "packets of the parts of the combination", "only those of the whole combination are kept"
        )


def _phase(seen: Seen) -> dict[str, object]:
    trace = seen.trace
    return {
        "began": _time(trace.began) if trace else None,
        "ended": _time(trace.ended) if trace else None,
        "connections_from": [f"{address}:{port}" for address, port in trace.connections] if trace else None,
        **asdict(seen.attempt),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def _packets(folder: _Folder, one: Evidence) -> None:
    if one.no_packets:
        folder.lacks("packets", one.no_packets)
        return
    phases = {phase: (seen.trace.began, seen.connections) for phase, seen in one.phases.items() if seen.trace}
    circumstances = one.circumstances
    software = f"smb-rehearsal {circumstances.version if circumstances else ''}".strip()
    made = recordings.write(phases, f"cell {one.found.cell}", software, MOST_OF_PACKETS)
    if not made.packets:
        folder.lacks("packets", "the client made no connection to the server")
        return
    cut = [f"{made.left_out} packets were too many"] if made.left_out else []
    if one.lost:
        cut.append(f"{one.lost} packets of this run, maybe of this cell, came too fast to be recorded")
    what = f"{made.packets} packets between client and server, by phase; secrets are zeros"
    folder.put(PACKETS, what, made.data, "; ".join(cut))
    for phase in one.phases:
        if phase not in phases:
            folder.lacks(f"packets ({phase})", "no attempt was made on the wire")


def _log(folder: _Folder, one: Evidence) -> None:
    if all(seen.log is None for seen in one.phases.values()):
        folder.lacks("the server's log", "this lab does not keep it by cell, or the server never came up")
        return

    def lines() -> Iterator[str]:
        for phase, seen in one.phases.items():
            yield f"== {phase}: what the server wrote while the attempt was made"
            yield from (seen.log or "").splitlines()

    folder.text(LOG, "the server's log of that time, without what names other connections", lines())


def _configuration(folder: _Folder, one: Evidence) -> None:
    known = {phase: seen.configuration for phase, seen in one.phases.items() if seen.configuration}
    before = known.get(Phase.BASELINE, "")
    if not known:
        folder.lacks("the effective configuration", "the server tells nothing of it")
    for phase in one.phases:
        text = known.get(phase, "")
        if known and not text:
            folder.lacks(f"the configuration ({phase})", "the server was down or could not be asked")
        elif phase is Phase.BASELINE or text != before:
            folder.text(f"configuration-{phase}.txt", "as the server itself reads it", text.splitlines())
    after = known.get(Phase.APPLIED, "")
    if before and after:
        lines = difference(before, after, "applied").splitlines() or ["nothing differs from the baseline"]
        folder.text("configuration.diff", "what differs from the baseline", lines)


def _output(folder: _Folder, one: Evidence) -> None:
    said = {
        phase: seen.trace.output for phase, seen in one.phases.items() if seen.trace and seen.trace.output
    }
    if not said:
        emulated = one.client is not None and one.client.fidelity != "real"
        why = "it is emulated: it has no output of its own" if emulated else "this lab does not record it"
        folder.lacks("the client's own output", why)
        return

    def lines() -> Iterator[str]:
        for phase, output in said.items():
            for each in output:
                ended = "its time was over" if each.status is None else f"exit status {each.status}"
                yield f"== {phase}: {each.program}, {ended}"
                for name, text in (("standard error", each.stderr), ("standard output", each.stdout)):
                    if text:
                        yield f"-- {name}"
                        yield from text.splitlines()

    folder.text(CLIENT, "what the client's own software said", lines())
