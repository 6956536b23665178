"""Kerberos in a security blob: what of SPNEGO's and the AP-REQ's clear fields tells kinds of client apart.

[MS-SPNG], RFC 4178 (SPNEGO), RFC 4121 4.1 (its frame), RFC 4120 5.5.1 (AP-REQ). Tickets and authenticators
are encrypted and are not kept, nor is any name: of a service principal only the form.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from harness.smb.tap import asn1

KRB5: Final = "KRB5"
NTLMSSP: Final = "NTLMSSP"
MECHANISMS: Final = {
    "1.2.840.48018.1.2.2": "MS-KRB5",
    "1.2.840.113554.1.2.2": KRB5,
    "1.2.840.113554.1.2.2.3": "KRB5-U2U",
    "1.3.6.1.4.1.311.2.2.30": "NEGOEX",
    "1.3.6.1.4.1.311.2.2.10": NTLMSSP,
    "1.2.752.43.14.3": "LKDC",
    "1.3.6.1.5.2.5": "IAKERB",
}
"""Object identifier -> the name in personas: [MS-SPNG] 1.9, [MS-NEGOEX] 1.9; LKDC is Apple's (Heimdal,
GSS_APPLE_LKDC_MECHANISM). MS-KRB5 is the number that Windows 2000 wrote by mistake."""
MUTUAL: Final = 0x20000000
"""mutual-required of an AP-REQ: the server must prove itself, too."""
SERVICES: Final = frozenset(
    {
        "cifs", "host", "krbtgt", "ldap", "http", "rpc", "rpcss", "dns", "gc", "wsman", "termsrv", "nfs",
        "kadmin", "restrictedkrbhost", "mssqlsvc", "spooler", "dhcp", "imap", "smtp", "ftp", "afs",
    }
)  # fmt: skip
"""Classes of services that everybody knows; any other first part of a name may be somebody's."""
SPNEGO: Final = "1.3.6.1.5.5.2"
_GSS: Final = 0x60
_INIT: Final = 0xA0
_RESPONSE: Final = 0xA1
_AP_REQ: Final = 0x6E
_TICKET: Final = 0x61
_TOKEN_AP_REQ: Final = b"\x01\x00"
"""TOK_ID of RFC 4121, 4.1."""
_MOST_MECHANISMS: Final = 16
_MOST_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class Principal:
    """The name of a service or user, as far as it tells how names are formed."""

    kind: int
    """NAME-TYPE: RFC 4120, 6.2; 1 principal, 2 service and instance, 3 service and host."""
    form: str
    """E.g. "cifs/host.domain", "cifs/address", "krbtgt/realm"; see ``form``."""


@dataclass(frozen=True, slots=True)
class ApReq:
    """The clear fields of an AP-REQ."""

    options: int
    """``MUTUAL`` and 0x40000000, use-session-key."""
    ticket_etype: int
    """How the ticket is encrypted: chosen by the KDC for the server's account."""
    etype: int
    """How the authenticator is encrypted, and so the type of the session key."""
    service: Principal


@dataclass(frozen=True, slots=True)
class Spnego:
    """The first security token of a client: [MS-SPNG] 2.2.1, NegTokenInit."""

    mechanisms: tuple[str, ...]
    """By name or dotted number, the preferred one first; empty where there is no SPNEGO."""
    token: str
    """The mechanism whose token comes with the list without waiting for the server's choice; "" for none."""
    wide: bool
    """Lengths take three bytes each, even short ones, which DER forbids and servers accept."""
    ap_req: ApReq | None = None


def form(*parts: str) -> str:
    """The form of a name: each part after the first as host, host.domain, address, realm or lkdc.

    A first part that is no well-known class of services is told as "name": it may be somebody's. "lkdc" is a
    computer's own realm that Apple's make up from a key.
    """
    service, *rest = parts[:_MOST_PARTS] or ("",)
    if service.lower() not in SERVICES:
        service = "name" if service else ""
    kinds = ["realm" if service.lower() == "krbtgt" else _host(part) for part in rest]
    return "/".join([service, *kinds])


def _host(part: str) -> str:
    """What stands for a host in a name."""
    name, at, _ = part.partition("@")
    with suppress(ValueError):
        ip_address(name.strip("[]"))
        return "address" + ("@realm" if at else "")
    kind = "host.domain" if "." in name.strip(".") else "host" if name else ""
    kind = "lkdc" if name.startswith("LKDC:") else kind
    return kind + ("@realm" if at else "")


def spnego(blob: bytes) -> Spnego | None:
    """What a client's blob says; None for one that is neither SPNEGO nor bare Kerberos."""
    outer = next(asn1.pieces(blob), None)
    if outer is None:
        return None
    if outer.tag == _RESPONSE:
        token = asn1.first(asn1.fields(outer.content).get(2, b""), asn1.OCTETS) or b""
        return _with_token((), token, wide=False)
    if outer.tag != _GSS:
        return None
    inner = list(asn1.pieces(outer.content))
    if not inner or inner[0].tag != asn1.OID:
        return None
    if asn1.oid(inner[0].content) != SPNEGO:
        return _with_token((), blob, wide=False)
    if len(inner) < 2 or inner[1].tag != _INIT:
        return None
    init = asn1.fields(inner[1].content)
    named = asn1.pieces(asn1.first(init.get(0, b""), asn1.SEQUENCE) or b"")
    mechanisms = [asn1.oid(one.content) for one in named if one.tag == asn1.OID][:_MOST_MECHANISMS]
    token = asn1.first(init.get(2, b""), asn1.OCTETS) or b""
    names = tuple(MECHANISMS.get(one, one) for one in mechanisms)
    return _with_token(names, token, wide=inner[0].wide)


def _with_token(mechanisms: tuple[str, ...], token: bytes, *, wide: bool) -> Spnego | None:
    ap_req = None
    name = ""
    if token.startswith(b"NTLMSSP\0"):
        name = NTLMSSP
    elif token.startswith(b"NEGOEXTS"):
        name = "NEGOEX"
    elif framed := asn1.first(token, _GSS):
        mechanism = next(asn1.pieces(framed), None)
        if mechanism and mechanism.tag == asn1.OID:
            number = asn1.oid(mechanism.content)
            name = MECHANISMS.get(number, number)
            rest = framed[mechanism.size :]
            ap_req = read_ap_req(rest[2:]) if rest.startswith(_TOKEN_AP_REQ) else None
    elif token[:1] == bytes([_AP_REQ]):
        # Without its frame, as a second token or an old client has it.
        name, ap_req = KRB5, read_ap_req(token)
    return Spnego(mechanisms, name, wide, ap_req) if mechanisms or name else None


def read_ap_req(message: bytes) -> ApReq | None:
    """The clear fields of an AP-REQ: RFC 4120, 5.5.1; None for what is none."""
    said = asn1.fields(asn1.first(message, _AP_REQ) or b"")
    ticket = asn1.fields(asn1.first(said.get(3, b""), _TICKET) or b"")
    if not ticket or 4 not in said:
        return None
    return ApReq(
        asn1.bits(said.get(2)),
        etype_of(ticket.get(3, b"")),
        etype_of(said[4]),
        principal(ticket.get(2, b"")),
    )


def etype_of(encrypted: bytes) -> int:
    """The encryption type of an EncryptedData: RFC 4120, 5.2.9; 0, which is reserved, where it is none."""
    return asn1.number(asn1.fields(encrypted).get(0))


def principal(data: bytes) -> Principal:
    """A PrincipalName: RFC 4120, 5.2.2."""
    name = asn1.fields(data)
    return Principal(asn1.number(name.get(0)), form(*asn1.texts(name.get(1, b""))))
