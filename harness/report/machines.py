"""Machines in sentences: how a group of a fleet is called where nobody knows its one kind."""

from __future__ import annotations

from harness.model import Dialect
from harness.report.language import DEFAULT, Language, language
from harness.result.machines import MachineGroup

FEW = 3
"""Kinds that a group may be, which are named; of more it is an unknown client."""


def unsure_label(group: MachineGroup, say: Language | None = None) -> str:
    """``like windows-7``; ``macos-11 or macos-13``; ``unknown SMB1 client``; ``unknown client``."""
    say = say or language(DEFAULT)
    if len(group.clients) == 1:
        return say("machines.like", client=group.clients[0])
    if 1 < len(group.clients) <= FEW:
        return say("machines.or").join(group.clients)
    many = "s" if group.count > 1 else ""
    if group.dialect:
        return say(f"machines.unknown_client{many}_of", dialect=Dialect(group.dialect).in_words)
    return say(f"machines.unknown_client{many}")
