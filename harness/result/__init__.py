"""A finished (or cut off) run as it is read back from its folder: what every report is rendered from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from harness.model import Attempt, CellId, Effect, Outcome, Phase, Side
from harness.result.alike import alike
from harness.result.facts import Added as Added
from harness.result.facts import ClientFact as ClientFact
from harness.result.facts import FileSince as FileSince
from harness.result.facts import MitigationFact as MitigationFact
from harness.result.facts import ServerFact as ServerFact
from harness.result.gates import Gates
from harness.result.holes import NO_CHANGE as NO_CHANGE
from harness.result.holes import SURVIVES as SURVIVES
from harness.result.holes import ExposureResult as ExposureResult
from harness.result.machines import FleetFact as FleetFact
from harness.result.machines import MachineGroup as MachineGroup
from harness.result.phases import somebody_else as somebody_else
from harness.result.phases import speed as speed
from harness.result.phases import stayed as stayed
from harness.result.reuse import MeasuredBefore, Reuse
from harness.result.spent import TimeSpent

WHEN = {
    Phase.BASELINE: "before",
    Phase.APPLIED: "with the change",
    Phase.ROLLED_BACK: "after the rollback",
}


@dataclass(frozen=True, slots=True)
class Recovery:
    """How a virtual machine was brought to a known state, and how that was verified."""

    rung: str
    """The way that worked: revert script, snapshot, reboot or rebuild; "fresh" where nothing was needed."""
    seconds: float
    evidence: str
    """The observation that proved it: fingerprint and protocol probe."""
    failed: tuple[str, ...] = ()
    """The ways that were tried before and did not work, each with its reason."""


@dataclass(frozen=True, slots=True)
class Already:
    """A change, or a part of one, that was in force before it was made, with it, and after the rollback."""

    what: str
    """The mitigation; with "on CLIENT" behind it for one that was in force on a client."""
    seen: str
    """The observation with the change, which is that from before and from after the rollback."""


@dataclass(frozen=True, slots=True)
class Applied:
    """That a mitigation took effect on a server or client of this run, and that it was taken back."""

    mitigation: str
    server: str
    took_effect: str
    """The observation that proved it; "" where it could not be shown."""
    undone: str = ""
    """The observation that proved the rollback."""
    already: tuple[Already, ...] = ()
    """What was in force before the change: it shows neither that this took effect nor that it is gone."""
    pristine: Recovery | None = None
    """How the guest was made pristine before the baseline; None in a lab whose servers are made anew."""
    brought_back: Recovery | None = None
    """How the guest was brought back by the rollback."""
    configuration_alone: bool = False
    """Nothing but the configuration, as the server's own software reads it, showed that it was made."""


@dataclass(frozen=True, slots=True)
class ExposureFact:
    """What an exposure is, and how it is looked for."""

    name: str
    title: str
    sends: str
    """What the probe puts on the wire, or reads on the server."""
    safe: str
    """Why that harms nobody."""
    source: str
    severity: str = ""
    """critical, high, medium or low; "" where nobody graded it."""
    graded_by: str = ""
    """What the severity rests on."""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A pair that cannot be rehearsed, and why: e.g. a patch for a device that never gets one."""

    mitigation: str
    subject: str
    """The server or client."""
    reason: str


@dataclass(frozen=True, slots=True)
class PartAlone:
    """What a cell that is lost under a combination comes to under one part of it."""

    effect: Effect | None
    """Under this part alone; None where that was not measured."""
    attempt: Attempt
    """The attempt with this part alone in force; its note says why nothing was measured."""
    without: Effect | None
    """Under the combination without this part; None where that was not measured."""
    cause: str
    """Why this part alone loses it; "" where it does not."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of a combination that cannot be made on a server or client: the other parts were rehearsed."""

    mitigation: str
    """The whole combination."""
    part: str
    subject: str
    """The server or client."""
    reason: str
    aims: tuple[str, ...] = ()
    """The exposures that it is made for, and that nothing is made for any more on that server."""


@dataclass(frozen=True, slots=True)
class CellResult:
    """One cell after all its phases."""

    cell: CellId
    effect: Effect
    expected: bool
    restored: bool | None
    """None where there was nothing to bring back (mitigation ``none``, or it never worked), or a fault."""
    cause: str
    """Why it was lost (or never worked, or is a fault) in one line; "" where there is nothing to explain."""
    user_sees: str
    owner: Side | None
    """Whose policy said no."""
    claim: str
    """Where the measurement differs from what the scenario's source claims: one sentence; else ""."""
    phases: Mapping[Phase, Attempt]
    parts: Mapping[str, PartAlone] = field(default_factory=dict)
    """Of a cell that a combination loses: what each part does alone, as far as one was tried; else empty."""
    evidence: str = ""
    """The folder with its evidence, relative to the run folder, with / between its parts; "" for none."""
    reused: MeasuredBefore | None = None
    """When it was measured, where that was not in this run."""

    @property
    def not_settled(self) -> str:
        """What it rests on that is not settled; "" for nothing."""
        return not_settled(self.phases)

    @property
    def inferred(self) -> str:
        """What it rests on that is only inferred; "" for nothing."""
        return _joined(attempt.inferred for attempt in self.phases.values())

    @property
    def remarks(self) -> tuple[str, ...]:
        """What must be known of attempts that went well or were made once more, each remark once."""
        made = [attempt for attempt in self.phases.values() if attempt.outcome is Outcome.OK]
        noted = [attempt.note for attempt in made]
        if self.effect is Effect.KEPT:
            # One that came through only sometimes before, and does so now.
            noted = [made.note for made in self.phases.values() if made.works] or noted
            noted += [somebody_else(made[0], attempt) for attempt in made]
        noted += [
            f"{WHEN[when]}: {made.tried_again}" for when, made in self.phases.items() if made.tried_again
        ]
        noted += [speed(self.phases), stayed(self.phases)]
        return tuple(dict.fromkeys(note for note in noted if note))

    @property
    def unsupported(self) -> bool:
        """True when the client cannot do this check at all, before and after."""
        return bool(self.phases) and all(
            attempt.outcome is Outcome.UNSUPPORTED for attempt in self.phases.values()
        )


def not_settled(phases: Mapping[Phase, Attempt]) -> str:
    """What the attempts of a cell rest on that is not settled; "" for nothing."""
    return _joined(attempt.not_settled for attempt in phases.values())


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def not_made(phases: Mapping[Phase, Attempt]) -> bool:
    """True when the client is able to do the check before the change, and cannot be given the change."""
    able = {phase: made.outcome is not Outcome.UNSUPPORTED for phase, made in phases.items()}
    return able.get(Phase.BASELINE, False) and not able.get(Phase.APPLIED, True)


def late_before(phases: Mapping[Phase, Attempt]) -> bool:
    """True when the client ran out of time before the change, and not in every later phase."""
    before = phases.get(Phase.BASELINE)
    return before is not None and before.timed_out and not all(made.timed_out for made in phases.values())


def decisive(phases: Mapping[Phase, Attempt], effect: Effect) -> Attempt | None:
    """The attempt that explains an effect: the fault, or the refusal; None where nothing needs one."""
    when = decisive_phase(phases, effect)
    return phases[when] if when else None


def decisive_phase(phases: Mapping[Phase, Attempt], effect: Effect) -> Phase | None:
    """The phase of the attempt that explains an effect; None where nothing needs one."""
    tried = {phase: phases[phase].outcome for phase in Phase if phase in phases}
    if effect is Effect.FAULT:
        fault = next((phase for phase, outcome in tried.items() if outcome is Outcome.FAULT), None)
        if fault is None and late_before(phases):
            return Phase.BASELINE
        return fault or (Phase.APPLIED if not_made(phases) else None)
    if effect in (Effect.NEVER, Effect.LOST):
        # What never worked has the reason that it had before anything was changed.
        when = Phase.BASELINE if effect is Effect.NEVER else Phase.APPLIED
        return when if when in phases else None
    return next((phase for phase, outcome in tried.items() if outcome is Outcome.REFUSED), None)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Where, with what and by which version a run was measured (``harness.record.circumstances``)."""

    host: str
    """The name that somebody asked to have written; else ""."""
    machine: str
    """Its architecture, as uname(2) says it."""
    kernel: str
    system: str
    """The distribution, in its own words."""
    processors: int
    """That the run might use."""
    python: str
    version: str
    """Of smb-rehearsal."""
    commit: str
    """That this version is of; "" where that is not known."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Python package -> version."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """The whole run."""

    run: str
    lab: str
    complete: bool
    """False when the run was cut off: some planned cells are missing."""
    scenarios: tuple[str, ...]
    servers: Mapping[str, ServerFact]
    clients: Mapping[str, ClientFact]
    mitigations: Mapping[str, MitigationFact]
    cells: tuple[CellResult, ...]
    """In the order of the plan, whatever order they were measured in."""
    applied: tuple[Applied, ...] = ()
    not_applicable: tuple[NotApplicable, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    """Parts of combinations that were rehearsed without them."""
    planned: int = 0
    exposures: tuple[ExposureResult, ...] = ()
    """In the order of the plan's mitigations and servers, each in the order of the exposures' names."""
    exposure_facts: Mapping[str, ExposureFact] = field(default_factory=dict)
    rows: tuple[tuple[str, str, tuple[CellId, ...]], ...] = field(default=())
    """The scenarios as (name, first line of the docstring, its cells): how the report groups the cells."""
    expected_by: tuple[str, ...] = ()
    """Who claimed something about cells of this run: the sources of its scenarios' claims, each once."""
    stages: tuple[tuple[str, str], ...] = ()
    """The scenarios that are stages of a larger plan, as (name, stage)."""
    began: datetime | None = None
    """When measuring began, for the first time where it was gone on with."""
    seconds: float | None = None
    """How long it was measured, without the building of images; None where it was killed, or goes on."""
    spent: TimeSpent | None = None
    """Where that time went; None where that is not known of all of it."""
    circumstances: Circumstances | None = None
    """Of the last time that it was gone on with; None for a run of an earlier version."""
    damage: str = ""
    """What of the journal cannot be read; "" for nothing."""
    gates: Gates | None = None
    """What came of the gates that it was held against; None where none were given."""
    added: tuple[Added, ...] = ()
    """What of it is not built in."""
    fleet: FleetFact | None = None
    """Who really connects; None where the run was not planned for a fleet."""
    reuse: Reuse = field(default_factory=Reuse)
    """What of it was not measured in it, but in earlier runs."""

    def by_id(self) -> Mapping[CellId, CellResult]:
        """The cells by their ids, for whoever looks up many."""
        return {result.cell: result for result in self.cells}

    def on_laxer(self, found: CellResult, among: Mapping[CellId, CellResult]) -> CellResult | None:
        """The same cell on the laxer server, which lets in what this one refuses; None where not measured.

        ``among`` is ``by_id()``, made once for all the cells that are asked about.
        """
        server = self.servers.get(found.cell.server)
        wanted = replace(found.cell, server=server.laxer) if server and server.laxer else None
        return among.get(wanted) if wanted else None

    def changes_nothing(self, mitigation: str, server: str) -> bool:
        """All of a change was in force on a server before, and no client and no hole was another with it.

        Where nobody came in before either nothing shows that it was in force: that is not told as knowledge.
        """
        pair = (mitigation, server)
        proofs = [one for one in self.applied if (one.mitigation, one.server) == pair]
        if not (proofs and all(one.already and not one.took_effect for one in proofs)):
            return False
        cells = {one.effect for one in self.cells if (one.cell.mitigation, one.cell.server) == pair}
        holes = (one for one in self.exposures if (one.mitigation, one.server) == pair)
        return (
            bool(cells & {Effect.KEPT, Effect.NOT_SETTLED})
            and not cells & {Effect.LOST, Effect.GAINED}
            and all(one.state(Phase.BASELINE) is one.state(Phase.APPLIED) for one in holes)
        )

    def unnoticed(self, mitigation: str, server: str) -> bool:
        """Its configuration alone shows a change, and no client and no probe saw a difference with it.

        That is no proof that it does nothing: what was not asked may see it.
        """
        pair = (mitigation, server)
        proofs = [one for one in self.applied if (one.mitigation, one.server) == pair]
        if not (proofs and all(one.configuration_alone for one in proofs)):
            return False
        cells = [one.phases for one in self.cells if (one.cell.mitigation, one.cell.server) == pair]
        holes = [one for one in self.exposures if (one.mitigation, one.server) == pair]
        return (
            bool(cells)
            and all(alike(one.get(Phase.BASELINE), one.get(Phase.APPLIED)) for one in cells)
            and all(one.state(Phase.BASELINE) is one.state(Phase.APPLIED) for one in holes)
        )

    def left_out_of(self, mitigation: str, server: str) -> tuple[LeftOut, ...]:
        """What was left out of a combination on a server, and on clients that were asked there."""
        left = [one for one in self.left_out if one.mitigation == mitigation]
        if not left:
            return ()
        there = {
            c.cell.client for c in self.cells if (c.cell.mitigation, c.cell.server) == (mitigation, server)
        }
        return tuple(one for one in left if one.subject == server or one.subject in there)

    def summary(self) -> dict[str, int]:
        """How many cells of each effect, and how many are not as expected."""
        counts = Counter(str(result.effect) for result in self.cells)
        return {effect.value: counts[effect.value] for effect in Effect} | {
            "unexpected": sum(not result.expected for result in self.cells)
        }
