"""The releases of Windows that a rehearsal knows: build, newest dialect, SMB1 as installed, the guest.

Dialects: [MS-SMB2] Appendix A and smb.conf(5), "server max protocol"; SMB1: Microsoft, "SMBv1 is not
installed by default in Windows 10 version 1709, Windows Server version 1709 and later versions".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.model import Dialect


@dataclass(frozen=True, slots=True)
class Release:
    """One release. ``first`` and ``last`` are the builds that it may have, 0 for no end."""

    name: str
    title: str
    guest: str
    """The virtual machine, as the catalogue of guests calls it."""
    first: int
    last: int
    highest: Dialect
    smb1: bool
    """Whether SMB1 is there as installed; False: it can be added."""

    @property
    def family(self) -> str:
        """Its name without edition of the year or service pack, in small letters: "windows 10"."""
        return re.sub(r" (\d\dH\d|SP\d)$", "", self.title).lower()

    def has(self, build: int) -> bool:
        """Whether a Windows of that build is this release."""
        return self.first <= build and (not self.last or build <= self.last)


_SMB2_1, _SMB3_0_2, _SMB3_1_1 = Dialect.SMB2_10, Dialect.SMB3_02, Dialect.SMB3_11
_SERVER = "Windows Server"

RELEASES = (
    Release("windows-server-2025", f"{_SERVER} 2025", "windows-server-2025", 26100, 0, _SMB3_1_1, False),
    Release("windows-server-2022", f"{_SERVER} 2022", "windows-server-2022", 20348, 20348, _SMB3_1_1, False),
    Release("windows-server-2019", f"{_SERVER} 2019", "windows-server-2019", 17763, 17763, _SMB3_1_1, False),
    # Microsoft's documents disagree on 2016; MS17-010 lists its SMB1, so it was there.
    Release("windows-server-2016", f"{_SERVER} 2016", "windows-server-2016", 14393, 14393, _SMB3_1_1, True),
    Release(
        "windows-server-2012-r2", f"{_SERVER} 2012 R2", "windows-server-2012-r2", 9600, 9600, _SMB3_0_2, True
    ),
    Release(
        "windows-server-2008-r2", f"{_SERVER} 2008 R2", "windows-server-2008-r2", 7601, 7601, _SMB2_1, True
    ),
    Release("windows-11", "Windows 11 24H2", "windows-11-24h2", 26100, 0, _SMB3_1_1, False),
    Release("windows-10", "Windows 10 22H2", "windows-10-22h2", 19045, 19045, _SMB3_1_1, False),
    Release("windows-7", "Windows 7 SP1", "windows-7", 7601, 7601, _SMB2_1, True),
    Release("windows-xp", "Windows XP SP3", "windows-xp", 2600, 2600, Dialect.NT1, True),
)

BY_NAME = {release.name: release for release in RELEASES}
SCRIPTED = tuple(release for release in RELEASES if release.first >= 7601)
"""Those that can have PowerShell 3.0 or later: Windows Management Framework 3.0 needs Windows 7 SP1."""
