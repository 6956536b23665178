"""The names of Kerberos: errors of RFC 4120, and encryption types as people call them."""

from __future__ import annotations

from typing import Any, Final

from harness.system.later import Later

constants: Any = Later("impacket.krb5.constants")

KERBEROS: Final = "Kerberos"
"""How a session setup that carries a ticket is called, whatever the ticket is encrypted with."""
PREAUTH_REQUIRED: Final = "KDC_ERR_PREAUTH_REQUIRED"
"""What a KDC answers to a first AS-REQ without a proof of the user: no refusal (RFC 4120 3.1.1)."""
SKEW: Final = "KRB_AP_ERR_SKEW"
"""The clocks of client and KDC, or of client and server, differ by more than is allowed."""
OF_ETYPES: Final = frozenset({"KDC_ERR_ETYPE_NOSUPP", "KDC_ERR_SUMTYPE_NOSUPP"})
"""Nothing in common of what both sides take."""
_ETYPES: Final = {
    1: "DES",
    2: "DES",
    3: "DES",
    16: "3DES",
    17: "AES-128",
    18: "AES-256",
    19: "AES-128 (SHA-256)",
    20: "AES-256 (SHA-384)",
    23: "RC4",
    24: "RC4 (export)",
    -128: "RC4 (old)",
    -133: "RC4 (old)",
    -135: "RC4 (old)",
}
"""By their numbers in IANA's registry (RFC 3961, 4757, 8009); the negative ones are Microsoft's."""


def error_name(code: int) -> str:
    """The name of an error code in RFC 4120 7.5.9, RFC 4556 or RFC 6113; an unknown one as ``KRB_ERROR_99``.

    From the one table that impacket has of them (``impacket.krb5.constants.ErrorCodes``).
    """
    try:
        return str(constants.ErrorCodes(code).name)
    except ValueError:
        return f"KRB_ERROR_{code}"


def etype_name(number: int) -> str:
    """An encryption type as people call it: ``AES-256``."""
    return _ETYPES.get(number, f"encryption type {number}")


def kind_of(ticket_etype: int, session_etype: int) -> str:
    """How somebody logs on with such a ticket, and such a key for the session: ``Kerberos (AES-256)``."""
    ticket, session = etype_name(ticket_etype), etype_name(session_etype)
    return f"{KERBEROS} ({ticket if ticket == session else f'{ticket} ticket, {session} session key'})"
