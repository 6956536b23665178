"""The cells of the result document: attempts, phases, and what the parts of a combination do alone."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import AliasChoices, Field

from harness.model import CellId, Effect, Fate, Identity, Outcome, Side, StepName
from harness.report.documents.part import Part, Words
from harness.report.documents.reuse import ReusedPart, reused_part
from harness.result import CellResult, PartAlone, RunResult


class StepPart(Part):
    """One protocol step of an attempt."""

    name: StepName
    status: Words
    """NTSTATUS name of [MS-ERREF], or CLOSED, RESET, TIMEOUT, NO_DIALECT, NO_ANSWER, GAVE_UP, UNRELIABLE;
    of a KDC the name of RFC 4120 7.5.9."""
    ms: float
    """Milliseconds."""
    detail: Words


class CopiedPart(Part):
    """A large file that went to the server and back. Times say as much of this machine as of the change."""

    size: int
    """Bytes, each way."""
    write_seconds: float
    read_seconds: float
    write_size: int | None = None
    """Bytes of one WRITE at the most; null where the client's program does not tell."""
    read_size: int | None = None


class ConnectedPart(Part):
    """What became of a connection that was open, with a file, when the server was changed."""

    fate: Fate
    """carried-on, share-closed (and connected again over the same session), reconnected, or shut-out."""
    by_itself: bool
    """The client connects again by itself; false: its user must start it again."""
    ended: Words
    """What the request was answered that met the end; CLIENT where the client's own setting was changed;
    empty where nothing ended."""
    acknowledged: int
    """Bytes of the file that the server had acknowledged by then."""
    kept: int | None
    """How many of these were read back from the file; null where it could not be read."""
    session: Words
    """What the session is that goes on; empty where none does."""
    anew: Words
    """What a new connection got at that moment; empty where none was made beside it."""
    pipe: Words
    """What listing the shares was refused with over a pipe opened then; empty where it was not."""
    outdated: bool
    """The session goes on in a way in which the server makes no new one."""
    in_words: Words
    """All of it in one line."""

    def __str__(self) -> str:
        return self.in_words


class AttemptPart(Part):
    """One check by one client, once."""

    outcome: Outcome
    step: StepName | None
    """The first failing step of a refusal."""
    status: Words | None
    """What that step was answered."""
    side: Side | None
    """Whose policy said no."""
    dialect: Words | None
    signed: bool | None
    encrypted: bool | None
    cipher: Words | None
    auth: Words | None
    """NTLMv1, NTLMv2, guest, anonymous, or Kerberos with its encryption: ``Kerberos (AES-256)``."""
    as_: Identity | None = Field(None, validation_alias=AliasChoices("identity", "as"), alias="as")
    """As whom the check was done or refused; null where it did not come to a session setup."""
    server_signing: Words | None = None
    """What the server's NEGOTIATE says of signing: required, enabled or none; null where none was seen."""
    agreed_cipher: Words | None = None
    """The cipher that NEGOTIATE agreed on, used or not; empty where there is none, null as above."""
    ms: float
    """The whole attempt in milliseconds."""
    note: Words
    """Why it is unsupported or a fault; for a refusal, what the client itself said."""
    unsure: Words = ""
    """Why the step and the status of a refusal are not verified; empty where they are."""
    said: Words = ""
    """What a real client told its user when it failed; empty when nothing, and for an emulated one."""
    works: tuple[int, int] | None = None
    """n of m: of m tries in a row n came through; null where the check was made once."""
    copied: CopiedPart | None = None
    """How fast a large file went; null where none was copied, or not to the end."""
    connected: ConnectedPart | None = Field(None, validation_alias=AliasChoices("stayed", "connected"))
    """What became of a connection that was open before; null where none was."""
    tried_again: Words = ""
    """That it was made once more because the first try ran out of time, and where; empty where it was not."""
    made_for: Words = ""
    """Of a baseline: the mitigation for which it was made, on the same running server; empty for its own."""
    not_settled: Words = ""
    """What it rests on about which sources disagree or are silent; empty for nothing."""
    inferred: Words = ""
    """What it rests on that is only inferred for this kind of client; empty for nothing."""
    steps: tuple[StepPart, ...]


class PhasesPart(Part):
    """The attempts of a cell; null where none was made."""

    baseline: AttemptPart | None = None
    applied: AttemptPart | None = None
    rolled_back: AttemptPart | None = None


class PartPart(Part):
    """What a cell that a combination loses comes to under one part of it."""

    effect: Effect | None
    """Under this part alone: lost, kept or not settled; null where that was not measured."""
    without: Effect | None
    """Under the combination without this part; null where that was not measured."""
    step: StepName | None
    """Where this part alone stops the client."""
    status: Words | None
    """What that step was answered."""
    cause: Words
    """Why this part alone loses it; else empty."""
    note: Words
    """Why it was not measured; else empty."""


class CellPart(Part):
    """One cell after all its phases."""

    cell: Words
    """mitigation:server:client:check"""
    mitigation: Words
    server: Words
    client: Words
    check: Words
    effect: Effect
    restored: bool | None
    """null where there was nothing to bring back, or where a fault kept anybody from seeing it."""
    expected: bool
    cause: Words
    user_sees: Words
    owner: Side | None
    """Whose policy said no."""
    claim: Words
    """Where the measurement differs from what the scenario's source claims; else empty."""
    not_settled: Words = ""
    """What the attempts rest on about which sources disagree or are silent; empty for nothing."""
    inferred: Words = ""
    """What the attempts rest on that is only inferred for this kind of client; empty for nothing."""
    effect_on_laxer: Effect | None
    """For ``never``: the effect of the same change on the laxer server; null where that was not measured."""
    phases: PhasesPart
    parts: dict[Words, PartPart] = Field({})
    """By name, for a cell that a combination loses: what each of its parts does alone. Else empty."""
    evidence: Words = ""
    """The folder with its packets, log and configuration, relative to the run folder; empty for none."""
    reused: ReusedPart | None = None
    """When it was measured; null where that was in this run."""


def cell_part(found: CellResult, result: RunResult, by_id: Mapping[CellId, CellResult]) -> dict[str, object]:
    """A cell of a run as ``CellPart`` takes it; ``by_id`` has all cells of the run."""
    cell = found.cell
    twin = result.on_laxer(found, by_id) if found.effect is Effect.NEVER else None
    return {
        "cell": str(cell),
        "mitigation": cell.mitigation,
        "server": cell.server,
        "client": cell.client,
        "check": cell.check,
        "effect": found.effect,
        "restored": found.restored,
        "expected": found.expected,
        "cause": found.cause,
        "user_sees": found.user_sees,
        "owner": found.owner,
        "claim": found.claim,
        "effect_on_laxer": twin.effect if twin else None,
        # Of a mapping that is no dict pydantic would read attributes.
        "phases": dict(found.phases),
        "parts": {name: _part(one) for name, one in found.parts.items()},
        "evidence": found.evidence,
        "reused": reused_part(found.reused, result),
    }


def _part(found: PartAlone) -> dict[str, object]:
    tried = found.attempt
    return {
        "effect": found.effect,
        "without": found.without,
        "step": tried.step,
        "status": tried.status,
        "cause": found.cause,
        "note": "" if found.effect else tried.note,
    }
