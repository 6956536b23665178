"""The examples in the documentation work as printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conducting import Stage, conduct

import harness.mitigations as room
from harness import plan, registry, scenario
from harness.labs.local import LocalLab
from harness.mitigations import mitigation, mitigations
from harness.model import CellId, Effect
from harness.workers import Pool

DOCS = Path(__file__).resolve().parent.parent / "docs"


def examples(page: str) -> list[str]:
    """The Python blocks of a page."""
    return re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The guide's mitigation, saved as one more module of the room."""
    (text,) = examples("adding-a-mitigation.md")
    path = tmp_path / "no_anonymous.py"
    path.write_text(text)
    monkeypatch.setattr(room, "__path__", [*room.__path__, str(tmp_path)])
    _look_again()
    yield path
    monkeypatch.undo()
    _look_again()


def _look_again() -> None:
    for remembered in (registry.modules, mitigations, mitigation):
        remembered.cache_clear()


def test_a_saved_file_is_all_it_takes(saved: Path) -> None:
    assert saved.exists()
    assert "no-anonymous" in mitigations()
    cells = plan.from_selectors(["no-anonymous+signing-required:samba-4.*:windows-7:browse"]).cells
    assert CellId("no-anonymous+signing-required", "samba-4.22", "windows-7", "browse") in cells


def test_without_the_file_it_is_gone() -> None:
    assert "no-anonymous" not in mitigations()


@pytest.mark.local_lab
@pytest.mark.usefixtures("saved")
def test_the_guides_mitigation_is_rehearsed(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    result = conduct(tmp_path / "run", ["no-anonymous:samba-4.22:windows-7:browse,open"], Stage(lab), pool)
    assert [cell.effect for cell in result.cells] == [Effect.KEPT, Effect.KEPT]

    (fact,) = result.applied
    assert "STATUS_ACCESS_DENIED" in fact.took_effect
    assert fact.undone.endswith(": ok")


@pytest.mark.local_lab
@pytest.mark.usefixtures("saved")
def test_what_nobody_gets_in_to_see_is_not_said_to_be_without_effect(
    lab: LocalLab, pool: Pool, tmp_path: Path
) -> None:
    change = "no-anonymous+guest-off+nt-pipe-support-off"
    result = conduct(tmp_path / "run", [f"{change}:consumer-nas:windows-7:open"], Stage(lab), pool)
    (cell,) = result.cells
    assert cell.effect is Effect.FAULT
    assert f"{change} cannot be seen on consumer-nas" in cell.cause
    assert "did not take effect" not in cell.cause


def test_the_guides_scenario_is_right(tmp_path: Path) -> None:
    (text,) = examples("scenarios.md")
    path = tmp_path / "my_own.py"
    path.write_text(text)
    script = scenario.read(path)
    assert script.title == "We want SMB3 only on the file server in October: who cannot follow?"
    made = plan.from_scripts(script.name, [script])
    assert len(made.cells) == 2 * 3 * 3
    assert {entry.effect for entry in made.expected.values()} == {Effect.KEPT, Effect.LOST}


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_commands_in_the_documentation_can_be_planned(page: str) -> None:
    """Selectors and scenarios that a page tells the reader to run exist."""
    for words in re.findall(r"^ {4}\./rehearse run (\S+)$", (DOCS / page).read_text(), re.MULTILINE):
        word = words.strip("'")
        if ":" in word and "no-anonymous" not in word:
            assert plan.from_selectors([word]).cells
        elif word.startswith("scenarios/"):
            assert scenario.read(DOCS.parent / word).title
