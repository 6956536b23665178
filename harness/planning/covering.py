"""Which changes of a server to combine: every pair of them together at least once, in few combinations.

Every two changes that can be made together meet in some combination, so that what they do to each other
shows; all subsets would double with each change. A combination has at most four parts: with more, one part
hides what the others do, and a surprise could not be traced. (Covering arrays of the usual kind, which also
cover each change with each other one left out, put half of all changes into a row; that half of them is
covered here by every change alone, which is measured anyway.)
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from harness.clients.base import Client
from harness.mitigations.base import SEPARATOR, Mitigation, NotApplicableError
from harness.model import ClientPolicy, Side
from harness.result import NotApplicable
from harness.servers.base import Server, ServerState

MOST = 4
"""Parts of a combination at most, unless asked for otherwise."""

Pair = frozenset[str]


@dataclass(frozen=True, slots=True)
class Covering:
    """The changes of one server and the combinations that cover every pair of them."""

    server: str
    singles: tuple[str, ...]
    """Every change that can be made on it: each is measured alone, so that combinations can surprise."""
    combinations: tuple[str, ...]
    """Names of combinations, e.g. ``a+b+c``; each has two parts or more."""
    pairs: int
    """How many pairs can be made together, all of which some combination makes."""
    left_out: tuple[NotApplicable, ...]
    """Pairs and changes that cannot be combined, and why."""

    @property
    def subsets(self) -> int:
        """How many combinations there would be if nothing excluded anything."""
        count: int = 2 ** len(self.singles)
        return count - 1 - len(self.singles)


def cover(
    changes: Sequence[Mitigation], server: Server, clients: Iterable[Client], most: int = MOST
) -> Covering:
    """The combinations for a server whose clients these are. The same answer every time.

    ``changes`` are single mitigations that can be made on the server; ``most`` parts has a combination.
    """
    people = list(clients)
    left_out: list[NotApplicable] = []
    able: list[Mitigation] = []
    for change in changes:
        why = change.ignored_by(server) or _hides_all(change, server)
        if why:
            left_out.append(NotApplicable(f"{change.name}{SEPARATOR}*", server.name, why))
        else:
            able.append(change)
    excluded: set[tuple[str, str]] = set()
    for one, other in combinations(able, 2):
        why = conflict(one, other, server, people)
        if why:
            excluded.add((one.name, other.name))
            left_out.append(NotApplicable(f"{one.name}{SEPARATOR}{other.name}", server.name, why))
    names = [change.name for change in able]
    pairs = len(names) * (len(names) - 1) // 2 - len(excluded)
    rows = rows_for(names, excluded, most)
    return Covering(
        server.name,
        tuple(change.name for change in changes),
        tuple(SEPARATOR.join(row) for row in rows),
        pairs,
        tuple(left_out),
    )


def rows_for(
    names: Sequence[str], excluded: Iterable[tuple[str, str]], most: int = MOST
) -> list[tuple[str, ...]]:
    """Sets of names such that every pair that is not excluded is in one, and no excluded pair is in any.

    Each has two to ``most`` names, in the order of ``names``. Greedy: each set begins with the first pair
    that is still missing and takes in, one by one, the name that brings the most missing pairs.
    """
    never = {frozenset(pair) for pair in excluded}
    missing = {frozenset(pair): None for pair in combinations(names, 2) if frozenset(pair) not in never}
    rows = []
    while missing:
        row = set(next(iter(missing)))
        while len(row) < most:
            new = {name: _new_pairs(name, row, missing, never) for name in names if name not in row}
            best = max(new, key=lambda name: new[name], default="")
            if not best or not new[best]:
                break
            row.add(best)
        for pair in combinations(row, 2):
            missing.pop(frozenset(pair), None)
        rows.append(tuple(name for name in names if name in row))
    return rows


def _new_pairs(name: str, row: set[str], missing: Container[Pair], never: Container[Pair]) -> int:
    """How many missing pairs a row gets by a name; 0 where it must not be together with one of them."""
    pairs = [frozenset((name, other)) for other in row]
    return 0 if any(pair in never for pair in pairs) else sum(pair in missing for pair in pairs)


def conflict(one: Mitigation, other: Mitigation, server: Server, clients: Iterable[Client]) -> str:
    """Why two changes cannot be combined on a server; "" when they can.

    They cannot when it matters which is made first (both decide the same setting), or when both make the very
    same change.
    """
    before = server.state
    first, second = one.changed(before, server), other.changed(before, server)
    try:
        there, back = other.changed(first, server), one.changed(second, server)
    except NotApplicableError as reason:
        return str(reason)
    if _order_free(there) != _order_free(back):
        return f"both decide {', '.join(_differing(there, back))}"
    on_server = Side.SERVER in one.sides and Side.SERVER in other.sides
    if on_server and one.sides == other.sides and first == second:
        return "both make the same change"
    for client in clients:
        if _policy(client, one, other) != _policy(client, other, one):
            return f"both decide the same policy of {client.name}"
    return ""


def _hides_all(change: Mitigation, server: Server) -> str:
    if change.changed(server.state, server).running:
        return ""
    return "with the server stopped nothing else shows"


def _order_free(state: ServerState) -> object:
    """What is left of a state when it does not matter in which order changes were made."""
    return (state.image, state.running, state.quic, state.conf, frozenset(state.changes))


def _differing(one: ServerState, other: ServerState) -> list[str]:
    found = []
    if one.image != other.image:
        found.append("which packages are installed")
    if one.running != other.running:
        found.append("whether it runs")
    if one.quic != other.quic:
        found.append("how it is reached by QUIC")
    parts = [(one.conf.globals, other.conf.globals), (one.conf.share, other.conf.share)]
    parts += [(own, other.conf.sections.get(name, {})) for name, own in one.conf.sections.items()]
    for mine, theirs in parts:
        found += [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
    return found


def _policy(client: Client, one: Mitigation, other: Mitigation) -> ClientPolicy | None:
    try:
        return other.on_client(one.on_client(client.policy, client), client)
    except NotApplicableError:
        return None
