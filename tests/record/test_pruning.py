"""Old runs go when that is asked for; the newest, what is being measured, and what is no run stay."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from commandline import rehearse
from known import CATALOGUE

from harness.planning import planner
from harness.record import journal
from harness.record.pruning import prune


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Five runs, the oldest first, and a folder of somebody else's plan."""
    made = planner.from_selectors(CATALOGUE, ["none:samba-4.22:windows-7:open"])
    for age, name in enumerate("edcba"):
        with journal.create(tmp_path / name, made):
            pass
        os.utime(tmp_path / name, (1_700_000_000 + 86400 * age,) * 2)
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "plan.json").write_text('{"my": "holidays"}')
    os.utime(strange, (0, 0))
    return tmp_path


def names(home: Path) -> set[str]:
    return {path.name for path in home.iterdir()}


def test_the_newest_stay_and_what_is_no_run(home: Path) -> None:
    found = prune(home, 2)
    assert names(home) == {"a", "b", "strange"}
    assert found.removed == ["e", "d", "c"]
    assert str(found) == "kept 2 runs, the oldest of 2023-11-17"
    assert [text.partition(":")[0] for text in found.spared] == ["strange"]
    assert prune(home, 2).removed == []


@pytest.mark.parametrize("how", ["attended", "measured"])
def test_what_a_command_works_on_stays(home: Path, how: str) -> None:
    plan = journal.plan_of(home / "e")
    with journal.attended(home / "e") if how == "attended" else journal.create(home / "e", plan):
        os.utime(home / "e", (1, 1))
        found = prune(home, 0)
    assert names(home) == {"e", "strange"}
    assert "e: a command works on it" in found.spared
    assert prune(home, 0).removed == ["e"]


def test_a_link_and_where_it_leads_stay(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "run"
    (home / "e").rename(elsewhere)
    (home / "e").symlink_to(elsewhere)
    os.utime(elsewhere, (1, 1))
    assert "e: is a link" in prune(home, 1).spared
    assert (home / "e" / "plan.json").exists()


def test_what_a_killed_clean_left_goes(home: Path) -> None:
    (home / ".removed-f" / "evidence").mkdir(parents=True)
    assert prune(home, 9).removed == []
    assert names(home) == {*"abcde", "strange"}


def test_on_the_command_line(home: Path) -> None:
    """--runs DIR is the place alone, as for every verb; --keep asks for the removal."""
    assert "removed run" not in rehearse("clean", "--runs", home).stdout
    assert names(home) == {*"abcde", "strange"}
    done = rehearse("clean", "--runs", home, "--keep", "4")
    assert done.status == 0, done.stderr
    assert done.stdout.splitlines()[-3] == "removed run e"
    assert done.stdout.splitlines()[-1] == "kept 4 runs, the oldest of 2023-11-15"
    assert names(home) == {*"abcd", "strange"}


def test_without_a_folder_old_runs_of_the_usual_place_go(home: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    runs = state / "smb-rehearsal" / "runs"
    made = journal.plan_of(home / "a")
    for number in range(22):
        with journal.create(runs / f"{number:02}", made):
            pass
        os.utime(runs / f"{number:02}", (number, number))
    done = rehearse("clean", "--runs", env={"XDG_STATE_HOME": str(state)})
    assert done.status == 0, done.stderr
    assert names(runs) == {f"{number:02}" for number in range(2, 22)}
    assert "kept 20 runs, the oldest of 1970-01-01" in done.stdout
