"""Scenario scripts: short Python files that say what is rehearsed and what is expected.

They hold no protocol code. A script's module docstring tells a stranger what is rehearsed and where
the expectation comes from; its ``SCENARIO`` names servers, mitigations, clients and checks.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from harness import resources
from harness.clients import clients
from harness.errors import UsageError
from harness.exposures import exposures
from harness.mitigations import mitigation
from harness.model import CellId, Check, Effect
from harness.registry import lookup
from harness.servers import servers

SCENARIOS = resources.top("scenarios")
"""Where the scenario scripts of this project are."""
_NO_SCRIPTS = ("__init__", "conftest")


@dataclass(frozen=True)
class Claim:
    """What somebody said would happen to some cells, and what we expect to measure.

    ``cells`` is a selector (``*`` and commas). Where ``measured`` is given, it is known that the
    measurement differs from what was said, and ``because`` says why in one sentence.
    """

    cells: str
    said: Effect
    measured: Effect | None = None
    because: str = ""

    @property
    def expected(self) -> Effect:
        """The effect that counts as expected."""
        return self.measured or self.said


@dataclass(frozen=True)
class Closes:
    """Holes that must be closed by a mitigation: ``mitigation:server:exposure`` with ``*`` and commas."""

    holes: str


@dataclass(frozen=True)
class Scenario:
    """What a script rehearses. ``source`` says who made the claims."""

    mitigations: Sequence[str] = ()
    servers: Sequence[str] = ()
    clients: Sequence[str] = ()
    checks: Sequence[str] = (Check.BROWSE, Check.OPEN, Check.WRITE)
    source: str = ""
    claims: Sequence[Claim] = ()
    closes: Sequence[Closes] = ()
    """What the change is made for: a hole that it leaves open is not as expected."""
    includes: Sequence[str] = ()
    """Other scripts, by name, whose cells are rehearsed too: a whole made of rows."""
    stage: str = ""
    """Which stage of a larger plan this is, in a few words; the report puts the stages side by side."""


@dataclass(frozen=True)
class Script:
    """A scenario script that was read and found right."""

    name: str
    path: Path | None
    title: str
    """The first line of its docstring."""
    text: str
    """The whole docstring."""
    scenario: Scenario


def read(path: Path) -> Script:
    """Read one scenario script. Raises UsageError with file, line and what was expected."""
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}", "See: rehearse list scenarios") from error
    try:
        tree = ast.parse(source, filename=str(path))
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: not Python: {error.msg}") from error
    text = ast.get_docstring(tree)
    if not text:
        raise UsageError(f"{path}:1: a scenario starts with a docstring that says what is rehearsed")
    scenario = _execute(path, tree)
    name = path.stem.replace("_", "-")
    script = Script(name, path, text.splitlines()[0].rstrip("."), text, scenario)
    _check(script, tree)
    return script


def _execute(path: Path, tree: ast.Module) -> Scenario:
    spec = importlib.util.spec_from_loader(f"rehearse_scenario_{path.stem}", loader=None)
    if spec is None:  # pragma: no cover  (spec_from_loader answers None only without name)
        raise UsageError(f"{path}: not a module")
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    sys.modules[spec.name] = module
    try:
        exec(compile(tree, str(path), "exec"), module.__dict__)
    except Exception as error:
        line = _line_raised(error, path)
        raise UsageError(f"{path}:{line}: {type(error).__name__}: {error}") from error
    finally:
        del sys.modules[spec.name]
    scenario = getattr(module, "SCENARIO", None)
    if not isinstance(scenario, Scenario):
        raise UsageError(
            f"{path}:1: expected SCENARIO = Scenario(...), found {type(scenario).__name__}",
            "See: docs/scenarios.md",
        )
    return scenario


def _line_raised(error: Exception, path: Path) -> int:
    line = 1
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _check(script: Script, tree: ast.Module) -> None:
    """Every name in the scenario must exist. Raises UsageError at the line where the name stands."""
    scenario = script.scenario

    def at(word: str, error: UsageError) -> UsageError:
        lines = [
            node.lineno for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value == word
        ]
        return UsageError(f"{script.path}:{min(lines, default=1)}: {error.message}", error.hint)

    for field in ("mitigations", "servers", "clients", "checks", "includes"):
        value = getattr(scenario, field)
        if isinstance(value, str) or not isinstance(value, Sequence):
            error = UsageError(f"{field} must be a list of names, not {value!r}")
            raise at(value if isinstance(value, str) else field, error)
    wanted = (
        [(name, lambda n=name: lookup("server", n, servers())) for name in scenario.servers]
        + [(name, lambda n=name: lookup("client", n, clients())) for name in scenario.clients]
        + [(name, lambda n=name: mitigation(n)) for name in scenario.mitigations]
        + [(name, lambda n=name: lookup("check", n, {c.value: c for c in Check})) for name in scenario.checks]
        + [(name, lambda n=name: find(n)) for name in scenario.includes]
        + [(claim.cells, lambda c=claim: patterns(c.cells)) for claim in scenario.claims]
    )
    for word, resolve in wanted:
        try:
            resolve()
        except UsageError as error:
            raise at(word, error) from error
    if not scenario.includes and not cells(scenario):
        raise UsageError(
            f"{script.path}:1: the scenario names no cell", "it needs servers, mitigations, clients"
        )
    for claim in scenario.claims:
        line = _line_of(tree, claim.cells)
        if claim.measured is not None and not claim.because:
            why = "a claim that is known to differ says why (because=...)"
            raise UsageError(f"{script.path}:{line}: {why}")
        if not any(matches(claim.cells, cell) for cell in cells(scenario)):
            why = f"the claim {claim.cells!r} selects no cell of this scenario"
            raise UsageError(f"{script.path}:{line}: {why}", "see: rehearse plan")

    for goal in scenario.closes:
        line = _line_of(tree, goal.holes)
        try:
            found = [hole for hole in closings(scenario, cells(scenario)) if _selects(goal.holes, hole)]
        except UsageError as error:
            raise UsageError(f"{script.path}:{line}: {error.message}", error.hint) from error
        if not found:
            why = f"{goal.holes!r} selects no mitigation, server and exposure of this scenario"
            raise UsageError(f"{script.path}:{line}: {why}", "See: rehearse list exposures")


def closings(scenario: Scenario, wanted: Iterable[CellId]) -> list[tuple[str, str, str]]:
    """Mitigation, server and exposure of every hole that must be closed, where such a cell is rehearsed.

    Raises UsageError for a selector of another shape, or one that names an exposure that does not exist.
    """
    for goal in scenario.closes:
        for name in _three(goal.holes)[2]:
            if not any(mark in name for mark in "*?["):
                lookup("exposure", name, exposures())
    pairs = dict.fromkeys((cell.mitigation, cell.server) for cell in wanted if cell.mitigation != "none")
    every = [(change, server, name) for change, server in pairs for name in exposures()]
    return [hole for hole in every if any(_selects(goal.holes, hole) for goal in scenario.closes)]


def _selects(selector: str, hole: tuple[str, str, str]) -> bool:
    return all(_any(name, wanted) for name, wanted in zip(hole, _three(selector), strict=True))


def _three(selector: str) -> list[list[str]]:
    parts = selector.split(":")
    if len(parts) != 3 or not all(parts):
        raise UsageError(f"{selector!r} is not mitigation:server:exposure", "* and commas select")
    return [part.split(",") for part in parts]


def _line_of(tree: ast.Module, selector: str) -> int:
    lines = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and any(isinstance(word, ast.Constant) and word.value == selector for word in node.args)
    ]
    return min(lines, default=1)


def cells(scenario: Scenario) -> list[CellId]:
    """The scenario's own cells, in the order in which it names them; without those it includes."""
    return [
        CellId(change, server, client, check)
        for change in scenario.mitigations
        for server in scenario.servers
        for client in scenario.clients
        for check in scenario.checks
    ]


def available() -> dict[str, Path]:
    """The scenario scripts of this project, by name."""
    found = sorted(SCENARIOS.glob("*.py"))
    return {path.stem.replace("_", "-"): path for path in found if path.stem not in _NO_SCRIPTS}


def find(name: str) -> Script:
    """The script of that name or path. Raises UsageError with the nearest names."""
    if name.endswith(".py"):
        return read(Path(name))
    return read(lookup("scenario", name, available()))


def with_included(script: Script) -> list[Script]:
    """A script and what it includes, depth first, each once."""
    found: dict[str, Script] = {}

    def visit(one: Script) -> None:
        if one.name in found:
            return
        found[one.name] = one
        for name in one.scenario.includes:
            visit(find(name))

    visit(script)
    return list(found.values())


def patterns(selector: str) -> list[list[str]]:
    """``mitigation:server:client:check`` with ``*`` and commas; missing parts at the end mean ``*``.

    Raises UsageError when there are more than four parts or an empty one.
    """
    parts = selector.split(":")
    if len(parts) > 4 or not all(parts):
        raise UsageError(
            f"{selector!r} is not mitigation:server:client:check",
            "* and commas select; parts may be left off",
        )
    return [part.split(",") for part in parts] + [["*"]] * (4 - len(parts))


def matches(selector: str, cell: CellId) -> bool:
    """Whether a selector selects a cell."""
    names = (cell.mitigation, cell.server, cell.client, cell.check)
    return all(_any(name, wanted) for name, wanted in zip(names, patterns(selector), strict=True))


def _any(name: str, wanted: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in wanted)
