"""Any client's connection: connect, negotiate, session setup, and the ways to the pipes and to the share.

What differs between clients is data (``Speaker``); this is the order of steps that all share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from harness.errors import LabFault, Refused
from harness.model import NO_DIALECT, ClientPolicy, Dialect, Side, StepName, Target
from harness.smb import status
from harness.smb.attempting import Log
from harness.smb.kerberos import ticketed
from harness.smb.kerberos.logon import KerberosLogon
from harness.smb.negotiation import Chosen, Smb1Chosen, negotiate
from harness.smb.ntlm import Account, Logon
from harness.smb.offer import Opening
from harness.smb.parsing import OEM
from harness.smb.pipes import srvsvc
from harness.smb.session import (
    Act,
    AnyLogon,
    Encryption,
    Habits,
    Manner,
    Moment,
    Prints,
    Session,
    Signing,
)
from harness.smb.smb1 import Smb1
from harness.smb.smb2 import Smb2
from harness.smb.tap import fingerprint
from harness.smb.wire import Wire
from harness.system.deadline import Deadline

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Everything on the wire that makes one kind of client differ from another, limits included."""

    opening: Opening
    manner: Manner
    policy: ClientPolicy
    habits: Habits = field(default_factory=Habits)


@dataclass(slots=True)
class Negotiated:
    """A connection after NEGOTIATE: it carries any number of sessions ([MS-SMB2] 3.3.1.7; [MS-CIFS] 3.3.1.3),
    which are set up one after the other here."""

    wire: Wire
    chosen: Chosen
    last: Smb1 | Smb2 | None = None
    """The session before, which is over; None where there was none yet."""

    def session(self, manner: Manner) -> Session:
        """The next one, which is not set up yet."""
        new: Smb1 | Smb2
        if isinstance(self.chosen, Smb1Chosen):
            new = Smb1(self.wire, self.chosen, manner)
            if isinstance(self.last, Smb1):
                new.follow(self.last)
        else:
            new = Smb2(self.wire, self.chosen, manner)
            if isinstance(self.last, Smb2):
                new.follow(self.last)
        self.last = new
        return new


class Connection:
    """One client's connection to a server, logged on."""

    def __init__(
        self,
        speaker: Speaker,
        target: Target,
        account: Account,
        log: Log,
        over: Negotiated | None = None,
    ) -> None:
        """Connect and log on, noting each step. Raises Refused or LabFault.

        ``over``: a connection that is open, of which this is the next session; it stays open.
        """
        self._target, self._speaker, self._account = target, speaker, account
        self._habits = speaker.habits
        self._auth = ""
        self._stays = over is not None
        if over is not None:
            self._wire, self._session = over.wire, over.session(speaker.manner)
            self._wire.deadline = Deadline(target.seconds)
            self._set_up(speaker, account, log)
            return
        self._wire = self._reached(log)
        try:
            with log.step(StepName.NEGOTIATE):
                self._session = self._negotiate(speaker, log)
            self._set_up(speaker, account, log)
        except BaseException:
            self._wire.close()
            raise

    def _reached(self, log: Log) -> Wire:
        """TCP, and QUIC where that fails, for a client that has it: Windows tries them in that order."""
        target, quic = self._target, self._habits.quic
        try:
            with log.step(StepName.CONNECT):
                return Wire.connect(target.address, target.port, Deadline(target.seconds))
        except Refused:
            if not quic or target.quic is None or not target.quic.offered:
                raise
        from harness.smb.quic.reaching import reach

        self._target = replace(target, name=target.called_by_quic)
        return reach(self._target, log)

    def another(self, log: Log) -> Connection:
        """A second connection of the same kind of client, logged on. Raises Refused or LabFault."""
        return Connection(self._speaker, self._target, self._account, log)

    @property
    def session(self) -> Session:
        """What this connection can do, step by step."""
        return self._session

    @property
    def auth(self) -> str:
        """How it is logged on: LM, NTLMv1, NTLMv2, guest or anonymous."""
        return self._auth

    @property
    def address(self) -> str:
        """The server's, or the name by which it is called."""
        return self._target.called

    @property
    def printer(self) -> str:
        """The server's printer; "" where it has none."""
        return self._target.printer

    @property
    def prints(self) -> Prints | None:
        """How this client prints."""
        return self._habits.prints

    def connect_to(self, share: str, log: Log) -> int:
        """TREE_CONNECT of any share, without this client's habits; the tree's id."""
        return self._tree(share, log)

    def renew(self, seconds: float) -> None:
        """Give the open connection a new deadline."""
        self._wire.deadline = Deadline(seconds)

    def connect_ipc(self, log: Log) -> int:
        """Connect IPC$, where the pipes are; the tree's id."""
        with log.step(StepName.TREE_CONNECT_IPC):
            return self._tree("IPC$", log)

    def browse(self, tree: int, log: Log) -> list[str]:
        """What opening ``\\\\server`` does on IPC$: the names by the first way that is not refused."""
        self._note(log)
        ways = [way for way in self._habits.browse if way is Act.SRVSVC or (way is Act.RAP and self._smb1)]
        for way in ways[:-1]:
            with self._in_passing():
                return self._names(way, tree, log)
        return self._names(ways[-1], tree, log)

    def call(
        self,
        ipc: int,
        pipe: str,
        step: StepName,
        log: Log,
        ask: Callable[[Callable[[bytes], bytes], Callable[[], bytes], str], _T],
        about: str,
    ) -> _T:
        """Open a pipe of IPC$ and ``ask`` on it, which is called ``step``.

        ``ask`` gets what writes a message and reads its answer, what reads on, and ``about``.
        """
        with log.step(StepName.CREATE_PIPE):
            opened = self._session.open_pipe(ipc, pipe)
        with log.step(step):
            return ask(
                lambda data: self._session.transceive(opened, data),
                lambda: self._session.read_pipe(opened),
                about,
            )

    def open(self, log: Log) -> list[str]:
        """What opening ``\\\\server\\share`` does: the names in its root."""
        found: list[str] = []
        tree, ipc = 0, None
        for act in self._habits.open:
            if act is Act.SHARE:
                tree = self._connect_share(log)
            elif act is Act.LIST:
                with log.step(StepName.LIST):
                    found = self._session.list_root(tree)
            else:
                ipc = self._beside(act, ipc, log)
        return found

    def reach_share(self, log: Log) -> int:
        """What this client does until it is connected to the share, its habits included; the tree's id."""
        ipc = None
        for act in self._habits.open[: self._habits.open.index(Act.SHARE)]:
            ipc = self._beside(act, ipc, log)
        return self._connect_share(log)

    def discard(self, tree: int, *names: str) -> None:
        """Delete files that a check left behind, if they are there and the server still answers."""
        for name in names:
            with suppress(Refused, LabFault):
                self._session.delete(self._session.open_file(tree, name), name)

    def close(self) -> None:
        """Log off if the server still listens, and disconnect; never raises for what the server does."""
        with suppress(Refused, LabFault):
            self._session.log_off()
        if not self._stays:
            self._wire.close()

    def drop(self) -> None:
        """Disconnect without a word; a connection that stays open is left as it is."""
        if not self._stays:
            self._wire.close()

    def _negotiate(self, speaker: Speaker, log: Log) -> Session:
        chosen = negotiate(self._wire, speaker.opening, self._target.called)
        log.dialect = str(chosen.dialect)
        log.server_signing, log.agreed_cipher = chosen.signing, chosen.agreed_cipher
        _check_dialect(chosen.dialect, speaker.policy)
        if isinstance(chosen, Smb1Chosen):
            _need(speaker.manner.encryption is not Encryption.ALWAYS, "SMB1 cannot be encrypted")
            return Smb1(self._wire, chosen, speaker.manner, self._target.charset or OEM)
        usable = speaker.manner.encryption is not Encryption.ALWAYS or chosen.cipher is not None
        _need(usable, f"{chosen.dialect} with this server cannot be encrypted")
        return Smb2(self._wire, chosen, speaker.manner)

    def _set_up(self, speaker: Speaker, account: Account, log: Log) -> None:
        """SESSION_SETUP, with a ticket where this kind of client gets one for the server."""
        ticket = self._ticket(speaker, account, log)
        with log.step(StepName.SESSION_SETUP) as told:
            logon = ticket or self._ntlm(speaker, account)
            self._log_on(speaker, logon, log)
            told += fingerprint.names_server(logon.proof) if isinstance(logon, Logon) else ()

    def _ticket(self, speaker: Speaker, account: Account, log: Log) -> KerberosLogon | None:
        if not self._session.takes_tickets:
            return None
        kerberos, ntlm = speaker.manner.kerberos, self._takes_ntlm(speaker.policy)
        return ticketed.logon(self._target, kerberos, account, log, ntlm=ntlm)

    def _takes_ntlm(self, policy: ClientPolicy) -> bool:
        return policy.ntlm or (policy.ntlm_by_address and ticketed.is_address(self._target.called))

    def _ntlm(self, speaker: Speaker, account: Account) -> Logon:
        if not self._takes_ntlm(speaker.policy) and not account.anonymous:
            raise Refused(status.NO_KERBEROS, Side.CLIENT, status.NO_TICKET)
        return Logon(speaker.manner.ntlm, account, self._target.called)

    def _log_on(self, speaker: Speaker, logon: AnyLogon, log: Log) -> None:
        session = self._session
        log.auth = self._auth = logon.auth
        session.log_on(logon)
        if session.guest:
            log.auth = self._auth = "guest"
            if session.signing_required:
                self._doubt(speaker.manner, log)
            # Windows blocks guests over SMB2 and newer only; SMB1 keeps them (KB4046019).
            if session.dialect is not Dialect.NT1 and not speaker.policy.guest:
                raise Refused(status.GUEST_LOGON_BLOCKED, Side.CLIENT, "the server made it a guest session")
        if speaker.manner.signing is Signing.ALWAYS and not session.can_sign:
            why = f"a session of {log.auth} on {session.dialect} with this server cannot be signed"
            raise Refused(status.SIGNING_NOT_POSSIBLE, Side.CLIENT, why)
        _need(
            speaker.manner.encryption is not Encryption.ALWAYS or session.encrypted, "this session has no key"
        )
        self._note(log)

    def _doubt(self, manner: Manner, log: Log) -> None:
        """Note what is not certain about a guest whose server requires signing."""
        moment = Moment.GUEST_SIGNING_SMB1 if self._smb1 else Moment.GUEST_SIGNING
        for doubt in manner.doubts:
            if doubt.at is moment and doubt.settled:
                log.inferred = doubt.text
            elif doubt.at is moment:
                log.not_settled = doubt.text

    @property
    def _smb1(self) -> Smb1 | None:
        return self._session if isinstance(self._session, Smb1) else None

    def _names(self, way: Act, tree: int, log: Log) -> list[str]:
        if way is Act.RAP and self._smb1:
            with log.step(StepName.ENUMERATE_SHARES):
                return self._smb1.list_by_rap(tree)
        step = StepName.ENUMERATE_SHARES
        return self.call(tree, srvsvc.PIPE, step, log, srvsvc.list_shares, self._target.called)

    def _beside(self, act: Act, ipc: int | None, log: Log) -> int | None:
        """What a client does besides opening the share; the tree of IPC$ when it has one."""
        with self._in_passing():
            if act is Act.IPC:
                return self.connect_ipc(log)
            if ipc is not None and act is Act.SRVSVC:
                self._names(act, ipc, log)
            elif ipc is not None and isinstance(self._session, Smb2) and self._session.has_dfs:
                with log.step(StepName.DFS_REFERRAL):
                    self._ask_referral(self._session, ipc)
        return ipc

    def _ask_referral(self, session: Smb2, ipc: int) -> None:
        try:
            session.ask_referral(ipc, f"\\{self._target.called}\\{self._target.share}")
        except Refused as answer:
            why = answer.detail or "no referral: the share is where it was asked for"
            raise Refused(answer.status, answer.side, why) from answer

    @contextmanager
    def _in_passing(self) -> Iterator[None]:
        """A step that decides nothing: the client goes on after a refusal, if it is still connected."""
        try:
            yield
        except Refused as refusal:
            if not refusal.status.startswith("STATUS_") or refusal.side is Side.CLIENT:
                raise

    def _connect_share(self, log: Log) -> int:
        with log.step(StepName.TREE_CONNECT):
            return self._tree(self._target.share, log)

    def _tree(self, share: str, log: Log) -> int:
        tree = self._session.tree_connect(f"\\\\{self._target.called}\\{share}")
        self._note(log)
        return tree

    def _note(self, log: Log) -> None:
        log.dialect, log.auth = str(self._session.dialect), self._auth
        log.signed, log.encrypted = self._session.signed, self._session.encrypted
        log.cipher = self._session.cipher


def _check_dialect(dialect: Dialect, policy: ClientPolicy) -> None:
    """The limits that a client applies to the answer, whatever it offered."""
    if dialect is Dialect.NT1 and not policy.smb1:
        raise Refused(NO_DIALECT, Side.CLIENT, "the server chose NT LM 0.12, and the client has no SMB1")
    if not policy.min_dialect.revision <= dialect.revision <= policy.max_dialect.revision:
        raise Refused(
            NO_DIALECT, Side.CLIENT, f"the server chose {dialect}, and the client's limits exclude it"
        )


def _need(possible: bool, why: str) -> None:
    if not possible:
        raise Refused(status.ENCRYPTION_NOT_POSSIBLE, Side.CLIENT, why)
