"""Whether a client met the same twice."""

from __future__ import annotations

from harness.model import Attempt, Outcome


def alike(before: Attempt | None, after: Attempt | None) -> bool:
    """Whether a client met the same both times: how it ended, and what was negotiated."""
    if before is None or after is None or Outcome.FAULT in (before.outcome, after.outcome):
        return False
    return _met(before) == _met(after)


def _met(made: Attempt) -> tuple[object, ...]:
    return (
        *(made.outcome, made.step, made.status, made.dialect, made.signed, made.encrypted, made.cipher),
        *(made.auth, made.server_signing, made.agreed_cipher, made.note),
    )
