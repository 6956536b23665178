"""A run in short: kept beside its journal, and believed only while it is of that journal."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from commandline import users
from known import CATALOGUE

from harness.errors import UsageError
from harness.record import journal, outline, readback
from harness.system import process, version

HERE = Path(__file__).parents[2]
RUN = HERE / "tests" / "data" / "run"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return shutil.copytree(RUN, tmp_path / "run")


def test_it_counts_what_a_report_counts(run: Path) -> None:
    whole = readback.result_of(CATALOGUE, journal.load(run))
    assert whole.complete
    for _ in range(2):  # Made, then read.
        made = outline.of(lambda: CATALOGUE, run)
        assert (made.cells, made.planned, made.complete) == (len(whole.cells), whole.planned, True)
        assert made.tally == whole.summary()


def test_what_is_kept_is_read_instead_of_the_journal(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = outline.of(lambda: CATALOGUE, run)
    monkeypatch.delattr(journal, "load")
    assert outline.of(lambda: CATALOGUE, run) == made


@pytest.mark.parametrize("name", ["journal.jsonl", "plan.json"])
def test_of_another_journal_or_plan_it_is_made_anew(run: Path, name: str) -> None:
    made = outline.of(lambda: CATALOGUE, run)
    file = run / name
    text = file.read_bytes()
    if name == "journal.jsonl":
        # Half of its lines are gone, as after somebody's hand.
        kept = text.splitlines(keepends=True)
        file.write_bytes(b"".join(kept[: len(kept) // 2]))
        assert outline.of(lambda: CATALOGUE, run).cells < made.cells
    else:
        file.write_bytes(b"{}")
        with pytest.raises(UsageError, match=r"plan\.json is damaged"):
            outline.of(lambda: CATALOGUE, run)


def test_of_the_same_size_and_another_time_it_is_made_anew(run: Path) -> None:
    outline.of(lambda: CATALOGUE, run)
    file = run / "journal.jsonl"
    text = file.read_bytes()
    assert text.count(b'"refused"') > 0
    # One that is as long as before.
    file.write_bytes(text.replace(b'"refused"', b'"reFused"'))
    assert "cannot be read" in outline.of(lambda: CATALOGUE, run).damage


def test_another_program_makes_it_anew(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outline.of(lambda: CATALOGUE, run)
    monkeypatch.setattr(version, "state", lambda: "another")
    monkeypatch.delattr(journal, "load")
    with pytest.raises(AttributeError):
        outline.of(lambda: CATALOGUE, run)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"made_of": [], "outline": {}}', b"\xff" * 9])
def test_a_damaged_one_is_made_anew(run: Path, text: bytes) -> None:
    made = outline.of(lambda: CATALOGUE, run)
    (run / "outline.json").write_bytes(text)
    assert outline.of(lambda: CATALOGUE, run) == made


def test_of_a_run_that_is_not_complete_none_is_kept(run: Path) -> None:
    kept = (run / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (run / "journal.jsonl").write_bytes(b"".join(kept[: len(kept) // 2]))
    assert not outline.of(lambda: CATALOGUE, run).complete
    assert not (run / "outline.json").exists()


def test_where_it_cannot_be_written_it_is_told_all_the_same(run: Path) -> None:
    (run / "outline.json").mkdir()
    assert outline.of(lambda: CATALOGUE, run).complete
    assert not list(run.glob("outline.json.*"))


def test_a_list_of_runs_loads_nothing_that_reads_a_whole_run(run: Path) -> None:
    outline.of(lambda: CATALOGUE, run)
    ask = "import sys; from harness.cli.main import main; main(sys.argv[1:]); print(*sys.modules, sep='\\n')"
    words = [sys.executable, "-c", ask, "list", "runs", "--runs", str(run.parent)]
    loaded = process.run(words, timeout=60, env=users(PYTHONPATH=str(HERE))).check("list runs").stdout
    assert "complete" in loaded
    assert not {"pydantic", "harness.catalogue", "harness.record.journal"} & {*loaded.splitlines()}


@pytest.mark.parametrize(
    "wrong", [{"cells": "3"}, {"complete": 1}, {"damage": None}, {"tally": {"kept": True}}]
)
def test_one_that_somebody_has_changed_is_made_anew(run: Path, wrong: dict[str, object]) -> None:
    made = outline.of(lambda: CATALOGUE, run)
    file = run / "outline.json"
    kept = json.loads(file.read_bytes())
    kept["outline"] |= wrong
    file.write_text(json.dumps(kept))
    assert outline.of(lambda: CATALOGUE, run) == made
