"""From the policy that a client should have to the changes that make a Windows so.

A Windows keeps what its policy was at first; a mitigation on the client only ever tightens it, so the
difference to the first policy is a list of mitigations of the client side.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from harness.deadline import wait_for
from harness.errors import LabFault, Unsupported
from harness.model import ClientPolicy, Dialect, Side
from harness.paths import cache_dir
from harness.windows.changes import NoWayError
from harness.windows.guest import WindowsGuest

SERVICE = "LanmanWorkstation"


def wanted(first: ClientPolicy, policy: ClientPolicy) -> tuple[str, ...]:
    """The mitigations that turn the first policy into this one.

    Raises Unsupported for a policy that is looser than the first, or that Windows has no setting for.
    """
    switches = (
        ("smb1-client-off", first.smb1, policy.smb1),
        ("guest-off", first.guest, policy.guest),
        ("signing-required", not first.require_signing, not policy.require_signing),
        ("encryption-required", not first.require_encryption, not policy.require_encryption),
        ("ntlmv2-only", not first.ntlmv2_only, not policy.ntlmv2_only),
    )
    if any(after and not before for _, before, after in switches):
        raise Unsupported("a rehearsal tightens the policy of a Windows and never loosens it")
    if policy.max_dialect is not first.max_dialect:
        raise Unsupported("no highest dialect is set on a Windows client here")
    found = [name for name, before, after in switches if before and not after]
    if policy.min_dialect.revision > first.min_dialect.revision:
        found += _minimum(policy.min_dialect)
    return tuple(found)


def _minimum(lowest: Dialect) -> list[str]:
    names = {Dialect.SMB3_00: "smb3-only", Dialect.SMB3_11: "smb311-only"}
    if lowest not in names:
        raise Unsupported(f"no lowest dialect {lowest} is set on a Windows client here")
    return [names[lowest]]


def enforce(guest: WindowsGuest, first: ClientPolicy, policy: ClientPolicy) -> None:
    """Make the guest's client so, with a reboot where that needs one.

    Raises Unsupported where this Windows cannot be made so, LabFault where it did not become so.
    """
    try:
        made = guest.make(Side.CLIENT, wanted(first, policy))
    except NoWayError as reason:
        raise Unsupported(str(reason)) from reason
    if made.ignored:
        raise LabFault(f"{guest.name} ignored: {'; '.join(made.ignored)}")
    if made.changed and not made.rebooted:
        # Connections that are open keep what they were made with.
        guest.restart(SERVICE)


@contextmanager
def alone(name: str, seconds: float) -> Iterator[None]:
    """Nobody else on this machine uses the guest's client meanwhile: its policy and sessions are one's own.

    Raises LabFault when others have it for longer than ``seconds``. The kernel lets go when we die.
    """
    # Not in /tmp, where others could lay something under this name.
    path = cache_dir() / f"client-{name}.lock"
    with path.open("a") as file:

        def locked() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        wait_for(f"the client of {name}, which another attempt uses", locked, seconds)
        yield
