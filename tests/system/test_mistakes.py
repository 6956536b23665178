"""A file that somebody added with a mistake in it: named with its line, and no cost to anybody else.

Whole verbs are run, from a copy of the product with one more file in a room.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from commandline import rehearse

from harness.system.process import Result

ROOT = Path(__file__).resolve().parent.parent.parent
HEAD = """from dataclasses import replace
from harness.mitigations.base import Expectation, Mitigation
from harness.model import Finding


class Mine(Mitigation):
    name = "mine"
    title = "a change of mine"
    expectation = Expectation("nobody notices", "me")
"""
SETS = """
    def on_server(self, state, server):
        return replace(state, conf=state.conf.with_globals(server_string="mine"))
"""
OFFERS = "\n\nMITIGATIONS = (Mine(),)\n"
VERIFY = "\n    def verify(self, live):\n        "
LATE = {
    # Comes up when the change is made, and when it is looked for.
    "apply": (
        VERIFY + "return Finding(False, '')\n\n    def apply(self, live):\n        live.wanted['x']\n",
        "AttributeError",
        "live.wanted['x']",
    ),
    "exit": (SETS + VERIFY + "raise SystemExit(0)\n", "SystemExit: 0", "raise S"),
    "none": (SETS + VERIFY + "pass\n", "verify must return a Finding", "def verify"),
    "lacks": (SETS, "Mine has no verify", "class Mine"),
}
WEAK = VERIFY + "return Finding(True, 'nothing was looked at')\n"
UNHEEDED = {
    "unknown": ("server_smb_encrypttt", "required", 'does not know the parameter "server smb encrypttt"'),
    # smbd does not start with it, and the message that it leaves has no name.
    "truth": ("nt_pipe_support", "perhaps", 'does not take "nt pipe support = perhaps"'),
}
"""A parameter, its value, and what is said of it, however little ``verify`` looks."""


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product, in a folder where a file can be added."""
    place = tmp_path_factory.mktemp("copied")
    for name in ("harness", "scenarios"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("guests.yaml", "Vagrantfile", "pyproject.toml"):
        shutil.copy(ROOT / name, place)
    return place


class Product:
    def __init__(self, place: Path, runs: Path) -> None:
        self.place = place
        self.runs = runs

    def add(self, text: str, room: str = "mitigations") -> str:
        (self.place / "harness" / room / "mine.py").write_text(text)
        return f"harness/{room}/mine.py"

    def rehearse(self, *words: str) -> Result:
        return rehearse(*words, "--runs", str(self.runs), env={"PYTHONPATH": str(self.place)})


@pytest.fixture
def product(copied: Path, tmp_path: Path) -> Product:
    for left in copied.glob("harness/*/mine.py"):
        left.unlink()
    return Product(copied, tmp_path / "runs")


def line_of(text: str, words: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = 1\nclass Mine(Mitigaton):\n    pass\n", ":2: NameError: name 'Mitigaton' is not defined"),
        ("MITIGATIONS = (\n", ":1: SyntaxError: '(' was never closed"),
        ("import sys\nsys.exit(0)\n", ":2: SystemExit: 0"),
        (HEAD.replace("    title", "    titel") + OFFERS, ": Mine has no title"),
    ],
    ids=["name", "syntax", "exit", "lacking"],
)
def test_all_else_is_there(product: Product, text: str, why: str) -> None:
    file = product.add(text)
    listed = product.rehearse("list", "mitigations")
    assert listed.status == 0
    assert "smb3-only" in listed.stdout
    (said,) = listed.stderr.splitlines()
    assert said.startswith("rehearse: left out: ")
    assert f"{file}{why}" in said or (file in said and why in said)
    asked = product.rehearse("plan", "mine:samba-4.22:windows-7:open")
    assert asked.status == 64
    assert "no mitigation is called 'mine'" in asked.stderr
    assert why in asked.stderr.splitlines()[0]
    assert "Traceback" not in asked.stderr


def test_a_wrong_scenario_costs_no_other_its_line(product: Product) -> None:
    file = product.place / "scenarios" / "mine.py"
    file.write_text('"""Mine."""\nSCENARIO = 5\n')
    try:
        listed = product.rehearse("list", "scenarios", "--json")
        shown = product.rehearse("show", "smb3-only", "--json")
    finally:
        file.unlink()
    assert (listed.status, shown.status) == (0, 0), listed.stderr + shown.stderr
    known = {one["name"]: one["what"] for one in json.loads(listed.stdout)}
    assert len(known) > 10
    assert known["mine"].startswith(f"cannot be used: {file}:1: expected SCENARIO = Scenario(...), found int")


def test_who_asks_for_all_is_told_in_the_plan(product: Product) -> None:
    file = product.add("import no_such_module\n")
    planned = product.rehearse("plan", "*:samba-4.22:windows-7:open")
    assert planned.status == 0
    wanted = f"mine.py on every server: {product.place}/{file}:1: ModuleNotFoundError"
    # However it is folded.
    assert re.sub(r"\s", "", wanted) in re.sub(r"\s", "", planned.stdout)


def test_a_mistake_that_shows_when_the_plan_is_made(product: Product) -> None:
    text = HEAD + "\n    def on_server(self, state, server):\n        return state.config\n" + OFFERS
    file = product.add(text)
    done = product.rehearse("plan", "mine:samba-4.22:windows-7:open")
    assert (done.status, done.stdout) == (64, "")
    assert f"{file}:{line_of(text, 'state.config')}: AttributeError" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bug_of_ours_is_told_as_ours(product: Product) -> None:
    (product.place / "harness" / "verbs" / "mine.py").write_text("def doctor(options):\n    return 1 // 0\n")
    words = product.place / "harness" / "cli" / "keeping.py"
    ours = words.read_text()
    try:
        words.write_text(ours.replace('"look:doctor"', '"mine:doctor"'))
        done = product.rehearse("doctor")
    finally:
        words.write_text(ours)
    assert done.status == 70
    assert "ZeroDivisionError" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("rehearse: this is a bug in smb-rehearsal")


@pytest.mark.local_lab
@pytest.mark.usefixtures("lab")
def test_a_mitigation_that_crashes_makes_faults_of_its_own_cells_alone(product: Product) -> None:
    """One run of several: each names its line, and the change beside them is measured."""
    lines: dict[str, tuple[str, ...]] = {}
    for name, (text, why, words) in LATE.items():
        whole = HEAD.replace('"mine"', f'"mine-{name}"') + text + OFFERS
        (product.place / "harness" / "mitigations" / f"late_{name.replace('-', '_')}.py").write_text(whole)
        lines[f"mine-{name}"] = (f"late_{name.replace('-', '_')}.py:{line_of(whole, words)}: ", why)
    for name, (parameter, value, why) in UNHEEDED.items():
        text = SETS.replace("server_string", parameter).replace('"mine"', f'"{value}"') + WEAK
        whole = HEAD.replace('"mine"', f'"mine-{name}"') + text + OFFERS
        (product.place / "harness" / "mitigations" / f"late_{name}.py").write_text(whole)
        lines[f"mine-{name}"] = (why,)
    try:
        done = product.rehearse(
            "run",
            "mine-*,signing-required:samba-4.22:windows-10-1703:open",
            "--json",
            "--quiet",
            "--no-exposures",
        )
    finally:
        for left in product.place.glob("harness/mitigations/late_*.py"):
            left.unlink()
    assert done.status == 2, done.stderr
    assert "Traceback" not in done.stderr
    cells = {cell["mitigation"]: cell for cell in json.loads(done.stdout)["cells"]}
    assert cells.pop("signing-required")["effect"] == "kept"
    assert set(cells) == set(lines)
    for name, cell in cells.items():
        assert cell["effect"] == "fault"
        for wanted in lines[name]:
            assert wanted in cell["cause"], cell["cause"]
