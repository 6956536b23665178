"""What a client asks a Kerberos KDC over TCP, read along: its steps ``kerberos-as`` and ``kerberos-tgs``.

RFC 4120 3.1 and 3.3; 7.2.2 for the framing, four bytes of length and one message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.model import CLOSED, RESET, STATUS_OK, TIMEOUT, Step, StepName
from harness.smb.kerberos.names import OF_ETYPES, PREAUTH_REQUIRED, error_name, etype_name
from harness.smb.tap import asn1
from harness.smb.tap.kdc import AS_REP, AS_REQ, ERROR, TGS_REP, TGS_REQ
from harness.smb.tap.kerberos import etype_of

_MOST: Final = 64
"""Exchanges of one connection, and characters of a name, that are kept."""
_TICKET: Final = 0x61


@dataclass(frozen=True, slots=True)
class Question:
    """An AS-REQ or a TGS-REQ: who asks for a ticket, and for which service."""

    name: StepName
    client: str
    """The name in an AS-REQ; "" in a TGS-REQ, where the ticket says it."""
    service: str
    """``cifs/files.lab.test``."""
    etypes: tuple[int, ...]
    """What the client takes, in its order."""


@dataclass(frozen=True, slots=True)
class Granted:
    """An AS-REP or a TGS-REP."""

    service: str
    ticket_etype: int
    """What the ticket is encrypted with: the service's key."""
    etype: int
    """What the rest is encrypted with: in an AS-REP a key of the user's password."""


@dataclass(frozen=True, slots=True)
class Denied:
    """A KRB-ERROR, of a KDC or of a service."""

    error: str
    """The name of RFC 4120 7.5.9."""


Message = Question | Granted | Denied


def read(data: bytes) -> Message | None:
    """A message with the names in it: of the lab's own people. None for what is none, or is cut off."""
    outer = next(asn1.pieces(data), None)
    said = asn1.fields(outer.content) if outer else {}
    if outer is None or not said:
        return None
    if outer.tag in (AS_REQ, TGS_REQ):
        body = asn1.fields(said.get(4, b""))
        step = StepName.KERBEROS_TGS if outer.tag == TGS_REQ else StepName.KERBEROS_AS
        etypes = asn1.numbers(body.get(8))[:_MOST]
        return Question(step, _name(body.get(1)), _name(body.get(3)), etypes) if body else None
    if outer.tag in (AS_REP, TGS_REP):
        ticket = asn1.fields(asn1.first(said.get(5, b""), _TICKET) or b"")
        return Granted(_name(ticket.get(2)), etype_of(ticket.get(3, b"")), etype_of(said.get(6, b"")))
    return Denied(error_name(asn1.number(said.get(6), -1))) if outer.tag == ERROR else None


def _name(principal: bytes | None) -> str:
    return "/".join(asn1.texts(asn1.fields(principal or b"").get(1, b"")))[:_MOST]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to a KDC and what came of it."""

    name: StepName
    status: str
    seconds: float
    """Spent waiting for the KDC."""
    begun: float
    service: str = ""
    detail: str = ""


@dataclass(slots=True)
class KdcTracer:
    """Listens to one connection to a KDC. Times are seconds of any one clock."""

    _exchanges: list[Exchange] = field(default_factory=list)
    _asked: tuple[Question, float] | None = None
    _unreachable: str = ""
    _connect: float = 0.0
    _ended: bool = False

    def connected(self, seconds: float, status: str = STATUS_OK) -> None:
        """The TCP connection to the KDC was made, or not."""
        self._connect = seconds
        self._unreachable = "" if status == STATUS_OK else status

    def heard(self, event: Message, now: float) -> None:
        """A message passed by."""
        asked = self._asked[0] if self._asked else None
        match event:
            case Question():
                self._asked = event, now
            case Granted() if asked and asked.client:
                who = f"{asked.client}: {etype_name(event.etype)}, by the user's password"
                self._answered(STATUS_OK, now, who)
            case Granted() if asked:
                self._answered(STATUS_OK, now, f"{event.service}: {etype_name(event.ticket_etype)}")
            case Denied() if asked:
                whom = asked.client or asked.service
                takes = ", ".join(dict.fromkeys(map(etype_name, asked.etypes)))
                what = f"{whom}: takes {takes}" if event.error in OF_ETYPES else whom
                self._answered(event.error, now, what)

    def ended(self, by: str, now: float, *, reset: bool = False) -> None:
        """One side ended the connection. Only the first one counts."""
        if self._ended:
            return
        self._ended = True
        if self._asked is not None:
            status = (RESET if reset else CLOSED) if by == "server" else TIMEOUT
            self._answered(status, now, self._asked[0].service)

    def trace(self) -> KdcTalk:
        """What was asked so far."""
        return KdcTalk(tuple(self._exchanges), self._unreachable, self._connect)

    def _answered(self, status: str, now: float, detail: str) -> None:
        assert self._asked is not None
        asked, begun = self._asked
        self._asked = None
        if len(self._exchanges) < _MOST:
            self._exchanges.append(Exchange(asked.name, status, now - begun, begun, asked.service, detail))


@dataclass(frozen=True, slots=True)
class KdcTalk:
    """One finished connection to a KDC."""

    exchanges: tuple[Exchange, ...]
    unreachable: str = ""
    """RESET or TIMEOUT where no connection was made; "" where one was."""
    seconds: float = 0.0
    """That connecting took."""


@dataclass(frozen=True, slots=True)
class Tickets:
    """All that a client asked a KDC in one attempt."""

    steps: tuple[Step, ...] = ()
    """One a name; ``ms`` is the time spent waiting for the KDC."""
    unreachable: str = ""
    """How the KDC failed to answer; "" where it answered, or was asked nothing."""
    of_server: bool = False
    """The server that was to be reached is the KDC itself: a domain controller."""

    @property
    def refused(self) -> Step | None:
        """The step at which no ticket was to be had."""
        return next((step for step in self.steps if not step.ok), None)


def tickets(talks: Sequence[KdcTalk]) -> Tickets:
    """The connections of one attempt together. What counts is how the client got on with a step in the end.

    That a KDC wants pre-authentication first is no refusal, unless it was the last that was heard of it.
    """
    every = sorted((one for talk in talks for one in talk.exchanges), key=lambda one: one.begun)
    steps = []
    for name in (StepName.KERBEROS_AS, StepName.KERBEROS_TGS):
        of_step = [one for one in every if one.name is name and _counts(one)]
        if of_step:
            last = next(
                (one for one in reversed(of_step) if one.status == STATUS_OK), _first_refusal(of_step)
            )
            waited = sum(one.seconds for one in of_step)
            unproven = last.status == PREAUTH_REQUIRED
            detail = f"{last.detail}: asked for a proof, it sent none" if unproven else last.detail
            steps.append(Step(name, last.status, waited * 1000, detail))
    last_talk = talks[-1] if talks else KdcTalk(())
    lost = last_talk.unreachable
    if last_talk.exchanges and last_talk.exchanges[-1].status in (CLOSED, RESET, TIMEOUT):
        lost = last_talk.exchanges[-1].status
    if lost and not steps:
        steps.append(Step(StepName.KERBEROS_AS, lost, last_talk.seconds * 1000))
    return Tickets(tuple(steps), lost)


def _counts(one: Exchange) -> bool:
    """A first ticket is for the KDC itself: one to change the password with is no way to a server. A further
    ticket is for a server: one for the KDC is there to be handed on."""
    return one.service.startswith("krbtgt/") is (one.name is StepName.KERBEROS_AS)


def _first_refusal(exchanges: Sequence[Exchange]) -> Exchange:
    """Clients ask once more in another form, and tell of the first answer."""
    refused = [one for one in exchanges if one.status != PREAUTH_REQUIRED]
    return refused[0] if refused else exchanges[-1]
