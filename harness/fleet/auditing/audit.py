"""How to find out who really connects: the commands that turn auditing on, export it, and turn it off again.

Per platform and release, by what that release can do. Every command is one that changes nothing of what
clients may do; how much each writes is said. What the exports say is read back by ``importers``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

USUAL_DAYS: Final = 30
MOST_DAYS: Final = 400
"""A month sees monthly jobs and scanners that run once a month; a year sees the rest."""


@dataclass(frozen=True, slots=True)
class Step:
    """Commands that belong together, in their order."""

    does: str
    """What they do, as the beginning of a sentence: "Write down what is set now"."""
    commands: tuple[str, ...]
    note: str = ""
    """What one must know before one runs them; "" for nothing."""


@dataclass(frozen=True, slots=True)
class Export:
    """What is collected, and which importer reads it."""

    step: Step
    kind: str
    """The name of the importer, as ``fleet import --as`` takes it."""
    tells: str
    """Which facts of a machine it has."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything for one kind of server."""

    server: str
    """The platform and release that it is for, e.g. "Samba 4.17", "Windows Server 2019"."""
    shell: str
    """Where the commands run: "sh" as root, or "powershell" as administrator."""
    days: int
    on: tuple[Step, ...]
    exports: tuple[Export, ...]
    off: tuple[Step, ...]
    cannot: tuple[str, ...]
    """What this release cannot tell, and what to do about it: a sentence each."""

    @property
    def wait(self) -> str:
        """How long, and why so long."""
        return (
            f"Wait {self.days} days. What runs once a month, such as a scanner, a backup or the closing of "
            "the books, is seen only if that time has one in it."
        )
