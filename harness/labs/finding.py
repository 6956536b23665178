"""What looking at a machine gives: ``rehearse doctor`` shows it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from harness.system.environment import tool_path
from harness.system.programs import INSTALL, UPDATE, how_to_install


class State(StrEnum):
    """What was found. ``WORKS`` is for what was seen to be there and right, and for nothing else."""

    WORKS = "works"
    MISSING = "missing"
    """No rehearsal can run without it."""
    OPTIONAL = "optional"
    """It is not there, and a rehearsal can run without it: ``gives`` says what is not to be had."""
    NOTE = "note"
    """Nothing that could be missing: a fact to know."""


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """One thing that was looked at."""

    name: str
    ok: bool
    """False when a rehearsal cannot run because of it."""
    detail: str
    """What was seen."""
    mend: str = ""
    """The one command, or operation, that mends it or makes it be there; "" when it is well."""
    gives: str = ""
    """What is to be had with it, where it is missing and not needed by every rehearsal."""
    note: bool = False
    """It is told and not judged."""

    @property
    def state(self) -> State:
        """How it stands."""
        if not self.ok:
            return State.MISSING
        return State.OPTIONAL if self.gives else State.NOTE if self.note else State.WORKS


def optional(name: str, detail: str, gives: str, mend: str) -> DoctorFinding:
    """What is not there, and not needed by every rehearsal."""
    return DoctorFinding(name, True, detail, mend, gives)


def note(name: str, detail: str) -> DoctorFinding:
    """A fact to know."""
    return DoctorFinding(name, True, detail, note=True)


def program(name: str, path: str | None = None) -> DoctorFinding:
    """Whether a program that is needed is there; ``path``: where it is looked for, by default the user's."""
    where = shutil.which(name, path=path or tool_path())
    return DoctorFinding(
        name, where is not None, where or "not installed", "" if where else how_to_install(name)
    )


def at_once(findings: Iterable[DoctorFinding]) -> DoctorFinding:
    """The Debian packages that findings lack, and the one command that installs them all."""
    needed = [one.mend for one in findings if not one.ok and one.mend.startswith(INSTALL)]
    lacking = [mend.removeprefix(INSTALL) for mend in needed]
    words = sorted(dict.fromkeys(" ".join(lacking).split()), key=lambda word: not word.startswith("-"))
    packages = " ".join(word for word in words if not word.startswith("-"))
    if not packages:
        return DoctorFinding("Debian packages", True, "all that a rehearsal needs are installed")
    mend = f"{UPDATE} && {INSTALL} {' '.join(words)}"
    return DoctorFinding("Debian packages", False, f"missing: {packages}; all at once:", mend)
