"""A plugin of pytest: scenario scripts anywhere are tests, one test a cell, named by the cell's id.

A hole that a script says must be closed is a test as well: ``mitigation:server:exposure``. What pytest
selects (``-k``, a test's name) is measured, and no more; what is not applicable is skipped, with the reason.
A script's project is the nearest folder upwards with a rehearsal.toml; that all files in it can be
used is a test, too. ``--rehearse-...`` says what ``rehearse run`` is told otherwise. With pytest-xdist each
script is measured once: by the first worker that wants one of its cells; others wait for what it found.
Installed with the package (entry point ``pytest11``); in a checkout ``-p harness.pytest_scenarios``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from harness.planning.script_files import is_script

if TYPE_CHECKING:
    from harness.catalogue import Catalogue
    from harness.model import Tier
    from harness.planning.plan import Plan
    from harness.planning.scenario import Script

IMAGE_SECONDS = 3600.0
"""The most that building what is missing may take: another limit than that of the rehearsal."""
SECONDS, AN_ATTEMPT = 600.0, 2.0
"""The most that a rehearsal may take: for itself, and for each of its attempts. Ten times what is usual."""


OPTIONS = {
    "lab": (("local", "vagrant"), "where servers live (local)"),
    "workers": ("N", "attempts at a time (cores + 1)"),
    "evidence": (("none", "lost", "all"), "of which cells to keep packets, log and configuration (lost)"),
    "personas": ("DIR", "a folder with more emulated clients"),
    "exposures": ("FILE", "a file with more known holes"),
    "runs": ("DIR", "keep the run folders, here (they are removed)"),
    "reuse": (("yes", "no"), "reuse what was measured before, or measure all of it (as the project)"),
    "project": ("FOLDER", "the project (the nearest folder above a script with a rehearsal.toml)"),
}
"""Options of ``rehearse run`` -> what may stand behind ``--rehearse-...``, and its help."""
SHARED = "rehearse_shared"
"""What a worker of pytest-xdist is told: the folder in which its like leave what they measured."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--rehearse-lab`` and so on."""
    group = parser.getgroup("rehearse", "scenarios of smb-rehearsal")
    for name, (takes, said) in OPTIONS.items():
        words: dict[str, Any] = {"choices": takes} if isinstance(takes, tuple) else {"metavar": takes}
        if name in ("personas", "exposures"):
            words["action"] = "append"
        group.addoption(f"--rehearse-{name}", dest=f"rehearse_{name}", default=None, help=said, **words)
    group.addoption(
        "--rehearse-no-project",
        dest="rehearse_no_project",
        action="store_true",
        default=False,
        help="without the project that a script is in",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """One folder for all workers of pytest-xdist; it goes when the process that started them ends."""
    from harness.system import tempdirs

    config: pytest.Config = node.config
    if _FOLDER not in config.stash:
        made = ExitStack()
        config.stash[_FOLDER] = made.enter_context(tempdirs.folder("pytest"))
        config.add_cleanup(made.close)
    node.workerinput[SHARED] = str(config.stash[_FOLDER])


_FOLDER = pytest.StashKey[Path]()


class NotAsExpected(Exception):
    """A cell or hole that is not as expected; the text is all that pytest shows."""


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Scenario scripts, wherever they are; and projects."""
    if file_path.name == "rehearsal.toml":
        return ProjectFile.from_parent(parent, path=file_path)
    return ScenarioFile.from_parent(parent, path=file_path) if is_script(file_path) else None


class ProjectFile(pytest.File):
    """The rehearsal.toml of a project."""

    def collect(self) -> Iterator[pytest.Item]:
        """That it is right is one test."""
        yield ProjectItem.from_parent(self, name="all-is-used")


class ProjectItem(pytest.Item):
    """Nothing of a project is left out because of a mistake in it."""

    def runtest(self) -> None:
        """It fails with every mistake, a line each."""
        from harness.errors import UsageError

        folder = self.path.parent
        try:
            _, catalogue = _there((f"--project={folder}",))
        except UsageError as error:
            raise NotAsExpected(str(error)) from error
        if wrong := catalogue.unusable_in(folder):
            raise NotAsExpected("\n".join(wrong))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is wrong, and no traceback."""
        if isinstance(excinfo.value, NotAsExpected):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """It is in the file."""
        return self.path, 0, self.name


class ScenarioFile(pytest.File):
    """A scenario script. It is rehearsed once, when the first of its cells is asked for."""

    _found: dict[str, dict[str, Any]] | None = None
    _failure = ""
    _catalogue: Catalogue
    _lab: Tier
    _plan: Plan

    def collect(self) -> Iterator[pytest.Item]:
        """Its cells and holes; those of a whole that is made of rows only when it is asked for by name."""
        # pytest loads this plugin in every project; what is rehearsed is loaded where it is wanted.
        from harness.planning import planner, scenario

        self._lab, self._catalogue = _there(tuple(self._words()))
        script = scenario.read(self._catalogue, self.path)
        if not scenario.cells(script.scenario) and not self.session.isinitpath(self.path):
            return
        able = set()
        if any(not why for _, why in _cells(self._catalogue, script, self._lab)):
            self._plan = planner.from_scripts(self._catalogue, script.name, [script], self._lab)
            able = set(map(str, self._plan.cells))
        for cell, why in _cells(self._catalogue, script, self._lab):
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
            self._found, self._failure = self._measured()
        if name not in self._found:
            raise NotAsExpected(f"the rehearsal did not measure it: {self._failure}")
        return self._found[name]

    def mark(self, server: str, client: str = "") -> str:
        """The mark of what is emulated, with a blank, where one of them is."""
        from harness.report.explain import emulated
        from harness.report.labels import MARK

        found = (self._catalogue.servers.get(server), self._catalogue.clients.get(client))
        return f"{MARK} " if any(one and emulated(one.fidelity) for one in found) else ""

    def _words(self) -> Iterator[str]:
        """The options of the command line for this script."""
        from harness.projects.finding import is_one

        config = self.config
        for name in OPTIONS:
            said = config.getoption(f"rehearse_{name}", None)
            for value in said if isinstance(said, list) else filter(None, [said]):
                if name == "reuse":
                    yield "--reuse" if value == "yes" else "--fresh"
                elif name != "project":
                    yield f"--{name}={_absolute(config, value) if name in _PATHS else value}"
        named, without = (
            config.getoption("rehearse_project", None),
            config.getoption("rehearse_no_project", False),
        )
        above = filter(is_one, self.path.parents)
        place = _absolute(config, named) if named else None if without else next(above, None)
        yield f"--project={place}" if place else "--no-project"

    def _measured(self) -> tuple[dict[str, dict[str, Any]], str]:
        """What was found, and why nothing was: measured here, or by another worker of pytest-xdist."""
        from harness.system.deadline import wait_for
        from harness.system.locks import take

        shared = getattr(self.config, "workerinput", {}).get(SHARED)
        if shared is None:
            return self._rehearse()
        place = Path(shared) / hashlib.sha256(bytes(self.path)).hexdigest()
        with place.with_suffix(".lock").open("w") as lock:
            limit = IMAGE_SECONDS + self._seconds(self._plan)
            wait_for(f"another worker to measure {self.path.name}", lambda: take(lock), limit)
            if not place.exists():
                part = place.with_suffix(".part")
                part.write_text(json.dumps(self._rehearse()), "utf-8")
                part.rename(place)
            found, failure = json.loads(place.read_text("utf-8"))
        return found, failure

    @staticmethod
    def _seconds(plan: Plan) -> float:
        """The most that a rehearsal may take; a virtual machine takes its time to boot."""
        from harness.model import Tier

        each = SECONDS * (1 + len(plan.jobs) if plan.lab is Tier.VAGRANT else 1)
        return each + AN_ATTEMPT * plan.attempts

    def _rehearse(self) -> tuple[dict[str, dict[str, Any]], str]:
        """The cells and exposures of the result document, by name; and why there is none."""
        from harness.model import Tier
        from harness.servers.base import HOST
        from harness.system.environment import python as found_again
        from harness.system.plain import say
        from harness.system.process import run

        wanted = self._wanted()
        say(f"{self.path.name}: {len(wanted)} of {len(self._plan.cells)} cells are rehearsed")
        made = self._plan.only(lambda cell: str(cell) in wanted)
        # As from the user's shell: the user's own Python runs the verb, and finds what this one found.
        python, env = [sys.executable, "-m"], dict(os.environ)
        places = (found_again().get("PYTHONPATH"), env.get("PYTHONPATH"))
        if any(places):
            env["PYTHONPATH"] = os.pathsep.join(filter(None, places))
        images = [name for name in made.images(self._catalogue) if name != HOST]
        if images and self._lab is Tier.LOCAL:
            built = run([*python, "harness.verbs.build_images", *images], timeout=IMAGE_SECONDS, env=env)
            if not built.ok:
                return {}, _last(built.stderr, built.status)
        words = list(self._words())
        with TemporaryDirectory() as runs:
            if not any(word.startswith("--runs=") for word in words):
                words.append(f"--runs={runs}")
            argv = [*python, "harness", "run", str(self.path), "--json", "--quiet", *words]
            if len(wanted) < len(self._plan.cells):
                argv += [f"--only={cell}" for cell in wanted]
            done = run(argv, timeout=self._seconds(made), env=env)
        if not done.stdout:
            return {}, _last(done.stderr, done.status)
        document = json.loads(done.stdout)
        if document["reuse"] and not document["reuse"]["holds"]:
            return {}, "a result that was kept does not hold any more, and all were discarded; start again"
        holes = {
            f"{one['mitigation']}:{one['server']}:{one['exposure']}": one for one in document["exposures"]
        }
        return holes | {cell["cell"]: cell for cell in document["cells"]}, ""

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


_PATHS = ("personas", "exposures", "runs")


def _absolute(config: pytest.Config, path: str) -> Path:
    """A path on pytest's command line, whatever folder its tests go to."""
    return config.invocation_params.dir / path


@cache
def _there(words: tuple[str, ...]) -> tuple[Tier, Catalogue]:
    """The lab, and what there is to rehearse, as the command line has it with these words."""
    from harness.cli.base import catalogue_of
    from harness.cli.main import in_project
    from harness.model import Tier

    options: argparse.Namespace = in_project(["run", *words])
    return Tier(options.lab), catalogue_of(options)


def _cells(catalogue: Catalogue, script: Script, lab: Tier) -> Iterable[tuple[str, str]]:
    """Every cell of a script and of what it includes, each once, with why it is not applicable or ""."""
    from harness.planning import applicable, scenario

    every = (
        cell for one in scenario.with_included(catalogue, script) for cell in scenario.cells(one.scenario)
    )
    for cell in dict.fromkeys(every):
        why = applicable.why_not(
            catalogue,
            cell.mitigation,
            catalogue.servers[cell.server],
            catalogue.clients[cell.client],
            lab,
        )
        yield str(cell), f"{why.mitigation} on {why.subject}: {why.reason}" if why else ""


def _last(said: str, status: int | None) -> str:
    return (said.strip() or f"exit status {status}").splitlines()[-1]


class Item(pytest.Item):
    """Something of a scenario that must be as expected."""

    parent: ScenarioFile

    @property
    def of(self) -> list[str]:
        """Its server, and its client if it has one."""
        return self.name.rsplit(":", 2)[1:2]

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is not as expected, in one line, marked where server or client is not the real thing."""
        if isinstance(excinfo.value, NotAsExpected):
            return f"{self.parent.mark(*self.of)}{self.name}: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """It is in the script."""
        return self.path, 0, self.name


class CellItem(Item):
    """One cell of a scenario. ``why``: why it is not applicable; "" where it is."""

    def __init__(self, *, why: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.why = why

    @property
    def of(self) -> list[str]:
        """See ``Item``."""
        return self.name.rsplit(":", 3)[1:3]

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
