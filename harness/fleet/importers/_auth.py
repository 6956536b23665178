"""One record of Samba's logs of authentication, as JSON or as a sentence: the same facts in both.

smb.conf(5), "log level", classes auth_audit and auth_json_audit: Authentication from level 3 (a failed one
from level 2), Authorization from level 4 on.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Final, NamedTuple

from harness.fleet import addresses
from harness.fleet.forms.when import moment
from harness.fleet.sighting import Logon
from harness.model import Dialect

OTHERS: Final = "logons to other services than SMB ({}) are left out: they say nothing of SMB clients"
_PASSWORDS: Final = {
    "ntlmv1": Logon.NTLMV1,
    # What ntlm auth = ntlmv2-only refuses no less.
    "lanman": Logon.NTLMV1,
    "ntlmv2": Logon.NTLMV2,
}
_NO_PASSWORD: Final = frozenset({"", "(null)", "No-Password"})
_TICKETS: Final = re.compile(r"krb5|kerberos|arcfour|aes\d|des-|camellia", re.IGNORECASE)
_SMB: Final = {"SMB": Dialect.NT1, "SMB2": None}
"""What the service tells of the dialect: of SMB2 and later not which (measured, 4.13 and 4.22)."""
_PASSED_ON: Final = frozenset({"SamLogon", "NETLOGON"})
"""What a domain controller is asked by the server that the client logs on to."""
_OK: Final = frozenset({"", "NT_STATUS_OK"})
_NOBODY: Final = "S-1-5-7"
_GUEST: Final = re.compile(r"S-1-5-21-[\d-]+-501|S-1-5-32-546")
_JSON: Final = re.compile(r'"type"\s*:\s*"(?:Authentication|Authorization)"')
_SENTENCE: Final = re.compile(
    r"(?P<what>Auth|Successful AuthZ): \[(?P<service>[^,\]]*),(?P<kind>[^\]]*)\]"
    r" user \[[^\]]*\]\\\[(?P<user>[^\]]*)\] +(?:\[(?P<sid>S-[\d-]+)\] )?at \[(?P<when>[^\]]*)\]"
    r"(?: with \[(?P<password>[^\]]*)\])?(?: status \[(?P<status>[^\]]*)\])?"
    r"(?: workstation \[(?P<workstation>[^\]]*)\])? [Rr]emote host \[(?P<remote>[^\]]*)\]"
    r"(?: became \[[^\]]*\]\\\[[^\]]*\] \[(?P<became>S-[\d-]+)\])?"
)
_ANY: Final = re.compile(r'"type"\s*:\s*"(?:Authentication|Authorization)"|(?:\bAuth|Successful AuthZ): \[')


class Record(NamedTuple):
    """What a record says of the client."""

    service: str
    ours: bool
    """Whether it is of SMB, or was passed on by an SMB server."""
    address: str = ""
    name: str = ""
    seen: datetime | None = None
    dialect: Dialect | None = None
    logon: Logon | None = None
    refused: str = ""
    smb2: bool = False
    """A dialect of SMB2 or later: the record does not say which."""


def is_any(text: str) -> bool:
    """Whether a line, or one of a text, holds such a record."""
    # Most lines of a log have not even the word.
    return "Auth" in text and _ANY.search(text) is not None


def record(line: str) -> Record | None:
    """The record of a line; None where there is none, or it is cut off."""
    start = line.find("{")
    if start >= 0 and _JSON.search(line, start):
        try:
            said, _ = json.JSONDecoder().raw_decode(line, start)
        except (ValueError, RecursionError):
            return None
        return _of_json(said)
    sentence = _SENTENCE.search(line)
    return _of_sentence(sentence.groupdict(default="")) if sentence else None


def _of_json(said: object) -> Record | None:
    kind = said.get("type") if isinstance(said, dict) else None
    # Whoever wrote it: a list or a table in the place of a word is no kind of record.
    inner = said.get(kind) if isinstance(said, dict) and isinstance(kind, str) else None
    if not isinstance(inner, dict) or not isinstance(said, dict):
        return None

    def text(name: str, of: dict[str, object] = inner) -> str:
        value = of.get(name)
        return value if isinstance(value, str) else ""

    return _record(
        _Words(
            service=text("serviceDescription"),
            kind=text("authType") or text("authDescription"),
            user=text("clientAccount") or text("account"),
            sid=text("becameSid") or text("sid"),
            password=text("passwordType"),
            status=text("status"),
            workstation=text("workstation"),
            remote=text("remoteAddress"),
            when=text("timestamp", said),
        )
    )


def _of_sentence(said: dict[str, str]) -> Record:
    return _record(
        _Words(
            service=said["service"],
            kind=said["kind"],
            user=said["user"],
            sid=said["became"] or said["sid"],
            password=said["password"],
            status=said["status"],
            workstation=said["workstation"],
            remote=said["remote"],
            when=said["when"],
        )
    )


class _Words(NamedTuple):
    """What stands in a record, in Samba's words, whichever form it has; "" for what does not."""

    service: str
    kind: str
    """Of the logon: "NTLMSSP", "krb5"."""
    user: str
    sid: str
    """As whom the server takes it, where it says so; else whom the client named."""
    password: str
    """Which response to a challenge it was: "NTLMv2", "No-Password"."""
    status: str
    workstation: str
    remote: str
    when: str


def _record(said: _Words) -> Record:
    passed_on = said.service in _PASSED_ON
    if said.service not in _SMB and not passed_on:
        return Record(addresses.clean(said.service)[:40], ours=False)
    refused = "" if said.status in _OK else said.status[:80]
    return Record(
        said.service,
        ours=True,
        # Of what was passed on it is the address of the server in between.
        address="" if passed_on else addresses.address(said.remote),
        name=addresses.name(said.workstation),
        seen=moment(said.when),
        dialect=_SMB.get(said.service),
        logon=_logon(said, refused),
        refused=addresses.clean(refused),
        smb2=said.service == "SMB2",
    )


def _logon(said: _Words, refused: str) -> Logon | None:
    user, sid, password = said.user, said.sid, said.password
    if sid == _NOBODY or user.upper() == "ANONYMOUS LOGON":
        return Logon.ANONYMOUS
    if password in _NO_PASSWORD and not user and not refused:
        # Samba maps it to the guest account, so that it becomes S-1-5-21-…-501 (measured: smbclient -N has
        # No-Password there, impacket nothing).
        return Logon.ANONYMOUS
    if _GUEST.fullmatch(sid) or (password in _NO_PASSWORD and user.lower() == "guest"):
        return Logon.GUEST
    known = _PASSWORDS.get(password.lower())
    if known is None and _TICKETS.search(password or said.kind):
        return Logon.KERBEROS
    if known is None and "NTLM" in (password or said.kind).upper():
        return Logon.NTLM
    return known
