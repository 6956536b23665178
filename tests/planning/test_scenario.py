"""Scenario scripts: what is right is read, what is wrong is answered with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from known import CATALOGUE

from harness.errors import UsageError
from harness.model import CellId
from harness.planning import scenario, selecting

GOOD = '''"""A title. More.

Why it is expected.
"""
from harness.model import Effect
from harness.scenario import Claim, Closes, Scenario
SCENARIO = Scenario(
    servers=["samba-4.22"],
    mitigations=["smb3-only"],
    clients=["windows-7"],
    checks=["open"],
    claims=[Claim("smb3-only", said=Effect.LOST)],
)
'''


def read(folder: Path, text: str) -> scenario.Script:
    path = folder / "my_script.py"
    path.write_text(text)
    return scenario.read(CATALOGUE, path)


def test_a_good_script(tmp_path: Path) -> None:
    script = read(tmp_path, GOOD)
    assert script.name == "my-script"
    assert script.title == "A title. More"
    assert scenario.cells(script.scenario) == [CellId("smb3-only", "samba-4.22", "windows-7", "open")]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("windows-7", "windows-8", 10, "no client is called 'windows-8'"),
        ("samba-4.22", "samba-4.2", 8, "did you mean samba-4.2"),
        ('mitigations=["smb3-only"]', 'mitigations=["smb3-onyl"]', 9, "did you mean smb3-only"),
        ('["open"]', '["opne"]', 11, "did you mean open"),
        ('["open"]', '"open"', 11, "must be a list"),
        ('Claim("smb3-only"', 'Claim("guest-off"', 12, "selects no cell"),
        ("said=Effect.LOST", "said=Effect.LOST, measured=Effect.KEPT", 12, "says why"),
        ("SCENARIO = Scenario(", "SCENARIO = Scenari(", 7, "NameError"),
        ("servers=", "server=", 7, "unexpected keyword"),
        ("],\n)", "],\n", 7, "not Python"),
        ("SCENARIO", "SCENERY", 1, "expected SCENARIO"),
        ('"""A title. More.\n\nWhy it is expected.\n"""\n', "", 1, "docstring"),
        ('["samba-4.22"]', "[]", 1, "names no cell"),
        ("],\n)", '],\n    closes=[Closes("smb3-only:*:smb2-spokn")],\n)', 13, "did you mean smb2-spoken"),
        (
            "],\n)",
            '],\n    closes=[Closes("smb3-only:smb2-spoken")],\n)',
            13,
            "not mitigation:server:exposure",
        ),
        ("],\n)", '],\n    closes=[Closes("guest-off:*:smb2-spoken")],\n)', 13, "selects no mitigation"),
    ],
)
def test_a_mistake_names_file_line_and_what_was_expected(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    assert old in GOOD
    with pytest.raises(UsageError) as caught:
        read(tmp_path, GOOD.replace(old, new))
    message = str(caught.value)
    assert f"my_script.py:{line}:" in message
    assert words in message
    assert "\n" not in message


def test_every_script_of_the_project_is_right() -> None:
    scripts = [scenario.read(CATALOGUE, path) for path in CATALOGUE.scenarios.values()]
    assert {"article", *(f"article-{row}" for row in "1234567")} <= {
        "-".join(script.name.split("-")[:2]) for script in scripts
    }
    for script in scripts:
        assert len(script.title) <= 80


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("*", True),
        ("smb3-only", True),
        ("smb3-*:samba-*", True),
        ("a,smb3-only:*:windows-xp,windows-7:open,write", True),
        ("*:*:*:browse", False),
        ("smb3", False),
        ("*:samba-4.2:*:*", False),
    ],
)
def test_selectors(selector: str, selected: bool) -> None:
    assert selecting.matches(selector, CellId("smb3-only", "samba-4.22", "windows-7", "open")) is selected


@pytest.mark.parametrize("selector", ["a:b:c:d:e", "", ":a", "a::b"])
def test_a_selector_that_is_none(selector: str) -> None:
    with pytest.raises(UsageError, match="mitigation:server:client:check"):
        selecting.patterns(selector)
