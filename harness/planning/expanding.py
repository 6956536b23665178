"""From a selector with patterns to the cells that it means."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from harness.catalogue import Catalogue
from harness.checks import EVERYDAY
from harness.errors import UsageError
from harness.grammar import words
from harness.mitigations import NONE
from harness.model import CellId, Check, Tier
from harness.planning import selecting
from harness.servers.base import HOST
from harness.system.registry import lookup


def cells_of(catalogue: Catalogue, selector: str, lab: Tier) -> list[CellId]:
    """The cells that a selector means, in their order. Raises UsageError for what there is not."""
    changes, homes, people, tasks = selecting.patterns(selector)
    found_changes = _resolve(
        "mitigation",
        changes,
        [NONE, *catalogue.mitigations],
        catalogue.mitigation,
        frozenset(name for name, one in catalogue.mitigations.items() if one.seldom),
    )
    there = [s for s in catalogue.servers.values() if s.image != HOST and lab in s.labs]
    found_servers = _resolve(
        "server",
        homes,
        [s.name for s in there],
        _lookup(catalogue.servers, "server"),
        frozenset(s.name for s in there if s.seldom),
    )
    found_clients = _resolve(
        "client",
        people,
        [c.name for c in catalogue.clients.values() if lab in c.labs],
        _lookup(catalogue.clients, "client"),
    )
    names = {check.value: check for check in Check}
    named = set(tasks)
    # What takes long, or is asked about seldom, is measured when it is named.
    tasks = [one for task in tasks for one in (EVERYDAY if task == "*" else (task,))]
    inside = {name for name in found_servers if catalogue.servers[name].in_domain}
    found_checks = _resolve("check", tasks, list(names), _lookup(names, "check"))
    # What a client cannot do at all is left out of "*"; named outright it is answered "unsupported".
    able = {
        client: [
            one for one in found_checks if one in named or names[one] in catalogue.clients[client].checks
        ]
        for client in found_clients
    }
    # A client that lives in a domain alone is meant by a pattern where there is one.
    there_alone = {
        client
        for client in found_clients
        if client not in people and catalogue.clients[client].in_domain_alone
    }
    # As is one that comes by QUIC alone, where a change has the server reached so.
    quic_alone = {
        client for client in found_clients if client not in people and catalogue.clients[client].by_quic_alone
    }
    offered = {change for change in found_changes if quic_alone and catalogue.mitigation(change).offers_quic}
    return [
        CellId(change, server, client, check)
        for change in found_changes
        for server in found_servers
        for client in found_clients
        if server in inside or client not in there_alone
        if change in offered or client not in quic_alone
        for check in able[client]
    ]


def _lookup(known: Mapping[str, object], kind: str) -> Callable[[str], object]:
    return lambda name: lookup(kind, name, known)


def _resolve(
    kind: str,
    wanted: Iterable[str],
    known: Sequence[str],
    check: Callable[[str], object],
    seldom: Collection[str] = (),
) -> list[str]:
    """``seldom``: what a pattern means only where it fits nothing else."""
    found: dict[str, None] = {}
    for pattern in wanted:
        if words.is_pattern(pattern):
            hits = [name for name in known if words.fits(name, pattern)]
            hits = [name for name in hits if name not in seldom] or hits
            if not hits:
                whole = "a combination is made of names: name each part in full; " * ("+" in pattern)
                raise UsageError(f"no {kind} matches {pattern!r}", f"{whole}See: rehearse list {kind}s")
        else:
            check(pattern)
            hits = [pattern]
        found.update(dict.fromkeys(hits))
    return list(found)
