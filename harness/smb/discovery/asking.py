"""Asking a network for servers, with a responder of the lab's own beside: so that silence is an answer.

A question that nobody heard and one that nobody answered look alike. So whoever asks listens in the same
network too, by a socket of its own, and answers what it hears. When that answer comes back, the question was
sent, went round, and an answer can return; who is silent then does not answer.
"""

from __future__ import annotations

import select
import socket
import struct
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, TypeVar
from urllib.parse import urlsplit

from harness.errors import LabFault, Refused
from harness.model import NO_ANSWER, Segment
from harness.smb.discovery import mdns, nbns, wsd
from harness.smb.discovery.nbns import Name
from harness.system.deadline import Deadline

_HEARS: Final = Name("LAB-HEARS", nbns.FILE_SERVER)
"""The name that the lab's own responder has."""
_AGAIN: Final = 0.25
"""Seconds after which a question is sent once more, as UDP may lose it: RFC 1002, 6.1.1, BCAST_REQ_RETRY."""
_IP_MULTICAST_ALL: Final = 49
"""linux/in.h; 0: only what comes by an interface on which this very socket joined the group."""
_BYTES: Final = 65535

T = TypeVar("T")


def address_of(segment: Segment, name: Name, seconds: float) -> str:
    """The address of who answers, on a server's segment, a query by broadcast for a NetBIOS name.

    ``seconds`` are waited. Raises Refused (NO_ANSWER) where nobody does, though the lab's own responder
    answered; LabFault where not even that did, or nothing can be sent.
    """
    ours, wanted = uuid.uuid4().int & 0xFFFF, uuid.uuid4().int & 0xFFFF
    questions = [nbns.query(name, wanted), nbns.query(_HEARS, ours)]

    def hear(data: bytes) -> bytes | None:
        return nbns.response(ours, _HEARS, segment.client) if nbns.queried(data) == (ours, _HEARS) else None

    def read(data: bytes) -> str | None:
        answer = nbns.found(data, name.charset)
        asked = answer is not None and answer.transaction == wanted and nbns.same(answer.name, name)
        return answer.addresses[0] if answer and asked and answer.addresses else None

    with _sockets(segment) as (speaks, answers, ear):
        speaks.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        ear.bind((segment.broadcast, nbns.PORT))
        to = (segment.broadcast, nbns.PORT)
        return _asked(f"a query for {name}", (speaks, answers, ear), questions, to, hear, read, seconds)


def device_at(segment: Segment, seconds: float) -> tuple[str, str]:
    """The name and the workgroup that a server tells by WS-Discovery: Probe, Resolve, Get, as Windows asks.

    Raises as ``address_of``; Refused too where the device is found and says no name.
    """
    found = _matched(segment, "Probe", wsd.probe, seconds)
    endpoint, addresses = found.endpoint, found.addresses
    if not addresses:
        addresses = _matched(segment, "Resolve", lambda own: wsd.resolve(own, endpoint), seconds).addresses
    here = [url for url in addresses if urlsplit(url).hostname == segment.server]
    if not here:
        raise Refused(
            NO_ANSWER, detail=f"the device says to be elsewhere: {' '.join(addresses) or 'nowhere'}"
        )
    told = wsd.read(_posted(segment, here[0], wsd.get(wsd.new_id(), endpoint), seconds))
    name = wsd.named(told) if told else None
    if name is None:
        raise Refused(NO_ANSWER, detail="the device does not say which computer it is")
    return name


def _matched(segment: Segment, action: str, question: Callable[[str], bytes], seconds: float) -> wsd.Message:
    """The server's answer to a question that goes to all devices."""
    own = wsd.new_id()
    data, reply = question(own), wsd.match(own, wsd.new_id())

    def hear(heard: bytes) -> bytes | None:
        return reply if heard == data else None

    def read(answer: bytes) -> wsd.Message | None:
        message = wsd.read(answer)
        return message if message and message.relates_to == own and message.endpoint else None

    what = f"a WS-Discovery {action}"
    with _to_all(segment, wsd.GROUP, wsd.PORT) as sockets:
        to = (wsd.GROUP, wsd.PORT)
        return _asked(what, sockets, [data], to, hear, read, seconds, segment.server)


def service_at(segment: Segment, seconds: float) -> tuple[str, str]:
    """The name under which a server offers SMB by mDNS, and the host that it names: as a Mac looks.

    First for services of that type, then for the host of each, then for its address, where the answer before
    has not told it yet; one at the server's address with a port of its own counts. Raises as ``address_of``.
    """
    names = mdns.pointed(_records(segment, mdns.SMB, mdns.Kind.PTR, seconds), mdns.SMB)
    elsewhere: list[str] = []
    for name in dict.fromkeys(names):
        for srv in _records(segment, name, mdns.Kind.SRV, seconds):
            addresses = _records(segment, srv.to, mdns.Kind.A, seconds)
            if srv.port and segment.server in {one.address for one in addresses}:
                return name[0], ".".join(srv.to)
        elsewhere.append(".".join(name))
    raise Refused(NO_ANSWER, detail=f"the services that are told are elsewhere: {' '.join(elsewhere)}")


def _records(segment: Segment, name: mdns.Name, kind: mdns.Kind, seconds: float) -> list[mdns.Record]:
    """What is answered, of that kind, to one question for a name."""
    number, own = uuid.uuid4().int & 0xFFFF, ("_lab-hears", "_udp", "local")
    asked = (mdns.Question(name, kind), mdns.Question(own, mdns.Kind.PTR))
    question = mdns.query(number, asked)
    reply = mdns.response(number, own, "here")

    def hear(data: bytes) -> bytes | None:
        return reply if mdns.asked(data) == (number, asked) else None

    def read(data: bytes) -> list[mdns.Record] | None:
        answer = mdns.answered(data)
        if answer is None or answer[0] != number:
            return None
        return [one for one in answer[1] if one.kind is kind and mdns.same(one.name, name)] or None

    with _to_all(segment, mdns.GROUP, mdns.PORT) as sockets:
        sockets[0].setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, mdns.HOPS)
        to = (mdns.GROUP, mdns.PORT)
        what = f"an mDNS question for {'.'.join(name)} ({kind.name})"
        return _asked(what, sockets, [question], to, hear, read, seconds)


@contextmanager
def _to_all(
    segment: Segment, group: str, port: int
) -> Iterator[tuple[socket.socket, socket.socket, socket.socket]]:
    """``_sockets`` that ask a group on the segment, and hear what it is asked. Raises LabFault."""
    with _sockets(segment) as (speaks, answers, ear):
        index = socket.if_nametoindex(segment.device)
        on = struct.pack("=4s4si", socket.inet_aton(group), socket.inet_aton(segment.client), index)
        speaks.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, on)
        ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, on)
        ear.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        ear.bind((group, port))
        yield speaks, answers, ear


@contextmanager
def _sockets(segment: Segment) -> Iterator[tuple[socket.socket, socket.socket, socket.socket]]:
    """One that asks, one by which the lab's responder answers, and its ear, which is not bound yet.

    Raises LabFault for what the system refuses within.
    """
    with ExitStack() as stack:
        try:
            made = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(3)]
            for one in made[:2]:
                one.bind((segment.client, 0))
            # The server's own programs listen there too.
            made[2].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            yield made[0], made[1], made[2]
        except OSError as error:
            raise LabFault(f"nothing can be asked on {segment.device}: {error.strerror or error}") from error


def _asked(
    what: str,
    sockets: tuple[socket.socket, socket.socket, socket.socket],
    questions: Sequence[bytes],
    to: tuple[str, int],
    hear: Callable[[bytes], bytes | None],
    read: Callable[[bytes], T | None],
    seconds: float,
    only: str = "",
) -> T:
    """Ask, and listen for the server and for ourselves until the server answers or the time has passed."""
    speaks, answers, ear = sockets
    deadline, again = Deadline(seconds), Deadline(0.0)
    rounds, replies = 3, set[bytes]()
    heard = False
    while not deadline.expired:
        if rounds and again.expired:
            for question in questions:
                speaks.sendto(question, to)
            rounds, again = rounds - 1, Deadline(_AGAIN)
        patience = min(deadline.remaining, again.remaining) if rounds else deadline.remaining
        for ready in select.select([speaks, ear], [], [], patience)[0]:
            data, source = ready.recvfrom(_BYTES)
            if ready is ear:
                if reply := hear(data):
                    replies.add(reply)
                    answers.sendto(reply, source)
            elif data in replies and source == answers.getsockname():
                heard = True
            elif only in ("", source[0]) and (found := read(data)) is not None:
                return found
    if not heard:
        raise LabFault(f"{what} was not even answered by the lab's own responder within {seconds:.3g} s")
    raise Refused(NO_ANSWER, detail=f"nobody but the lab's own responder answers {what}")


def _posted(segment: Segment, url: str, data: bytes, seconds: float) -> bytes:
    """The answer to a POST at the server of the segment."""
    import http.client

    parts = urlsplit(url)
    away = (segment.client, 0)
    http_to = http.client.HTTPConnection(
        segment.server, parts.port or 80, timeout=seconds, source_address=away
    )
    try:
        http_to.request("POST", parts.path or "/", data, {"Content-Type": "application/soap+xml"})
        return http_to.getresponse().read(wsd.MOST)
    except (OSError, http.client.HTTPException, ValueError) as reason:
        raise Refused(NO_ANSWER, detail=f"the device does not tell its name: {reason}") from reason
    finally:
        http_to.close()
