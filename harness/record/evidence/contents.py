"""What is in the evidence of a cell, file by file."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Final

from pydantic_core import to_json

from harness.model import Attempt, Fidelity, Phase
from harness.record.evidence import CELL, CLIENT, DIFFERENCE, LOG, MOST_OF_PACKETS, PACKETS
from harness.record.evidence.configuration import difference
from harness.record.evidence.sheets import Folder
from harness.result import CellResult, Circumstances, ClientFact, ServerFact
from harness.smb.footprint import Footprint
from harness.smb.packets import Connection

FORMAT: Final = 1
"""Of the manifest and of ``cell.json``; additions do not count."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one attempt of a cell."""

    attempt: Attempt
    left: Footprint | None = None
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

    @property
    def emulated(self) -> list[str]:
        """Which of ``server`` and ``client`` is not known to be the real thing."""
        facts = (("server", self.server), ("client", self.client))
        return [who for who, fact in facts if fact is None or Fidelity(fact.fidelity).emulated]


def fill(folder: Folder, one: Evidence) -> None:
    """Write all files of a cell. Raises OSError."""
    _cell(folder, one)
    _packets(folder, one)
    _log(folder, one)
    _configuration(folder, one)
    _output(folder, one)


def _cell(folder: Folder, one: Evidence) -> None:
    found = one.found
    cell = found.cell
    told = {
        "format": FORMAT,
        "cell": str(cell),
        "emulated": one.emulated,
        "effect": found.effect,
        "expected": found.expected,
        "restored": found.restored,
        "cause": found.cause,
        "user_sees": found.user_sees,
        "who_said_no": found.owner,
        "repeat": f"rehearse replay {shlex.quote(str(cell))} --run {shlex.quote(one.run)}",
        "server": one.server,
        "client": one.client,
        "measured_with": one.circumstances,
        "phases": {phase: _phase(seen) for phase, seen in one.phases.items()},
        "parts": {
            name: {"effect": part.effect, "cause": part.cause, "attempt": part.attempt}
            for name, part in found.parts.items()
        },
    }
    folder.put(CELL, "verdict, steps with times, versions", _json(told))
    if found.parts:
        folder.lacks(
            "packets of the parts of the combination", "only those of the whole combination are kept"
        )


def _phase(seen: Seen) -> dict[str, object]:
    left = seen.left
    return {
        "began": _time(left.began) if left else None,
        "ended": _time(left.ended) if left else None,
        "connections_from": [f"{address}:{port}" for address, port in left.connections] if left else None,
        "kdc_asked_from": [f"{address}:{port}" for address, port in left.kdc] if left else None,
        **{one.name: getattr(seen.attempt, one.name) for one in fields(seen.attempt)},
    }


def _json(told: object) -> bytes:
    """What json.dumps makes of ``asdict``, in a fifth of the time: in ASCII, so that nothing steers a
    terminal."""
    text = to_json(told, indent=1).decode()
    return f"{_NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)}\n".encode("ascii")


_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def _packets(folder: Folder, one: Evidence) -> None:
    if one.no_packets:
        folder.lacks("packets", one.no_packets)
        return
    phases = {phase: (seen.left.began, seen.connections) for phase, seen in one.phases.items() if seen.left}
    circumstances = one.circumstances
    software = f"smb-rehearsal {circumstances.version if circumstances else ''}".strip()
    emulated = f" (emulated: {' and '.join(one.emulated)})" if one.emulated else ""
    # Loaded where packets are kept: most runs keep those of no cell, and their format takes long to load.
    from harness.record.evidence import packets

    made = packets.write(phases, f"cell {one.found.cell}{emulated}", software, MOST_OF_PACKETS)
    if not made.packets:
        seen = f"there was no room for those that were seen ({made.left_out})" if made.left_out else ""
        folder.lacks("packets", seen or "the client made no connection to the server")
        return
    cut = [f"{made.left_out} packets were too many"] if made.left_out else []
    if one.lost:
        cut.append(f"{one.lost} packets of this run, maybe of this cell, came too fast to be recorded")
    what = f"{made.packets} packets between client and server (and its KDC), by phase; secrets are zeros"
    folder.put(PACKETS, what, made.data, "; ".join(cut))
    for phase in one.phases:
        if phase not in phases:
            folder.lacks(f"packets ({phase})", "no attempt was made on the wire")


def _log(folder: Folder, one: Evidence) -> None:
    if all(seen.log is None for seen in one.phases.values()):
        folder.lacks("the server's log", "this lab does not keep it by cell, or the server never came up")
        return

    def lines() -> Iterator[str]:
        for phase, seen in one.phases.items():
            yield f"== {phase}: what the server wrote while the attempt was made"
            yield from (seen.log or "").splitlines()

    folder.text(LOG, "the server's log of that time, without what names other connections", lines())


def _configuration(folder: Folder, one: Evidence) -> None:
    known = {phase: seen.configuration for phase, seen in one.phases.items() if seen.configuration}
    before = known.get(Phase.BASELINE, "")
    if not known:
        folder.lacks("the effective configuration", "the server tells nothing of it")
    for phase in one.phases:
        text = known.get(phase, "")
        if known and not text:
            folder.lacks(f"the configuration ({phase})", "the server was down or could not be asked")
        elif phase is Phase.BASELINE or text != before:
            folder.shared(f"configuration-{phase}.txt", "as the server itself reads it", text)
    after = known.get(Phase.APPLIED, "")
    if before and after:
        lines = difference(before, after, "applied").splitlines() or ["nothing differs from the baseline"]
        folder.text(DIFFERENCE, "what differs from the baseline", lines)


def _output(folder: Folder, one: Evidence) -> None:
    said = {phase: seen.left.output for phase, seen in one.phases.items() if seen.left and seen.left.output}
    if not said:
        emulated = one.client is not None and "client" in one.emulated
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
