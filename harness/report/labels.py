"""Names as a report shows them: what is not known to be the real thing carries a mark, everywhere."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model import CellId
from harness.report.explain import emulated
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

        The mark stands apart, so that the id can be copied.
        """
        labels = (self.client(cell.client), self.marked(cell.server))
        return f"{MARK} {cell}" if any(label.startswith(MARK) for label in labels) else str(cell)

    def client(self, name: str) -> str:
        """A client's name, marked unless it is known to be the real thing."""
        fact = self.result.clients.get(name)
        return f"{MARK}{name}" if fact is None or emulated(fact.fidelity) else name

    def marked(self, name: str) -> str:
        """A server's name alone, marked unless it is known to be the real thing."""
        fact = self.result.servers.get(name)
        return f"{MARK}{name}" if fact is None or emulated(fact.fidelity) else name

    def server(self, name: str, say: Language) -> str:
        """A server's name with its software and, when it is emulated, with what it stands for."""
        fact = self.result.servers.get(name)
        if fact is None:
            return say("label.not_recorded", name=name)
        reached = f", {fact.reached}" if fact.reached else ""
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
