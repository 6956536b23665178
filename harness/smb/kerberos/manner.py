"""How a kind of client does Kerberos, as data: what it lists, how it asks a KDC, when it does without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.smb.tap.kerberos import MUTUAL

FOREVER = "20370913024805Z"
"""What Windows asks as the end of its tickets (captures of 2003 and 10)."""


@dataclass(frozen=True, slots=True)
class KerberosManner:
    """The defaults are those of Windows 10 as captured (kerberos_tso.pcapng, dcerpc-ctxids)."""

    mechanisms: tuple[str, ...] = ("MS-KRB5", "KRB5", "NEGOEX", "NTLMSSP")
    """What it lists in SPNEGO, the preferred one first: ``harness.smb.tap.kerberos.MECHANISMS`` or dotted."""
    wide_lengths: bool = False
    """It writes every length of SPNEGO in three bytes, which DER forbids."""
    options: int = MUTUAL
    """Of the AP-REQ, the first of the 32 flags as the highest bit."""
    name_type: int = 2
    """Of the server's name: 1 principal, 2 service and instance, 3 service and host (RFC 4120, 6.2)."""
    transport: Literal["udp", "tcp"] = "tcp"
    as_options: int = 0x40810010
    as_etypes: tuple[int, ...] = (18, 17, 23, 24, -135, 3)
    as_padata: tuple[int, ...] = (2, 128)
    """Types of what comes with an AS-REQ, in order. Sent are 2 (the proof), 128, 149, 167; others are not."""
    asks_first: bool = True
    """It asks without a proof first, and learns from the KDC's refusal what to prove itself with."""
    addresses: tuple[int, ...] = (20,)
    """Types of its own addresses that it lists; 20, its NetBIOS name, is sent."""
    till: str = FOREVER
    """How long its ticket may live; "" for a day from now."""
    renew: bool = True
    tgs_options: int = 0x40810000
    tgs_etypes: tuple[int, ...] = (18, 17, 23, 24, -135)
    tgs_padata: tuple[int, ...] = (1, 167)
    """As ``as_padata``; 1 is the ticket that it asks with."""
    falls_back: tuple[str, ...] = ("KDC_ERR_S_PRINCIPAL_UNKNOWN",)
    """The KDC's errors after which it goes on with NTLM, where its list has that; "*" for any."""
    by_address: bool = False
    """It asks for a ticket even where the server is named by an address."""
