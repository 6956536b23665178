"""Whether MS17-010 is in a Windows, told from the version of its srv.sys. Nothing is downloaded or probed.

Microsoft, "How to verify that MS17-010 is installed" (KB4023262), gives the first version of srv.sys with the
fix for each branch. Versions are compared as tuples, for a comparison of each part by itself is wrong for
6.0.6003.x. The lists of KB numbers are not used: rollups replace each other, and the "4B" security-only
updates of April 2017 do not hold the fix.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.windows.outputs import Version

SOURCE = "Microsoft, 'How to verify that MS17-010 is installed' (KB4023262): srv.sys"


class Patch(StrEnum):
    """What the version of srv.sys says about MS17-010."""

    PATCHED = "patched"
    UNPATCHED = "not patched"
    NOT_NEEDED = "released with the fix"
    ABSENT = "no SMB1 server driver"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Branch:
    """The first fixed version of one branch: all versions with the same first three parts.

    ``revisions``: the range of the fourth part that this row is for; GDR and LDR builds of Vista and 2008 are
    told apart by it.
    """

    windows: str
    kb: str
    """The update of March 2017, or of May 2017 where there was none then."""
    fixed: Version
    revisions: tuple[int, int] = (0, 65535)


TABLE = (
    Branch("Windows XP SP3", "KB4012598", (5, 1, 2600, 7208)),
    Branch("Windows XP x64 SP2, Server 2003 SP2", "KB4012598", (5, 2, 3790, 6021)),
    Branch("Windows Vista SP2, Server 2008 SP2 (GDR)", "KB4012598", (6, 0, 6002, 19743), (10000, 19999)),
    Branch("Windows Vista SP2, Server 2008 SP2 (LDR)", "KB4012598", (6, 0, 6002, 24067), (20000, 29999)),
    Branch("Windows 7 SP1, Server 2008 R2 SP1", "KB4012212, KB4012215", (6, 1, 7601, 23689)),
    Branch("Windows 8, Server 2012", "KB4012598, KB4012214, KB4012217", (6, 2, 9200, 22099)),
    Branch("Windows 8.1, Server 2012 R2", "KB4012213, KB4012216", (6, 3, 9600, 18604)),
    Branch("Windows 10 1507", "KB4012606", (10, 0, 10240, 17319)),
    Branch("Windows 10 1511", "KB4013198", (10, 0, 10586, 839)),
    Branch("Windows 10 1607, Server 2016", "KB4013429", (10, 0, 14393, 953)),
)

_FIRST_WITH_FIX = (10, 0, 15063, 0)
"""Windows 10 1703: "RS2 is released as patched"."""
_AFTER_VISTA = (6, 0, 6003, 0)
"""The build that Server 2008 got in 2019; its every update is later than the fix."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, and the comparison that decided it."""

    patch: Patch
    evidence: str


def ms17_010(srv: Version | None) -> Verdict:
    """Judge the version of srv.sys; None when the file is not there."""
    if srv is None:
        return Verdict(Patch.ABSENT, "there is no srv.sys: the SMB1 server is not installed")
    said = f"srv.sys {'.'.join(map(str, srv))}"
    if srv >= _FIRST_WITH_FIX:
        return Verdict(Patch.NOT_NEEDED, f"{said}: Windows 10 1703 and later were released with the fix")
    if _AFTER_VISTA <= srv < (6, 1, 0, 0):
        return Verdict(Patch.PATCHED, f"{said} is later than every 6.0.6002 with the fix")
    rows = [row for row in TABLE if row.fixed[:3] == srv[:3]]
    row = next((one for one in rows if one.revisions[0] <= srv[3] <= one.revisions[1]), None)
    if row is None:
        return Verdict(Patch.UNKNOWN, f"{said} is of no branch that {SOURCE} names")
    fixed = ".".join(map(str, row.fixed))
    if srv >= row.fixed:
        return Verdict(Patch.PATCHED, f"{said}, the fix is in {fixed} ({row.windows}, {row.kb})")
    return Verdict(Patch.UNPATCHED, f"{said} is older than {fixed} ({row.windows}, {row.kb})")
