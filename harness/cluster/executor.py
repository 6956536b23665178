"""Who measures the cells of a run: the labs of this machine, or workers elsewhere. One interface for both."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Protocol

from harness.catalogue import Catalogue
from harness.planning.plan import Plan


class Executor(Protocol):
    """Measures cells into a run folder."""

    def measure(self, catalogue: Catalogue, folder: Path, made: Plan, options: argparse.Namespace) -> int:
        """Measure the cells of ``made`` that ``folder`` lacks into its journal, telling of them on stderr.

        The exit status says only whether that was cut off: verdicts are in the journal. The caller attends
        the folder. Raises LabFault when nothing can be measured.
        """
