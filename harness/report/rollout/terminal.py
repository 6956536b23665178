"""A staged plan on a terminal: stage by stage, with the commands, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rich.console import Console

from harness.report.doings import ways_back
from harness.report.page import INDENT, Page
from harness.report.rollout.markdown import headline
from harness.report.rollout.trust import answer, proof, rest, unknown
from harness.report.rollout.view import Plan, StageView, stages


def render(plan: Plan, console: Console) -> None:
    """Print the plan, in its language; in English where the stream takes ASCII alone."""
    page = Page(console, plan.say.code)
    plan, say = replace(plan, say=page.say), page.say
    servers = plan.items(plan.labels.marked(one.server) for one in plan.rollout.searched)
    page.heading(page.text(say("rollout.heading", servers=servers), "bold"))
    _sentences(page, answer(plan))
    page.blank()
    for stage in stages(plan):
        _stage(page, plan, stage)
    for key, body in (("rest", rest(plan)), ("proof", proof(plan)), ("unknown", unknown(plan))):
        lines = list(body)
        if lines:
            page.heading(page.text(say(f"rollout.{key}_section"), "bold"))
            _sentences(page, lines)
            page.blank()


def _sentences(page: Page, sentences: Iterable[str], indent: int = INDENT) -> None:
    for sentence in sentences:
        page.hanging(page.text(sentence), indent=indent, deeper=INDENT)


def _stage(page: Page, plan: Plan, stage: StageView) -> None:
    say = plan.say
    page.heading(page.text(stage.title, "bold"))
    _sentences(page, stage.summary)
    if stage.actions:
        _block(page, say("rollout.first_section"), stage.first)
        for action in stage.actions:
            _block(page, headline(plan, action), ())
            _doings(page, [(one.where, one.do) for one in action.doings] or [_not_known(plan)])
            _sentences(page, action.notes, 2 * INDENT)
        _block(page, say("rollout.closes_section"), stage.closes or (say("rollout.nothing_closed"),))
        _block(page, say("rollout.lost_section"), _lost(plan, stage))
    _block(page, say("rollout.stays_section"), stage.stays or (say("rollout.nothing_open"),))
    if stage.actions:
        _verify(page, plan, stage)
        _block(page, say("rollout.back_section"), ())
        for action in stage.actions:
            _sentences(page, [headline(plan, action)] if len(stage.actions) > 1 else ())
            steps, said = ways_back(action.doings)
            _doings(page, [(one.undo_where, one.undo) for one in steps] or [_not_known(plan)])
            _sentences(
                page, [say("ticket_back.without_copy", undo=one.undo_where) for one in said], 2 * INDENT
            )
    page.blank()


def _not_known(plan: Plan) -> tuple[str, tuple[str, ...]]:
    return plan.say("ticket_done.unknown"), ()


def _block(page: Page, title: str, sentences: Iterable[str]) -> None:
    found = list(sentences)
    page.hanging(page.text(title, "bold"))
    _sentences(page, found, 2 * INDENT)


def _doings(page: Page, steps: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    for where, lines in steps:
        page.hanging(page.text(where), indent=2 * INDENT, deeper=INDENT)
        for line in lines:
            page.hanging(page.text(line, "cyan"), indent=3 * INDENT, deeper=INDENT)


def _lost(plan: Plan, stage: StageView) -> Iterable[str]:
    say = plan.say
    for one in stage.losses:
        yield say(
            "rollout.loses",
            clients=plan.items(one.clients),
            machines=say("rollout.machines_beside", machines=one.machines) if one.machines else "",
            checks=one.checks,
            sees_title=say("ticket_lost.sees"),
            sees=one.sees or say("rollout.sees_unknown"),
            why_title=say("ticket_lost.why"),
            why=one.why,
        )
    if not stage.losses:
        yield say("rollout.nobody")
    if stage.nobodys:
        yield stage.nobodys


def _verify(page: Page, plan: Plan, stage: StageView) -> None:
    say = plan.say
    commands = dict.fromkeys(line for action in stage.actions for line in action.verify)
    who = plan.who_connects(stage.actions)
    _block(page, say("rollout.verify_section"), ())
    if commands:
        _doings(page, [(say("rollout.verify_expose"), tuple(commands))])
    _sentences(page, who, 2 * INDENT)
    if stage.losses:
        _sentences(page, [say("rollout.verify_sees")], 2 * INDENT)
