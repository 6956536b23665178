"""Names as a report shows them: what is not known to be the real thing carries a mark, everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.model import CellId, Side
from harness.report.explain import either, emulated
from harness.report.language import Language
from harness.result import ClientFact, RunResult, ServerFact

MARK = "~"


def ran(fact: ServerFact | ClientFact, say: Language) -> str:
    """What ran with its version, or that it did not come to run."""
    return fact.software or say("label.did_not_run")


@dataclass(frozen=True, slots=True)
class Labels:
    """The names of one run's servers and clients."""

    result: RunResult

    def cell(self, cell: CellId) -> str:
        """A cell's id, marked unless its server and its client are both known to be the real thing.

        The mark stands apart, so that the id can be copied; so does what people call the server.
        """
        labels = (self.client(cell.client), self.marked(cell.server))
        own = self.called(cell.server)
        shown = f"{cell}" if own == cell.server else f"{cell} ({own})"
        return f"{MARK} {shown}" if any(label.startswith(MARK) for label in labels) else shown

    def client(self, name: str) -> str:
        """A client's name, marked unless it is known to be the real thing."""
        fact = self.result.clients.get(name) or self.result.bystanders.get(name)
        return f"{MARK}{name}" if fact is None or emulated(fact.fidelity) else name

    def called(self, name: str) -> str:
        """A server's name as people have it, where its id cannot hold that: a share's own."""
        fact = self._server(name)
        return fact.called or name if fact else name

    def added(self, name: str) -> str:
        """A name as people have it and, where that is another, the one that commands take."""
        own = self.called(name)
        return name if own == name else f"{own} ({name})"

    def marked(self, name: str) -> str:
        """The same, marked unless it is known to be the real thing."""
        fact = self._server(name)
        mark = MARK if fact is None or emulated(fact.fidelity) else ""
        return f"{mark}{self.called(name)}"

    def is_server(self, name: str) -> bool:
        """Whether it is a server that a change can be made on, or cannot."""
        return self._server(name) is not None

    def side(self, name: str) -> Side | None:
        """What a change was made on, or could not be; None where that is not known."""
        if self.is_server(name):
            return Side.SERVER
        known = name in self.result.clients or name in self.result.bystanders
        return Side.CLIENT if known else None

    def subject(self, name: str) -> str:
        """A server or client, marked unless it is known to be the real thing.

        What holds a blank, such as "every server", is the name of neither.
        """
        if " " in name:
            return name
        return self.marked(name) if self.is_server(name) else self.client(name)

    def on(self, changes: Sequence[str], servers: str, say: Language, *, told: str = "") -> str:
        """``a or b on ~s``; at the clients of ~s, where all of them are made on clients alone.

        ``told``: the changes in other words, where they are not all to be named.
        """
        result = self.result
        there = all(result.on_clients(change) and not result.on_server(change) for change in changes)
        key = "screen.on_clients" if changes and there else "screen.on"
        return say(key, changes=told or either(changes, say), servers=servers)

    def _server(self, name: str) -> ServerFact | None:
        fact = self.result.servers.get(name) or self.result.bystanders.get(name)
        return fact if isinstance(fact, ServerFact) else None

    def server(self, name: str, say: Language) -> str:
        """A server's name with its software and, when it is emulated, with what it stands for."""
        fact = self._server(name)
        if fact is None:
            return say("label.not_recorded", name=name)
        reached = f", {fact.reached}" if fact.reached else ""
        name = self.added(name)
        if not emulated(fact.fidelity):
            return say("label.real", name=name, software=ran(fact, say), reached=reached)
        return say(
            "label.emulated",
            name=name,
            software=ran(fact, say),
            fidelity=say.known("truth", fact.fidelity),
            stands=say("label.stands", what=fact.emulates) if fact.emulates else "",
            reached=reached,
        )
