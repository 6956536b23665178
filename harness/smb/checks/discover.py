"""Look for servers in Network, by each way that a client has, until one of them shows this server.

NetBIOS browsing: the workgroup's local master browser is asked for by broadcast (NAME<1d>), and its list of
servers over SMB1 (RAP's NetServerEnum2); a listed name counts when a query for it leads to the server.
WS-Discovery: Probe, Resolve and Get, as Windows shows a computer only when it knows its name.
mDNS: which services of the type _smb._tcp are there, on which host and port, and at which address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

from harness.checks import StepName
from harness.errors import LabFault, Refused, Unsupported
from harness.model import NO_ANSWER, NO_DIALECT, Dialect, Segment, Side, Target
from harness.smb.attempting import Log
from harness.smb.discovery import asking, nbns
from harness.smb.discovery.nbns import Name
from harness.smb.ntlm import Account
from harness.smb.parsing import OEM
from harness.smb.prober import Connection, Speaker
from harness.smb.session import Looks
from harness.smb.smb1 import Smb1

INFERRED = (
    "that it looks for servers by these ways in this order, and asks the master browser over SMB1 alone "
    "[inferred from Microsoft, SMBv1 is not installed by default in Windows: no capture of this kind of "
    "client filling its Network window was found]"
)
_INFERRED_MDNS = (
    "that it looks for servers by mDNS alone, and asks by a one-shot query [inferred from RFC 6762 and "
    "RFC 6763: no capture of a Mac filling its Network folder was found]"
)
_WAIT: Final = 0.15
"""The part of an attempt's time that an answer is waited for: 1.5 s of 10.

A device may answer a Probe 0.5 s late (WS-Discovery, APP_MAX_DELAY); wsdd takes 0.03 s, nmbd less (measured).
"""
_MOST_NAMES: Final = 32


def do(speaker: Speaker, target: Target, account: Account, log: Log) -> None:
    """Raises Refused at the step ``discover`` when no way shows the server, LabFault, and Unsupported."""
    segment = target.segment
    if segment is None:
        raise Unsupported("only the local lab has a network where servers are looked for")
    if not speaker.habits.discover:
        raise Unsupported("how it finds servers, if it looks for any, is not known")
    by_mdns = Looks.MDNS in speaker.habits.discover
    log.inferred = log.inferred or (_INFERRED_MDNS if by_mdns else INFERRED)
    missed: list[tuple[Looks, Refused]] = []
    for way in speaker.habits.discover:
        try:
            _WAYS[way](speaker, target, segment, account, log)
        except Refused as refusal:
            missed.append((way, refusal))
        else:
            return
    last = missed[-1][1]
    told = "; ".join(f"{way.value}: {each.detail or each.status}" for way, each in missed)
    raise Refused(last.status, last.side, told, StepName.DISCOVER)


def _by_netbios(speaker: Speaker, target: Target, segment: Segment, account: Account, log: Log) -> None:
    seconds = target.seconds * _WAIT
    with log.step(StepName.DISCOVER) as told:
        if not speaker.policy.smb1:
            raise Refused(NO_DIALECT, Side.CLIENT, "the client's Computer Browser went with its SMB1")
        master = Name(segment.workgroup, nbns.MASTER_BROWSER, target.charset or OEM)
        address = asking.address_of(segment, master, seconds)
        if address != segment.server:
            raise LabFault(f"{address} says to be {master}: the lab's network has another master browser")
        told.append(f"{master}, the local master browser, is this server")
    over_smb1 = speaker.opening.restricted(True, Dialect.NT1, Dialect.NT1)
    browser = replace(speaker, opening=over_smb1)
    connection = Connection(browser, replace(target, address=segment.server), account, log)
    try:
        tree = connection.connect_ipc(log)
        session = connection.session
        if not isinstance(session, Smb1):
            raise Refused(NO_DIALECT, detail="the list of servers is given over SMB1 alone")
        with log.step(StepName.DISCOVER) as told:
            names = session.servers_by_rap(tree, segment.workgroup)
            told.append(f"NetServerEnum2 lists {', '.join(names) or 'nobody'}")
            if not any(_leads_here(segment, name, master.charset, seconds) for name in names[:_MOST_NAMES]):
                raise Refused(NO_ANSWER, detail=f"{told[0]}; none of them is this server")
    finally:
        connection.close()


def _leads_here(segment: Segment, name: str, charset: str, seconds: float) -> bool:
    with suppress(Refused):
        return asking.address_of(segment, Name(name, nbns.FILE_SERVER, charset), seconds) == segment.server
    return False


def _by_ws_discovery(_: Speaker, target: Target, segment: Segment, __: Account, log: Log) -> None:
    with log.step(StepName.DISCOVER) as told:
        name, group = asking.device_at(segment, target.seconds * _WAIT)
        told.append(f"by WS-Discovery this server says to be {name} of {group}")


def _by_mdns(_: Speaker, target: Target, segment: Segment, __: Account, log: Log) -> None:
    with log.step(StepName.DISCOVER) as told:
        name, host = asking.service_at(segment, target.seconds * _WAIT)
        told.append(f"by mDNS this server offers SMB as {name}, at {host}")


_WAYS: Final[Mapping[Looks, Callable[[Speaker, Target, Segment, Account, Log], None]]] = {
    Looks.NETBIOS: _by_netbios,
    Looks.WSD: _by_ws_discovery,
    Looks.MDNS: _by_mdns,
}
