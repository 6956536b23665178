"""A plugin of pytest: scenario scripts anywhere are tests, one test a cell, named by the cell's id.

A hole that a script says must be closed is a test as well: ``mitigation:server:exposure``. What pytest
selects (``-k``, a test's name) is measured, and no more; what is not applicable is skipped, with the reason.
Installed with the package (entry point ``pytest11``); in a checkout ``-p harness.pytest_scenarios``.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.catalogue import Catalogue
    from harness.planning.plan import Plan
    from harness.planning.scenario import Script

IMAGE_SECONDS = 3600.0
"""The most that building what is missing may take: another limit than that of the rehearsal."""
SECONDS, AN_ATTEMPT = 600.0, 2.0
"""The most that a rehearsal may take: for itself, and for each of its attempts. Ten times what is usual."""
_ASSIGNED = re.compile(rb"^SCENARIO\b[^\n=]*=", re.MULTILINE)


class NotAsExpected(Exception):
    """A cell or hole that is not as expected; the text is all that pytest shows."""


def is_script(path: Path) -> bool:
    """Whether a file is a scenario script: Python that assigns SCENARIO and knows harness.

    Tests of scripts have the text of one there, and are none.
    """
    if path.suffix != ".py":
        return False
    try:
        text = path.read_bytes()
        if b"harness" not in text or not _ASSIGNED.search(text):
            return False
        body = ast.parse(text).body
    except (OSError, SyntaxError, ValueError):
        # Whoever collects it as something else says what is wrong with it.
        return False
    names: list[ast.expr] = []
    for node in body:
        if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Constant):
            names += node.targets
        elif isinstance(node, ast.AnnAssign) and not isinstance(node.value, ast.Constant):
            names.append(node.target)
    return any(isinstance(name, ast.Name) and name.id == "SCENARIO" for name in names)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Scenario scripts, wherever they are."""
    return ScenarioFile.from_parent(parent, path=file_path) if is_script(file_path) else None


class ScenarioFile(pytest.File):
    """A scenario script. It is rehearsed once, when the first of its cells is asked for."""

    _found: dict[str, dict[str, Any]] | None = None
    _failure = ""
    _catalogue: Catalogue
    _plan: Plan

    def collect(self) -> Iterator[pytest.Item]:
        """Its cells and holes; those of a whole that is made of rows only when it is asked for by name."""
        # pytest loads this plugin in every project; what is rehearsed is loaded where it is wanted.
        from harness.planning import planner, scenario

        self._catalogue = _catalogue()
        script = scenario.read(self._catalogue, self.path)
        if not scenario.cells(script.scenario) and not self.session.isinitpath(self.path):
            return
        able = set()
        if any(not why for _, why in _cells(self._catalogue, script)):
            self._plan = planner.from_scripts(self._catalogue, script.name, [script])
            able = set(map(str, self._plan.cells))
        for cell, why in _cells(self._catalogue, script):
            yield CellItem.from_parent(self, name=cell, why="" if cell in able else why)
        for goal in self._plan.closes if able else ():
            yield HoleItem.from_parent(self, name=f"{goal.mitigation}:{goal.server}:{goal.exposure}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        """A mistake in the script is one line, as on the command line."""
        from harness.errors import RehearsalError

        if isinstance(excinfo.value, RehearsalError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def found(self, name: str) -> dict[str, Any]:
        """The cell or exposure of the result document. Raises NotAsExpected when there is none."""
        if self._found is None:
            self._found = self._rehearse()
        if name not in self._found:
            raise NotAsExpected(f"the rehearsal did not measure it: {self._failure}")
        return self._found[name]

    def _rehearse(self) -> dict[str, dict[str, Any]]:
        from harness.servers.base import HOST
        from harness.system.plain import say
        from harness.system.process import run

        wanted = self._wanted()
        say(f"{self.path.name}: {len(wanted)} of {len(self._plan.cells)} cells are rehearsed")
        made = self._plan.only(lambda cell: str(cell) in wanted)
        # As from the user's shell: it is the user's own Python that runs the verb.
        python, env = [sys.executable, "-m"], os.environ
        built = run(
            [
                *python,
                "harness.verbs.build_images",
                *(name for name in made.images(self._catalogue) if name != HOST),
            ],
            timeout=IMAGE_SECONDS,
            env=env,
        )
        if not built.ok:
            self._failure = _last(built.stderr, built.status)
            return {}
        with TemporaryDirectory() as runs:
            argv = [*python, "harness", "run", str(self.path), "--json", "--quiet", "--runs", runs]
            if len(wanted) < len(self._plan.cells):
                argv += [f"--only={cell}" for cell in wanted]
            done = run(argv, timeout=SECONDS + AN_ATTEMPT * made.attempts, env=env)
        if not done.stdout:
            self._failure = _last(done.stderr, done.status)
            return {}
        document = json.loads(done.stdout)
        holes = {
            f"{one['mitigation']}:{one['server']}:{one['exposure']}": one for one in document["exposures"]
        }
        return holes | {cell["cell"]: cell for cell in document["cells"]}

    def _wanted(self) -> list[str]:
        """The selected cells; for a selected hole without any, one under which it is looked at."""
        mine = [item for item in self.session.items if item.parent is self]
        cells = {item.name for item in mine if isinstance(item, CellItem) and not item.why}
        for item in mine:
            if isinstance(item, HoleItem):
                pair = item.name.rsplit(":", 1)[0]
                of_pair = [str(cell) for cell in self._plan.cells if str(cell).startswith(f"{pair}:")]
                if not cells.intersection(of_pair):
                    cells.add(of_pair[0])
        return [cell for cell in map(str, self._plan.cells) if cell in cells]


@cache
def _catalogue() -> Catalogue:
    """What there is to rehearse, made once for all scripts."""
    from harness.catalogue import made_of

    return made_of()


def _cells(catalogue: Catalogue, script: Script) -> Iterable[tuple[str, str]]:
    """Every cell of a script and of what it includes, each once, with why it is not applicable or ""."""
    from harness.model import Tier
    from harness.planning import planner, scenario

    every = (
        cell for one in scenario.with_included(catalogue, script) for cell in scenario.cells(one.scenario)
    )
    for cell in dict.fromkeys(every):
        why = planner.why_not(
            catalogue,
            cell.mitigation,
            catalogue.servers[cell.server],
            catalogue.clients[cell.client],
            Tier.LOCAL,
        )
        yield str(cell), f"{why.mitigation} on {why.subject}: {why.reason}" if why else ""


def _last(said: str, status: int | None) -> str:
    return (said.strip() or f"exit status {status}").splitlines()[-1]


class Item(pytest.Item):
    """Something of a scenario that must be as expected."""

    parent: ScenarioFile

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is not as expected, in one line."""
        if isinstance(excinfo.value, NotAsExpected):
            return f"{self.name}: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """It is in the script."""
        return self.path, 0, self.name


class CellItem(Item):
    """One cell of a scenario. ``why``: why it is not applicable; "" where it is."""

    def __init__(self, *, why: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.why = why

    def runtest(self) -> None:
        """Skipped when it is not applicable, or when the client cannot do the check at all."""
        if self.why:
            pytest.skip(self.why)
        cell = self.parent.found(self.name)
        if not cell["expected"]:
            back = "" if cell["restored"] in (None, True) else ", not restored"
            raise NotAsExpected(f"{cell['effect']}{back}: {cell['cause'] or cell['claim']}")
        before = cell["phases"]["baseline"]
        if before["outcome"] == "unsupported":
            pytest.skip(f"{cell['client']} cannot do it at all: {before['note']}")


class HoleItem(Item):
    """One hole that a scenario says must be closed."""

    def runtest(self) -> None:
        """It fails when it is not shown to be closed."""
        hole = self.parent.found(self.name)
        if not hole["expected"]:
            raise NotAsExpected(hole["claim"])
