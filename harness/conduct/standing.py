"""A lab that stands at one cell: its server in one phase, its client with the policy of that phase."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.catalogue import Catalogue
from harness.clients.base import Client
from harness.conduct.server_change import ServerChange
from harness.errors import LabFault, Unsupported
from harness.labs.base import Lab
from harness.model import CellId, ClientPolicy, Phase
from harness.planning.plan import served
from harness.servers.live import LiveServer, target_of_clients


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody finds who looks around at a cell."""

    cell: CellId
    phase: Phase
    live: LiveServer
    client: Client
    policy: ClientPolicy
    """Of the client, in this phase."""
    evidence: tuple[str, ...]
    """What showed that the change is in force, or is gone."""


@contextmanager
def at(catalogue: Catalogue, lab: Lab, cell: CellId, phase: Phase) -> Iterator[Standing]:
    """Start the cell's server and bring it and the client into a phase, as a rehearsal does.

    Everything is stopped when the context ends. Raises LabFault where that cannot be shown.
    """
    client = catalogue.clients[cell.client]
    with lab.serve(served(catalogue, cell.mitigation, cell.server, [cell.check])) as live:
        change = catalogue.mitigation(cell.mitigation).within(live.server)
        on_server = ServerChange(cell.mitigation, change, live)
        policy, evidence = client.policy, list[str]()
        live.prove(serves=True)
        if phase is not Phase.BASELINE:
            state, before = live.state, on_server.look()
            evidence = [one.evidence for one in on_server.make().values()]
            if phase is Phase.ROLLED_BACK:
                change.revert(live, state)
                evidence = [one.evidence for one in on_server.gone(before).values()]
                live.prove(serves=True)
            else:
                policy = change.on_client(client.policy, client)
                live.prove(serves=False)
        try:
            with client.machine(policy, target_of_clients(live)):
                if phase is Phase.APPLIED and change.acts_on(client):
                    seen = change.verify_client(client, policy, target_of_clients(live))
                    if not seen.in_effect:
                        why = f"{change.name} did not take effect on {client.name}: {seen.evidence}"
                        raise LabFault(why)
                    evidence.append(seen.evidence)
                yield Standing(cell, phase, live, client, policy, tuple(filter(None, evidence)))
        except Unsupported as reason:
            raise LabFault(f"{client.name} cannot have this policy: {reason}") from reason
