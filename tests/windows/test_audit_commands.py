"""The commands of ``rehearse fleet audit`` for Windows are PowerShell."""

from __future__ import annotations

import pytest
from powershell_grammar import mistakes, parse

from harness.fleet.auditing.asked import audit_of
from harness.fleet.auditing.windows import RELEASES


@pytest.mark.parametrize("name", RELEASES)
def test_every_command_is_powershell(name: str) -> None:
    audit = audit_of(f"windows-{name}")
    for step in [*audit.on, *(one.step for one in audit.exports), *audit.off]:
        # The grammar knows no digit in the name of a parameter, and no list of words without quotes.
        text = "\n".join(step.commands).replace("-AuditSmb1Access", "-AuditSmbOneAccess")
        if "-Argument '" not in text:
            text = text.replace("ClientComputerName, Dialect", "'ClientComputerName', 'Dialect'")
        assert mistakes(parse(text)) == [], step.does
