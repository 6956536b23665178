"""What can be rehearsed at all: which changes, on which servers, by which clients, in which lab."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final, TypeVar

from harness.catalogue import Catalogue
from harness.checks import BY_NAMES
from harness.clients.base import Client
from harness.errors import UsageError
from harness.mitigations.base import Mitigation, NotApplicableError
from harness.model import CellId, Check, Side, Tier
from harness.result import NotApplicable
from harness.servers.base import Server

S = TypeVar("S")
C = TypeVar("C")
Excluded = dict[NotApplicable, set[CellId]]
"""Why cells cannot be rehearsed, and which those are."""


def applicable(
    catalogue: Catalogue, wanted: Iterable[CellId], excluded: Excluded, lab: Tier
) -> Iterator[CellId]:
    """The cells that can be rehearsed; why others cannot goes to ``excluded``.

    Asked once for each change on a server, and for each client there: a plan may have a million cells.
    """
    for (change, home), there in groupby(wanted, key=attrgetter("mitigation", "server")):
        server = catalogue.servers[home]
        asked = Asked(catalogue, change, server, lab)
        for name, cells in groupby(there, key=attrgetter("client")):
            reason = asked.why_not(catalogue.clients[name])
            for cell in cells:
                why = reason or _not_asked(cell, server, lab)
                if why is None:
                    yield cell
                else:
                    excluded.setdefault(why, set()).add(cell)


def _not_asked(cell: CellId, server: Server, lab: Tier) -> NotApplicable | None:
    """Why a check is not made on a server, or in a lab."""
    if cell.check in BY_NAMES and server.in_domain is None:
        why = f"it is in no domain, where what a client calls it decides: {cell.check} is open there"
        return NotApplicable(cell.mitigation, server.name, why)
    if cell.check == Check.DISCOVER and server.in_domain is not None:
        return NotApplicable(cell.mitigation, server.name, _NOT_LOOKED_FOR)
    if lab is Tier.VAGRANT and cell.check == Check.CONNECTED:
        return NotApplicable(cell.mitigation, server.name, _RESTORED_BENEATH)
    return None


_NOT_LOOKED_FOR: Final = (
    "whether a server of a domain is found in Network is not rehearsed: the lab has no name service for that"
)
_RESTORED_BENEATH: Final = (
    "the check connected is the local lab's alone: a virtual machine is taken back by a restart or by its "
    "snapshot, with the file that somebody is writing, and what became of it would be the lab's doing"
)


def why_not(
    catalogue: Catalogue, change: str, server: Server, client: Client, lab: Tier
) -> NotApplicable | None:
    """Why a mitigation cannot be made on this server or client in that lab; None when it can."""
    return Asked(catalogue, change, server, lab).why_not(client)


class Asked:
    """A change on a server in a lab, of which it is asked for which clients it can be rehearsed."""

    def __init__(self, catalogue: Catalogue, change: str, server: Server, lab: Tier) -> None:
        self._made = catalogue.mitigation(change)
        self._change, self._server, self._lab = change, server, lab
        self._nobody = self._elsewhere(server) or self._elsewhere(self._made)
        self._nowhere: NotApplicable | None = None
        if self._nobody is None:
            try:
                self._made.within(server)
            except NotApplicableError as reason:
                self._nowhere = NotApplicable(change, server.name, str(reason))

    def why_not(self, client: Client) -> NotApplicable | None:
        """Why it cannot be for this client; None when it can."""
        if found := self._nobody or self._elsewhere(client):
            return found
        if client.in_domain_alone and self._server.in_domain is None:
            why = f"it logs on with tickets, and {self._server.name} is in no domain"
            return NotApplicable(self._change, client.name, why)
        if self._nowhere:
            return self._nowhere
        try:
            self._made.on_both(self._server, client)
        except NotApplicableError as reason:
            return NotApplicable(self._change, client.name, str(reason))
        return None

    def _elsewhere(self, thing: Server | Client | Mitigation) -> NotApplicable | None:
        if self._lab in thing.labs:
            return None
        needed = " or ".join(f"--lab {tier}" for tier in Tier if tier in thing.labs)
        return NotApplicable(self._change, thing.name, f"it lives in another lab: {needed}")


def meant(catalogue: Catalogue, change: str, server: S | None, client: C | None) -> S | C | None:
    """Which of a server and a client of one name a change cannot be made on; None where neither is known.

    A Windows is both: where the change is made says it. One that is none that is known, such as
    "smb3-only+*", is made on servers.
    """
    try:
        of_server = Side.SERVER in catalogue.mitigation(change).sides
    except UsageError:
        of_server = True
    return (server or client) if of_server else (client or server)
