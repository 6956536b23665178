"""What holds for every file of the project: size, words, who may import whom, commands that exist."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Set
from functools import cache
from pathlib import Path

import pytest
from commandline import users

from harness.cli import main as cli
from harness.cli.parser import build
from harness.errors import UsageError
from harness.system.process import run

# All in one test process: what takes long is to read 700 modules, which it does once.
pytestmark = pytest.mark.xdist_group("project")

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("harness", "tests", "scenarios", "benchmarks")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
LONGEST = 400

MAY_START_PROCESSES = re.compile(r"harness\.(system\.process|labs)(\.|$)")
MAY_PRINT = re.compile(
    r"harness\.(cli|verbs|system\.entry|conduct\.namespace_entry|report\.client_page|windows\.trial)(\.|$)"
)

FLOORS: dict[str, str] = {
    # A room, and the rooms that it may know: those above it here alone, so nothing goes in a circle.
    # The ground: nouns, no I/O.
    "checks": "",
    "grammar": "",
    "model": "checks grammar",
    "errors": "model",
    "result": "model",
    "system": "errors",
    # What is spoken, what speaks, and what is changed.
    "remote": "model errors system",
    "windows": "model errors system remote",
    "smb": "checks model errors system",
    "servers": "model errors result system windows",
    "clients": "checks model errors system remote windows smb",
    "labs": "model errors result system remote windows smb servers",
    "importing": "grammar model errors system windows servers labs",
    "mitigations": "grammar model errors system windows smb servers clients",
    "exposures": "model errors result system windows smb servers",
    "learn": "model errors system smb clients",
    "fleet": "model errors result system smb clients learn",
    # What there is of all that, made once and handed on.
    "catalogue": "grammar errors system servers clients mitigations exposures",
    "projects": "model errors system catalogue",
    "comparison": "model result",
    # The way of a value: planning, conduct, record, report.
    "planning": "grammar checks model errors result system windows servers clients labs mitigations "
    "catalogue",
    "scenario": "planning",
    "record": "grammar checks model errors result system smb servers clients mitigations catalogue "
    "comparison planning",
    "reuse": "model errors result system servers clients mitigations exposures catalogue planning record",
    "gates": "grammar model errors result system mitigations catalogue planning",
    "balance": "grammar model result mitigations",
    "rollout": "model errors result balance",
    "report": "grammar model errors result system smb servers clients exposures learn fleet catalogue "
    "planning record comparison balance rollout",
    "conduct": "grammar model errors result system windows smb servers clients labs mitigations exposures "
    "catalogue planning record report",
    "cluster": "model errors result system servers labs catalogue planning record report conduct",
    "verbs": "grammar checks model errors result system servers clients labs importing mitigations exposures "
    "learn fleet catalogue projects planning record reuse gates comparison rollout report cluster",
    "cli": "errors system servers catalogue projects planning report verbs",
    "pytest_scenarios": "model errors system servers catalogue projects planning report cli",
    "__main__": "system",
}
LOOSE = {"__init__", "__main__", "errors", "scenario", "pytest_scenarios"}
"""Modules that are in no room: the ground, and the modules that others start from."""


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports(path: Path) -> frozenset[str]:
    """Everything a module imports, also inside functions and for type checkers."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


@cache
def tree(path: Path) -> ast.Module:
    """What a module says, read once for all that is asked of it."""
    return ast.parse(path.read_text())


def verbs() -> dict[str, argparse.ArgumentParser]:
    (found,) = [action for action in build()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found.choices)


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 100


# One test a rule: one a rule and module, of which there are 400, costs pytest more than the rules do.
def test_a_module_says_what_it_is() -> None:
    assert [name_of(path) for path in MODULES if not ast.get_docstring(tree(path))] == []


def test_a_module_is_no_longer_than_one_can_read() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


HARNESS = [path for path in MODULES if path.is_relative_to(ROOT / "harness")]


def room_of(name: str) -> str:
    """The room of a module or of something in it; "" for the package itself."""
    return next(iter(name.split(".")[1:]), "")


def test_every_module_is_in_a_room() -> None:
    assert {path.stem for path in (ROOT / "harness").glob("*.py")} == LOOSE
    assert {room_of(name_of(path)) for path in HARNESS} == {"", *FLOORS}


def drawn() -> Iterator[Path]:
    """What the map of the code names: rooms, and what is in the room above a line that is further in."""
    page = (ROOT / "docs/how-it-works.md").read_text()
    lines = page.partition("## The rooms of the code")[2].partition("**The catalogue**")[0]
    room = ROOT
    for inside, names in re.findall(r"^ {4}( {2})?(\S+(?: \S+)*)(?:  .*)?$", lines, re.MULTILINE):
        first, *others = names.split()
        room = room if inside else ROOT / first
        yield room / first if inside else room
        yield from ((room if inside else room.parent) / name for name in others)


def test_the_map_of_the_code_has_every_room_and_nothing_that_is_not_there() -> None:
    found = list(drawn())
    assert [path for path in found if not path.exists()] == []
    names = {room_of(name_of(path)) for path in found if path.is_relative_to(ROOT / "harness")}
    assert names == {*FLOORS} - (LOOSE - {"errors"})


def test_the_way_of_one_attempt_leads_through_what_is_there() -> None:
    """The walk on that page: every file that it names has what stands behind it, at its own edge."""
    page = (ROOT / "docs/how-it-works.md").read_text()
    rows = page.partition("### One attempt")[2].partition("\n## ")[0].splitlines()
    named = [re.findall(r"`([^`]+)`", row.split("|")[1]) for row in rows if row.startswith("| `")]
    wrong, steps = [], 0
    for words in named:
        there: set[str] = set()
        for word in words:
            if word.endswith(".py"):
                there = defined(ROOT / "harness" / word)
            else:
                steps += 1
                wrong += [word] * (word not in there)
    assert wrong == []
    assert steps > len(named) > 10


def defined(path: Path) -> set[str]:
    """The functions, classes and annotated names of a module."""
    made = (ast.FunctionDef, ast.ClassDef)
    body = tree(path).body
    names = {node.name for node in body if isinstance(node, made)}
    targets = [node.target for node in body if isinstance(node, ast.AnnAssign)]
    return names | {target.id for target in targets if isinstance(target, ast.Name)}


def test_no_room_knows_one_below_it() -> None:
    floors = list(FLOORS)
    for number, (room, known) in enumerate(FLOORS.items()):
        assert set(known.split()) <= set(floors[:number]), room


def test_data_goes_one_way() -> None:
    assert [wrong for path in HARNESS for wrong in astray(name_of(path), imports(path))] == []


def astray(name: str, used: Set[str]) -> Iterator[str]:
    """What a module may not do by what it imports."""
    if any(word.partition(".")[0] == "subprocess" for word in used) and not MAY_START_PROCESSES.match(name):
        yield f"{name}: only labs and harness.system.process start processes"
    room = room_of(name)
    allowed = {room, *FLOORS.get(room, "").split()}
    for word in sorted(used):
        if word.startswith("harness.") and room_of(word) not in allowed:
            yield f"{name}: {room or 'the package'} must not know {word}"


def test_a_private_module_is_known_in_its_own_room_alone() -> None:
    """One whose name begins with an underscore; a package's private modules are the package's."""
    strangers = {
        f"{name_of(path)} imports {word}"
        for path in HARNESS
        # It uses nothing, it only has everything loaded.
        if name_of(path) != "harness.conduct.preload"
        for word in imports(path)
        if word.startswith("harness.") and room_of(word) != room_of(name_of(path))
        if any(part.startswith("_") and not part.startswith("__") for part in word.split(".")[:-1])
        or ((ROOT / f"{word.replace('.', '/')}.py").exists() and word.rpartition(".")[2].startswith("_"))
    }
    assert strangers == set()


def test_what_goes_astray_is_seen() -> None:
    assert [*astray("harness.model", {"harness.planning.plan.Plan"})] == [
        "harness.model: model must not know harness.planning.plan.Plan"
    ]
    three = {"subprocess", "harness.report.documents.part", "harness.labs.local"}
    assert len([*astray("harness.smb.wire", three)]) == 3
    assert [*astray("harness.labs.local", {"subprocess", "harness.servers.live.LiveServer"})] == []


def test_a_report_is_rendered_without_a_lab_or_a_conductor() -> None:
    """Rendering needs no root, no lab, and none of their time to load."""
    code = (
        "import sys\nfrom harness.record import journal, readback\n"
        "from harness.report import terminal\n"
        "from harness.report.documents import result\n"
        "print(*sorted({name.split('.')[1] for name in sys.modules if name.startswith('harness.')}))"
    )
    done = run([sys.executable, "-c", code], timeout=60, env=users())
    assert not {"conduct", "labs", "verbs", "cli"} & set(done.stdout.split())
    assert "record" in done.stdout.split()


def test_who_looks_at_what_there_is_loads_nothing_that_speaks() -> None:
    """Whoever lists, plans, reports or reuses: clients, changes and probes are data to them."""
    code = (
        "import sys\nfrom harness.catalogue import made_of\nall = made_of()\n"
        "print(*map(len, (all.clients, all.mitigations, all.exposures)))\nprint(*sys.modules)"
    )
    done = run([sys.executable, "-c", code], timeout=60, env=users()).check("look")
    loaded = {*done.stdout.split()}
    asked = ("clients.persona", "clients.windows_probe", "exposures.ms17_010", "mitigations.mdns_on")
    assert {f"harness.{name}" for name in asked} <= loaded
    speaking = (
        *("clients._kernel_log", "exposures._probe_cache", "smb.checks", "smb.discovery.asking"),
        *("smb.prober", "smb.tap.relay", "smb.tap.trace", "windows.guest", "windows.scripts"),
    )
    assert not {f"harness.{name}" for name in speaking} & loaded


def prints(path: Path) -> list[ast.Call]:
    """Its calls of ``print``."""
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    return [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "print"]


def test_only_the_command_line_prints() -> None:
    printing = [name_of(path) for path in HARNESS if prints(path)]
    assert [one for one in printing if not MAY_PRINT.match(one)] == []


def test_what_a_person_reads_goes_through_say() -> None:
    """``print`` is for JSON alone, which is ASCII: text may hold the words of a server or a file."""
    found = [(path, node) for path in HARNESS for node in prints(path)]
    other = [
        (path, node) for path, node in found if not re.search(r"json|page\(\)", ast.unparse(node.args[0]))
    ]
    assert [f"{path}:{node.lineno}: use say()" for path, node in other] == []


def test_every_verb_shows_examples_that_are_right() -> None:
    assert set(verbs()) >= {"run", "plan", "list", "show", "report", "doctor", "clean"}
    for name, verb in verbs().items():
        shown = verb.format_help()
        assert "examples:\n" in shown, name
        for line in shown.partition("examples:\n")[2].splitlines():
            _parses(re.split(r" {2,}", line.strip())[0])


def _parses(command: str) -> None:
    """The parser takes the words of a command; a redirection or a pipe ends them."""
    words = shlex.split(command, comments=True)
    end = next((at for at, word in enumerate(words) if word in ("|", ">", "&&", ";")), len(words))
    assert words[0].removeprefix("./") == "rehearse", command
    try:
        cli.parse(words[1:end])
    except UsageError as error:
        pytest.fail(f"{command}: {error}")
    except SystemExit as ended:  # --help and --version
        if ended.code != 0:
            pytest.fail(command)


PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_in_the_documentation_exist(page: Path) -> None:
    """Lines of code blocks that begin with the command's name."""
    blocks = re.findall(
        r"^(?: {4}|\t)(.*)$|^```(?:sh|console|bash)?\n(.*?)^```$", page.read_text(), re.M | re.S
    )
    lines = [
        line.strip().removeprefix("$ ") for pair in blocks for text in pair for line in text.splitlines()
    ]
    for line in lines:
        if re.match(r"(\./)?rehearse( |$)", line):
            _parses(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_in_the_documentation_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


CLOCKS = {"monotonic", "perf_counter", "process_time", "thread_time", "getrusage"}


def _clocked(node: ast.AST) -> bool:
    """It reads a clock, or how long an attempt or a program took."""
    return any(
        (isinstance(part, ast.Attribute) and part.attr in {*CLOCKS, "ms", "elapsed"})
        or (isinstance(part, ast.Name) and part.id in CLOCKS)
        or ast.unparse(part) in ("time.time", "time()")
        for part in ast.walk(node)
    )


def _amount(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value != 0


TESTS = [path for path in MODULES if path.is_relative_to(ROOT / "tests")]


def test_no_two_files_of_tests_have_one_name() -> None:
    """pytest imports them by that name alone: the second one is an error where both are collected."""
    names = Counter(path.name for path in TESTS if path.name.startswith("test_"))
    assert [name for name, count in names.items() if count > 1] == []


def test_no_test_says_how_long_something_may_take() -> None:
    """What takes a millisecond takes a second on a machine that others use too."""
    assert [f"{name_of(path)}: {one}" for path in TESTS for one in timed(tree(path))] == []


def test_what_says_how_long_is_seen() -> None:
    assert timed(ast.parse("assert time.monotonic() - begun < 5")) == ["time.monotonic() - begun < 5"]
    assert timed(ast.parse("assert done.status < 5; assert time.monotonic() > begun")) == []


def timed(module: ast.Module) -> list[str]:
    """What it asserts of a clock."""
    asserted = [node.test for node in ast.walk(module) if isinstance(node, ast.Assert)]
    compared = [part for test in asserted for part in ast.walk(test) if isinstance(part, ast.Compare)]
    return [
        ast.unparse(one)
        for one in compared
        if any(map(_amount, (one.left, *one.comparators)))
        and any(map(_clocked, (one.left, *one.comparators)))
    ]


def test_every_exit_status_is_documented() -> None:
    shown = build().format_help()
    for status in ("0 ", "1 ", "2 ", "3 ", "64 "):
        assert status in shown.partition("exit status:")[2]
