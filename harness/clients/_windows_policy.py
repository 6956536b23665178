"""From the policy that a client should have to the changes that make a Windows so.

A Windows keeps what its policy was at first; a mitigation on the client only ever tightens it, so the
difference to the first policy is a list of mitigations of the client side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.errors import LabFault, Unsupported
from harness.model import ClientPolicy, Dialect, Side
from harness.windows.changes import NoWayError
from harness.windows.releases import Release

if TYPE_CHECKING:
    from harness.windows.fingerprint import Fingerprint
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
        ("ntlm-blocked-by-client", first.ntlm, policy.ntlm),
        ("ntlmv1-sso-blocked", first.ntlmv1_sso, policy.ntlmv1_sso),
        ("ntlmv2-only", not first.ntlmv2_only, not policy.ntlmv2_only),
    )
    if any(after and not before for _, before, after in switches):
        raise Unsupported("a rehearsal tightens the policy of a Windows and never loosens it")
    if policy.port != first.port:
        raise Unsupported("no other port than 445 is told to a Windows client here")
    if policy.ntlm_by_address:
        raise Unsupported("no list of exceptions is set on a Windows client here")
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


def bring(guest: WindowsGuest, release: Release, first: ClientPolicy, policy: ClientPolicy) -> Fingerprint:
    """Make the guest's client so, with a reboot where that needs one; what the guest is then.

    Raises Unsupported where this Windows cannot be made so, LabFault where it did not become so.
    """
    from harness.windows.fingerprint import fingerprint

    facts = guest.facts()
    if not release.has(facts.build):
        raise LabFault(
            f"the guest {guest.name} is {facts.answer.caption} (build {facts.build}), not {release.title}",
            "name the right box in the catalogue of guests",
        )
    try:
        made = guest.make(Side.CLIENT, wanted(first, policy))
    except NoWayError as reason:
        raise Unsupported(str(reason)) from reason
    if made.ignored:
        # Whoever comes next would find it written down as made.
        guest.make(Side.CLIENT, ())
        raise LabFault(f"{guest.name} ignored: {'; '.join(made.ignored)}")
    if made.changed and not made.rebooted:
        # Connections that are open keep what they were made with.
        guest.restart(SERVICE)
    return fingerprint(guest.facts() if made.changed else facts)


def hold_against(guest: str, made: Sequence[str], first: ClientPolicy, policy: ClientPolicy) -> None:
    """Raises LabFault where the changes that are made in a guest are not those of the policy."""
    now = [one for one in made if one.startswith(f"{Side.CLIENT}-")]
    should = [f"{Side.CLIENT}-{name}" for name in wanted(first, policy)]
    if now != should:
        raise LabFault(
            f"the changes made in {guest} are {', '.join(now) or 'none'}, and its policy is "
            f"{', '.join(should) or 'none'}",
            "something else has changed it since it was brought there",
        )
