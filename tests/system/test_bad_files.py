"""Whatever is in a file that people write, they get one line with its name, or what the file says."""

from __future__ import annotations

import importlib
import itertools
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from commandline import rehearse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from known import CATALOGUE

from harness.clients import persona
from harness.errors import UsageError
from harness.exposures import known_holes
from harness.labs import guests
from harness.mitigations.base import Mitigation
from harness.model import Effect
from harness.planning import scenario
from harness.system.plain import clean
from harness.system.registry import collect, modules

ROOT = Path(__file__).resolve().parent.parent.parent
DEEP, LONG = 3_000, "9" * 20_000

SCENARIO = '''"""What is rehearsed."""
from harness.model import Effect
from harness.scenario import Claim, Closes, Scenario
SCENARIO = Scenario(
    servers=["samba-4.22"],
    mitigations=["smb3-only"],
    clients=["windows-7"],
    checks=["open"],
    source="me",
    stage="one",
    includes=[],
    claims=[Claim(
        cells="smb3-only",
        said=Effect.LOST,
        measured=Effect.LOST,
        because="so",
    )],
    closes=[Closes(
        holes="smb3-only:*:smb1-spoken",
    )],
)
'''
HOLES = """[[exposure]]
name = "a-hole"
title = "a hole"
platform = "samba"
cve = "CVE-2020-0001"
affected = [">=4.1.0 <4.2.0"]
source = "me"
[[exposure.needs]]
text = "a setting"
where = "share"
parameter = ["vfs objects"]
equals = ["x"]
module = false
"""
VARIANT = """name = "mine"
title = "mine"
fidelity = "documented"
based_on = "windows-7"
doubts_like = "windows"
sees_like = "windows-7"
doubts = []
evidence = [{what = "x", source = "y"}]
policy = {guest = false}
"""
MITIGATION = """from harness.servers.live import How
from harness.mitigations.base import Expectation, Mitigation
from harness.model import Side, StepName
class Mine(Mitigation):
    name = "mine"
    title = "mine"
    sides = frozenset({Side.SERVER})
    expectation = Expectation("none", "me")
    how = How.RESTART
    aims = ("smb1-spoken",)
    at = frozenset({StepName.CONNECT})
    foretold = True
    watched = False
MITIGATIONS = (Mine(),)
"""
PERSONA = (persona.FOLDER / "windows-10-22h2.toml").read_text()
GUESTS = "\n  - name".join((ROOT / "guests.yaml").read_text().split("\n  - name")[:2]) + "\n"

ODD = (
    "nan",
    "[]",
    "{}",
    '""',
    '"\\u0007\\u202e"',
    f"0x{'f' * 20_000}",
    LONG,
    "[" * DEEP + "]" * DEEP,
    '["x"]',
    "1e999",
)
PYTHON = (
    *(*ODD, "None", "10**20000", "object", "'\\ud800'", "lambda: 0", "[None]", "range(3)", "'LOST'", "b'x'"),
    *("(" * DEEP + ")" * DEEP, "-" * DEEP + "1", "['../x.py']", "['/etc/passwd.py']", "exit(0)", "1 // 0"),
    *(
        "type('X', (), {'__repr__': lambda s: 1 // 0})()",
        "(_ for _ in ())",
        "{'windows-7'}",
        "['*']",
        "[[5]]",
    ),
)
TOML = (
    *(*ODD, "1979-05-27", "true", '"../../x"', '"/etc/passwd"', "[[1]]", "{a = 1}", '["a:b"]', '["\\n"]'),
    *("{" + "a." * DEEP + "a = 1}", "[{}]", '"\\u0000"'),
)


@dataclass(frozen=True)
class Replaced:
    """One of the values of a file is another one."""

    which: int
    by: int

    def made(self, text: str, values: tuple[str, ...]) -> bytes:
        lines, mark = text.splitlines(), ":" if text == GUESTS else "="
        fields = [number for number, line in enumerate(lines) if mark in line]
        number = fields[self.which % len(fields)]
        name, _, was = lines[number].partition(mark)
        end = "," if was.endswith(",") else ""
        lines[number] = f"{name}{mark} {values[self.by % len(values)]}{end}"
        return "\n".join([*lines, ""]).encode()


@dataclass(frozen=True)
class Damaged:
    """A piece of a file is something else."""

    at: float
    gone: int
    new: bytes

    def made(self, text: str, _values: tuple[str, ...]) -> bytes:
        data = text.encode()
        place = int(self.at * len(data))
        return data[:place] + self.new + data[place + self.gone :]


WRONG = st.builds(Replaced, st.integers(0, 99), st.integers(0, 99)) | st.builds(
    Damaged, st.floats(0, 1), st.integers(0, 40), st.binary(max_size=6)
)


def offered(path: Path) -> object:
    """The mitigations of a file, in a room of its own."""
    room = f"room_{next(_NUMBERS)}"
    folder = path.parent / room
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "mine.py").write_bytes(path.read_bytes())
    sys.path.insert(0, str(path.parent))
    try:
        importlib.invalidate_caches()
        found = collect(room, "MITIGATIONS", Mitigation)
    finally:
        sys.path.remove(str(path.parent))
        modules.cache_clear()
    for why in found.left_out.values():
        raise UsageError(why)
    return found


_NUMBERS = itertools.count()

SCRIPT = partial(scenario.read, CATALOGUE)
KINDS: dict[str, tuple[Callable[[Path], object], str, tuple[str, ...], str]] = {
    "scenario": (SCRIPT, SCENARIO, PYTHON, "mine.py"),
    "mitigation": (offered, MITIGATION, PYTHON, "mine.py"),
    "persona": (persona.load, PERSONA, TOML, "mine.toml"),
    "variant": (persona.load, VARIANT, TOML, "mine.toml"),
    "holes": (known_holes.read, HOLES, TOML, "mine.toml"),
    "guests": (guests.load, GUESTS, ODD, "mine.yaml"),
}


def said_in_one_line(read: Callable[[Path], object], path: Path) -> str:
    """What is said of a file that is wrong; "" where nothing is."""
    try:
        read(path)
    except UsageError as error:
        said = clean(str(error))
    else:
        return ""
    assert path.name in said
    assert len(said) < 900
    return said


@pytest.mark.parametrize("kind", KINDS)
def test_the_right_ones_are_read(kind: str, tmp_path: Path) -> None:
    read, text, _, name = KINDS[kind]
    (tmp_path / name).write_text(text)
    assert read(tmp_path / name)


@pytest.mark.parametrize("kind", KINDS)
def test_any_file_is_read_or_answered_in_one_line(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    read, text, values, name = KINDS[kind]
    path = tmp_path_factory.mktemp(kind) / name
    answers = set()

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(WRONG)
    def look(wrong: Replaced | Damaged) -> None:
        path.write_bytes(wrong.made(text, values))
        answers.add(said_in_one_line(read, path)[:60])

    look()
    assert len(answers) > 3, "the files were not bad enough"


@pytest.mark.parametrize("value", ODD[-5:-2], ids=["hexadecimal", "long", "deep"])
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_without_end_and_lists_without_bottom(kind: str, value: str, tmp_path: Path) -> None:
    read, text, _, name = KINDS[kind]
    made = re.sub(r"(?m)^( *(?:title ?=|title:|source=)).*?(,?)$", rf"\g<1> {value}\g<2>", text, count=1)
    (tmp_path / name).write_text(made)
    assert said_in_one_line(read, tmp_path / name)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("said=Effect.LOST", 'said="LOST"', 12, "said must be one of Effect.KEPT, Effect.LOST"),
        ("measured=Effect.LOST", 'measured="gone"', 12, "measured must be one of Effect.KEPT"),
        ('cells="smb3-only"', "cells=5", 12, "Claim: cells must be text, not 5"),
        ('because="so"', "because=None", 12, "Claim: because must be text, not None"),
        ('holes="smb3-only:*:smb1-spoken"', "holes=None", 18, "Closes: holes must be text"),
        (
            'clients=["windows-7"]',
            'clients=["windows-7", 5]',
            7,
            "clients must be a list of names, and holds 5",
        ),
        ("claims=[Claim(", "claims=['x', Claim(", 12, "claims must be a list of Claim(...), and holds 'x'"),
        ('source="me"', "source=5", 4, "Scenario: source must be text, not 5"),
        ("includes=[]", 'includes=["/etc/x.py"]', 11, "leaves the folder of this scenario"),
        ("includes=[]", 'includes=["../x.py"]', 11, "leaves the folder of this scenario"),
        ("includes=[]", 'includes=["mine.py"]', 11, "includes itself: mine.py includes mine.py"),
        ("SCENARIO = ", "raise SystemExit(0)\nSCENARIO = ", 4, "SystemExit: 0"),
    ],
)
def test_a_scenario_with_a_wrong_value(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    assert old in SCENARIO
    (tmp_path / "mine.py").write_text(SCENARIO.replace(old, new))
    said = said_in_one_line(SCRIPT, tmp_path / "mine.py")
    assert f"mine.py:{line}: " in said
    assert words in said


def test_an_effect_may_be_named_by_its_value(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SCENARIO.replace("said=Effect.LOST", 'said="lost"'))
    (claim,) = scenario.read(CATALOGUE, tmp_path / "mine.py").scenario.claims
    assert claim.said is Effect.LOST


def test_scenarios_include_files_beside_them_and_never_themselves(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    whole = '"""A whole."""\nfrom harness.scenario import Scenario\nSCENARIO = Scenario(includes=["{}"])\n'
    (tmp_path / "one.py").write_text(whole.format("below/two.py"))
    (tmp_path / "below" / "two.py").write_text(SCENARIO)
    found = scenario.with_included(CATALOGUE, scenario.read(CATALOGUE, tmp_path / "one.py"))
    assert [script.name for script in found] == ["one", "two"]
    (tmp_path / "below" / "two.py").write_text(whole.format("three.py"))
    (tmp_path / "below" / "three.py").symlink_to(tmp_path / "one.py")
    said = said_in_one_line(SCRIPT, tmp_path / "one.py")
    assert "a scenario includes itself: one.py includes two.py includes three.py" in said
    for number in range(12):
        (tmp_path / f"n{number}.py").write_text(whole.format(f"n{number + 1}.py"))
    assert "nested more than 8 deep" in said_in_one_line(SCRIPT, tmp_path / "n0.py")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("based_on", '"../windows-7"'),
        ("sees_like", '"/etc/x"'),
        ("doubts_like", '["windows"]'),
        ("based_on", '"mine"'),
    ],
)
def test_a_persona_names_no_file_elsewhere(tmp_path: Path, field: str, value: str) -> None:
    (tmp_path / "mine.toml").write_text(re.sub(rf"(?m)^{field} = .*$", f"{field} = {value}", VARIANT))
    assert field in said_in_one_line(persona.load, tmp_path / "mine.toml")


def test_the_command_line_ends_with_64_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SCENARIO.replace("SCENARIO = ", "raise SystemExit(0)\nSCENARIO = "))
    done = rehearse("run", tmp_path / "mine.py", "--runs", tmp_path / "runs")
    assert (done.status, done.stdout) == (64, "")
    assert done.stderr.splitlines() == [f"rehearse: {tmp_path}/mine.py:4: SystemExit: 0"]
