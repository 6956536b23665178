"""The result document about changes: how it was seen that they were made, or why they were not."""

from __future__ import annotations

from harness.report.documents.part import Part, Words


class RecoveryPart(Part):
    """How a virtual machine was brought to a known state."""

    rung: Words
    """fresh, revert script, snapshot, reboot or rebuild: the first that worked."""
    seconds: float
    evidence: Words
    """What verified it."""
    failed: tuple[Words, ...]
    """What was tried before, with the reason why it did not do."""


class AlreadyPart(Part):
    """A change, or a part of one, that was in force before it was made, with it, and after the rollback."""

    what: Words
    """The mitigation; with "on CLIENT" behind it for one that was in force on a client."""
    seen: Words
    """The observation with the change, like that from before and after it."""


class AppliedPart(Part):
    """That a mitigation took effect, and that it was taken back."""

    mitigation: Words
    server: Words
    took_effect: Words
    """The observation that proved it; empty where it could not be shown."""
    undone: Words
    """The observation that proved the rollback; empty where it could not be shown."""
    already: tuple[AlreadyPart, ...] = ()
    """What was in force before the change: it proves neither, and is in neither."""
    pristine: RecoveryPart | None = None
    """Virtual machines only: how the guest was made pristine before the baseline."""
    brought_back: RecoveryPart | None = None
    """Virtual machines only: how the guest was brought back by the rollback."""
    configuration_alone: bool = False
    """Nothing but the configuration, as the server's own software reads it, showed that it was made."""
    unnoticed: bool = False
    """Besides, no client and no probe saw a difference with it: that is a result, and no proof that it does
    nothing."""


class NotApplicablePart(Part):
    """A pair that cannot be rehearsed, and why."""

    mitigation: Words
    subject: Words
    """The server or client."""
    reason: Words
    side: Words
    """server or client: what the subject is; empty where it is not known."""
    emulated: bool
    """The subject is not known to be the real thing; false where it is neither."""


class LeftOutPart(Part):
    """A part of a combination that cannot be made on a server or client; the other parts were rehearsed."""

    mitigation: Words
    """The whole combination."""
    part: Words
    subject: Words
    """The server or client."""
    reason: Words
    side: Words
    """server or client: what the subject is; empty where it is not known."""
    emulated: bool
    """The subject is not known to be the real thing; false where it is neither."""
