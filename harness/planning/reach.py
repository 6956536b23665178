"""What a lab can reach of a plan: asked before anything is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.labs import guests
from harness.labs.boxes import fetch
from harness.labs.vagrant import choice
from harness.model import CellId, Tier
from harness.planning.installed import missing
from harness.planning.plan import Job, Plan
from harness.result import NotApplicable


def within_reach(catalogue: Catalogue, made: Plan, *, tunnel: bool = False, remote: bool = False) -> Plan:
    """The plan without the cells that this machine has no guest or no software for; it names the reasons.

    ``remote``: the guests are in another libvirt than the lab's own; ``tunnel``: and on another machine,
    which does not reach this one.
    Raises UsageError when nothing is left, or for a mistake in the catalogue.
    """
    reasons = _not_installed(catalogue, made)
    for job in made.jobs if made.lab is Tier.VAGRANT else ():
        why = _server(catalogue, job)
        if remote and catalogue.servers[job.server].in_domain is not None:
            why = why or "its domain controller runs on this machine, beside guests of the lab's own libvirt"
        if why:
            reasons[job.mitigation, job.server] = why
        for cell in job.cells:
            guest = catalogue.clients[cell.client].guest
            why = _absent(guest) if guest else ""
            if guest and tunnel and catalogue.mitigation(job.mitigation).watched:
                why = why or "what a guest of another machine offers cannot be seen here"
            if why:
                reasons[job.mitigation, cell.client] = why
    if made.lab is Tier.VAGRANT:
        reasons |= _both(catalogue, made, reasons)
    if not reasons:
        return made

    def reached(cell: CellId) -> bool:
        return not reasons.keys() & {(cell.mitigation, cell.server), (cell.mitigation, cell.client)}

    left_out = tuple(NotApplicable(change, subject, why) for (change, subject), why in reasons.items())
    left = replace(made.only(reached), not_applicable=(*made.not_applicable, *left_out))
    left = replace(left, not_rehearsed=made.not_rehearsed + len(made.cells) - len(left.cells))
    if not left.cells:
        why = "; ".join(dict.fromkeys(reasons.values()))
        see = "See: rehearse list guests" if made.lab is Tier.VAGRANT else ""
        raise UsageError(f"no cell is left to rehearse: {why}", see)
    return left


def _not_installed(catalogue: Catalogue, made: Plan) -> dict[tuple[str, str], str]:
    """The clients whose software is not on this machine."""
    absent = {name: why for name in made.clients if (why := missing(catalogue.clients[name]))}
    if not absent:
        return {}
    gone = (cell for cell in made.cells if cell.client in absent)
    return {(cell.mitigation, cell.client): absent[cell.client] for cell in gone}


def _both(
    catalogue: Catalogue, made: Plan, reasons: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str], str]:
    """The clients whose machine is under change itself: it would be restored beneath them."""
    jobs = [job for job in made.jobs if (job.mitigation, job.server) not in reasons]
    serving = {choice.guest_for(catalogue.servers[job.server], guests.load()).name for job in jobs}
    return {
        (job.mitigation, cell.client): f"its machine {guest} is under change in the same run: take two runs"
        for job in jobs
        for cell in job.cells
        if (guest := catalogue.clients[cell.client].guest) in serving
    }


def _server(catalogue: Catalogue, job: Job) -> str:
    """Why the server of a job cannot be had, or its change not be made; "" when all is well."""
    server = catalogue.servers[job.server]
    machines = guests.load()
    changed = catalogue.mitigation(job.mitigation).changed(server.state, server)
    why = choice.why_not(server, changed, machines)
    return why or _absent(choice.guest_for(server, machines).name)


@cache
def _absent(name: str) -> str:
    """Why a guest cannot be started for want of a box; "" when it is here, or is made here."""
    guest = guests.load().get(name)
    if guest is None:
        return f"guests.yaml has no guest {name}"
    absent = fetch.absent(guest, fetch.vagrant_home())
    return "" if absent is None else str(absent)


def server_guests(catalogue: Catalogue, made: Plan) -> list[str]:
    """The guests that serve in a plan."""
    machines = guests.load()
    wanted = (choice.guest_for(catalogue.servers[job.server], machines).name for job in made.jobs)
    return list(dict.fromkeys(wanted))
