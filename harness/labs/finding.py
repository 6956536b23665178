"""What looking at a machine gives: ``rehearse doctor`` shows it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from harness.environment import tool_path

INSTALL = "sudo apt-get install --no-install-recommends"


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """One thing that was looked at."""

    name: str
    ok: bool
    """False when a rehearsal cannot run because of it."""
    detail: str
    mend: str = ""
    """What to type; "" when it is well."""


def program(name: str, package: str) -> DoctorFinding:
    """Whether a program that is needed is there."""
    where = shutil.which(name, path=tool_path())
    return DoctorFinding(
        name, where is not None, where or "not installed", "" if where else f"{INSTALL} {package}"
    )
