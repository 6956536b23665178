"""Whom a share of Windows lets in: its security descriptor as text ([MS-DTYP] 2.5.1, SDDL).

Names of accounts are not in it, their numbers (SIDs) are: who has one stands in the lab as a group of that
name, for nobody can tell here whether it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_ENTRY = re.compile(r"\(([^()]*)\)")
_DACL = re.compile(r"D:([A-Z_]*)((?:\([^()]*\))*)")
_EVERYBODY: Final = frozenset(
    ("WD", "AU", "BU", "IU", "NU", "DU", "S-1-1-0", "S-1-5-11", "S-1-5-32-545", "S-1-5-4", "S-1-5-2")
)
"""Everyone, Authenticated Users, Users, Interactive, Network, Domain Users: whoever has an account."""
_GUESTS: Final = frozenset(("WD", "BG", "AN", "LG", "S-1-1-0", "S-1-5-32-546", "S-1-5-7"))
"""Everyone, Guests, Anonymous, the account Guest."""
_NAMES: Final = {
    "BA": "Administrators",
    "S-1-5-32-544": "Administrators",
    "DA": "Domain Admins",
    "SY": "SYSTEM",
    "S-1-5-18": "SYSTEM",
    "LA": "Administrator",
    "BO": "Backup Operators",
    "SO": "Server Operators",
    "PU": "Power Users",
    "CO": "CREATOR OWNER",
}
_DOMAIN_USERS = re.compile(r"S-1-5-21(?:-\d+){3}-513")
_DOMAIN_ADMINS = re.compile(r"S-1-5-21(?:-\d+){3}-512")
_WRITES: Final = frozenset(("FA", "GA", "FW", "GW"))
_FILE_WRITE_DATA: Final = 0x2


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may what."""

    everybody: str = ""
    """What whoever has an account may: "write", "read" or ""."""
    guests: bool = False
    """Whether guests are let in, where there are any."""
    read: tuple[str, ...] = ()
    """Who else may read, and no more."""
    write: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def nobody(self) -> bool:
        """Nobody is let in at all."""
        return not (self.everybody or self.read or self.write)


ALL: Final = Rights("write", guests=True)
"""Where there is no list, everybody may everything ([MS-DTYP] 2.5.3)."""


def rights(sddl: str) -> Rights | None:
    """What a security descriptor grants; None for a text that is none."""
    text = "".join(sddl.split())
    found = _DACL.search(text)
    if found is None:
        return ALL if re.fullmatch(r"(?:[OG]:[\w-]+)+", text) else None
    if found[1].startswith("NO_ACCESS_CONTROL"):
        return ALL
    everybody, guests = "", False
    read, write, refused = dict[str, None](), dict[str, None](), dict[str, None]()
    for kind, writes, who in _entries(found[2]):
        everyone = who in _EVERYBODY or _DOMAIN_USERS.fullmatch(who) is not None
        if kind == "D":
            if everyone:
                return Rights()
            refused[_name(who)] = None
        elif everyone or who in _GUESTS:
            guests |= who in _GUESTS
            if everyone:
                everybody = "write" if writes or everybody == "write" else "read"
        else:
            (write if writes else read)[_name(who)] = None
    only_read = tuple(name for name in read if name not in write)
    return Rights(everybody, guests, only_read, tuple(write), tuple(refused))


def _entries(text: str) -> Iterator[tuple[str, bool, str]]:
    """Kind ("A" or "D"), whether it is about writing, and who, of each entry that counts."""
    for entry in _ENTRY.findall(text):
        parts = entry.split(";")
        if len(parts) >= 6 and parts[0] in ("A", "D"):
            yield parts[0], _writes(parts[2]), parts[5]


def _writes(access: str) -> bool:
    if re.fullmatch(r"0x[0-9a-fA-F]{1,8}", access):
        return bool(int(access, 16) & (_FILE_WRITE_DATA | 0x5000_0000))
    return any(access[at : at + 2] in _WRITES for at in range(0, len(access), 2))


def _name(who: str) -> str:
    if _DOMAIN_ADMINS.fullmatch(who):
        return _NAMES["DA"]
    return _NAMES.get(who, who)
