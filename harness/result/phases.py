"""What the attempts of a cell say when they are held against each other, in words."""

from __future__ import annotations

from collections.abc import Mapping

from harness.model import Attempt, Identity, Phase


def speed(phases: Mapping[Phase, Attempt]) -> str:
    """How much longer a large file takes with the change, as a ratio, or how fast it goes; "" for none."""
    copied = {when: made.copied for when, made in phases.items() if made.copied}
    before, after = copied.get(Phase.BASELINE), copied.get(Phase.APPLIED)
    if before is None:
        return ""
    mib = before.size / (1 << 20)
    rates = f"{mib / before.write_seconds:.0f} MiB/s written, {mib / before.read_seconds:.0f} read"
    if before.write_size and before.read_size:
        rates += f", {before.write_size >> 10} and {before.read_size >> 10} KiB a request"
    if after is None:
        return f"{mib:.0f} MiB before the change: {rates}"
    write, read = after.than(before)
    return (
        f"{mib:.0f} MiB with the change: {write:.1f} times as long to write as before, {read:.1f} to read "
        f"(before: {rates}; as this machine is, over loopback, measured once)"
    )


def stayed(phases: Mapping[Phase, Attempt]) -> str:
    """What became of a connection from before, with the change and after the rollback; "" for none."""
    made = ((when, phases[phase].stayed) for phase, when in _WHEN.items() if phase in phases)
    return ". ".join(f"{when}: {seen.in_words}" for when, seen in made if seen)


_WHEN = {Phase.APPLIED: "with the change", Phase.ROLLED_BACK: "after the rollback"}


def somebody_else(before: Attempt, after: Attempt) -> str:
    """That a check came through as somebody else than before, in words; "" where it did not."""
    if before.identity is after.identity or not (before.identity and after.identity):
        return ""
    return f"it comes through {_AS[after.identity]}, and did so {_AS[before.identity]} before the change"


_AS = {
    Identity.ACCOUNT: "with the account",
    Identity.GUEST: "as a guest",
    Identity.ANONYMOUS: "as anonymous",
}
