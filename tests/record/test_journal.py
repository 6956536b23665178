"""The run folder: a cut at any byte loses at most the attempt in flight."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commandline import rehearse
from known import CATALOGUE

from harness.errors import LabFault, UsageError
from harness.model import Attempt, CellId, Effect, Outcome, Phase, Row, Side, Step, StepName
from harness.planning.plan import Expected, Plan
from harness.record import duration, journal
from harness.record.entries import Attempted, Begun, Ended, Entry, Probed, TriedPart, line_of
from harness.result.spent import TimeSpent
from harness.verbs import facts

CELLS = tuple(CellId("smb3-only", "samba-4.22", client, "open") for client in ("windows-7", "curl"))
PLAN = Plan(
    "test",
    (Row("test", "A test", CELLS),),
    {str(CELLS[0]): Expected(Effect.LOST, Effect.LOST, "the test")},
)
REFUSED = Attempt(
    Outcome.REFUSED,
    steps=(Step(StepName.CONNECT, "STATUS_SUCCESS", 0.1), Step(StepName.NEGOTIATE, "NO_DIALECT", 1.5, "ünï")),
    ms=1.7,
    step=StepName.NEGOTIATE,
    status="NO_DIALECT",
    side=Side.SERVER,
    signed=False,
)


def _written(folder: Path) -> bytes:
    with journal.create(folder, PLAN) as book:
        book.add(Begun("local", "0"))
        for phase in Phase:
            book.add(Attempted(CELLS[0], phase, REFUSED, 0))
    return (folder / "journal.jsonl").read_bytes()


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    _written(tmp_path / "run")
    recorded = journal.load(tmp_path / "run")
    assert recorded.plan == PLAN
    assert recorded.begun == Begun("local", "0")
    assert recorded.attempts == {CELLS[0]: dict.fromkeys(Phase, REFUSED)}


def test_a_cut_at_any_byte_loses_at_most_the_attempt_in_flight(tmp_path: Path) -> None:
    data = _written(tmp_path / "run")
    path = tmp_path / "run" / "journal.jsonl"
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        whole = data[:cut].count(b"\n")
        recorded = journal.load(tmp_path / "run")
        assert len(recorded.attempts.get(CELLS[0], {})) == max(0, whole - 1)
        # Going on after the cut must not damage the next line.
        with journal.create(tmp_path / "run", PLAN) as book:
            book.add(Attempted(CELLS[1], Phase.BASELINE, REFUSED, 0))
        again = journal.load(tmp_path / "run")
        assert again.attempts[CELLS[1]] == {Phase.BASELINE: REFUSED}
        assert len(again.attempts.get(CELLS[0], {})) == max(0, whole - 1)


def test_phases_of_different_rounds_are_never_mixed(tmp_path: Path) -> None:
    _written(tmp_path / "run")
    newer = Attempt(Outcome.OK)
    with journal.create(tmp_path / "run", PLAN) as book:
        book.add(Attempted(CELLS[0], Phase.BASELINE, newer, 1))
    recorded = journal.load(tmp_path / "run")
    assert recorded.attempts[CELLS[0]] == {Phase.BASELINE: newer}
    assert recorded.rounds[CELLS[0]] == 1


def test_the_parts_of_an_older_round_do_not_count(tmp_path: Path) -> None:
    cell = CellId("smb3-only+ntlmv2-only", "samba-4.22", "windows-7", "open")
    with journal.create(tmp_path / "run", PLAN) as book:
        book.add(Begun("local", "0", parts=True))
        for number in (0, 1):
            book.add(Attempted(cell, Phase.APPLIED, REFUSED, number))
            book.add(TriedPart(cell, "smb3-only", REFUSED, 0))
    recorded = journal.load(tmp_path / "run")
    assert recorded.tried == {}
    assert recorded.wants_parts
    with journal.create(tmp_path / "run", PLAN) as book:
        book.add(TriedPart(cell, "ntlmv2-only", REFUSED, 1))
        # Continued by somebody who does not measure them: what is missing stays so.
        book.add(Begun("local", "0"))
        book.add(Begun("local", "0", parts=True))
    recorded = journal.load(tmp_path / "run")
    assert recorded.tried == {cell: {"ntlmv2-only": REFUSED}}
    assert not recorded.wants_parts


@pytest.mark.parametrize(
    "entry",
    [
        Attempted(CELLS[1], Phase.BASELINE, REFUSED, -1),
        TriedPart(CELLS[1], "smb3-only", REFUSED, -1),
        Probed("smb3-only", "samba-4.22", Phase.BASELINE, {}, -1),
    ],
    ids=lambda entry: entry.kind,
)
def test_a_round_before_the_first_is_a_damaged_line(tmp_path: Path, entry: Entry) -> None:
    """It ended in a KeyError: the first of a cell's rounds is taken for the newest so far."""
    _written(tmp_path / "run")
    with (tmp_path / "run/journal.jsonl").open("ab") as file:
        file.write(line_of(entry) + b"\n")
    damage = journal.load(tmp_path / "run").damage
    assert damage.startswith("1 line of its journal cannot be read"), damage
    assert "greater than or equal to 0" in damage


def test_two_processes_cannot_write_one_run(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with (
        journal.create(folder, PLAN),
        pytest.raises(UsageError, match="another process"),
        journal.create(folder, PLAN),
    ):
        pytest.fail("the lock was given twice")


def test_a_folder_that_cannot_be_made_is_a_fault_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LabFault, match="--runs"), journal.create(tmp_path / "file" / "run", PLAN):
        pytest.fail("a file is no folder")


def test_a_full_disk_is_a_fault(tmp_path: Path) -> None:
    book = journal.Journal(tmp_path)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, book._file)
    os.close(full)
    with pytest.raises(LabFault, match="No space left"):
        book.add(Begun("local", "0"))
    book.close()


def test_what_is_no_run_folder_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not the folder of a run"):
        journal.load(tmp_path)
    (tmp_path / "plan.json").write_text('{"name": 1}')
    with pytest.raises(UsageError, match="not the folder of a run"):
        journal.load(tmp_path)


def test_a_run_that_cannot_be_read_here_costs_no_other_its_line(tmp_path: Path) -> None:
    """A client that somebody learned elsewhere, a mitigation of another version, a plan that is none."""
    for name, mitigation, client in (
        ("good", "smb3-only", "windows-7"),
        ("learned", "smb3-only", "learned-elsewhere"),
        ("foreign", "of-another-version", "windows-7"),
    ):
        cell = CellId(mitigation, "samba-4.22", client, "open")
        with journal.create(tmp_path / name, Plan(name, (Row(name, name, (cell,)),), {})) as book:
            for phase in Phase:
                book.add(Attempted(cell, phase, REFUSED, 0))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "plan.json").write_text("{")
    listed = rehearse("list", "runs", "--runs", tmp_path, "--json")
    states = {run["name"]: run["state"] for run in json.loads(listed.stdout)}
    assert listed.ok
    assert states.pop("good") == states.pop("learned") == "complete"
    assert {name: state.partition(":")[0] for name, state in states.items()} == dict.fromkeys(
        ("broken", "foreign"), "cannot be read"
    )
    assert rehearse("report", "learned", "--runs", tmp_path).status == 0
    shown = rehearse("report", "foreign", "--runs", tmp_path)
    assert shown.status == 64
    assert "no mitigation is called 'of-another-version'" in shown.stderr


def test_a_run_that_a_command_works_on_is_running_and_one_without_was_cut_off(tmp_path: Path) -> None:
    """Also where nothing is measured yet: images are built first."""
    _written(tmp_path / "run")

    def state() -> str:
        (record,) = facts.of_kind(CATALOGUE, "runs", tmp_path)
        return str(record["state"])

    with journal.attended(tmp_path / "run"):
        assert state() == "running: 1 of 2 cells"
        with (
            pytest.raises(UsageError, match="is being run by another process"),
            journal.attended(tmp_path / "run"),
        ):
            pass
    with journal.create(tmp_path / "run", PLAN):
        assert state() == "running: 1 of 2 cells"
    assert state() == "cut off: 1 of 2 cells (rehearse run --resume run)"


def test_how_long_it_took_is_known_where_nothing_was_killed(tmp_path: Path) -> None:
    begun = datetime(2026, 11, 29, tzinfo=UTC)
    with journal.create(tmp_path, PLAN) as book:
        book.add(Begun("local", "0", begun))
    (stretch,) = journal.load(tmp_path).stretches
    assert stretch == (Begun("local", "0", begun), None)
    with journal.create(tmp_path, PLAN) as book:
        book.add(Ended(begun + timedelta(seconds=9), whole=True))
    assert journal.load(tmp_path).stretches == [(stretch[0], Ended(begun + timedelta(seconds=9), whole=True))]
    assert duration.whole_stretch(tmp_path) == (9, None)


@pytest.mark.parametrize(
    ("spent", "taken"),
    [(TimeSpent(9.0, workers=2), 9.0), (None, None)],
    ids=["counted", "by the time of day"],
)
def test_a_clock_that_is_set_back_makes_no_run_shorter(
    tmp_path: Path, spent: TimeSpent | None, taken: float | None
) -> None:
    begun = datetime(2026, 11, 29, tzinfo=UTC)
    with journal.create(tmp_path, PLAN) as book:
        book.add(Begun("local", "0", begun), Ended(begun - timedelta(hours=1), whole=True, spent=spent))
    assert duration.seconds_of(journal.load(tmp_path)) == taken
    assert duration.whole_stretch(tmp_path) == (taken and (taken, spent))
