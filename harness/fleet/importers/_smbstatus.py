"""What smbstatus says, as text or as JSON, and what a user is told of it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

_LONGEST: Final = 80
NO_DIALECT: Final = (
    "this smbstatus shows no dialect: Samba before 4.2 has no such column. Add %R to full_audit:prefix, or "
    'take the lines "Selected protocol" of the log at "log level = 3"'
)
LOOPBACK: Final = "sessions of the server with itself (loopback addresses) are left out: they are no machine"
UNKNOWN_DIALECT: Final = "no document knows the dialect {!r}: it is reported as it is written"
ANOTHER_USER: Final = (
    "sessions of the user nobody are those of guests or of nobody at all; smbstatus does not tell which, the "
    'JSON auth log does (log level = "auth_json_audit:3")'
)
NOTHING_YET: Final = (
    "no client has connected since this Samba was set up, which smbstatus says so: no error, and no machine; "
    "ask again while people work"
)
_ROOT: Final = "smbstatus was not run as root: run it again with sudo"
_CLOSED: Final = (
    "smbstatus could not open {}, which says nothing of clients: run it as root, on the server itself, with "
    "smbd running and the same smb.conf (-s FILE)"
)
_CANNOT: Final = r"(?:smbstatus:? )?(?:ERROR: )?(?:Can'?t|Cannot|Couldn'?t|Could not|Failed to|Unable to) "
REASONS: Final = tuple(
    (re.compile(rf"\s*(?:{pattern})", re.IGNORECASE), why)
    for pattern, why in (
        (r"(?:smbstatus )?only works as root", _ROOT),
        (r"\S+\.tdb not initiali[sz]ed|This is normal if an SMB client has never connected", NOTHING_YET),
        (rf"{_CANNOT}(?:open|initiali[sz]e) \S*sessionid", _CLOSED.format("sessionid.tdb")),
        (
            rf"{_CANNOT}(?:open|initiali[sz]e) \S*(?:\.tdb|connections|locking)\b|tdb\(\S+\): tdb_open_ex",
            _CLOSED.format("a database of smbd"),
        ),
        (
            rf"{_CANNOT}(?:open|initiali[sz]e) (?:the )?(?:sessions?|tcon|connections?|locking) "
            r"(?:database|table|db)\b",
            _CLOSED.format("a database of smbd"),
        ),
        (
            r"\S*smbstatus: error while loading shared libraries|\S*smbstatus: symbol lookup error",
            "smbstatus itself could not start, for a library is missing or of another Samba: mend the "
            "packages of Samba, and run it again",
        ),
        (
            r"sudo: (?:a password is required|a terminal is required|.{1,40}: command not found)"
            r"|.{1,60} is not in the sudoers file|(?:su|sudo): Authentication failure",
            "sudo did not run smbstatus, and its error stands in the place of the tables: run it as root",
        ),
        (
            r"\S*smbstatus: (?:command )?not found|\S+: (?:line \d+: )?smbstatus: command not found",
            "there is no smbstatus where it was called: it comes with Samba's server package",
        ),
        (
            rf"{_CANNOT}(?:init|initiali[sz]e) (?:messaging|cmdline)|messaging_init failed",
            "smbstatus could not reach smbd: run it as root, on the server itself, while smbd runs",
        ),
    )
)
"""What stands in the place of tables, and why that is no answer."""

_JSON: Final = re.compile(r'"smb_conf"\s*:|"session_dialect"\s*:')


def is_json(head: str) -> bool:
    """Whether a text is JSON of smbstatus, by names that every document has at its beginning, 4.17 to 4.25.

    What smbstatus complains of may stand before it, and behind it.
    """
    return _JSON.search(head) is not None and "{" in head[: head.index('"')]


class Protection(NamedTuple):
    """What a column of signing or encryption says."""

    whole: bool | None
    """Of the session as a whole; None where the column is not there, or cannot be read."""
    cipher: str
    """Of what is protected, all or some of it."""

    @property
    def partly(self) -> bool | None:
        """Of the session, or of some of it."""
        return True if self.cipher else self.whole


def protection(column: str | None, degree: str = "") -> Protection:
    """A column of the text ("-", a cipher, "partial(a cipher)"); or cipher and ``degree`` of the JSON.

    "partial": some messages were, others not. A session that need not be signed is "partial(AES-128-CMAC)" at
    3.x, for a client signs its TREE_CONNECT at least, [MS-SMB2] 3.2.4.1.1, and full under ``server signing =
    mandatory`` (measured with 4.13 and 4.22): so partly signed is not signed. Partly encrypted is encrypted:
    a client that encrypts all that it can is shown so, for its first messages cannot be (measured), and so
    is one that uses an encrypted share.
    """
    return Protection(None, "") if column is None else _protection(column[:_LONGEST], degree[:_LONGEST])


def signed_beside(signing: Protection, encryption: Protection) -> bool | None:
    """Whether a session was signed; None where it was encrypted instead.

    An encrypted message is not signed, [MS-SMB2] 3.2.4.1.1: who requires signing is content with that.
    """
    return None if encryption.partly and not signing.whole else signing.whole


@lru_cache(maxsize=256)
def _protection(column: str, degree: str) -> Protection:
    said = column.strip()
    inner = re.fullmatch(r"(partial|anonymous)\(([^()]*)\)", said)
    kind, cipher = (inner.group(1), inner.group(2)) if inner else (degree, said)
    cipher = "" if cipher in ("-", "???", "") else cipher
    if kind in ("partial", "anonymous", "none"):
        return Protection(False, cipher)
    return Protection(bool(cipher) or kind == "full" if kind or said else None, cipher)
