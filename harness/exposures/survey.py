"""All probes on one server in one state, one after the other: an order for a worker process, or done here.

A probe that crashes is ``unknown``; so is one that comes too late. After the probes the server must still
answer: if it does not, that is a finding of its own, and names the probe that was the last to hear from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from harness.errors import LabFault, Refused
from harness.exposures.base import Exposure, Subject, closed, not_exposed, opened, unknown
from harness.exposures.severity import grades
from harness.model import Hole, Sighting, Target
from harness.result import SURVIVES, ExposureFact
from harness.servers.live import ServerInternals
from harness.smb import health
from harness.system.deadline import Deadline

TITLE = "the server falls over when it is asked harmless questions"
ANSWER_SECONDS = 5.0
"""The most that one connection of a probe may take. A healthy server answers in milliseconds, but on a busy
machine the first pipe, for which Samba starts a helper, was seen to take more than two seconds."""
SECONDS = 20.0
"""The most that all probes of one server may take."""
Probes = Mapping[str, Exposure]
"""All exposures that are looked for, by name."""


@dataclass(frozen=True, slots=True)
class Survey:
    """The probes of one server, to be done. It goes to a worker process, so it is plain data."""

    target: Target
    today: date
    inside: ServerInternals | None = None
    platform: str = ""
    """The name of what it is known to be (``harness.servers.platforms``); "" when nobody said so."""
    account: bool = True
    down: bool = False
    """The server is meant to be down."""
    pause: float = 0.0
    together: bool = False
    """Several sessions may be set up on one connection: a Samba of a lab, which nobody else uses."""
    own: Target | None = None
    """With an account of the server's own, where ``target`` has one of its domain; None where it has none."""
    alone: bool = False
    """It is known to be in no domain."""
    only: tuple[str, ...] = ()
    """Names of the probes; all when empty."""
    known: Mapping[str, Sighting] = field(default_factory=dict)
    """What was seen of this server as it is now already, by the names of the probes: they are not made."""
    seconds: float = SECONDS
    slower: float = 1.0
    """How many times their length its limits are: see ``harness.system.deadline.pace``."""

    @property
    def limit(self) -> float:
        """Seconds that all of it may take."""
        return self.seconds * self.slower

    def names(self, known: Probes) -> tuple[str, ...]:
        """The probes in the order in which they are made."""
        names = [name for name in self.only or known if name not in self.known]
        return tuple(sorted(names, key=lambda name: known[name].last))


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What the probes saw."""

    seen: Mapping[str, Sighting] = field(default_factory=dict)
    fallen: str = ""
    """The server no longer answers: after which probe, and how that shows. "" when it does."""
    connections: int = 0


def of_a_share(known: Probes) -> frozenset[str]:
    """The findings that are not the same of every share; whether the server survives is asked each time."""
    return frozenset(name for name, one in known.items() if one.of_share) | {SURVIVES}


def facts(known: Probes) -> tuple[ExposureFact, ...]:
    """What each finding of a survey is, for the result document; the gravest first."""
    every = [
        ExposureFact(one.name, one.title, one.sends, one.safe, one.source, *_graded(one.name))
        for one in known.values()
    ]
    survives = ExposureFact(
        SURVIVES,
        TITLE,
        "a NEGOTIATE after all probes, as every client may send",
        "it is how a client opens a connection; nothing follows",
        "measured: whether the server still answers",
        *_graded(SURVIVES),
    )
    graded = grades()
    # sorted() is stable: a user's own exposures, which nobody graded, come last in the order of their files.
    return tuple(
        sorted(
            [*every, survives],
            key=lambda one: graded[one.name].place if one.name in graded else len(graded),
        )
    )


def _graded(name: str) -> tuple[str, str]:
    """Severity and what it rests on; a user's own exposure has none."""
    grade = grades().get(name)
    return (grade.severity, grade.source) if grade else ("", "")


def survey(
    known: Probes, order: Survey, heard: Callable[[str, Sighting], None] = lambda _name, _seen: None
) -> Surveyed:
    """Make the probes. ``heard`` is told each as it is decided. Never raises for what the server does."""
    if order.down:
        return _of_a_stopped_server(known, order, heard)
    seconds = min(order.target.seconds, ANSWER_SECONDS) * order.slower
    subject = Subject(
        replace(order.target, seconds=seconds),
        order.today,
        order.inside,
        order.platform or (order.inside.platform if order.inside else ""),
        order.account,
        order.pause,
        order.together,
        order.own,
        order.alone,
    )
    try:
        return _surveyed(known, order, subject, heard)
    finally:
        subject.close()


def _surveyed(
    known: Probes, order: Survey, subject: Subject, heard: Callable[[str, Sighting], None]
) -> Surveyed:
    deadline = Deadline(order.limit)
    # In the order of the probes, whoever made them.
    seen = {name: order.known[name] for name in known if name in order.known}
    answered = silent = ""
    names = order.names(known)
    for name in names:
        exposure = known[name]
        made, reached = subject.look.asked, subject.look.answered
        seen[name] = _one(exposure, subject, deadline)
        if subject.look.answered != reached:
            answered, silent = name, ""
        elif subject.look.asked != made:
            silent = silent or name
        heard(name, seen[name])
    asked = subject.look
    # By a probe that is ``last``: whatever else was sent, the server answers a new connection after it.
    by_last = bool(names) and known[names[-1]].last > 0
    survived = by_last and 0 < asked.negotiation == asked.asked == asked.answered
    fallen = "" if survived else _fallen(subject, answered, silent)
    seen = {name: seen[name] for name in (*order.known, *known) if name in seen}
    done = Surveyed(seen, fallen, asked.connections)
    if not order.only:
        # A server that never answered was not brought down by us.
        best = subject.look.best
        seen[SURVIVES] = survival(done) if best.ok else unknown(f"it never answered: {best.text}")
        heard(SURVIVES, seen[SURVIVES])
    return done


def survival(made: Surveyed) -> Sighting:
    """The finding that the server still answers after the probes, or that it does not."""
    if made.fallen:
        return opened(made.fallen)
    return closed(f"it answers after the {made.connections} connections of all probes")


def _one(exposure: Exposure, subject: Subject, deadline: Deadline) -> Sighting:
    if deadline.expired:
        return unknown(f"no time was left: all probes may take {deadline.seconds:g} s")
    if exposure.wire and not subject.look.best.ok:
        # A server that does not answer a NEGOTIATE answers nothing else; asking on costs a time-out each.
        return unknown(f"it does not answer a NEGOTIATE: {subject.look.best.text}")
    try:
        return exposure.probe(subject)
    except (Refused, LabFault) as failure:
        return unknown(str(failure))
    except Exception as bug:
        # The probe crashed; that says nothing about the server.
        return unknown(f"the probe crashed: {type(bug).__name__}: {bug}")


def _fallen(subject: Subject, heard: str, silent: str) -> str:
    """Why the server is taken for dead; "" when it answers.

    ``heard`` is the last probe that it answered, ``silent`` the first one after that.
    """
    mute = subject.look.answers()
    when = " or ".join(filter(None, (heard, silent))) or "no probe at all"
    return f"after {when}: {mute}" if mute else ""


def _of_a_stopped_server(known: Probes, order: Survey, heard: Callable[[str, Sighting], None]) -> Surveyed:
    try:
        said = health.probe(order.target.address, order.target.port, ANSWER_SECONDS)
    except LabFault as fault:
        sighting = not_exposed(f"the server is stopped: {fault}")
    else:
        sighting = unknown(f"the server is meant to be stopped, but {said}")
    names = order.names(known) if order.only else (*order.names(known), SURVIVES)
    for name in names:
        heard(name, sighting)
    return Surveyed({**order.known, **dict.fromkeys(names, sighting)})


def doubted(made: Surveyed, why: str) -> Surveyed:
    """The same of a server that hangs up on some who come, ``why``: that looks like a hole that is closed.

    What was open is open; of the rest nothing is known.
    """
    seen = {
        name: one if one.state in (Hole.OPEN, Hole.UNKNOWN) else unknown(f"{one.evidence}, but {why}")
        for name, one in made.seen.items()
    }
    return replace(made, seen=seen)


def lost(known: Probes, order: Survey, reason: str) -> Surveyed:
    """What is known when the process that made the probes was lost."""
    names = order.names(known) if order.only else (*order.names(known), SURVIVES)
    return Surveyed(dict.fromkeys(names, unknown(reason)))
