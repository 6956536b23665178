"""What looking at a machine gives: ``rehearse doctor`` shows it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass

from harness.environment import tool_path

_ROOT = "" if os.geteuid() == 0 else "sudo "
INSTALL = f"{_ROOT}apt-get install --no-install-recommends"
UPDATE = f"{_ROOT}apt-get update"


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


def at_once(findings: Iterable[DoctorFinding]) -> DoctorFinding:
    """The Debian packages that findings lack, and the one command that installs them all."""
    lacking = [one.mend.removeprefix(INSTALL) for one in findings if one.mend.startswith(INSTALL)]
    packages = " ".join(dict.fromkeys(" ".join(lacking).split()))
    if not packages:
        return DoctorFinding("Debian packages", True, "all that a rehearsal needs are installed")
    mend = f"{UPDATE} && {INSTALL} {packages}"
    return DoctorFinding("Debian packages", False, f"missing: {packages}; all at once:", mend)
