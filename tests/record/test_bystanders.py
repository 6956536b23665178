"""Whom a run names only to say that a change cannot be made there: a server or a client, real or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from known import CATALOGUE

from harness.record import journal, readback
from harness.report.labels import Labels
from harness.result import ClientFact, NotApplicable, ServerFact

RUN = Path(__file__).parent.parent / "data" / "run"


def test_what_a_change_cannot_be_made_on_is_known_for_what_it_is() -> None:
    recorded = journal.load(RUN)
    asked = recorded.plan.cells[0]
    pairs = (
        ("vendor-patch", "consumer-nas"),
        ("smb1-client-off", "curl"),
        # A Windows of this name is a server as well.
        ("smb1-client-off", "windows-xp"),
        ("smb3-only", "windows-10"),
        ("smb3-only+*", "samba-4.13"),
        ("smb3-only", "every server"),
        ("vendor-patch", asked.server),
        ("smb1-client-off", asked.client),
    )
    told = tuple(NotApplicable(change, subject, "no") for change, subject in pairs)
    only = replace(recorded.plan, not_applicable=told, rows=recorded.plan.rows[:1])
    only = replace(only, rows=(replace(only.rows[0], cells=(asked,)),))
    result = readback.result_of(CATALOGUE, replace(recorded, plan=only))
    found = {name: type(fact) for name, fact in result.bystanders.items()}
    assert found == {
        "consumer-nas": ServerFact,
        "curl": ClientFact,
        "windows-xp": ClientFact,
        "windows-10": ServerFact,
        "samba-4.13": ServerFact,
    }
    labels = Labels(result)
    shown = [labels.subject(subject) for _, subject in pairs[:6]]
    assert shown == ["~consumer-nas", "curl", "~windows-xp", "windows-10", "samba-4.13", "every server"]
