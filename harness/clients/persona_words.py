"""What is known about an emulated client, in words for people."""

from __future__ import annotations

from collections.abc import Mapping

from harness.clients.persona_file import PersonaData
from harness.model import Check
from harness.smb.kerberos.manner import KerberosManner
from harness.smb.kerberos.names import etype_name
from harness.smb.ntlmssp import NEGOTIATE_VERSION
from harness.smb.offer import ALGORITHMS, SIGNING_REQUIRED, Context, Opening, Smb1Hello, Smb2Hello
from harness.smb.session import Act, GuestSigning, Looks, Prints, Signing
from harness.smb.tap.kerberos import MUTUAL

_CAPABILITIES = {
    0x01: "DFS",
    0x02: "leasing",
    0x04: "large MTU",
    0x08: "multi-channel",
    0x10: "persistent handles",
    0x20: "directory leasing",
    0x40: "encryption",
    0x80: "notifications",
}
"""[MS-SMB2] 2.2.3."""

_SIGNING = {
    Signing.NEVER: "never",
    Signing.IF_REQUIRED: "when the server requires it",
    Signing.IF_OFFERED: "over SMB1 when the server can, over SMB2 when the server requires it",
    Signing.ALWAYS: "always",
}
_GUESTS = {
    GuestSigning.UNSIGNED: "goes on unsigned",
    GuestSigning.ZERO: "says that it signs, with a zero signature",
    GuestSigning.OWN_KEY: "signs with the key of its own logon",
}
_ACTS = {
    Act.IPC: "connect IPC$",
    Act.DFS: "ask for a DFS referral (when an SMB2 server has DFS)",
    Act.SRVSVC: "list shares over the pipe srvsvc",
    Act.RAP: "list shares by RAP over \\PIPE\\LANMAN (SMB1 only)",
    Act.SHARE: "connect the share",
    Act.LIST: "list its root",
}

_LOOKS = {
    Looks.NETBIOS: "ask the workgroup's master browser for its list of servers (NetBIOS, SMB1)",
    Looks.WSD: "ask all devices by WS-Discovery",
    Looks.MDNS: "ask for services of the type _smb._tcp by mDNS",
}

_PRINTS = {
    Prints.SPOOLSS: "open the printer over the pipe spoolss and send the job there (MS-RPRN)",
    Prints.SHARE: "write the job into the printer's share",
}


def details(data: PersonaData) -> Mapping[str, str | list[str]]:
    """The name of a fact -> its text or lines."""
    ntlm = data.manner.ntlm
    version = ".".join(map(str, ntlm.version)) if ntlm.flags & NEGOTIATE_VERSION else "not told"
    return {
        "a variant of": data.based_on,
        "differs from it": list(data.changes),
        "opens with": opens_with(data.opening),
        "offer": [*_smb1(data.opening.smb1), *_smb2(data.opening.smb2)],
        "opens otherwise": [
            f"{when}: {'; '.join([*_smb1(other.smb1), *_smb2(other.smb2)])}" for when, other in data.also
        ],
        "NTLM": f"{ntlm.level}, flags {ntlm.flags:#010x}, version {version}, "
        f"{'in SPNEGO' if ntlm.spnego else 'without SPNEGO'}{_TARGETS[ntlm.target_name]}",
        "Kerberos in a domain": _kerberos(data.manner.kerberos),
        "signs": "always, required by the client"
        if data.policy.require_signing
        else _SIGNING[data.manner.signing],
        "guest": guest(data),
        "guest on a server that requires signing": _GUESTS[data.manner.guest_signing]
        if guest_stays(data)
        else "",
        "not settled": [one.text for one in data.manner.doubts if not one.settled],
        "inferred": [one.text for one in data.manner.doubts if one.settled],
        "on open": _acts(data.habits.open) if Check.OPEN in data.checks else "it never opens a share to look",
        "on browse": _acts(data.habits.browse) if Check.BROWSE in data.checks else "it never lists shares",
        "on write": _acts(data.habits.open[: data.habits.open.index(Act.SHARE) + 1])
        if Check.WRITE in data.checks
        else "it never writes",
        **({"where TCP fails": "it tries SMB over QUIC, UDP port 443"} if data.habits.quic else {}),
        "on discover": [f"{number}. {_LOOKS[way]}" for number, way in enumerate(data.habits.discover, 1)]
        or data.no_discover,
        "on print": _PRINTS[data.habits.prints] if data.habits.prints else data.no_print,
    }


_TARGETS = {
    "server": "",
    "called": "; service principal name: cifs/ and the server as the client calls it",
    "none": "; no service principal name",
}


def _kerberos(manner: KerberosManner | None) -> list[str]:
    if manner is None:
        return []
    mutual = "must prove itself, too" if manner.options & MUTUAL else "need not prove itself"
    back = ", ".join(manner.falls_back)
    address = "asks for a ticket" if manner.by_address else "asks for no ticket"
    return [
        f"mechanisms: {', '.join(manner.mechanisms)}; the server {mutual}",
        f"asks the KDC by {manner.transport.upper()} for "
        f"{', '.join(dict.fromkeys(etype_name(one) for one in manner.as_etypes))}",
        f"goes on with NTLM after {'any error of the KDC' if back == '*' else back}"
        if back
        else "never goes on with NTLM after an error of the KDC",
        f"by the server's address it {address}",
    ]


def opens_with(opening: Opening) -> str:
    """One of the three ways: [MS-SMB2] 3.2.4.2.2."""
    if opening.smb1 is None:
        return "SMB2 NEGOTIATE at once"
    if opening.smb2 is None:
        return "SMB1 NEGOTIATE, and nothing newer"
    return "SMB1-framed NEGOTIATE that leads to SMB2"


def guest(data: PersonaData) -> str:
    """What it does with a session that the server makes a guest session."""
    if not guest_stays(data):
        smb1 = "; over SMB1 it stays" if data.policy.smb1 and not data.policy.require_signing else ""
        return f"refuses a guest session over SMB2 and newer{smb1}"
    if data.manner.signs_guests:
        return "accepts a guest session, and signs in it over 3.1.1, which servers deny"
    return "accepts a guest session"


def guest_stays(data: PersonaData) -> bool:
    """It accepts a guest session over SMB2 and newer."""
    return data.policy.guest and not data.policy.require_signing


def _acts(acts: tuple[Act, ...]) -> list[str]:
    return [f"{number}. {_ACTS[act]}" for number, act in enumerate(acts, 1)]


def _smb1(hello: Smb1Hello | None) -> list[str]:
    if hello is None:
        return []
    hollow = "; NT LM 0.12 is there though the client has no SMB1" if hello.hollow else ""
    return [f"SMB1 strings: {', '.join(hello.dialects)} (flags2 {hello.flags2:#06x}{hollow})"]


def _smb2(hello: Smb2Hello | None) -> list[str]:
    if hello is None:
        return []
    able = [name for bit, name in _CAPABILITIES.items() if hello.capabilities & bit]
    names = [str(dialect) for dialect in hello.dialects] + [f"{number:#06x}" for number in hello.unreleased]
    required = "required" if hello.security_mode & SIGNING_REQUIRED else "enabled"
    return [
        f"SMB2 dialects: {', '.join(names)}",
        f"SMB2 signing: {required}; capabilities: {', '.join(able) or 'none'}",
        *(f"SMB2 context {_context(context)}" for context in hello.contexts),
    ]


def _context(context: Context) -> str:
    known = ALGORITHMS.get(context.kind)
    title = context.kind.name.lower()
    if known is None:
        return title
    return f"{title}: {', '.join(known(number).title for number in context.algorithms)}"
