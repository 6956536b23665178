"""Changes of a run: how it was seen that one was made and taken back, and which could not be made."""

from __future__ import annotations

from dataclasses import dataclass


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
class NotApplicable:
    """A pair that cannot be rehearsed, and why: e.g. a patch for a device that never gets one."""

    mitigation: str
    subject: str
    """The server or client."""
    reason: str


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
