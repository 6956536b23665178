"""The shares of a Windows server as sections of smb.conf(5)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.importing.source import shown
from harness.importing.windows import server
from harness.importing.windows.properties import GUEST, Setting
from harness.importing.windows.rights import ALL, Rights, rights
from harness.importing.windows.server import Settings
from harness.servers.allowed import refusal
from harness.servers.brought import Instead

STAND_IN: Final = "share"
"""What stands for the shares of a server that told none."""
MOST_SHARES: Final = 1000
_CSC: Final = {"None": "disable", "Manual": "manual", "Documents": "documents", "Programs": "programs"}
_SIDS = "who has a SID is a group of that name in the lab, with a member of its own"


@dataclass(slots=True)
class Shares:
    """Sections, and what was done instead of what they cannot have."""

    sections: dict[str, dict[str, str]] = field(default_factory=dict)
    instead: list[Instead] = field(default_factory=list)

    def note(self, name: str, parameter: str, value: Setting, done: str) -> None:
        """Say what was done instead of something."""
        told = "" if value is None else str(value)
        self.instead.append(Instead(shown(name), parameter, shown(told), done))


def sections(told: Sequence[Mapping[str, Setting]], settings: Settings) -> Shares:
    """The shares that clients can open; one of the lab's own where there is none."""
    made = Shares()
    for one in told:
        name = str(one["Name"]).strip()
        if why := _left_out(name, one, made):
            if name.upper() != "IPC$":
                made.note(name, "(share)", None, why)
        else:
            made.sections[name] = _section(name, one, settings, made)
    if not made.sections:
        why = "there is none that clients can open: a share of the lab's own stands in, open to everybody"
        made.note("global", "(shares)", None, why)
        made.sections[STAND_IN] = _section(STAND_IN, {}, settings, made)
    return made


def _left_out(name: str, one: Mapping[str, Setting], made: Shares) -> str:
    """Why a share has no section; "" where it has one."""
    kind = one.get("ShareType", "FileSystemDirectory")
    if one.get("Special") or re.fullmatch(r"(?:ADMIN|IPC|[A-Z])\$", name, re.IGNORECASE):
        return "is left out: it is for administrators alone, by Windows itself"
    if kind in ("CommunicationDevice", "InterprocessCommunication", "DirectoryOfPrinters"):
        return f"is left out: it is no folder ({kind})"
    if one.get("ShareState") in ("Offline", "Pending"):
        return f"is left out: it is {str(one['ShareState']).lower()}"
    if re.search(r"[]/\\]", name) or shown(name) != name or len(name) > 80 or not name:
        return "is left out: no client opens a share of such a name"
    if name.casefold() in ("global", "globals", "homes", "printers"):
        return "is left out: that name means something else to Samba"
    if name.casefold() in (other.casefold() for other in made.sections):
        return "is left out: another share has that name (of another scope, or but for the case of letters)"
    if len(made.sections) >= MOST_SHARES:
        return f"is left out: the lab takes {MOST_SHARES} shares"
    return ""


def _section(name: str, one: Mapping[str, Setting], settings: Settings, made: Shares) -> dict[str, str]:
    section: dict[str, str] = {}
    comment = shown(str(one.get("Description", "")))
    if why := refusal("comment", comment):
        made.note(name, "Description", comment, why)
    elif comment:
        section["comment"] = comment
    if one.get("ShareType") == "PrintQueue":
        return {**section, "printable": "yes"}
    section |= _let_in(name, one, settings, made)
    own = server.encryption(one.get("EncryptData"), settings)
    if own and not server.said(settings, "EncryptData"):
        section["smb encrypt"] = own
    if one.get("FolderEnumerationMode") == "AccessBased":
        section["hide unreadable"] = "yes"
    caching = str(one.get("CachingMode", "Manual"))
    if caching in _CSC and caching != "Manual":
        section["csc policy"] = _CSC[caching]
    if one.get("LeasingMode") == "None":
        section |= {"oplocks": "no", "level2 oplocks": "no"}
    for parameter, strange, done in (
        ("CachingMode", caching == "BranchCache", "is manual: Samba has no BranchCache"),
        ("CompressData", one.get("CompressData"), "is left out: Samba has no compression"),
        ("LeasingMode", one.get("LeasingMode") == "Shared", "is left out: leases are as for all shares"),
        (
            "ConcurrentUserLimit",
            one.get("ConcurrentUserLimit"),
            "is left out: all clients of the lab come at once",
        ),
        (
            "ContinuouslyAvailable",
            one.get("ContinuouslyAvailable"),
            "is left out: there is no cluster in the lab",
        ),
    ):
        if strange:
            made.note(name, parameter, one.get(parameter), done)
    return section


def _let_in(name: str, one: Mapping[str, Setting], settings: Settings, made: Shares) -> dict[str, str]:
    """Whom it lets in. What the files' own permissions (NTFS) say is not in the output of any cmdlet here."""
    sddl = str(one.get("SecurityDescriptor") or "")
    found = rights(sddl) if sddl else ALL
    if found is None:
        made.note(name, "SecurityDescriptor", sddl, "is left out, as it cannot be read: everybody may write")
        found = ALL
    elif found.nobody:
        made.note(name, "SecurityDescriptor", sddl, "lets nobody in; so does the share in the lab")
        return {"available": "no"}
    section = _lists(found)
    if re.search(r"S-1-5-21-", " ".join((*found.read, *found.write, *found.refused))):
        made.note(name, "SecurityDescriptor", sddl, _SIDS)
    null = {word.strip().casefold() for word in str(settings.get("NullSessionShares") or "").split(",")}
    if (server.said(settings, GUEST) and found.guests) or name.casefold() in null:
        section["guest ok"] = "yes"
    return section


def _lists(found: Rights) -> dict[str, str]:
    all_write = found.everybody == "write" or not (found.everybody or found.read)
    section = {"read only": "no" if all_write else "yes"}
    if not found.everybody:
        section["valid users"] = _groups((*found.write, *found.read))
    if found.write and not all_write:
        section["write list"] = _groups(found.write)
    if found.refused:
        section["invalid users"] = _groups(found.refused)
    return section


def _groups(names: Sequence[str]) -> str:
    return ", ".join(f'"@{name}"' if " " in name else f"@{name}" for name in names)
