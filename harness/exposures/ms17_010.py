"""MS17-010 (EternalBlue, WannaCry): Windows's SMB1 driver, unpatched.

Two kinds of evidence decide: the documented answer of an unpatched driver to a harmless request, and the
version of the driver's file, where the lab can read it.
"""

from __future__ import annotations

from harness.exposures.base import Exposure, Subject, closed, not_exposed, opened, unknown
from harness.model import Sighting
from harness.windows import outputs, patches
from harness.windows.patches import Patch

_PLATFORM = "windows"
_UNPATCHED = "STATUS_INSUFF_SERVER_RESOURCES"
_PATCHED = ("STATUS_INVALID_HANDLE", "STATUS_ACCESS_DENIED")


def by_driver(text: str) -> Sighting:
    """What the version of srv.sys says, compared as a whole with that of the same Windows."""
    version = outputs.version(text)
    if version is None:
        return unknown(f"srv.sys has the version {text!r}, which are not four numbers")
    verdict = patches.ms17_010(version)
    says = {Patch.PATCHED: closed, Patch.NOT_NEEDED: closed, Patch.UNPATCHED: opened}
    return says.get(verdict.patch, unknown)(verdict.evidence)


class Ms17010(Exposure):
    name = "ms17-010"
    title = "MS17-010: the SMB1 driver of Windows is unpatched (WannaCry)"
    sends = "over SMB1: a logon, a TREE_CONNECT of IPC$, TRANSACTION PeekNamedPipe of FID 0, 64 KiB of room"
    safe = (
        "it is the documented check: no pipe is opened and no data sent; an unpatched Windows answers that "
        "it has no room, a patched one that there is no such pipe"
    )
    source = "Microsoft MS17-010, KB4023262; [MS-CIFS] 2.2.5.5; nmap smb-vuln-ms17-010 (category safe)"

    def probe(self, subject: Subject) -> Sighting:
        look = subject.look
        if look.no_smb1:
            return not_exposed(f"SMB1 is not spoken: {look.no_smb1}")
        driver = subject.inside.files.get("srv.sys", "") if subject.inside else ""
        if driver:
            return by_driver(driver)
        if subject.emulated and subject.platform == _PLATFORM:
            return unknown(f"{subject.emulated} is emulated: the driver of the Windows itself would decide")
        if not look.smb1.ok:
            return unknown(look.smb1.text)
        reached = look.smb1_ipc
        if reached.value is None:
            if subject.platform not in (_PLATFORM, ""):
                return not_exposed(f"the hole is in Windows, and this is {subject.platform}")
            return unknown(f"IPC$ over SMB1 was not reached: {reached.text}")
        return read(reached.value.peek.status, subject.platform)


def read(answer: str, platform: str) -> Sighting:
    """What an answer to PeekNamedPipe says of a server that is known to be of a platform ("": not known)."""
    said = f"PeekNamedPipe of FID 0: {answer}"
    if platform not in (_PLATFORM, ""):
        return not_exposed(f"{said}; that is no evidence, for the hole is in Windows and this is {platform}")
    if answer == _UNPATCHED:
        return opened(f"{said}, as an unpatched Windows")
    if answer in _PATCHED and platform == _PLATFORM:
        return closed(f"{said}, as a patched Windows")
    if answer in _PATCHED:
        return unknown(f"{said}, as a patched Windows; but every Samba answers so too: no evidence")
    return unknown(f"{said}, which decides nothing")


EXPOSURES = (Ms17010(),)
