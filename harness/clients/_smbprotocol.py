"""One connection of the smbprotocol library, each step noted; large, so loaded when it is needed."""

from __future__ import annotations

import errno
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from smbprotocol.connection import Connection, SecurityMode, SigningAlgorithms
from smbprotocol.exceptions import (
    BufferOverflow,
    NoMoreFiles,
    SMBAuthenticationError,
    SMBConnectionClosed,
    SMBException,
    SMBResponseException,
)
from smbprotocol.file_info import FileInformationClass
from smbprotocol.ioctl import CtlCode, IOCTLFlags, SMB2IOCTLRequest, SMB2IOCTLResponse
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    DirectoryAccessMask,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from harness.clients.base import Log
from harness.errors import ClientFailed, LabFault, Refused
from harness.model import (
    CLOSED,
    NO_DIALECT,
    RESET,
    STATUS_OK,
    TIMEOUT,
    ClientPolicy,
    Dialect,
    Side,
    Step,
    StepName,
    Target,
)
from harness.smb import status, trial
from harness.smb.offer import Cipher
from harness.smb.pipes import srvsvc

# Its receiving thread logs every lost connection; here that is a result and not news.
logging.getLogger("smbprotocol").addHandler(logging.NullHandler())

SHARE_ALL = ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE
READ_WRITE = FilePipePrinterAccessMask.GENERIC_READ | FilePipePrinterAccessMask.GENERIC_WRITE


_LATER = 5.0
"""Seconds by which the library's own limit is later than the watchdog: it would raise an error of its own."""


_T = TypeVar("_T")
Ask = Callable[[Callable[[bytes], bytes], Callable[[], bytes], str], object]
"""What asks on a pipe: given what writes a message and reads its answer, what reads on, and its subject."""


class _Unreachable(Exception):
    """No TCP connection: the step is connect, not negotiate."""


class Attempt:
    """One connection of the library, from connect to disconnect."""

    def __init__(self, target: Target, policy: ClientPolicy, log: Log) -> None:
        self.target = target
        self._policy = policy
        self.log = log
        self._late = False
        self._connection = Connection(
            uuid.uuid4(), target.address, target.port, require_signing=policy.require_signing
        )
        self._session = Session(
            self._connection,
            username=target.account,
            password=target.password,
            require_encryption=policy.require_encryption,
            auth_protocol="ntlm",
        )

    def run(self, act: Callable[[Attempt], None]) -> None:
        """Log on and do the check; always disconnects. Raises Refused or LabFault."""
        try:
            with self.watched():
                self.arrive()
                act(self)
                with suppress(Exception):
                    self._session.disconnect(close=False, timeout=2)
        finally:
            self.leave()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """The time limit of what is done within it."""
        # Most of the library's waits have no limit of their own: at the deadline the socket is closed.
        watchdog = threading.Timer(self.target.seconds, self._give_up)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()
            watchdog.join()

    def arrive(self) -> None:
        """Connect and log on. Raises Refused or LabFault."""
        self._connect()
        with self.step(StepName.SESSION_SETUP):
            self._log_on()

    def leave(self) -> None:
        """Disconnect."""
        with suppress(Exception):
            self._connection.disconnect(close=False)

    def another(self, log: Log) -> Attempt:
        """A second connection of the same kind, recorded elsewhere."""
        return Attempt(self.target, self._policy, log)

    def refused(self, act: Callable[[], _T]) -> _T:
        """Have the library do something; what the server refuses it becomes a refusal."""
        with self._refusals():
            return act()

    def _give_up(self) -> None:
        self._late = True
        with suppress(OSError, AttributeError):
            self._connection.transport.close()

    def _connect(self) -> None:
        self.log.steps.append(Step(StepName.CONNECT, STATUS_OK, 0.0, "timed as part of negotiate"))
        try:
            with self.step(StepName.NEGOTIATE):
                _connect(self._connection, self._policy, self.target.seconds + _LATER)
                dialect = Dialect.from_revision(self._connection.dialect)
                self.log.dialect = str(dialect)
                self._negotiated()
                if dialect.revision < self._policy.min_dialect.revision:
                    raise Refused(NO_DIALECT, Side.CLIENT, f"{dialect} is below the client's limit")
        except _Unreachable as reason:
            self.log.steps.pop()
            self.log.said = str(reason)
            with self.log.step(StepName.CONNECT):
                raise _no_connection(reason.__cause__) from reason

    def _negotiated(self) -> None:
        """What the server's answer allows, whatever comes of it."""
        connection = self._connection
        required = connection.server_security_mode & SecurityMode.SMB2_NEGOTIATE_SIGNING_REQUIRED
        self.log.server_signing = "required" if required else "enabled"
        self.log.agreed_cipher = ""
        if connection.supports_encryption:
            self.log.agreed_cipher = Cipher(connection.cipher_id or Cipher.AES_128_CCM).title

    def _log_on(self) -> None:
        self.log.auth = "NTLMv2"
        try:
            self._session.connect()
        except SMBException as reason:
            self._say(reason)
            if self._policy.require_encryption and not self._connection.supports_encryption:
                why = "the client requires encryption and the connection has no cipher"
                raise Refused(status.ENCRYPTION_NOT_POSSIBLE, Side.CLIENT, why) from None
            if self._guest:
                self.log.auth = "guest"
                why = "the client requires signing or encryption, and a guest session has no key"
                raise Refused(status.SIGNING_NOT_POSSIBLE, Side.CLIENT, why) from None
            raise
        if self._guest:
            self.log.auth = "guest"
            if not self._policy.guest:
                raise Refused(status.GUEST_LOGON_BLOCKED, Side.CLIENT, "the server made it a guest session")
        self._note(encrypted=bool(self._session.encrypt_data))

    @property
    def _guest(self) -> bool:
        # The library forgets the session's flags, but takes the key away from a guest.
        return self._session.full_session_key is not None and self._session.session_key is None

    def browse(self) -> None:
        """List the shares over srvsvc."""
        self.call(srvsvc.PIPE, StepName.ENUMERATE_SHARES, srvsvc.list_shares, self.target.address)

    def call(self, name: str, step: StepName, ask: Ask, about: str) -> None:
        """Open a pipe of IPC$ and ``ask`` on it, which is called ``step``."""
        with self.step(StepName.TREE_CONNECT_IPC):
            tree = self.tree("IPC$")
        with self.step(StepName.CREATE_PIPE):
            pipe = Open(tree, name)
            pipe.create(
                ImpersonationLevel.Impersonation,
                READ_WRITE,
                0,
                SHARE_ALL,
                CreateDisposition.FILE_OPEN,
                CreateOptions.FILE_NON_DIRECTORY_FILE,
            )
        with self.log.step(step):
            ask(lambda data: self._transceive(tree, pipe, data), lambda: self._read(pipe), about)

    def _transceive(self, tree: TreeConnect, pipe: Open, data: bytes) -> bytes:
        request = SMB2IOCTLRequest()
        request["ctl_code"] = CtlCode.FSCTL_PIPE_TRANSCEIVE
        request["file_id"] = pipe.file_id
        request["max_output_response"] = 4280
        request["flags"] = IOCTLFlags.SMB2_0_IOCTL_IS_FSCTL
        request["buffer"] = data
        with self._refusals():
            sent = self._connection.send(request, self._session.session_id, tree.tree_connect_id)
            try:
                header = self._connection.receive(sent)
            except BufferOverflow as part:
                header = part.header
            answer = SMB2IOCTLResponse()
            answer.unpack(header["data"].get_value())
            return bytes(answer["buffer"].get_value())

    def _read(self, pipe: Open) -> bytes:
        with self._refusals():
            return bytes(pipe.read(0, 4280))

    def open(self) -> None:
        """List the root of the share."""
        with self.step(StepName.TREE_CONNECT):
            tree = self.tree(self.target.share)
        with self.step(StepName.LIST):
            root = Open(tree, "")
            root.create(
                ImpersonationLevel.Impersonation,
                DirectoryAccessMask.FILE_LIST_DIRECTORY | DirectoryAccessMask.FILE_READ_ATTRIBUTES,
                0,
                SHARE_ALL,
                CreateDisposition.FILE_OPEN,
                CreateOptions.FILE_DIRECTORY_FILE,
            )
            with suppress(NoMoreFiles):
                while True:
                    root.query_directory("*", FileInformationClass.FILE_NAMES_INFORMATION)
            root.close()

    def write(self) -> None:
        """Write a file, read it back, delete it."""
        with self.step(StepName.TREE_CONNECT):
            tree = self.tree(self.target.share)
        file = Open(tree, trial.new_name())
        with self.step(StepName.CREATE):
            # Deleted by the close, so nothing stays behind even when the connection breaks.
            file.create(
                ImpersonationLevel.Impersonation,
                READ_WRITE | FilePipePrinterAccessMask.DELETE,
                0,
                SHARE_ALL,
                CreateDisposition.FILE_CREATE,
                CreateOptions.FILE_NON_DIRECTORY_FILE | CreateOptions.FILE_DELETE_ON_CLOSE,
            )
        with self.step(StepName.WRITE):
            file.write(trial.CONTENT)
        with self.step(StepName.READ):
            content = file.read(0, len(trial.CONTENT))
        with self.step(StepName.DELETE):
            file.close()
        trial.compare(file.file_name, content)

    def tree(self, share: str) -> TreeConnect:
        """Connect a share."""
        tree = TreeConnect(self._session, f"\\\\{self.target.address}\\{share}")
        # A guest has no key, so the library cannot validate the negotiation for it.
        tree.connect(require_secure_negotiate=self._session.signing_key is not None)
        self._note(encrypted=bool(self._session.encrypt_data or tree.encrypt_data))
        return tree

    def _note(self, encrypted: bool) -> None:
        log = self.log
        log.encrypted = encrypted
        log.signed = bool(self._session.signing_required and self._session.signing_key) and not encrypted
        if encrypted:
            log.cipher = Cipher(self._connection.cipher_id or Cipher.AES_128_CCM).title

    def _say(self, error: Exception) -> None:
        self.log.said = f"{type(error).__name__}: {error}".partition("\n")[0][:200]

    @contextmanager
    def step(self, name: StepName) -> Iterator[None]:
        """Time one protocol step; what the library raises of the server becomes a refusal."""
        with self.log.step(name), self._refusals():
            yield

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """The library's exceptions as refusals; a crash of the library passes through."""
        try:
            yield
        except SMBResponseException as answer:
            self._say(answer)
            raise Refused(status.name(answer.status)) from answer
        except SMBAuthenticationError as reason:
            self._say(reason)
            raise ClientFailed(f"smbprotocol could not log on: {reason}", self.log.at) from reason
        except (SMBConnectionClosed, OSError) as reason:
            # When the server hangs up, the library's receiving thread closes the socket under its sender.
            lost_socket = isinstance(reason, OSError) and reason.errno == errno.EBADF
            if not (lost_socket or isinstance(reason, SMBConnectionClosed | ConnectionError)):
                raise
            self._say(reason)
            if self._late:
                self.log.said = ""
                raise Refused(TIMEOUT, detail=f"no answer within {self.target.seconds:g} s") from reason
            lost = RESET if isinstance(reason, ConnectionResetError) else CLOSED
            raise Refused(lost, detail=str(reason)) from reason


def greet(address: str, port: int, policy: ClientPolicy, seconds: float) -> None:
    """Connect, negotiate and hang up. Raises what the library raises."""
    connection = Connection(uuid.uuid4(), address, port, require_signing=policy.require_signing)
    try:
        _connect(connection, policy, seconds)
    finally:
        connection.disconnect(close=False)


def no_overlap(policy: ClientPolicy) -> bool:
    """True when the policy leaves the library no dialect that it has."""
    return policy.max_dialect.revision < max(policy.min_dialect.revision, Dialect.SMB2_02.revision)


def _connect(connection: Connection, policy: ClientPolicy, seconds: float) -> None:
    """Connect and negotiate within the policy, as far as the library can be told.

    It offers every dialect or a single one; without HMAC-SHA256 it leaves out 2.x. Raises Refused when
    the policy leaves nothing to offer.
    """
    if no_overlap(policy):
        raise Refused(NO_DIALECT, Side.CLIENT, "the client's own limits leave it no dialect to offer")
    single = policy.max_dialect is not Dialect.SMB3_11 or policy.min_dialect is Dialect.SMB3_11
    signing = [SigningAlgorithms.AES_GMAC, SigningAlgorithms.AES_CMAC]
    try:
        connection.connect(
            dialect=policy.max_dialect.revision if single else None,
            timeout=seconds,
            preferred_signing_algos=signing if policy.min_dialect.revision >= 0x0300 and not single else None,
        )
    except ValueError as reason:
        if isinstance(reason.__cause__, OSError):
            raise _Unreachable(f"ValueError: {reason}") from reason.__cause__
        raise


def _no_connection(reason: BaseException | None) -> Refused | LabFault:
    if isinstance(reason, ConnectionRefusedError | ConnectionResetError):
        return Refused(RESET, detail=str(reason))
    if isinstance(reason, TimeoutError):
        return Refused(TIMEOUT, detail=str(reason))
    return LabFault(f"smbprotocol cannot reach the server: {reason}")
