"""A staged plan as Markdown, for a change request or a page that is passed around."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.report import doings
from harness.report import markdown as md
from harness.report.rollout.trust import answer, proof, rest, unknown
from harness.report.rollout.view import Action, Plan, StageView, stages
from harness.report.ticket.trust import emulated


def render(plan: Plan, command: str) -> str:
    """The whole page. ``command``: the words that make the plan again."""
    say = plan.say
    servers = md.names(plan.labels.marked(one.server) for one in plan.rollout.searched)
    lines = [f"# {say('rollout.heading', servers=servers)}", "", *_bullets(answer(plan)), ""]
    lines += _section(say("rollout.timeline_section"), _glance(plan))
    for stage in stages(plan):
        lines += [f"## {md.text(stage.title)}", "", *_stage(plan, stage)]
    lines += _section(say("rollout.rest_section"), _bullets(rest(plan)))
    lines += _section(say("rollout.proof_section"), _bullets(proof(plan)))
    lines += _section(say("rollout.unknown_section"), _bullets(unknown(plan)))
    lines += _section(say("ticket_emulated.section"), emulated(plan.result, say))
    lines += [say("rollout.from_run", run=md.code(plan.result.run), command=md.code(command)), ""]
    kept = [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
    return "\n".join(kept).rstrip("\n") + "\n"


def _section(title: str, body: Iterable[str], level: int = 2) -> list[str]:
    """A section; nothing where it has no line."""
    lines = list(body)
    return [f"{'#' * level} {title}", "", *lines, ""] if lines else []


def _bullets(sentences: Iterable[str]) -> Iterator[str]:
    return (f"- {md.text(sentence)}" for sentence in sentences)


def _glance(plan: Plan) -> Iterator[str]:
    for stage in stages(plan):
        yield f"- **{md.text(stage.title)}**: {' '.join(map(md.text, stage.summary))}"


def _stage(plan: Plan, stage: StageView) -> Iterator[str]:
    say = plan.say
    yield from (*map(md.text, stage.summary), "")
    if not stage.actions:
        yield from _section(say("rollout.stays_section"), _bullets(stage.stays), 3)
        return
    yield from _section(say("rollout.first_section"), _bullets(stage.first), 3)
    yield from _section(say("rollout.done_section"), _done(plan, stage), 3)
    closes = stage.closes or (say("rollout.nothing_closed"),)
    yield from _section(say("rollout.closes_section"), _bullets(closes), 3)
    stays = stage.stays or (say("rollout.nothing_open"),)
    yield from _section(say("rollout.stays_section"), _bullets(stays), 3)
    yield from _section(say("rollout.lost_section"), _lost(plan, stage), 3)
    yield from _section(say("rollout.verify_section"), _verify(plan, stage), 3)
    yield from _section(say("rollout.back_section"), _back(plan, stage), 3)


def _head(plan: Plan, action: Action) -> str:
    return f"**{md.text(headline(plan, action))}**"


def headline(plan: Plan, action: Action) -> str:
    """What is done where, and what is in force there already."""
    words = {
        "servers": plan.items(action.servers),
        "after": action.after,
        "title": action.title,
        "before": action.before,
    }
    return plan.say("rollout.action" if action.before == "none" else "rollout.action_more", **words)


def _done(plan: Plan, stage: StageView) -> Iterator[str]:
    for action in stage.actions:
        yield from (_head(plan, action), "", *doings.made(action.doings, plan.say), "")
        yield from (*_bullets(action.notes), "")


def _lost(plan: Plan, stage: StageView) -> Iterator[str]:
    say = plan.say
    nobodys = [f"- {md.text(stage.nobodys)}"] if stage.nobodys else []
    if not stage.losses:
        yield from (say("rollout.nobody"), "", *nobodys)
        return
    head = [say("ticket_lost.who"), say("ticket_lost.loses"), say("ticket_lost.sees"), say("ticket_lost.why")]
    if plan.has_fleet:
        head.insert(1, say("rollout.column_machines"))
    rows = []
    for one in stage.losses:
        row = [md.names(one.clients), md.text(one.checks)]
        row += [md.code(one.sees) if one.sees else say("rollout.sees_unknown"), md.text(one.why)]
        if plan.has_fleet:
            row.insert(1, md.text(one.machines))
        rows.append(row)
    yield from (*md.table(head, rows), "", *nobodys)


def _verify(plan: Plan, stage: StageView) -> Iterator[str]:
    commands = [line for action in stage.actions for line in action.verify]
    if commands:
        yield from (plan.say("rollout.verify_expose"), "", *md.block(dict.fromkeys(commands), "sh"), "")
    # These words of ours are Markdown already.
    yield from (f"- {line}" for line in plan.who_connects(stage.actions))
    if stage.losses:
        yield from _bullets([plan.say("rollout.verify_sees")])


def _back(plan: Plan, stage: StageView) -> Iterator[str]:
    for action in stage.actions:
        yield from (_head(plan, action), "", *doings.undone(action.doings, plan.say), "")
