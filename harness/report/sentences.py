"""One sentence each for surprises, losses with two reasons, and known interactions of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.balance.interactions import SMB3, Interaction, Known, interactions
from harness.balance.surprise import Surprise, Twice, lost_twice, not_predictable, surprises
from harness.balance.weigh import parts_of
from harness.model import CellId
from harness.report.explain import grouped
from harness.report.labels import Labels
from harness.report.language import Language
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


def said_of(result: RunResult, say: Language) -> tuple[Said, ...]:
    """Everything that a run shows beyond its single cells: what surprises, and what was warned of."""
    labels = Labels(result)
    return (
        *_surprises(surprises(result), labels, say),
        *_twice(lost_twice(result), labels, say),
        *(
            Said("known", one.mitigation, one.server, _known(one, labels, say))
            for one in interactions(result)
        ),
    )


def unpredicted(result: RunResult, say: Language) -> str:
    """What nothing was predicted of, in one sentence; "" where all parts were measured alone."""
    labels = Labels(result)
    texts = [
        say("said.change_of_parts", on=_on(change, server, labels, say), parts=", ".join(parts))
        for change, server, parts in not_predictable(result)
    ]
    return say("said.not_compared", those="; ".join(texts)) if texts else ""


def _on(change: str, server: str, labels: Labels, say: Language) -> str:
    return labels.on([change], labels.marked(server), say)


def tasks(cells: Iterable[CellId], labels: Labels) -> str:
    """``~windows-7, ~windows-xp browse, open``: clients with the same checks together."""
    by_client = grouped(cells, lambda cell: cell.client)
    by_checks = grouped(by_client, lambda client: tuple(cell.check for cell in by_client[client]))
    return "; ".join(
        f"{', '.join(map(labels.client, clients))} {', '.join(checks)}"
        for checks, clients in by_checks.items()
    )


def _surprises(found: Sequence[Surprise], labels: Labels, say: Language) -> Iterable[Said]:
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
        # How it differs, and whether it worked or was open before: what happened.
        happened = f"said.{first.kind.name.lower()}_{'before' if first.before else 'now'}"
        pairs = first.suspects if len(first.suspects) <= FEW else ()
        told = say("said.or").join(say("said.pair", one=one, other=other) for one, other in pairs)
        text = say(
            f"said.{first.kind.name.lower()}",
            on=_on(first.mitigation, first.server, labels, say),
            what=what,
            words=say(happened, parts=say("said.each").join(first.decided_by)),
            suspected=say("said.suspected", pairs=told) if told else "",
        )
        yield Said("surprise", first.mitigation, first.server, text)


def how_to_find(result: RunResult) -> str:
    """The command that measures each pair of the first surprise that has more than two parts; "" for none."""
    for one in surprises(result):
        parts = parts_of(one.mitigation)
        if len(parts) > 2:
            task = f":{one.cell.client}:{one.cell.check}" if one.cell else ""
            return f"rehearse run --pairwise --parts 2 '{','.join(parts)}:{one.server}{task}'"
    return ""


def _twice(found: Sequence[Twice], labels: Labels, say: Language) -> Iterable[Said]:
    """In full for two parts; of larger combinations one sentence a server, for there are many of them."""

    def key(one: Twice) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        return one.mitigation, one.server, one.parts

    small = [one for one in found if len(parts_of(one.mitigation)) == 2]
    for (change, server, parts), those in grouped(small, key).items():
        text = say(
            "said.lost_twice",
            on=_on(change, server, labels, say),
            who=tasks([one.cell for one in those], labels),
            reasons=", ".join(say("said.stops", part=part, step=step) for part, step in parts),
        )
        yield Said("lost twice", change, server, text)
    large = [one for one in found if len(parts_of(one.mitigation)) > 2]
    for server, those in grouped(large, lambda one: one.server).items():
        clients = grouped(those, lambda one: one.cell.client)
        counts = {client: len({one.mitigation for one in its}) for client, its in clients.items()}
        names = ", ".join(
            say("said.larger_in", client=labels.client(client), n=count) for client, count in counts.items()
        )
        yield Said("lost twice", "", server, say("said.larger", server=labels.marked(server), clients=names))


def _known(one: Interaction, labels: Labels, say: Language) -> str:
    on = _on(one.mitigation, one.server, labels, say)
    who = tasks(one.cells, labels)
    match one.known:
        case Known.PIPES_LEAVE_RAP:
            shown = say("said.rap_shown", who=who) if who else say("said.rap_probed", evidence=one.evidence)
            cured = say("said.rap_cured", change=one.cures[0]) if one.cures else ""
            return say("said.rap", on=on, shown=shown, cured=cured)
        case Known.SIGNING_SHUTS_GUESTS:
            return say("said.guests_shut", on=on, who=who)
        case Known.SIGNING_SPARES_GUESTS:
            return say("said.guests_spared", on=on, who=who)
        case Known.ALIAS_IS_311:
            same = say("said.alias_same", n=one.same) if one.same else ""
            return say("said.alias", on=on, smb3=SMB3, who=who, same=same)
