"""A cache of what several probes ask a server: negotiations, and a few short sessions.

Each entry is one connection, made when a probe first wants it. The response is kept, failures too, so
that a server that hangs costs its time once. Sessions of a Samba of the lab share some (``_held``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from harness.errors import LabFault, Refused
from harness.exposures._held import Held, is_plain
from harness.exposures._response import OUR_SIDE, Response, ask, raising
from harness.exposures._strangers import (
    Anonymous,
    Guest,
    list_shares,
    look_as_a_guest,
    look_without_a_name,
    not_let_in,
    share_path,
)
from harness.model import NO_DIALECT, STATUS_OK, Dialect, Target
from harness.smb.control import EVERY_CIPHER, EVERY_DIALECT, AuthKind, connect, opening
from harness.smb.negotiation import Chosen, Smb1Chosen, Smb2Chosen, negotiate, older_dialect
from harness.smb.offer import Cipher, Smb1Hello, smb1_negotiate
from harness.smb.pipes import srvsvc
from harness.smb.prober import Connection
from harness.smb.smb1 import Smb1
from harness.smb.wire import Wire
from harness.system.deadline import Deadline

T = TypeVar("T")

SMB2_DIALECTS = tuple(dialect for dialect in Dialect if dialect is not Dialect.NT1)
OLD_STRINGS = ("PC NETWORK PROGRAM 1.0", "LANMAN1.0", "LM1.2X002", "LANMAN2.1")
"""Dialects older than NT LM 0.12: [MS-CIFS] 1.7, oldest first."""
MOST_SHARES = 8
"""Shares that are looked at on one server."""


@dataclass(frozen=True, slots=True)
class Smb1Ipc:
    """What is answered on IPC$ over SMB1."""

    rap: Response[list[str]]
    """The share list by RAP."""
    peek: Response[None]
    """PeekNamedPipe of no pipe: the documented check for MS17-010."""


class ProbeCache:
    """Everything that is asked of one server, once."""

    def __init__(self, target: Target, account: bool, pause: float, *, together: bool = False) -> None:
        """``together``: sessions that offer the same share a connection."""
        self._target = target
        self._account = account
        self._pause = pause
        self._held = Held(target, together)
        self._negotiated: dict[tuple[tuple[Dialect, ...], tuple[Cipher, ...]], Response[Chosen]] = {}
        self._last = 0.0
        self.connections = 0
        self.asked = 0
        """Sessions and negotiations that were begun."""
        self.answered = 0
        """The number of the last of them that the server answered, counted from 1; 0 for none."""
        self.negotiation = 0
        """The number of the last negotiation, which has a connection of its own."""
        self.close = self._held.close

    @cached_property
    def best(self) -> Response[Chosen]:
        """Everything offered, as a current client would; in SMB2's framing alone where that is hung up on."""
        every = self.negotiated(EVERY_DIALECT)
        if not every.hung_up:
            return every
        newer = self.negotiated(SMB2_DIALECTS)
        return newer if newer.ok else every

    @property
    def offer(self) -> tuple[Dialect, ...]:
        """What to offer for a session of any kind."""
        return EVERY_DIALECT if self.negotiated(EVERY_DIALECT).ok else SMB2_DIALECTS

    def answers(self) -> str:
        """How it shows that the server no longer answers what it answered before; "" when it does."""
        response = ask(
            lambda: self._on_wire(lambda w: negotiate(w, opening(self.offer), self._target.address))
        )
        return "" if response.ok else f"a NEGOTIATE is answered by {response.text}"

    def negotiated(
        self, dialects: tuple[Dialect, ...], ciphers: tuple[Cipher, ...] = EVERY_CIPHER
    ) -> Response[Chosen]:
        """What the server chooses of these dialects and ciphers."""
        key = (dialects, ciphers)
        if key not in self._negotiated:
            offer = opening(dialects, ciphers=ciphers, compression=True)

            def choose(wire: Wire) -> Chosen:
                chosen = negotiate(wire, offer, self._target.address)
                if ciphers == EVERY_CIPHER:
                    self._held.keep(dialects, wire, chosen)
                return chosen

            self._negotiated[key] = ask(lambda: self._on_wire(choose))
            self.negotiation = self.asked
        return self._negotiated[key]

    @cached_property
    def smb1(self) -> Response[Smb1Chosen]:
        """NT LM 0.12 offered alone."""
        response = self.negotiated((Dialect.NT1,))
        return Response(
            response.status,
            response.detail,
            response.value if isinstance(response.value, Smb1Chosen) else None,
        )

    @cached_property
    def smb1_older(self) -> Response[str]:
        """The dialects before NT LM 0.12, offered together: the one that is chosen."""
        hello = Smb1Hello(OLD_STRINGS)

        def choose(wire: Wire) -> str:
            wire.send(smb1_negotiate(hello))
            return older_dialect(wire.receive(), hello)

        response = ask(lambda: self._on_wire(choose))
        self.negotiation = self.asked
        return response

    @property
    def no_smb1(self) -> str:
        """How it was shown that the server speaks no SMB1; "" when it does, or when that is not known.

        Windows without SMB1 hangs up on the offer, as a broken server may: it counts from one that
        answers SMB2 in full.
        """
        if self.smb1.status == NO_DIALECT or self.smb1.refused:
            return f"NT LM 0.12 offered alone: {self.smb1.text}"
        if self.smb1.hung_up and self.best.ok and isinstance(self.best.value, Smb2Chosen):
            return f"NT LM 0.12 offered alone: {self.smb1.text}; SMB {self.best.value.dialect} is answered"
        return ""

    @property
    def who(self) -> AuthKind:
        """As whom one gets in: the account where there is one, else as a guest."""
        return "NTLMv2" if self._account else "guest"

    @property
    def smb1_who(self) -> AuthKind:
        """As whom IPC$ is reached over SMB1."""
        return "NTLMv2" if self._account else "anonymous"

    @contextmanager
    def session(
        self,
        auth: AuthKind,
        dialects: tuple[Dialect, ...] = (),
        *,
        sign: bool | None = None,
        encrypt: bool | None = None,
        bare: bool = False,
    ) -> Iterator[Connection]:
        """A connection that is logged on, by any dialect unless told; closed afterwards.

        Raises Refused or LabFault.
        """
        offer = dialects or self.offer
        connection, fits = None, sign is None and encrypt is not True and not bare
        if fits and self._held.has(offer, ciphers=encrypt is None):
            try:
                with self._asking():
                    connection = self._held.log_on(offer, auth)
            except (Refused, LabFault) as failure:
                if is_plain(failure):
                    raise
        if connection is None:
            with self._connecting():
                connection = connect(
                    self._target, dialects=offer, auth=auth, sign=sign, encrypt=encrypt, bare=bare
                )
        try:
            yield connection
        except BaseException:
            connection.drop()
            raise
        connection.close()

    def logon(self, auth: AuthKind) -> Response[bool]:
        """Log on, over whatever the server speaks; the value tells whether it is a guest session."""

        def once() -> bool:
            with self.session(auth) as connection:
                return connection.session.guest

        return ask(once)

    @cached_property
    def newest_logon(self) -> Response[bool]:
        """The account's logon with NTLMv2; a share that was listed so shows it too."""
        if self.plain.ok and self._account:
            return Response(STATUS_OK, value=self.plain.value is not None and " as guest" in self.plain.value)
        return self.logon("NTLMv2")

    @cached_property
    def wrong_password(self) -> Response[bool]:
        """The account's logon with a password that it has not."""
        return self.logon("wrong password")

    def path(self, share: str) -> str:
        """``\\\\server\\share``."""
        return share_path(self._target.address, share)

    @cached_property
    def anonymous(self) -> Anonymous:
        """One session without a name: IPC$, its pipes, the share list, the user list."""
        try:
            with self.session("anonymous") as connection:
                return look_without_a_name(connection.session, self._target.address)
        except (Refused, LabFault) as failure:
            return not_let_in(ask(raising(failure)))

    @cached_property
    def shares(self) -> tuple[str, ...]:
        """The shares of files to look at: the one that was named, or those that the server lists."""
        if self._target.share:
            return (self._target.share,)
        listed = self.anonymous.shares.value or self._listed_shares.value or []
        names = [share.name for share in listed if share.disk and not share.name.endswith("$")]
        return tuple(names[:MOST_SHARES])

    @cached_property
    def _listed_shares(self) -> Response[list[srvsvc.Share]]:
        """The share list as somebody who gets in sees it."""

        def once() -> list[srvsvc.Share]:
            with self.session(self.who) as connection:
                session = connection.session
                pipe = session.open_pipe(session.tree_connect(self.path("IPC$")), srvsvc.PIPE)
                return list_shares(session, pipe, self._target.address)

        return ask(once)

    @cached_property
    def guest(self) -> Guest:
        """One session of a user whom no server knows: whether it is one, and where it may add files."""
        shares = self.shares
        try:
            with self.session("guest") as connection:
                return look_as_a_guest(connection.session, self._target.address, shares)
        except (Refused, LabFault) as failure:
            return Guest(ask(raising(failure)), {})

    @cached_property
    def smb1_ipc(self) -> Response[Smb1Ipc]:
        """IPC$ over SMB1, without a name where there is no account; without a value it was not reached."""

        def once() -> Smb1Ipc:
            with self.session(self.smb1_who, (Dialect.NT1,)) as connection:
                session = connection.session
                if not isinstance(session, Smb1):
                    raise LabFault("the server answered SMB1 with SMB2")
                tree = session.tree_connect(self.path("IPC$"))
                return Smb1Ipc(
                    ask(lambda: session.list_by_rap(tree)), ask(lambda: session.peek_no_pipe(tree))
                )

        return ask(once)

    @cached_property
    def plain(self) -> Response[str]:
        """A share listed by a client that offers no cipher, over the newest dialect."""
        return self.listed(encrypt=False)

    def listed(
        self,
        dialects: tuple[Dialect, ...] = (),
        *,
        sign: bool | None = None,
        encrypt: bool | None = None,
        bare: bool = False,
    ) -> Response[str]:
        """Connect the first share there is and list its root; the value tells how it was protected."""
        if not self.shares:
            return Response(OUR_SIDE, "no share is known to try")
        share = self.shares[0]
        # Without extended security Samba takes no NTLMv2 (measured: STATUS_INVALID_PARAMETER).
        who: AuthKind = "NTLMv1" if bare and self._account else self.who

        def once() -> str:
            with self.session(who, dialects, sign=sign, encrypt=encrypt, bare=bare) as connection:
                session = connection.session
                session.list_root(session.tree_connect(self.path(share)))
                signed = "signed" if session.signed else "unsigned"
                kind = session.cipher or f"{signed}, unencrypted"
                return f"SMB {session.dialect} as {connection.auth}, {kind}"

        return ask(once)

    def _on_wire(self, talk: Callable[[Wire], T]) -> T:
        with self._connecting():
            wire = Wire.connect(self._target.address, self._target.port, Deadline(self._target.seconds))
            try:
                return talk(wire)
            finally:
                if not self._held.keeps(wire):
                    wire.close()

    @contextmanager
    def _connecting(self) -> Iterator[None]:
        """One connection at a time, with a pause after the one before; counts those that are answered."""
        if self._pause:
            time.sleep(max(0.0, self._last + self._pause - time.monotonic()))
            self._last = time.monotonic()
        self.connections += 1
        with self._asking():
            yield

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self.asked += 1
        try:
            yield
        except Refused as refusal:
            if refusal.status.startswith("STATUS_") or refusal.status == NO_DIALECT:
                self.answered = self.asked
            raise
        self.answered = self.asked
