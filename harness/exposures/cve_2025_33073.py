"""CVE-2025-33073: a Windows that is made to log on somewhere is logged on to itself, as SYSTEM.

The hole is in its SMB client; what makes use of it is its own SMB server, which takes the reflected logon
where it does not require signing. Judged by the announced signing and by the build, never by an attack.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.exposures._versions import parts
from harness.exposures.base import Exposure, Subject, closed, not_exposed, opened, unknown
from harness.model import Sighting
from harness.servers.live import ServerInternals
from harness.smb.negotiation import Smb2Chosen

_PLATFORM = "windows"
_NUMBERS = 4
"""Of a version whose revision is known."""
FIXED: Mapping[tuple[int, ...], int] = {
    (6, 0, 6003): 23351,
    (6, 1, 7601): 27769,
    (6, 2, 9200): 25522,
    (6, 3, 9600): 22620,
    (10, 0, 10240): 21034,
    (10, 0, 14393): 8148,
    (10, 0, 17763): 7434,
    (10, 0, 19044): 5965,
    (10, 0, 19045): 5965,
    (10, 0, 20348): 3807,
    (10, 0, 22621): 5472,
    (10, 0, 22631): 5472,
    (10, 0, 25398): 1665,
    (10, 0, 26100): 4349,
}
"""Build -> the first revision with the update of June 2025 (the CVE record by Microsoft)."""
_LATER = (10, 0, 26200)
"""Windows 11 25H2 and what follows came out after the update."""


class Reflection(Exposure):
    name = "cve-2025-33073"
    title = "CVE-2025-33073: whoever has an account is SYSTEM on a Windows that need not sign"
    sends = "an SMB2 NEGOTIATE, and an SMB1 one; the build is read where it can be"
    safe = "it is how every client opens a connection; nothing follows, and no logon is reflected"
    source = (
        "CVE record by Microsoft, CVE-2025-33073 (builds); that required signing is in its way: cvetodo.com, "
        "Why SMB Signing Matters (2025)"
    )

    def probe(self, subject: Subject) -> Sighting:
        signed = _signing(subject)
        if other := subject.elsewhere(_PLATFORM):
            takes = {True: "; signing is required", False: "; signing is not required", None: ""}[signed]
            return not_exposed(f"the hole is in Windows, and this is {other}{takes}")
        if subject.emulated:
            return unknown(f"{subject.emulated} is emulated: the build of the Windows itself would decide")
        if signed is None:
            return unknown(subject.look.best.text)
        return by_build(subject.inside, required=signed)


def _signing(subject: Subject) -> bool | None:
    """Whether signing is required in every dialect that is spoken; None when the server said nothing."""
    best, smb1 = subject.look.best.value, subject.look.smb1.value
    said = [best.signing_required] if isinstance(best, Smb2Chosen) else []
    if smb1 is not None:
        said.append(smb1.signing_required)
    return all(said) if said else None


def by_build(inside: ServerInternals | None, *, required: bool) -> Sighting:
    """What the build says; one that has the update is closed, whatever it requires."""
    version = inside.version if inside and inside.platform == _PLATFORM else ""
    numbers = parts(version)
    build, fixed = numbers[:3], FIXED.get(numbers[:3])
    if len(numbers) >= _NUMBERS and fixed is not None and numbers[3] >= fixed:
        return closed(f"build {version} is .{fixed} or newer, which has the update of June 2025")
    if len(build) > 2 and build >= _LATER:
        return closed(f"build {version} came out after the update of June 2025")
    if required:
        return not_exposed(
            "signing is required in every dialect that it speaks, so a reflected logon is useless"
        )
    if len(numbers) < _NUMBERS:
        return unknown(
            "signing is not required; whether the update of June 2025 is installed is not seen on the wire, "
            f"the build decides{f', of which only {version} is known' if version else ''}"
        )
    if fixed is None:
        return unknown(f"signing is not required; build {version} is not among those that Microsoft names")
    return opened(f"signing is not required, and build {version} is older than .{fixed}")


EXPOSURES = (Reflection(),)
