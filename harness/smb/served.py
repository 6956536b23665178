"""How far a server serves right now: one connection of the lab's own client, as far as somebody was refused.

A NEGOTIATE alone would show too little: a server may answer it and then hang, or send nonsense, at every
session setup. Who is refused there was refused by nobody's policy.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from harness.model import (
    CLOSED,
    GAVE_UP,
    RESET,
    STATUS_OK,
    TIMEOUT,
    UNRELIABLE,
    Attempt,
    Check,
    Outcome,
    StepName,
    Target,
)
from harness.smb import control, status
from harness.smb.attempting import Log, record

UNANSWERED = (CLOSED, RESET, TIMEOUT)
"""How an attempt ends without any word of the server: nothing says then that it was alive."""

_ORDER = {step: place for place, step in enumerate(StepName)}
_PIPES = (StepName.TREE_CONNECT_IPC, StepName.CREATE_PIPE, StepName.ENUMERATE_SHARES, StepName.DFS_REFERRAL)
_BOTH = (
    *(StepName.CONNECT, StepName.QUIC_CONNECT, StepName.TLS, StepName.NEGOTIATE),
    *(StepName.KERBEROS_AS, StepName.KERBEROS_TGS, StepName.SESSION_SETUP),
)
_OTHERS = {
    StepName.QUERY_SECURITY: Check.PERMISSIONS,
    StepName.LOOKUP_SIDS: Check.PERMISSIONS,
    StepName.RENAME: Check.RENAME,
    StepName.LOCK: Check.LOCK,
    StepName.OPLOCK_BREAK: Check.LOCK,
    StepName.LOCK_CONFLICT: Check.LOCK,
    StepName.UNLOCK: Check.LOCK,
}
"""Steps that belong to one check alone."""
_WRITES = (StepName.CREATE, StepName.WRITE, StepName.READ, StepName.DELETE)
_AS = {
    StepName.QUIC_CONNECT: StepName.CONNECT,
    StepName.TLS: StepName.CONNECT,
    StepName.DFS_REFERRAL: StepName.TREE_CONNECT_IPC,
    StepName.LOGOFF: StepName.LIST,
}
"""Steps that the lab's own client does not make, and the last one that it does before them."""


def checks_for(steps: Collection[StepName | None]) -> list[Check]:
    """What the lab's own client must do to come through all of these steps.

    The way to the pipes and the way to the share part after the session setup: who hangs on one may be well
    on the other. None stands for all of the way to the share.
    """
    beyond = {step for step in steps if step not in _BOTH}
    found = list(dict.fromkeys(_OTHERS[step] for step in steps if step in _OTHERS))
    beyond -= set(_OTHERS)
    if beyond & set(_PIPES):
        found.append(Check.BROWSE)
    if beyond - set(_PIPES) or not found:
        found.append(Check.WRITE if beyond & set(_WRITES) else Check.OPEN)
    return found


def on_way(check: Check, step: StepName | None) -> bool:
    """That check comes through that step."""
    if step in _BOTH:
        return True
    way = Check.BROWSE if step in _PIPES else Check.OPEN
    wanted = _OTHERS.get(step, way) if step else way
    return (Check.OPEN if check is Check.WRITE else check) is wanted


def silent(made: Attempt) -> bool:
    """A refusal that is no proper answer of the server: nothing came, a status that [MS-ERREF] does not know,
    or the client itself failed at what came."""
    known = made.status or ""
    return known in (*UNANSWERED, GAVE_UP, UNRELIABLE) or known.startswith("0x")


def came_through(made: Attempt, step: StepName | None) -> bool:
    """An attempt that passed a step; None: that came through at all.

    Who only found the server in Network need not have been let in by it.
    """
    passed = {one.name for one in made.steps if one.ok}
    if StepName.DISCOVER in passed:
        return False
    return made.outcome is Outcome.OK and (step is None or _AS.get(step, step) in passed)


@dataclass(frozen=True, slots=True)
class Served:
    """How far the lab's own client came."""

    made: Attempt
    passed: frozenset[StepName]
    answered: frozenset[StepName]
    """Steps that the server refused it with a status of its own: it serves them, if only for others."""
    stuck: StepName | None
    """The step that the server left without a proper answer; None where there was none."""

    def __str__(self) -> str:
        if self.made.outcome is Outcome.OK:
            return f"the control client came through over SMB {self.made.dialect}"
        return (
            f"the control client got {self.made.status or self.made.note} at {self.made.step or self.stuck}"
        )

    def doubt(self, refusal: Attempt) -> str:
        """Why the server cannot be called healthy at the step of a refusal; "" where it can."""
        step = _AS.get(refusal.step, refusal.step) if refusal.step else StepName.LIST
        if self.stuck is not None and _ORDER[self.stuck] <= _ORDER[step]:
            return str(self)
        if silent(refusal) and step not in self.passed | self.answered and not self._through:
            return f"nobody was seen to come as far as {step}: {self}"
        return ""

    @property
    def _through(self) -> bool:
        return self.made.outcome is Outcome.OK


def look(target: Target, check: Check, seconds: float) -> Served:
    """Have the lab's own client do that check once, within so many seconds. Never raises."""
    there = replace(target, seconds=seconds)
    logs: list[Log] = []

    def perform(log: Log) -> None:
        logs.append(log)
        control.do(there, check, log)

    made = record("the control client", perform)
    answered = {
        one.name for one in made.steps if one.status.startswith("STATUS_") and one.status != STATUS_OK
    }
    proper = made.outcome is Outcome.OK or (
        made.outcome is Outcome.REFUSED and not silent(made) and made.status not in _IMPROPER
    )
    at = made.step or logs[-1].at or StepName.CONNECT
    return Served(
        made,
        frozenset(one.name for one in made.steps if one.ok),
        frozenset(answered if proper else answered - {at}),
        None if proper else at,
    )


_IMPROPER = (*status.TROUBLE, "NO_DIALECT")
"""Answers that say that the server cannot, not that it does not want to: every offer was made to it."""
