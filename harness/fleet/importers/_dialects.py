"""Dialects by the names that Samba, Windows, scanners and protocol documents give them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from harness.model import Dialect

_NAMES: Final = {
    # [MS-CIFS] 1.7 and [MS-SMB2] 1.7; smb.conf(5), "server max protocol"; MSFT_SmbSession; people.
    Dialect.NT1: "NT LM 0.12|NT1|SMB1|SMBv1|SMB 1|SMB 1.0|SMBv1.0|CIFS|NT LANMAN 1.0|1.0|1.5|1.0.1",
    Dialect.SMB2_02: "2.0.2|2.02|2.002|SMB2_02|SMB2.02|SMB 2.002|SMB 2.0.2|SMB 2.02|SMB 2.0|2.0|0x0202|0x202",
    Dialect.SMB2_10: "2.1|2.10|SMB2_10|SMB2.1|SMB2.10|SMB 2.1|SMB 2.10|0x0210|0x210",
    Dialect.SMB3_00: "3.0|3.00|3.0.0|SMB3_00|SMB3.00|SMB3.0|SMB 3.0|SMB 3.00|SMB 3.0.0|0x0300|0x300",
    Dialect.SMB3_02: "3.0.2|3.02|SMB3_02|SMB3.02|SMB3.0.2|SMB 3.0.2|SMB 3.02|0x0302|0x302",
    Dialect.SMB3_11: "3.1.1|3.11|SMB3_11|SMB3.11|SMB3.1.1|SMB 3.1.1|SMB 3.11|0x0311|0x311",
}
_BY_NAME: Final = {name.lower(): dialect for dialect, names in _NAMES.items() for name in names.split("|")}
_NUMBER: Final = re.compile(r"[0-9]{1,5}(?:[.,:][0-9]{1,3}){0,3}")
_NUMBERS: Final = re.compile(r"[0-9]+")
_REVISIONS: Final = {str(one.revision): one for one in Dialect if one.revision}
_LONGEST: Final = 80
_NONE: Final = frozenset({"", "-", "none", "n/a", "null", "smb2_ff", "smb 2.???", "2.???", "default"})
"""What stands where no dialect was chosen, or not yet."""
_NO_ONE: Final = frozenset({"smb2", "smbv2", "smb3", "smbv3", "smb 2", "smb 3", "smb2+", "smb2/3"})
_LAN_MANAGER: Final = re.compile(
    r"core|coreplus|lanman[12]|pc network program 1\.0|microsoft networks [\d.]+|lanman ?[\d.]+|lm1\.2x002"
    r"|dos lanman[\d.]+|dos lm1\.2x002|windows for workgroups 3\.1a|xenix core|samba|cifs",
    re.IGNORECASE,
)


def dialect(name: str) -> tuple[Dialect | None, str]:
    """The dialect of that name or number; or, where no document knows it, the name itself beside None.

    Both are empty where the name says that there is none, or no more than SMB2 (``some_smb2``). Drafts of
    SMB (SMB2_22, SMB2_24, SMB3_10 of Samba) and LAN Manager's dialects before NT LM 0.12 are names that no
    ``Dialect`` has.
    """
    return _dialect(name[:_LONGEST])


@lru_cache(maxsize=1024)
def _dialect(name: str) -> tuple[Dialect | None, str]:
    said = " ".join(name.split())
    if said.lower() in _NONE or some_smb2(said):
        return None, ""
    known = _BY_NAME.get(said.lower()) or _by_number(said)
    return known, "" if known else said


def _by_number(said: str) -> Dialect | None:
    """A version as Windows and nmap write it.

    All below 2 is SMB1, for Windows has 1.0, 1.0.1 and 1.5, and Microsoft's own search for SMB1 sessions is
    ``Dialect -lt 2``. nmap has written 2.02, 202, 2:0:2 and 2.0.2 for the same in the course of its releases
    (scripts/smb-protocols.nse); Excel may write 3,02. What exports numbers writes DialectRevision of
    [MS-SMB2] 2.2.4 in decimal: 785 is 0x0311.
    """
    if not _NUMBER.fullmatch(said):
        return None
    parts = _NUMBERS.findall(said)
    if parts[0] == "1":
        return Dialect.NT1
    digits = "".join(parts)
    if len(parts) == 1 and digits in _REVISIONS:
        return _REVISIONS[digits]
    return (
        _BY_NAME.get(".".join(parts))
        or _BY_NAME.get(".".join(digits))
        or _BY_NAME.get(f"{digits[0]}.{digits[1:]}")
    )


def some_smb2(name: str) -> bool:
    """Whether that says no more than that it is SMB2 or later: "SMB2"."""
    return " ".join(name.lower().split()) in _NO_ONE


def lan_manager(name: str) -> bool:
    """Whether that is a dialect of SMB1 from before NT LM 0.12: [MS-CIFS] 1.7."""
    return _LAN_MANAGER.fullmatch(" ".join(name.split())) is not None
