"""What holds for every file of the project: size, words, who may import whom, commands that exist."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from pathlib import Path

import pytest

from harness import cli, grammar
from harness.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("harness", "tests", "scenarios", "benchmarks")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
LONGEST = 400

BASE = {"harness", "harness.model", "harness.errors"}
MAY_START_PROCESSES = re.compile(r"harness\.(process|labs)(\.|$)")
MAY_RENDER = re.compile(r"harness\.(cli|inside|verbs|report|workers_preload)(\.|$)")
NAMES_OF_FORMATS = {"harness.report.formats.FORMATS", "harness.report.formats.TEXT"}
# workers_preload imports all that inside does, and renders nothing.
LATER = {
    # room -> the rooms behind it in the flow: scenario, plan, lab, attempts, journal, verdict, report
    "harness.smb": ("clients", "labs", "mitigations", "servers", "plan", "journal", "workers", "rehearsal"),
    "harness.remote": (
        *("clients", "labs", "mitigations", "servers", "smb"),
        *("plan", "journal", "workers", "rehearsal"),
    ),
    "harness.windows": (
        *("clients", "labs", "mitigations", "servers", "smb"),
        *("plan", "journal", "workers", "rehearsal"),
    ),
    "harness.servers": ("clients", "labs", "mitigations", "smb", "plan", "journal", "workers", "rehearsal"),
    "harness.clients": ("labs", "mitigations", "servers", "plan", "journal", "workers", "rehearsal"),
    "harness.labs": (
        "clients",
        "mitigations",
        "plan",
        "journal",
        "workers",
        "rehearsal",
        "verdict",
        "balance",
    ),
    "harness.mitigations": ("plan", "journal", "workers", "rehearsal", "verdict", "balance"),
    "harness.exposures": (
        *("clients", "labs", "mitigations", "plan", "journal", "workers", "rehearsal", "verdict"),
        *("passage", "leg"),
    ),
    "harness.scenario": ("labs", "plan", "journal", "workers", "rehearsal", "verdict", "balance"),
    "harness.covering": ("labs", "plan", "journal", "workers", "rehearsal", "verdict", "balance"),
    "harness.plan": ("labs", "journal", "workers", "rehearsal", "verdict", "balance"),
    "harness.journal": ("labs", "workers", "rehearsal", "verdict", "balance"),
    "harness.verdict": ("labs", "workers", "rehearsal", "journal", "balance"),
    "harness.balance": ("labs", "clients", "servers", "scenario", "plan", "journal", "workers", "rehearsal"),
    "harness.report": ("labs.local", "labs.samba", "workers", "rehearsal", "journal", "plan"),
}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    """Everything a module imports, also inside functions and for type checkers."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def parser() -> argparse.ArgumentParser:
    return grammar.build()


def verbs() -> dict[str, argparse.ArgumentParser]:
    (found,) = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found.choices)


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 100


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_is_and_is_no_longer_than_one_can_read(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert len(text.splitlines()) <= LONGEST


HARNESS = [path for path in MODULES if path.is_relative_to(ROOT / "harness")]


@pytest.mark.parametrize("path", HARNESS, ids=name_of)
def test_data_goes_one_way(path: Path) -> None:
    name, used = name_of(path), imports(path)
    if name in BASE:
        assert {word for word in used if word.startswith("harness")} <= {
            word for word in used if word.startswith(("harness.model", "harness.errors"))
        }
    if any(word.partition(".")[0] == "subprocess" for word in used):
        assert MAY_START_PROCESSES.match(name), "only labs and harness.process start processes"
    # Which formats there are is part of the command line's words.
    if any(word.startswith("harness.report") for word in used - NAMES_OF_FORMATS):
        assert MAY_RENDER.match(name), "only the command line renders"
    for room, later in LATER.items():
        if name == room or name.startswith(room + "."):
            # What a room promises (its base) may be known everywhere.
            wrong = {
                word
                for word in used
                for far in later
                if re.match(rf"harness\.{re.escape(far)}(\.(?!base\b)|$)", word)
            }
            assert not wrong, f"{room} reaches into a later room"


@pytest.mark.parametrize("path", HARNESS, ids=name_of)
def test_only_the_command_line_prints(path: Path) -> None:
    calls = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not calls or re.match(r"harness\.(cli|entry|inside|verbs)(\.|$)", name_of(path)), calls


@pytest.mark.parametrize("path", HARNESS, ids=name_of)
def test_what_a_person_reads_goes_through_say(path: Path) -> None:
    """``print`` is for JSON alone, which is ASCII: text may hold the words of a server or a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            assert re.search(r"json|page\(\)", ast.unparse(node.args[0])), f"{path}:{node.lineno}: use say()"


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


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_no_test_says_how_long_something_may_take(path: Path) -> None:
    """What takes a millisecond takes a second on a machine that others use too."""
    asserted = [node.test for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assert)]
    compared = [part for test in asserted for part in ast.walk(test) if isinstance(part, ast.Compare)]
    timed = [
        ast.unparse(one)
        for one in compared
        if any(map(_amount, (one.left, *one.comparators)))
        and any(map(_clocked, (one.left, *one.comparators)))
    ]
    assert not timed


def test_every_exit_status_is_documented() -> None:
    shown = parser().format_help()
    for status in ("0 ", "1 ", "2 ", "3 ", "64 "):
        assert status in shown.partition("exit status:")[2]
