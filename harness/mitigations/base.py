"""What every mitigation is: apply, verify by effect, revert, and an expectation with its source.

Most mitigations only say what they change (``on_server`` or ``on_client``) and how to see that it is
in force (``verify``); applying and reverting are then the same for all.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.clients.base import Client
from harness.model import (
    EVERY_LAB,
    Attempt,
    ClientPolicy,
    Dialect,
    Finding,
    Side,
    StepName,
    Target,
    Tier,
)
from harness.servers.base import Server, ServerState
from harness.servers.live import How, LiveServer
from harness.servers.platform import NotApplicableError as NotApplicableError
from harness.system.mistakes import answered, unwritten

SEPARATOR = "+"
"""Joins the parts of a combination."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What should happen, in words, and who says so."""

    text: str
    source: str


class Mitigation(ABC):
    """One named change. Subclasses set the attributes and override what they change."""

    name: str
    title: str
    sides: frozenset[Side] = frozenset({Side.SERVER})
    labs: frozenset[Tier] = EVERY_LAB
    """The labs that can make it at all."""
    expectation: Expectation
    how: How = How.RESTART
    aims: tuple[str, ...] = ()
    """The exposures that it is made for: what they do is said of it first, also where none was open."""
    at: frozenset[StepName] = frozenset(StepName)
    """The steps at which this change can stop a client."""
    foretold: bool = True
    """``stops`` says of every client whether it goes; False where it may go for what shows only then."""
    stops_server: bool = False
    """The server is down with it: how it is stopped is the lab's business, and no setting."""
    client_side_of: str = ""
    """The mitigation whose client settings it makes on Windows (``harness.windows.changes``); "": its own."""
    on_network: bool = False
    """It shows only where servers are looked for: the server must be on a network for that."""
    seldom: bool = False
    """A pattern means it only where it fits nothing else: a mistake, to see what comes of it."""
    offers_quic: bool = False
    """It has the server reached by SMB over QUIC: clients that come by nothing else are its clients."""
    watched: bool = False
    """``verify_client`` reads what the client offers (``Client.offer``), which must reach this machine."""

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        """The state of a server that is set by smb.conf(5), with this change. Raises NotApplicableError.

        A platform that is set otherwise decides from the change's name (``harness.servers.platforms``).
        """
        return state

    def changed(self, state: ServerState, server: Server) -> ServerState:
        """The state of a server of any platform with this change. Raises NotApplicableError."""
        if Side.SERVER not in self.sides:
            return state
        return server.platform.changed(self, state, server)

    def within(self, server: Server, client: Client | None = None) -> Mitigation:
        """What of this change can be made on a server (and client): all, or a combination's parts that can.

        Raises NotApplicableError with the reason where none of it can.
        """
        self.changed(server.state, server)
        return self.on_both(server, client) if client is not None else self

    def on_both(self, server: Server, client: Client) -> Mitigation:
        """``within`` of a client, where it is known that some of this change can be made on the server."""
        self.on_client(client.policy, client)
        return self

    def left_out(self, server: Server, client: Client) -> Mapping[str, tuple[str, str]]:
        """The parts that cannot be made there, where others can: name -> the server or client, and why."""
        return {}

    def acts_on(self, client: Client) -> bool:
        """Whether something of this change is made on that client itself."""
        return Side.CLIENT in self.sides

    def on_client(self, policy: ClientPolicy, client: Client) -> ClientPolicy:
        """The policy of a client with this change. Raises NotApplicableError with the reason."""
        return policy

    def apply(self, live: LiveServer) -> None:
        """Make the change on a running server. Raises LabFault when the server does not come back."""
        wanted = answered(self.changed(live.state, live.server), ServerState, self, "on_server")
        if wanted != live.state:
            live.become(wanted, self.how)

    def revert(self, live: LiveServer, before: ServerState) -> None:
        """Take the change back to the state it was made on. Raises LabFault like ``apply``."""
        if live.state != before:
            live.become(before, self.how)

    def verify(self, live: LiveServer) -> Finding:
        """Whether the change is in force on the server, seen from outside: by effect, not by reading a file.

        Only asked of mitigations that act on the server.
        """
        raise unwritten(self, "verify", f"{self.name} acts on a server: {live.server.name}")

    def look(self, live: LiveServer) -> Mapping[str, Finding]:
        """What ``verify`` sees of the change, by name; of a combination, of each part on servers."""
        return {self.name: answered(self.verify(live), Finding, self, "verify")}

    def verify_client(self, client: Client, policy: ClientPolicy, target: Target) -> Finding:
        """Whether the change is in force on a client, seen in the bytes it sends.

        Only asked of mitigations that act on the client.
        """
        raise unwritten(
            self, "verify_client", f"{self.name} acts on a client: {client.name} {policy} {target}"
        )

    def ignored_by(self, server: Server) -> str:
        """Why the server is known not to heed this change, so that combining it there shows nothing; "" else.

        Made alone it is rehearsed all the same, and comes out as a fault.
        """
        return ""

    def stops(self, seen: Attempt) -> str:
        """Why this change stops a client whose attempt shows this; "" where it lets the client through.

        ``seen`` is the attempt before the change: who the client was to the server, over which dialect, what
        it signed and could encrypt with. The expectation in words says the same, and a test holds it to that.
        """
        return ""

    def cause(self, before: Attempt, refused: Attempt) -> str:
        """Why this change lost a client, from what both attempts show; "" where they do not show that."""
        return self.stops(_with_the_change(before, refused)) if refused.step in self.at else ""


def dialect_of(seen: Attempt) -> Dialect | None:
    """The dialect that was negotiated; None where none was, or none that [MS-SMB2] knows."""
    return next((dialect for dialect in Dialect if dialect == seen.dialect), None)


def found_by_smb1(seen: Attempt) -> bool:
    """True where the server was found in Network by NetBIOS browsing, which needs SMB1."""
    looked = any(step.name is StepName.DISCOVER for step in seen.steps)
    return looked and dialect_of(seen) is Dialect.NT1


def is_older(seen: Attempt, than: Dialect) -> bool:
    """True where a dialect was negotiated that is older than this one."""
    dialect = dialect_of(seen)
    return dialect is not None and dialect.revision < than.revision


def session_of(seen: Attempt) -> str:
    """What to call a session without a key: that of a guest, or an anonymous one."""
    return "a guest's session" if seen.auth == "guest" else "an anonymous session"


def _with_the_change(before: Attempt, refused: Attempt) -> Attempt:
    """What the server took the client for before the change, and what was negotiated with the change."""
    return replace(
        before,
        dialect=refused.dialect or before.dialect,
        signed=before.signed if refused.signed is None else refused.signed,
        server_signing=refused.server_signing or before.server_signing,
        agreed_cipher=before.agreed_cipher if refused.agreed_cipher is None else refused.agreed_cipher,
    )


class Nothing(Mitigation):
    """No change: the baseline alone."""

    name = "none"
    title = "no change: the baseline alone"
    sides = frozenset[Side]()
    expectation = Expectation("whoever connects today connects", "by definition")


def unlike(before: Finding, after: Finding) -> str:
    """What was seen of a change before it was made and after it was taken back, where the two differ."""
    states = {True: "as with the change", False: "as without the change", None: "not shown either way"}
    said = [f"{one.evidence} ({states[one.in_effect if one.visible else None]})" for one in (before, after)]
    return f"seen before the change: {said[0]}; seen after the rollback: {said[1]}"
