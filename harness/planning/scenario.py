"""Scenario scripts: short Python files that say what is rehearsed and what is expected.

They hold no protocol code. A script's module docstring tells a stranger what is rehearsed and where
the expectation comes from; its ``SCENARIO`` names servers, mitigations, clients and checks.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.grammar import words
from harness.mitigations import inline
from harness.model import CellId, Check, Effect
from harness.planning import selecting
from harness.system import files, trust
from harness.system.registry import lookup

_LISTS = ("mitigations", "servers", "clients", "checks", "includes", "claims", "closes")
_DEEPEST = 8
"""How far scenarios may include scenarios that include others."""


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

    def __post_init__(self) -> None:
        """Raises ValueError for an effect that there is not, TypeError for what is no text."""
        object.__setattr__(self, "said", _effect("said", self.said))
        if self.measured is not None:
            object.__setattr__(self, "measured", _effect("measured", self.measured))
        _text("Claim", cells=self.cells, because=self.because)

    @property
    def expected(self) -> Effect:
        """The effect that counts as expected."""
        return self.measured or self.said


@dataclass(frozen=True)
class Closes:
    """Holes that must be closed by a mitigation: ``mitigation:server:exposure`` with ``*`` and commas."""

    holes: str

    def __post_init__(self) -> None:
        """Raises TypeError for what is no text."""
        _text("Closes", holes=self.holes)


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

    def __post_init__(self) -> None:
        """Raises TypeError for what is no text; lists are looked at with the lines that they are on."""
        _text("Scenario", source=self.source, stage=self.stage)


_HELD = {"claims": (Claim, "Claim(...)"), "closes": (Closes, "Closes(...)")}
"""What the lists of a scenario hold that do not hold names."""


def _effect(field: str, value: Effect) -> Effect:
    try:
        return Effect(value)
    except ValueError:
        known = ", ".join(f"Effect.{effect.name}" for effect in Effect)
        raise ValueError(f"{field} must be one of {known}, not {files.brief(value)}") from None


def _text(what: str, **given: object) -> None:
    for field, value in given.items():
        if not isinstance(value, str):
            raise TypeError(f"{what}: {field} must be text, not {files.brief(value)}")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise TypeError(f"{what}: {field} holds what is no character: {files.brief(value)}") from None


@dataclass(frozen=True)
class Script:
    """A scenario script that was read and found right."""

    name: str
    path: Path
    title: str
    """The first line of its docstring."""
    text: str
    """The whole docstring."""
    scenario: Scenario


def read(catalogue: Catalogue, path: Path, above: tuple[Path, ...] = ()) -> Script:
    """Read one scenario script. Raises UsageError with file, line and what was expected.

    ``above``: the scripts that include it, outermost first.
    """
    source = files.text(path, "See: rehearse list scenarios")
    trust.check(path)
    try:
        tree = ast.parse(source, filename=str(path))
    except SyntaxError as error:
        said = error.msg.partition(";")[0]
        raise UsageError(f"{path}:{error.lineno or 1}: not Python: {said}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        why = "it is nested too deeply" if not isinstance(error, ValueError) else str(error)
        raise UsageError(f"{path}: not Python: {why}") from error
    text = ast.get_docstring(tree)
    if not text:
        raise UsageError(f"{path}:1: a scenario starts with a docstring that says what is rehearsed")
    scenario = _execute(path, tree)
    name = path.stem.replace("_", "-")
    script = Script(name, path, text.splitlines()[0].rstrip("."), text, scenario)
    _check(catalogue, script, tree, above)
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
    except UsageError as error:
        raise UsageError(f"{path}:{_line_raised(error, path)}: {error.message}", error.hint) from error
    except (Exception, SystemExit, GeneratorExit) as error:
        raise UsageError(f"{path}:{_line_raised(error, path)}: {files.why(error)}") from error
    finally:
        sys.modules.pop(spec.name, None)
    scenario = getattr(module, "SCENARIO", None)
    if not isinstance(scenario, Scenario):
        raise UsageError(
            f"{path}:1: expected SCENARIO = Scenario(...), found {type(scenario).__name__}",
            "See: docs/scenarios.md",
        )
    return scenario


def _line_raised(error: BaseException, path: Path) -> int:
    line = 1
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _check(catalogue: Catalogue, script: Script, tree: ast.Module, above: tuple[Path, ...]) -> None:
    """Every name in the scenario must exist. Raises UsageError at the line where the name stands."""
    _check_lists(script, tree)
    _check_names(catalogue, script, tree, above)
    if not script.scenario.includes and not cells(script.scenario):
        raise UsageError(
            f"{script.path}:1: the scenario names no cell", "it needs servers, mitigations, clients"
        )
    _check_claims(script, tree)
    _check_closes(catalogue, script, tree)


def _check_lists(script: Script, tree: ast.Module) -> None:
    """Every list holds what it is to hold."""
    for field in _LISTS:
        value = getattr(script.scenario, field)
        kind, what = _HELD.get(field, (str, "names"))
        if not isinstance(value, list | tuple):
            error = UsageError(f"{field} must be a list of {what}, not {files.brief(value)}")
            raise _at(value if isinstance(value, str) else field, error, script, tree)
        for one in value:
            if not isinstance(one, kind):
                error = UsageError(f"{field} must be a list of {what}, and holds {files.brief(one)}")
                raise _at(one, error, script, tree)


def _check_names(catalogue: Catalogue, script: Script, tree: ast.Module, above: tuple[Path, ...]) -> None:
    """There is what is named, and selectors have the shape of one."""
    scenario = script.scenario
    checks = {check.value: check for check in Check}
    resolvers: tuple[tuple[Sequence[str], Callable[[str], object]], ...] = (
        (scenario.servers, lambda name: lookup("server", name, catalogue.servers)),
        (scenario.clients, lambda name: lookup("client", name, catalogue.clients)),
        (scenario.mitigations, catalogue.mitigation),
        (scenario.checks, lambda name: lookup("check", name, checks)),
        (scenario.includes, lambda name: _included(catalogue, name, script, above)),
        ([claim.cells for claim in scenario.claims], selecting.patterns),
    )
    for named, resolve in resolvers:
        for word in named:
            try:
                resolve(word)
            except UsageError as error:
                raise _at(word, error, script, tree) from error


def _check_claims(script: Script, tree: ast.Module) -> None:
    """Each is of a cell that is rehearsed, and says why where it is known to differ."""
    for claim in script.scenario.claims:
        line = _line_of(tree, claim.cells)
        if claim.measured is not None and not claim.because:
            why = "a claim that is known to differ says why (because=...)"
            raise UsageError(f"{script.path}:{line}: {why}")
        if not any(selecting.matches(claim.cells, cell) for cell in cells(script.scenario)):
            why = f"the claim {claim.cells!r} selects no cell of this scenario"
            raise UsageError(f"{script.path}:{line}: {why}", "see: rehearse plan")


def _check_closes(catalogue: Catalogue, script: Script, tree: ast.Module) -> None:
    """Each hole that must be closed is looked for where something is rehearsed."""
    for goal in script.scenario.closes:
        line = _line_of(tree, goal.holes)
        try:
            every = closings(catalogue, script.scenario, cells(script.scenario))
            found = any(selecting.selects_hole(goal.holes, hole) for hole in every)
        except UsageError as error:
            raise UsageError(f"{script.path}:{line}: {error.message}", error.hint) from error
        if not found:
            why = f"{goal.holes!r} selects no mitigation, server and exposure of this scenario"
            raise UsageError(f"{script.path}:{line}: {why}", "See: rehearse list exposures")


def _at(word: object, error: UsageError, script: Script, tree: ast.Module) -> UsageError:
    """The error with the first line on which the word stands."""
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value == word]
    return UsageError(f"{script.path}:{min(lines, default=1)}: {error.message}", error.hint)


def _line_of(tree: ast.Module, selector: str) -> int:
    """The first line on which something is made of this selector: a claim, or a hole that must be closed."""
    lines = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and any(isinstance(word, ast.Constant) and word.value == selector for word in node.args)
    ]
    return min(lines, default=1)


def closings(
    catalogue: Catalogue, scenario: Scenario, wanted: Iterable[CellId]
) -> list[tuple[str, str, str]]:
    """Mitigation, server and exposure of every hole that must be closed, where such a cell is rehearsed.

    Raises UsageError for a selector of another shape, or one that names an exposure that does not exist.
    """
    for goal in scenario.closes:
        for name in selecting.hole_patterns(goal.holes)[2]:
            if not words.is_pattern(name):
                lookup("exposure", name, catalogue.exposures)
    pairs = dict.fromkeys((cell.mitigation, cell.server) for cell in wanted if cell.mitigation != "none")
    every = [(change, server, name) for change, server in pairs for name in catalogue.exposures]
    return [
        hole for hole in every if any(selecting.selects_hole(goal.holes, hole) for goal in scenario.closes)
    ]


def cells(scenario: Scenario) -> list[CellId]:
    """The scenario's own cells, in the order in which it names them; without those it includes."""
    return [
        CellId(change, server, client, check)
        for change in dict.fromkeys(map(inline.canonical, scenario.mitigations))
        for server in scenario.servers
        for client in scenario.clients
        for check in scenario.checks
    ]


def find(catalogue: Catalogue, name: str) -> Script:
    """The script of that name or path. Raises UsageError with the nearest names."""
    if name.endswith(".py"):
        return read(catalogue, Path(name))
    return read(catalogue, lookup("scenario", name, catalogue.scenarios))


def _included(catalogue: Catalogue, name: str, by: Script, above: tuple[Path, ...] = ()) -> Script:
    """The script that another includes: by its name, or a file in that script's own folder or below it.

    ``above``: the scripts that include that one. Raises UsageError, also where one includes itself.
    """
    if name.endswith(".py"):
        inner = Path(name)
        if inner.is_absolute() or ".." in inner.parts:
            raise UsageError(
                f"includes: {name!r} leaves the folder of this scenario",
                "name a scenario of ours, or a file in this folder or below it",
            )
        file = by.path.parent / inner
    else:
        file = lookup("scenario", name, catalogue.scenarios)
    road = (*above, by.path)
    if any(one.resolve() == file.resolve() for one in road):
        names = " includes ".join(one.name for one in (*road, file))
        raise UsageError(f"includes: a scenario includes itself: {names}", "leave one of these out")
    if len(road) > _DEEPEST:
        raise UsageError(f"includes: nested more than {_DEEPEST} deep", "include the scenarios themselves")
    return read(catalogue, file, road)


def with_included(catalogue: Catalogue, script: Script) -> list[Script]:
    """A script and what it includes, depth first, each once."""
    found: dict[str, Script] = {}

    def visit(one: Script) -> None:
        if one.name in found:
            if found[one.name].path.resolve() != one.path.resolve():
                why = f"two scenarios are called {one.name}: {found[one.name].path} and {one.path}"
                raise UsageError(why, "rename one of the files")
            return
        found[one.name] = one
        for name in one.scenario.includes:
            visit(_included(catalogue, name, one))

    visit(script)
    return list(found.values())
