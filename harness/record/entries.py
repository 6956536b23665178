"""The facts that a journal is made of, one a line: what each says, and how it is written.

A new fact is a class here, a member of ``Entry``, and a case in ``harness.record.journal.load``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from harness.model import Attempt, CellId, Phase, Sighting
from harness.record.reused import OfReuse, Round
from harness.result import Applied, Circumstances, ClientFact, ExposureFact, ServerFact
from harness.result.spent import TimeSpent

FORMAT = 1
"""Of the journal; another one is not read."""


@dataclass(frozen=True)
class Begun:
    """The first line of a journal, and one more each time the run is continued."""

    lab: str
    version: str
    at: datetime | None = None
    """When measuring began; None in journals of earlier versions."""
    circumstances: Circumstances | None = None
    """None in journals of earlier versions."""
    kind: Literal["begun"] = "begun"
    format: int = FORMAT
    parts: bool = False
    """Of what a combination loses, the parts are measured too: a lost cell without them is not finished."""


@dataclass(frozen=True)
class Ended:
    """That measuring ended in an orderly way: it was not killed."""

    at: datetime
    whole: bool
    """All that was to be measured was; False when somebody stopped it."""
    kind: Literal["ended"] = "ended"
    spent: TimeSpent | None = None
    """Where the time went since it was begun; None in journals of earlier versions."""


@dataclass(frozen=True)
class Attempted:
    """One attempt of one cell in one phase."""

    cell: CellId
    phase: Phase
    attempt: Attempt
    round: Round
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
    round: Round
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
    round: Round
    """As in ``Attempted``: phases of different rounds are never mixed."""
    kind: Literal["probed"] = "probed"


Entry = Annotated[
    Begun
    | Ended
    | Attempted
    | TriedPart
    | Known
    | KnownClient
    | TookEffect
    | KnownExposures
    | Probed
    | OfReuse,
    Field(discriminator="kind"),
]
_FINITE = ConfigDict(allow_inf_nan=False, defer_build=True)
_entries: TypeAdapter[Entry] = TypeAdapter(Entry, config=_FINITE)


def line_of(entry: Entry) -> bytes:
    """A line of a journal, without its end."""
    return _entries.dump_json(entry, exclude_none=True)


def entry_of(line: bytes) -> Entry:
    """What a line of a journal says. Raises ValueError when it is none."""
    return _entries.validate_json(line)
