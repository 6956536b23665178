"""NTSTATUS codes and their names in [MS-ERREF] 2.3.1."""

from __future__ import annotations

from functools import cache
from typing import Any

from harness.system.later import Later

_table: Any = Later("impacket.nt_errors")

SUCCESS = 0x00000000
PENDING = 0x00000103
BUFFER_OVERFLOW = 0x80000005
NO_MORE_FILES = 0x80000006
MORE_PROCESSING_REQUIRED = 0xC0000016

# A client's own refusals, whose codes are newer than the tables of the library.
GUEST_LOGON_BLOCKED = "STATUS_SMB_GUEST_LOGON_BLOCKED"
"""0xC05D0002: Windows was given a guest session and its policy forbids that (KB4046019)."""
SIGNING_NOT_POSSIBLE = "STATUS_INVALID_SIGNATURE"
"""0xC000A000: signing is required and the session cannot be signed (Microsoft, "Control SMB signing")."""
ENCRYPTION_NOT_POSSIBLE = "STATUS_NOT_SUPPORTED"
"""0xC00000BB: the client requires encryption and the connection has no cipher (name chosen by us)."""
NO_KERBEROS = "STATUS_NOT_SUPPORTED"
"""0xC00000BB: the client logs on by Kerberos alone, and has no ticket for that name (name chosen by us)."""
NO_TICKET = "it asked for no ticket, and may not log on otherwise"
"""The detail of a session setup that a client did not even begin: Kerberos alone is allowed, and not had."""

NTLM_BLOCKED = "STATUS_NTLM_BLOCKED"
"""0xC0000418: the server takes no NTLM at all. Newer than the tables of the library."""

NO_LOGON_SERVERS = "STATUS_NO_LOGON_SERVERS"
"""0xC000005E: a member of a domain reaches no domain controller that it could ask."""

UNSIGNED = "the request was not signed"
"""The detail of a tree connect that was refused over 3.1.1, where every client with a key must sign it.

[MS-SMB2] 3.2.4.1.1 for the client, 3.3.5.7 for the server; guests and anonymous sessions have no key."""

TROUBLE = frozenset(
    f"STATUS_{word}"
    for word in (
        "INSUFF_SERVER_RESOURCES",
        "INSUFFICIENT_RESOURCES",
        "INTERNAL_ERROR",
        "IO_TIMEOUT",
        "NETWORK_BUSY",
        "NO_LOGON_SERVERS",
        "NO_MEMORY",
        "REQUEST_NOT_ACCEPTED",
        "TOO_MANY_SESSIONS",
    )
)
"""By these of [MS-ERREF] 2.3.1 a server tells that it cannot now, not that it does not want to."""

_NEWER = {
    0xC0000418: NTLM_BLOCKED,
    0xC05D0000: "STATUS_SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP",
    0xC05D0001: "STATUS_SMB_BAD_CLUSTER_DIALECT",
    0xC05D0002: GUEST_LOGON_BLOCKED,
}


def name(code: int) -> str:
    """The name of a 32-bit NTSTATUS, e.g. STATUS_ACCESS_DENIED; an unknown code as ``0xC0FFEE00``."""
    known = _table.ERROR_MESSAGES.get(code)
    if known is not None:
        return str(known[0])
    return _NEWER.get(code, f"0x{code:08X}")


# DOS errors, class and code, of servers that do not speak NTSTATUS: [MS-CIFS] 2.2.2.4.
_DOS = {
    (0x01, 0x0002): "STATUS_OBJECT_NAME_NOT_FOUND",
    (0x01, 0x0005): "STATUS_ACCESS_DENIED",
    (0x01, 0x0043): "STATUS_BAD_NETWORK_NAME",
    (0x02, 0x0002): "STATUS_LOGON_FAILURE",
    (0x02, 0x0004): "STATUS_NETWORK_ACCESS_DENIED",
    (0x02, 0x0006): "STATUS_BAD_NETWORK_NAME",
}


@cache
def _codes() -> dict[str, int]:
    return {known: code for code, (known, _) in _table.ERROR_MESSAGES.items()}


def from_dos(error_class: int, code: int) -> int:
    """The NTSTATUS for a DOS error pair; one we do not know becomes STATUS_UNSUCCESSFUL."""
    if error_class == 0 and code == 0:
        return SUCCESS
    wanted = _DOS.get((error_class, code), "STATUS_UNSUCCESSFUL")
    return _codes()[wanted]
