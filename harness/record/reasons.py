"""Why an attempt was refused, as far as the attempt itself shows it: whatever was changed, or nothing.

Used for what never worked, and for a loss that no mitigation has words of its own for.
"""

from __future__ import annotations

from harness.checks import DATA_LOST, NOT_KEPT_OUT
from harness.model import (
    CLOSED,
    GAVE_UP,
    NO_DIALECT,
    RESET,
    TIMEOUT,
    UNRELIABLE,
    Attempt,
    Dialect,
    Side,
    StepName,
)
from harness.smb.kerberos.names import SKEW
from harness.smb.status import (
    ENCRYPTION_NOT_POSSIBLE,
    GUEST_LOGON_BLOCKED,
    NO_TICKET,
    SIGNING_NOT_POSSIBLE,
    UNSIGNED,
)

_NO_COMMON_DIALECT = (NO_DIALECT, "STATUS_NOT_SUPPORTED")
_OLD_NTLM = ("NTLMv1", "LM")
_LOGON = ("STATUS_LOGON_FAILURE", "STATUS_WRONG_PASSWORD", "STATUS_NO_SUCH_USER", "STATUS_ACCESS_DENIED")
_DOES = {
    StepName.TREE_CONNECT_IPC: "connect IPC$",
    StepName.CREATE_PIPE: "open the named pipe",
    StepName.ENUMERATE_SHARES: "list the shares",
    StepName.TREE_CONNECT: "connect the share",
    StepName.QUERY_SECURITY: "read the permissions",
    StepName.LOOKUP_SIDS: "ask for the name of an owner",
    StepName.LIST: "list the share",
    StepName.CREATE: "create a file",
    StepName.WRITE: "write",
    StepName.RENAME: "rename a file",
    StepName.LOCK: "lock a part of a file",
    StepName.OPLOCK_BREAK: "open a file that another one has open",
    StepName.UNLOCK: "unlock a part of a file",
    StepName.READ: "read",
    StepName.DELETE: "delete",
}


def reason(refused: Attempt) -> str:
    """One sentence. Steps, statuses and who it was are what the attempt recorded; nothing is guessed at."""
    by_client = refused.side is Side.CLIENT
    for known in _BY_CLIENT if by_client else _BY_SERVER:
        said = known(refused)
        if said:
            return said
    if by_client:
        return f"the client's own policy stops it at {refused.step} ({refused.status})"
    return _SILENT.get(refused.status or "", f"the server answers {refused.status} at {refused.step}")


_SILENT = {
    DATA_LOST: "the file lacks what the server had acknowledged",
    NOT_KEPT_OUT: "the server lets a second person lock or overwrite what a first one has locked",
    CLOSED: "the server hung up without an answer",
    RESET: "the server reset the connection",
    TIMEOUT: "no answer came in time",
}


def _not_found(refused: Attempt) -> str:
    if refused.step is StepName.DISCOVER:
        return f"this client finds the server in Network by none of its ways ({refused.note})"
    return ""


def _keyless_client(refused: Attempt) -> str:
    if refused.status == GUEST_LOGON_BLOCKED:
        return "the server makes it a guest, and the client refuses to be one"
    if refused.keyless and refused.step is StepName.SESSION_SETUP:
        who = "makes it a guest" if refused.auth == "guest" else "lets it in as nobody"
        return f"the server {who}, and the client accepts only a session with a key to sign or encrypt with"
    return ""


def _of_the_client(refused: Attempt) -> str:
    if refused.status == GAVE_UP:
        return f"the client itself goes no further than {refused.step}, though the server refuses it nothing"
    if refused.status == UNRELIABLE and refused.works:
        came, of = refused.works
        return f"the client is unreliable here: it came through in {came} of {of} tries, refused by nobody"
    if refused.status == NO_DIALECT and refused.dialect:
        return f"the server chose {refused.dialect}, which the client's own limits exclude"
    if refused.status == NO_DIALECT:
        return "the client's own limits leave it no dialect to offer"
    if refused.status == SIGNING_NOT_POSSIBLE and refused.server_signing == "none":
        return "the client accepts only what is signed, and this server does not sign over SMB1"
    if refused.status == ENCRYPTION_NOT_POSSIBLE and refused.agreed_cipher == "":
        return "the client accepts only an encrypted session, and has no cipher in common with the server"
    return ""


def _not_reached(refused: Attempt) -> str:
    if refused.step is StepName.CONNECT and refused.status == RESET:
        return "the server refuses the TCP connection: nothing listens there"
    return ""


def _negotiate(refused: Attempt) -> str:
    if refused.step is not StepName.NEGOTIATE:
        return ""
    if refused.status in _NO_COMMON_DIALECT:
        return "client and server have no dialect in common"
    if refused.status in (CLOSED, RESET):
        how = "hangs up" if refused.status == CLOSED else "resets the connection"
        return f"the server {how} on the client's NEGOTIATE, as where no dialect is common"
    return ""


def _logon(refused: Attempt) -> str:
    if refused.step is not StepName.SESSION_SETUP:
        return ""
    if refused.status == "STATUS_NTLM_BLOCKED":
        ticketless = next((step for step in refused.steps if step.name in _TICKETS and not step.ok), None)
        why = f", and the client got no Kerberos ticket ({ticketless.status})" if ticketless else ""
        return f"the server accepts no NTLM{why}"
    if refused.status not in _LOGON:
        return ""
    if refused.auth in _OLD_NTLM:
        return f"the client answers with {refused.auth}, and the server accepts no such logon of this user"
    if refused.status == "STATUS_ACCESS_DENIED":
        return _denied(refused)
    return "the server does not accept this user, password or kind of authentication"


def _ticket(refused: Attempt) -> str:
    if refused.step not in _TICKETS:
        return ""
    known = _NO_TICKET.get(refused.status or "")
    return known or f"the domain's KDC answers {refused.status} at {refused.step}"


_TICKETS = (StepName.KERBEROS_AS, StepName.KERBEROS_TGS)
_NO_TICKET = {
    "KDC_ERR_S_PRINCIPAL_UNKNOWN": "the domain has no service principal (SPN) for the name by which the "
    "client calls the server, so it gets no ticket for it",
    "KDC_ERR_ETYPE_NOSUPP": "the KDC has no encryption type in common with the client, or with the key of "
    "the account that the ticket is for",
    SKEW: "the clocks of client and domain differ by more than Kerberos allows",
    "KDC_ERR_PREAUTH_REQUIRED": "the KDC asked for a proof of the user, and the client has no key for it of "
    "a type that the KDC takes",
    "KDC_ERR_PREAUTH_FAILED": "the domain does not accept this user's password",
    "KDC_ERR_C_PRINCIPAL_UNKNOWN": "the domain has no such user",
    "KDC_ERR_CLIENT_REVOKED": "the user's account is disabled or locked in the domain",
    "KDC_ERR_KEY_EXPIRED": "the user must change the password first",
    "KDC_ERR_POLICY": "the domain's policy gives this user no such ticket",
    "KRB_AP_ERR_INAPP_CKSUM": "the KDC wants a checksum in the request for a ticket, and there is none "
    "that it knows",
}


def _no_kerberos(refused: Attempt) -> str:
    if any(step.name is refused.step and step.detail == NO_TICKET for step in refused.steps):
        return (
            "the client may log on by Kerberos alone, and asks for no ticket for the name that it was given"
        )
    return ""


def _unsigned(refused: Attempt) -> str:
    if any(step.name is refused.step and step.detail == UNSIGNED for step in refused.steps):
        return "over SMB 3.1.1 every user's tree connect must be signed, and this client does not sign it"
    return ""


def _denied(refused: Attempt) -> str:
    if refused.status == "STATUS_BAD_NETWORK_NAME":
        return "there is no such share"
    if refused.status != "STATUS_ACCESS_DENIED" or refused.step is None:
        return ""
    who = {"guest": "guests", "anonymous": "sessions without a user"}.get(refused.auth or "", "this user")
    unsigned = refused.server_signing == "required" and refused.signed is False and not refused.keyless
    why = ", whose requests are not signed as the server demands" if unsigned else ""
    if refused.step is StepName.SESSION_SETUP:
        return f"the server does not let {who} log on{why} ({refused.status})"
    if (
        refused.auth == "guest"
        and refused.step is StepName.TREE_CONNECT
        and refused.dialect == Dialect.SMB3_11
    ):
        # A guest's key is not known to the server: [MS-SMB2] 3.3.5.5.3, and measured with libsmb2.
        why = "; over SMB 3.1.1 it refuses guests that sign, and may let in those that do not"
    return f"the server does not let {who} {_DOES.get(refused.step, str(refused.step))}{why}"


_BY_CLIENT = (_not_found, _keyless_client, _no_kerberos, _of_the_client)
_BY_SERVER = (_not_found, _not_reached, _negotiate, _ticket, _logon, _unsigned, _denied)
