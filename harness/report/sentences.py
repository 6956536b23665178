"""One sentence each for surprises, losses with two reasons, and known interactions of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.balance.interactions import SMB3, Interaction, Known, interactions
from harness.balance.surprise import Kind, Surprise, Twice, lost_twice, not_predictable, surprises
from harness.balance.weigh import parts_of
from harness.model import CellId
from harness.report.explain import grouped
from harness.report.labels import Labels
from harness.result import RunResult

FEW = 2
"""Suspected pairs that are worth naming; more say nothing."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something about one mitigation on one server, in a sentence."""

    kind: str
    """"surprise", "lost twice" or "known"."""
    mitigation: str
    """"" where it is about several."""
    server: str
    text: str


def said_of(result: RunResult) -> tuple[Said, ...]:
    """Everything that a run shows beyond its single cells: what surprises, and what was warned of."""
    labels = Labels(result)
    return (
        *_surprises(surprises(result), labels),
        *_twice(lost_twice(result), labels),
        *(Said("known", one.mitigation, one.server, _known(one, labels)) for one in interactions(result)),
    )


def unpredicted(result: RunResult) -> str:
    """What nothing was predicted of, in one sentence; "" where all parts were measured alone."""
    labels = Labels(result)
    texts = [
        f"{change} on {labels.marked(server)} ({', '.join(parts)})"
        for change, server, parts in not_predictable(result)
    ]
    what = "not compared with their parts in what they keep and close: not all were rehearsed alone"
    return f"{what}: {'; '.join(texts)}" if texts else ""


def tasks(cells: Iterable[CellId], labels: Labels) -> str:
    """``~windows-7, ~windows-xp browse, open``: clients with the same checks together."""
    by_client = grouped(cells, lambda cell: cell.client)
    by_checks = grouped(by_client, lambda client: tuple(cell.check for cell in by_client[client]))
    return "; ".join(
        f"{', '.join(map(labels.client, clients))} {', '.join(checks)}"
        for checks, clients in by_checks.items()
    )


def _surprises(found: Sequence[Surprise], labels: Labels) -> Iterable[Said]:
    def key(one: Surprise) -> tuple[object, ...]:
        return (
            one.mitigation,
            one.server,
            one.kind,
            one.before,
            one.cell is None,
            one.suspects,
            one.decided_by,
        )

    for those in grouped(found, key).values():
        first = those[0]
        what = (
            tasks([one.cell for one in those if one.cell is not None], labels)
            if first.cell
            else ", ".join(one.exposure for one in those)
        )
        alone = f"{' and '.join(first.decided_by)} alone"
        words = {
            # kind, whether it worked or was open before -> what happened
            (Kind.COSTS_MORE, True): "kept under each part alone, lost together",
            (Kind.COSTS_MORE, False): f"works under {alone}, not together",
            (Kind.COSTS_LESS, True): f"lost under {alone}, kept together",
            (Kind.COSTS_LESS, False): "works under none of its parts alone, but together",
            (Kind.CLOSES_MORE, True): "closed by none of its parts alone, but together",
            (Kind.CLOSES_MORE, False): f"opened by {alone}, not together",
            (Kind.CLOSES_LESS, True): f"closed by {alone}, open together",
            (Kind.CLOSES_LESS, False): "opened by none of its parts alone, but together",
        }[first.kind, first.before]
        on = f"{first.mitigation} on {labels.marked(first.server)}"
        text = f"{on} {first.kind} than its parts say: {what}: {words}"
        if 0 < len(first.suspects) <= FEW:
            text += f"; suspected: {' or '.join(f'{one} with {other}' for one, other in first.suspects)}"
        yield Said("surprise", first.mitigation, first.server, text)


def how_to_find(result: RunResult) -> str:
    """The command that measures each pair of the first surprise that has more than two parts; "" for none."""
    for one in surprises(result):
        parts = parts_of(one.mitigation)
        if len(parts) > 2:
            task = f":{one.cell.client}:{one.cell.check}" if one.cell else ""
            return f"rehearse run --pairwise --parts 2 '{','.join(parts)}:{one.server}{task}'"
    return ""


def _twice(found: Sequence[Twice], labels: Labels) -> Iterable[Said]:
    """In full for two parts; of larger combinations one sentence a server, for there are many of them."""

    def key(one: Twice) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        return one.mitigation, one.server, one.parts

    small = [one for one in found if len(parts_of(one.mitigation)) == 2]
    for (change, server, parts), those in grouped(small, key).items():
        who = tasks([one.cell for one in those], labels)
        reasons = ", ".join(f"{part} stops it at {step}" for part, step in parts)
        text = (
            f"{change} on {labels.marked(server)} breaks {who} twice: {reasons}; "
            "taking back one of them brings nobody home"
        )
        yield Said("lost twice", change, server, text)
    large = [one for one in found if len(parts_of(one.mitigation)) > 2]
    for server, those in grouped(large, lambda one: one.server).items():
        clients = grouped(those, lambda one: one.cell.client)
        counts = {client: len({one.mitigation for one in its}) for client, its in clients.items()}
        names = ", ".join(f"{labels.client(client)} (in {count})" for client, count in counts.items())
        text = (
            f"larger combinations on {labels.marked(server)} lose clients to several parts at once, each "
            f"alone at another step, so that taking back one of these brings nobody home: {names}"
        )
        yield Said("lost twice", "", server, text)


def _known(one: Interaction, labels: Labels) -> str:
    on = f"{one.mitigation} on {labels.marked(one.server)}"
    who = tasks(one.cells, labels)
    match one.known:
        case Known.PIPES_LEAVE_RAP:
            shown = f", as {who} shows" if who else f"; the probe: {one.evidence}"
            cured = f"; {one.cures[0]} ends that too" if one.cures else ""
            return f"{on} leaves the shares to be listed over SMB1 by RAP{shown}{cured}"
        case Known.SIGNING_SHUTS_GUESTS:
            return f"{on} shuts out guests, whose sessions have no key to sign with: {who}"
        case Known.SIGNING_SPARES_GUESTS:
            return f"{on} does not reach guests, who go on unsigned: {who}"
        case Known.ALIAS_IS_311:
            same = f"; all {one.same} cells are as under SMB 3.1.1 alone" if one.same else ""
            return (
                f"{on}: the word SMB3 means SMB 3.1.1 and not every SMB 3; lost under it and kept under "
                f"{SMB3}: {who}{same}"
            )
