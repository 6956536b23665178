"""The gates of a command line: read before anything is measured, held against the run afterwards."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from harness.catalogue import Catalogue
from harness.result import RunResult

if TYPE_CHECKING:
    from harness.gates import reading


@dataclass(frozen=True, slots=True)
class Given:
    """What ``--require`` and ``--known`` ask for."""

    required: tuple[reading.Requirement, ...] = ()
    known: tuple[reading.Acceptance, ...] = ()

    def held_against(self, result: RunResult) -> RunResult:
        """The run with what came of the gates; the run as it is where none were given."""
        if not (self.required or self.known):
            return result
        from harness.gates import judge

        return judge.held_against(result, self.required, self.known, _today())

    def accepted(self) -> list[str]:
        """The selectors of the losses that are accepted today."""
        return [one.entry.selector for one in self.known if _today() <= one.until]


def _today() -> date:
    return datetime.now().astimezone().date()


def given(catalogue: Catalogue, options: argparse.Namespace) -> Given:
    """Raises UsageError for the first mistake in one of the files."""
    if not (options.require or options.known):
        return Given()
    from harness.gates import reading

    return Given(
        tuple(one for path in options.require or () for one in reading.requirements(catalogue, path)),
        tuple(one for path in options.known or () for one in reading.acceptances(catalogue, path)),
    )
