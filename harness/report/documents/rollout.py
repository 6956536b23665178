"""The JSON document of a staged plan: ``rehearse rollout --json``, and what ``--write`` stores.

``python -m harness.report.schemas`` writes its schema anew.
"""

from __future__ import annotations

from harness.balance.machines import Fate
from harness.planning.settings import Doing
from harness.report.documents.rollout_parts import RolloutDocument
from harness.report.explain import emulated
from harness.report.json_text import dump, schema_of
from harness.report.language import DEFAULT, language
from harness.report.rollout.trust import answer, proof, rest, unknown
from harness.report.rollout.view import Action, Loss, Plan, actions, losses, title
from harness.result import ClientFact, ServerFact
from harness.rollout.homes import measured_as
from harness.rollout.plan import Stage, Step
from harness.rollout.search import NAMES

SCHEMA = 1
"""Grows when a field changes its meaning or goes; additions do not count."""


def render_json(plan: Plan, command: str) -> str:
    """The document as JSON text, pure ASCII; its sentences are in English."""
    plan = _english(plan)
    rollout, result = plan.rollout, plan.result
    wishes, fleet = rollout.wishes, rollout.fleet
    facts: list[ServerFact | ClientFact] = [*result.servers.values(), *result.clients.values()]
    document = RolloutDocument.model_validate(
        {
            "schema": SCHEMA,
            "run": result.run,
            "lab": result.lab,
            "complete": result.complete,
            "command": command,
            "fleet": {
                "name": fleet.name,
                "machines": fleet.size,
                "last_seen": fleet.last_seen,
                "groups": [
                    {"clients": one.clients, "machines": one.count, "sure": one.sure} for one in fleet.groups
                ],
            },
            "demands": {
                "stages": wishes.stages,
                "never_lose": wishes.never_lose,
                "close": wishes.close,
                "servers": tuple(one.server for one in rollout.searched),
                "legacy": wishes.legacy,
            },
            "stages": [_stage(plan, stage) for stage in rollout.stages],
            "legacy": rollout.legacy,
            "compared": rollout.compared,
            "search": [
                {
                    **{name: getattr(one, name) for name in _OF_SEARCH},
                    "refused": {change: why.value for change, why in one.refused.items()},
                    "cost": dict(zip(NAMES, one.cost, strict=True)),
                }
                for one in rollout.searched
            ],
            "emulated": [one.name for one in facts if emulated(one.fidelity)],
            **{
                name: tuple(told(plan))
                for name, told in (
                    ("answer", answer),
                    ("proof", proof),
                    ("rest", rest),
                    ("unknown", unknown),
                )
            },
        }
    )
    return dump(document.model_dump(mode="json"))


_OF_SEARCH = ("server", "compared", "states", "pairs", "all_pairs", "open", "not_closable")
_OF_STEP = ("server", "before", "after", "closes", "opens", "already", "rolled_back")


def _stage(plan: Plan, stage: Stage) -> dict[str, object]:
    groups = plan.rollout.fleet.groups
    by_server = {name: one for one in actions(plan, stage) for name in one.names}
    return {
        "stage": stage.number,
        "title": title(plan, stage),
        "steps": [_step(step, by_server[step.server]) for step in stage.steps],
        "holes": [
            {"server": server, "open": names, "unknown": stage.unknown[server]}
            for server, names in stage.open.items()
        ],
        "machines": {
            fate.name.lower(): plan.rollout.count(stage, fate) for fate in Fate if fate is not Fate.NO_USE
        },
        "groups": [
            {"clients": one.clients, "machines": one.count, "fate": fate, "new": at in stage.hurt}
            for at, (one, fate) in enumerate(zip(groups, stage.fates, strict=True))
        ],
        "clients": [{"client": name, "fate": fate} for name, fate in stage.clients.items()],
        "losses": [_loss(one) for one in losses(plan, stage)],
        "remedies": stage.remedies,
    }


def _step(step: Step, action: Action) -> dict[str, object]:
    return {
        **{name: getattr(step, name) for name in _OF_STEP},
        "lost": [str(measured_as(cell)) for cell in step.lost],
        "unsure": [str(measured_as(cell)) for cell in step.unsure],
        "apply": [_doing(one) for one in action.doings],
        "verify": action.verify,
        "notes": action.notes,
    }


def _loss(one: Loss) -> dict[str, object]:
    return {name: getattr(one, name) for name in ("clients", "machines", "checks", "sees", "why")}


def _doing(one: Doing) -> dict[str, object]:
    return {name: getattr(one, name) for name in ("where", "do", "undo_where", "undo", "language")}


def _english(plan: Plan) -> Plan:
    """The same plan with the words of the document."""
    return Plan(plan.catalogue, plan.result, plan.rollout, language(DEFAULT))


def schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of the document, as the models say."""
    return schema_of(RolloutDocument, "rollout", SCHEMA)
