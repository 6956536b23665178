"""The protocol trace of one connection: its steps, from the events that passed by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from harness.model import CLOSED, NO_DIALECT, RESET, STATUS_OK, TIMEOUT, Dialect, Step, StepName
from harness.smb import status as nt_status
from harness.smb.kerberos.names import KERBEROS, kind_of
from harness.smb.security import READ_CONTROL
from harness.smb.tap.events import Command, Encrypted, Event, Request, Response
from harness.smb.tap.trees import IPC, Trees

_PLAIN = {
    Command.NEGOTIATE: StepName.NEGOTIATE,
    Command.SESSION_SETUP: StepName.SESSION_SETUP,
    Command.LIST: StepName.LIST,
    Command.READ: StepName.READ,
    Command.WRITE: StepName.WRITE,
    Command.RENAME: StepName.RENAME,
    Command.QUERY_SECURITY: StepName.QUERY_SECURITY,
    Command.DELETE: StepName.DELETE,
    Command.LOGOFF: StepName.LOGOFF,
    Command.RAP: StepName.ENUMERATE_SHARES,
}
_CALLS = {"lsarpc": StepName.LOOKUP_SIDS}
"""What calling is named by the pipe; others list the shares."""
_CALLING = {StepName.ENUMERATE_SHARES, *_CALLS.values()}
_TREES = {StepName.TREE_CONNECT_IPC, StepName.TREE_CONNECT}
_ALSO_NT1 = "NT LANMAN 1.0"
"""Samba's second name of NT LM 0.12 (libcli/smb/smbXcli_base.c, smb1cli_prots); its servers may choose it."""
_NO_INDEX = 0xFFFF
_LIST_DIRECTORY = 0x1
_ERROR = 0xC0000000
"""From here on an NTSTATUS is an error: [MS-ERREF] 2.3."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One finished TCP connection."""

    steps: tuple[Step, ...]
    """In the order in which they began; one a name, ``ms`` is the time spent waiting for the server."""
    dialect: str | None = None
    signed: bool | None = None
    """None when nothing was seen whose signing tells, or all of it was encrypted."""
    encrypted: bool | None = None
    cipher: str | None = None
    auth: str | None = None
    """The proof of the last session setup; guest or anonymous when the server took it for that."""
    refused_auth: str | None = None
    """The proof that was refused, when a session setup was: smbclient then comes again as anonymous."""
    guest: bool = False
    ended_by: str = ""
    """"client" or "server", whichever ended the connection first; "" when the tap did."""
    ended_at: float | None = None
    """When that was, by the clock that the tracer was told times of; None where no tracer saw it."""
    waiting: StepName | None = None
    """The step whose answer was still missing at the end."""
    written: str = ""
    """SHA-256 of what was written to files, in hexadecimal; "" when nothing was."""
    read: str = ""
    """SHA-256 of what was read from files."""
    server_signing: str | None = None
    """As in ``Attempt.server_signing``."""
    agreed_cipher: str | None = None
    """As in ``Attempt.agreed_cipher``."""

    def passed(self, name: StepName) -> bool:
        """True when the server let this step pass."""
        return any(step.name is name and step.ok for step in self.steps)


@dataclass(slots=True)
class _Progress:
    """One step while it goes on."""

    status: str | None = None
    seconds: float = 0.0
    detail: str = ""


@dataclass(slots=True)
class Tracer:
    """Listens to one connection. Times are seconds of any one clock."""

    _steps: dict[StepName, _Progress] = field(default_factory=dict)
    _asked: dict[tuple[int, int], tuple[Request, StepName | None, float]] = field(default_factory=dict)
    _trees: Trees = field(default_factory=Trees)
    _offers: tuple[str, ...] = ()
    _auth: str | None = None
    _refused_auth: str | None = None
    _dialect: str | None = None
    _cipher: str = ""
    _server_signing: str | None = None
    _guest: bool = False
    _anonymous: bool = False
    _hidden: int = 0
    _ended_by: str = ""
    _ended_at: float | None = None
    _waiting: StepName | None = None
    _pipe: str = ""
    """The pipe that was opened last."""
    _written: hashlib._Hash | None = None
    _read: hashlib._Hash | None = None

    def connected(self, seconds: float, status: str = STATUS_OK) -> None:
        """The TCP connection to the server was made, or not."""
        self._steps[StepName.CONNECT] = _Progress(status, seconds)

    def heard(self, event: Event, now: float) -> None:
        """An event passed by."""
        match event:
            case Request():
                self._request(event, now)
            case Response():
                self._response(event, now)
            case Encrypted():
                self._hidden += 1

    def ended(self, by: str, now: float, *, reset: bool = False) -> None:
        """One side ended the connection. Only the first one counts."""
        if self._ended_by:
            return
        self._ended_by, self._ended_at = by, now
        open_steps = [(begun, name) for _, name, begun in self._asked.values() if name]
        if not open_steps:
            connect = self._steps.get(StepName.CONNECT)
            if by == "server" and len(self._steps) == 1 and connect and connect.status == STATUS_OK:
                why = "the server hung up before anything was said"
                self._note(StepName.NEGOTIATE, RESET if reset else CLOSED, 0.0, why)
            return
        begun, self._waiting = min(open_steps)
        status = (RESET if reset else CLOSED) if by == "server" else TIMEOUT
        detail = {"server": "", "client": "the client gave up waiting"}.get(by, "no answer in time")
        # A client may hang up without waiting for the answer to its LOGOFF.
        if self._waiting is not StepName.LOGOFF:
            self._note(self._waiting, status, now - begun, detail)

    def trace(self) -> Conversation:
        """The trace so far."""
        steps = tuple(
            Step(name, progress.status, progress.seconds * 1000, progress.detail)
            for name, progress in self._steps.items()
            if progress.status is not None
        )
        encrypted = None if StepName.SESSION_SETUP not in self._steps else self._hidden > 0
        auth = "guest" if self._guest else "anonymous" if self._anonymous else self._auth
        return Conversation(
            steps,
            self._dialect,
            self._trees.signed,
            encrypted,
            (self._cipher or None) if encrypted else None,
            auth,
            self._refused_auth,
            self._guest,
            self._ended_by,
            self._ended_at,
            self._waiting,
            self._written.hexdigest() if self._written else "",
            self._read.hexdigest() if self._read else "",
            self._server_signing if self._dialect else None,
            self._cipher if self._dialect else None,
        )

    def _request(self, request: Request, now: float) -> None:
        share = self._trees.request(request)
        name = self._step_of(request, share)
        # A server that never answers must not make us keep every request of a hostile client.
        if len(self._asked) < 4096:
            self._asked[request.protocol, request.mid] = (request, name, now)
        if name:
            self._steps.setdefault(name, _Progress())
        if request.command is Command.NEGOTIATE:
            self._offers = request.smb1_dialects
        if request.auth:
            self._auth = _proof(request)
        if name is StepName.WRITE and request.payload:
            self._written = self._written or hashlib.sha256()
            self._written.update(request.payload)

    def _step_of(self, request: Request, share: str) -> StepName | None:
        on_ipc = self._trees.in_ipc
        match request.command:
            case Command.TREE_CONNECT:
                return StepName.TREE_CONNECT_IPC if share.upper() == IPC else StepName.TREE_CONNECT
            case Command.CREATE if on_ipc:
                self._pipe = request.path.lower().rpartition("\\")[2]
                return StepName.CREATE_PIPE
            case Command.PIPE:
                return _CALLS.get(self._pipe, StepName.ENUMERATE_SHARES)
            case Command.READ | Command.WRITE if on_ipc:
                return _CALLS.get(self._pipe, StepName.ENUMERATE_SHARES)
            case Command.CREATE if request.deletes:
                return StepName.DELETE
            case Command.CREATE:
                if request.path not in {"", "\\", "."}:
                    return StepName.CREATE
                # The root of the share is opened to list it, or to read its descriptor alone.
                security = request.access & READ_CONTROL and not request.access & _LIST_DIRECTORY
                return StepName.QUERY_SECURITY if security else StepName.LIST
        return _PLAIN.get(request.command)

    def _response(self, response: Response, now: float) -> None:
        self._trees.response(response)
        key = (response.protocol, response.mid)
        # An SMB1-framed NEGOTIATE may be answered in SMB2 ([MS-SMB2] 3.3.5.3), message id 0.
        if key not in self._asked and response.command is Command.NEGOTIATE:
            key = next(
                (k for k, (asked, _, _) in self._asked.items() if asked.command is Command.NEGOTIATE), key
            )
        if key not in self._asked or response.status == "STATUS_PENDING":
            return
        request, name, begun = self._asked.pop(key)
        if name is None:
            return
        status = response.status if response.failed else STATUS_OK
        detail = "RAP" if request.command is Command.RAP else ""
        if status == "STATUS_ACCESS_DENIED" and name in _TREES and self._had_to_sign(request):
            detail = nt_status.UNSIGNED
        elif name is StepName.SESSION_SETUP:
            detail = response.krb_error or _named(request, status)
        if name is StepName.NEGOTIATE and not response.failed:
            status = self._negotiated(response)
        elif name is StepName.SESSION_SETUP and response.failed:
            self._refused_auth = self._refused_auth or self._auth
        elif name is StepName.SESSION_SETUP:
            self._guest |= response.guest
            self._anonymous |= response.anonymous or self._auth == "anonymous"
            if self._refused_auth and (self._anonymous or response.status != STATUS_OK):
                return  # coming again as nobody does not undo that the user was refused
        elif name in _CALLING and status == STATUS_OK:
            answer = STATUS_OK if detail else _rpc_answer(response.payload, name)
            if answer is None:
                # Bind, or a write whose answer is read later: the step goes on.
                self._steps[name].seconds += now - begun
                return
            status = answer
        elif name is StepName.READ and response.payload:
            self._read = self._read or hashlib.sha256()
            self._read.update(response.payload)
        self._note(name, status, now - begun, detail)

    def _had_to_sign(self, request: Request) -> bool:
        keyless = self._guest or self._anonymous
        return self._dialect == Dialect.SMB3_11 and not (request.signed or keyless)

    def _negotiated(self, response: Response) -> str:
        self._server_signing = (
            "required" if response.signing_required else "enabled" if response.signing_enabled else "none"
        )
        if response.dialect_index is not None:
            if response.dialect_index == _NO_INDEX or response.dialect_index >= len(self._offers):
                return NO_DIALECT
            chosen = self._offers[response.dialect_index]
            self._dialect = Dialect.NT1 if chosen == _ALSO_NT1 else chosen
        elif response.dialect is not None:
            try:
                self._dialect = Dialect.from_revision(response.dialect)
            except KeyError:
                self._dialect = None  # 0x02FF: the client comes again with an SMB2 NEGOTIATE
            self._cipher = response.cipher
        return STATUS_OK

    def _note(self, name: StepName, status: str, seconds: float, detail: str) -> None:
        progress = self._steps.setdefault(name, _Progress())
        progress.seconds += seconds
        # What counts is whether the client got on with this step in the end (a second way may be open).
        if status == STATUS_OK or progress.status in {None, STATUS_OK}:
            progress.status = status
            progress.detail = detail or progress.detail


def _proof(request: Request) -> str:
    """The proof of a session setup; of a ticket, what it is encrypted with, too."""
    token = request.session.spnego if request.session else None
    if request.auth != KERBEROS or token is None or token.ap_req is None:
        return request.auth
    return kind_of(token.ap_req.ticket_etype, token.ap_req.etype)


def _named(request: Request, status: str) -> str:
    """The form of the name for which the proof is that let a client in: the server's service principal."""
    message = request.session.ntlm if request.session and status == STATUS_OK else None
    if message is None or message.proof is None:
        return ""
    return message.proof.names_server


def _rpc_answer(pdu: bytes, step: StepName) -> str | None:
    """What a DCE/RPC answer says: None while it is no answer to a call yet (bind, or nothing)."""
    if len(pdu) < 24 or pdu[0] != 5:
        return None
    kind, flags = pdu[2], pdu[3]
    if kind == 3 and len(pdu) >= 28:  # fault, [C706] 12.6.4.7
        code = int.from_bytes(pdu[24:28], "little")
        return "STATUS_ACCESS_DENIED" if code == 5 else nt_status.name(code)
    if kind != 2:
        return None
    whole = flags & 2 and int.from_bytes(pdu[8:10], "little") == len(pdu)
    if step is StepName.LOOKUP_SIDS:
        # Every call of [MS-LSAT] ends in its NTSTATUS.
        code = int.from_bytes(pdu[-4:], "little") if whole else 0
        return nt_status.name(code) if code >= _ERROR else STATUS_OK
    # NetrShareEnum ends in its WERROR ([MS-SRVS] 3.1.4.8); 5 is ERROR_ACCESS_DENIED.
    return "STATUS_ACCESS_DENIED" if whole and pdu[-4:] == b"\x05\0\0\0" else STATUS_OK
