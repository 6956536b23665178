"""What a lab can reach of a plan: asked before anything is started."""

from __future__ import annotations

from dataclasses import replace

from harness.errors import UsageError
from harness.labs import guests
from harness.labs.vagrant import choice
from harness.mitigations import mitigation
from harness.model import CellId, Tier
from harness.plan import Plan
from harness.result import NotApplicable
from harness.servers import servers


def within_reach(made: Plan) -> Plan:
    """The plan without the cells that no guest of the catalogue can serve, which it names with the reason.

    Raises UsageError when nothing is left, or for a mistake in the catalogue.
    """
    if made.lab is not Tier.VAGRANT:
        return made
    catalogue = guests.load()
    reasons: dict[tuple[str, str], str] = {}
    for job in made.jobs:
        server = servers()[job.server]
        changed = mitigation(job.mitigation).changed(server.state, server)
        why = choice.why_not(server, changed, catalogue)
        if why:
            reasons[job.mitigation, job.server] = why

    def reached(cell: CellId) -> bool:
        return (cell.mitigation, cell.server) not in reasons

    left_out = tuple(NotApplicable(change, server, why) for (change, server), why in reasons.items())
    left = replace(made.only(reached), not_applicable=(*made.not_applicable, *left_out))
    if not left.cells:
        raise UsageError(f"no cell is left to rehearse: {'; '.join(reasons.values())}", "See: guests.yaml")
    return left


def server_guests(made: Plan) -> list[str]:
    """The guests that serve in a plan."""
    catalogue = guests.load()
    wanted = (choice.guest_for(servers()[job.server], catalogue).name for job in made.jobs)
    return list(dict.fromkeys(wanted))
