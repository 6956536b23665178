"""CVE-2020-0796 (SMBGhost): compression of SMB 3.1.1 in Windows 10 1903 and 1909, unpatched."""

from __future__ import annotations

from harness.exposures._versions import parts, within
from harness.exposures.base import Exposure, Subject, closed, not_exposed, opened, unknown
from harness.model import Dialect, Sighting
from harness.servers.live import ServerInternals
from harness.smb.negotiation import Smb2Chosen

_PLATFORM = "windows"
_BUILDS = ((10, 0, 18362), (10, 0, 18363))
_REVISION = 3
"""The place of the revision in a version."""
_UNPATCHED = ("<10.0.18362.720", ">=10.0.18363.0 <10.0.18363.720")


class SmbGhost(Exposure):
    name = "cve-2020-0796"
    title = "CVE-2020-0796: code by a compressed message to Windows 10 1903 and 1909 (SMBGhost)"
    sends = "an SMB2 NEGOTIATE at 3.1.1 that offers compression; nothing is ever compressed"
    safe = "current clients of Windows offer the same; nothing follows"
    source = "Microsoft ADV200005, KB4551762 (builds 18362.720 and 18363.720); [MS-SMB2] 2.2.3.1.3"

    def probe(self, subject: Subject) -> Sighting:
        said = subject.look.best
        if not said.ok:
            return unknown(said.text)
        if subject.emulated and subject.platform == _PLATFORM:
            return unknown(
                f"{subject.emulated} is emulated: whether the Windows itself compresses is not seen"
            )
        if not isinstance(said.value, Smb2Chosen) or said.value.dialect is not Dialect.SMB3_11:
            dialect = said.value.dialect if said.value else "nothing"
            return not_exposed(f"SMB 3.1.1 is not spoken: {dialect} is chosen")
        if said.value.compression is None:
            return not_exposed("compression was offered at SMB 3.1.1, and the server takes none")
        offered = f"compression is agreed on at SMB 3.1.1 ({said.value.compression.title})"
        return by_build(offered, subject.inside)


def by_build(offered: str, inside: ServerInternals | None) -> Sighting:
    """What the build of a Windows says that takes compression; its revision must be known, too."""
    if inside is None or inside.platform != _PLATFORM:
        return unknown(f"{offered}; patched and unpatched Windows answer alike, the build decides")
    build = parts(inside.version)
    if len(build) > _REVISION and build[:_REVISION] in _BUILDS:
        if any(within(build, span) for span in _UNPATCHED):
            return opened(f"{offered}, and build {inside.version} is older than .720")
        return closed(f"build {inside.version} is .720 or newer")
    if len(build) < _REVISION or build in _BUILDS:
        return unknown(f"{offered}; its build is not known in full: {inside.version or 'nothing'}")
    return closed(f"build {inside.version} is not 18362 or 18363")


EXPOSURES = (SmbGhost(),)
