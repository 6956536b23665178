"""Programs and systems of old that are no persona, known again by what they alone send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.learn.facts import Facts, Value

_SAMBA: Final = "the dialects by which Samba knows old systems (source3/smbd/smb1_negprot.c)"
_MODERN: Final = ["NT LM 0.12", "SMB 2.002", "SMB 2.???"]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a program or system alone sends, in the fields of a persona file."""

    name: str
    fields: Mapping[str, tuple[Value, ...]]
    """Each with the values that it has; what was not seen speaks neither for nor against it."""
    needs: str
    """The field without which nothing is known."""
    source: str


def _strings(name: str, *strings: str) -> Signature:
    field = "smb1_negotiate.dialects"
    return Signature(name, {field: (list(strings),)}, field, _SAMBA)


SIGNATURES: Final = (
    Signature(
        "impacket (a library of many tools)",
        {
            "smb1_negotiate.dialects": (_MODERN,),
            "smb1_negotiate.pid": (0,),
            "smb2_negotiate.dialects": (["2.0.2", "2.1", "3.0"], ["2.0.2"], ["2.1"], ["3.0"], ["3.1.1"]),
            "smb2_negotiate.capabilities": (0x40,),
            "smb2_negotiate.credit_charge": (1,),
            "smb2_negotiate.pid": (0,),
            "ntlm.flags": (0xE0888235, 0xA0880205),
        },
        "ntlm.flags",
        "captures of it; impacket 0.13.1 (ntlm.py)",
    ),
    Signature(
        "ruby_smb (the library of Metasploit)",
        {
            "smb1_negotiate.dialects": (_MODERN,),
            "smb2_negotiate.capabilities": (0x40,),
            "smb2_negotiate.credit_charge": (1,),
            "ntlm.flags": (0xE2888235,),
        },
        "ntlm.flags",
        "a capture of it",
    ),
    Signature(
        "nmap (its SMB scripts)",
        {
            "smb1_negotiate.dialects": (["NT LM 0.12", ""],),
            "smb1_negotiate.flags2": (0x6045, 0x6845),
            "smb1_negotiate.flags": (0x18,),
        },
        "smb1_negotiate.dialects",
        "a capture of it; nselib/smb.lua",
    ),
    Signature(
        "nmap (its probe for versions of services)",
        {
            "smb1_negotiate.flags2": (0x4001,),
            "smb1_negotiate.pid": (0x0640,),
            "smb1_negotiate.flags": (0x08,),
        },
        "smb1_negotiate.pid",
        "nmap-service-probes, SMBProgNeg",
    ),
    Signature(
        "Windows NT 4, or a program that calls itself so",
        {"smb1_session.native_os": ("Windows NT 1381",)},
        "smb1_session.native_os",
        "illumos, smb_session_setup_andx.c; old smbclients call themselves so too",
    ),
    _strings(
        "Windows NT 3.51 or 4", "PC NETWORK PROGRAM 1.0", "XENIX CORE", "MICROSOFT NETWORKS 1.03",
        "LANMAN1.0", "Windows for Workgroups 3.1a", "LM1.2X002", "LANMAN2.1", "NT LM 0.12",
    ),
    _strings(
        "Windows 95, 98 or Me", "PC NETWORK PROGRAM 1.0", "MICROSOFT NETWORKS 3.0", "DOS LM1.2X002",
        "DOS LANMAN2.1", "Windows for Workgroups 3.1a", "NT LM 0.12",
    ),
    _strings(
        "Windows for Workgroups", "PC NETWORK PROGRAM 1.0", "MICROSOFT NETWORKS 3.0", "DOS LM1.2X002",
        "DOS LANMAN2.1", "Windows for Workgroups 3.1a",
    ),
    _strings("OS/2", "PC NETWORK PROGRAM 1.0", "XENIX CORE", "LANMAN1.0", "LM1.2X002", "LANMAN2.1"),
    _strings("DOS", "PC NETWORK PROGRAM 1.0", "MICROSOFT NETWORKS 3.0", "DOS LM1.2X002", "DOS LANMAN2.1"),
)  # fmt: skip


def known_as(facts: Facts) -> Signature | None:
    """The program or system whose signature a client has, in all fields that were seen of it."""
    return next((one for one in SIGNATURES if _fits(one, facts)), None)


def _fits(one: Signature, facts: Facts) -> bool:
    seen = facts.fields
    if one.needs not in seen:
        return False
    return all(seen[name] in values for name, values in one.fields.items() if seen.get(name) is not None)


def calls_itself(facts: Facts) -> str:
    """What a client says of its own system in SMB1; "" when it says nothing."""
    return str(facts.fields.get("smb1_session.native_os") or "")
