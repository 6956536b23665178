"""``pytest scenarios/``: the same scripts as tests, one test a cell; a test's name is the cell's id.

A hole that a script says must be closed is a test as well: ``mitigation:server:exposure``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from harness import plan, scenario
from harness.process import run

SCRIPTS = {path.stem for path in scenario.available().values()}
SECONDS = 600.0
"""The most that the rehearsal of one script may take, building what is missing included."""


class NotAsExpected(Exception):
    """A cell or hole that is not as expected; the text is all that pytest shows."""


class ScenarioFile(pytest.File):
    """A scenario script. It is rehearsed once, when the first of its cells is asked for."""

    _found: dict[str, dict[str, Any]] | None = None
    _failure = ""

    def collect(self) -> Iterator[pytest.Item]:
        script = scenario.read(self.path)
        # A whole that is made of rows repeats the rows' cells: only when it is asked for by name.
        if scenario.cells(script.scenario) or self.session.isinitpath(self.path):
            made = plan.from_scripts(script.name, [script])
            for cell in made.cells:
                yield CellItem.from_parent(self, name=str(cell))
            for goal in made.closes:
                yield HoleItem.from_parent(self, name=f"{goal.mitigation}:{goal.server}:{goal.exposure}")

    def found(self, name: str) -> dict[str, Any]:
        """The cell or exposure of the result document. Raises NotAsExpected when there is none."""
        if self._found is None:
            self._found = self._rehearse()
        if name not in self._found:
            raise NotAsExpected(f"the rehearsal did not measure it: {self._failure}")
        return self._found[name]

    def _rehearse(self) -> dict[str, dict[str, Any]]:
        with TemporaryDirectory() as runs:
            argv = [sys.executable, "-m", "harness", "run", str(self.path), "--json", "--quiet"]
            # As from the user's shell: it is the user's own Python that runs the verb.
            done = run([*argv, "--runs", runs], timeout=SECONDS, env=os.environ)
        if not done.stdout:
            self._failure = (done.stderr.strip() or f"exit status {done.status}").splitlines()[-1]
            return {}
        document = json.loads(done.stdout)
        holes = {
            f"{one['mitigation']}:{one['server']}:{one['exposure']}": one for one in document["exposures"]
        }
        return holes | {cell["cell"]: cell for cell in document["cells"]}


class Item(pytest.Item):
    """Something of a scenario that must be as expected."""

    parent: ScenarioFile

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, NotAsExpected):
            return f"{self.name}: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


class CellItem(Item):
    """One cell of a scenario."""

    def runtest(self) -> None:
        cell = self.parent.found(self.name)
        if not cell["expected"]:
            back = "" if cell["restored"] in (None, True) else ", not restored"
            raise NotAsExpected(f"{cell['effect']}{back}: {cell['cause'] or cell['claim']}")


class HoleItem(Item):
    """One hole that a scenario says must be closed."""

    def runtest(self) -> None:
        hole = self.parent.found(self.name)
        if not hole["expected"]:
            raise NotAsExpected(hole["claim"])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Every Python file beside this one is a scenario script."""
    if file_path.parent == Path(__file__).parent and file_path.suffix == ".py" and file_path.stem in SCRIPTS:
        return ScenarioFile.from_parent(parent, path=file_path)
    return None
