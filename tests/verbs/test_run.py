"""``rehearse run`` end to end: two runs at once, the same verdicts every time, results on stdout alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from commandline import begin, left_of, on_terminal, rehearse, times_measured, wait_until_gone
from known import CATALOGUE

import harness.report
from harness.labs.local import LocalLab
from harness.planning import planner
from harness.verbs.run import new_folder

pytestmark = [pytest.mark.local_lab, pytest.mark.usefixtures("lab")]

PIPES = "nt-pipe-support-off:samba-4.22-smb1"
SCHEMA = json.loads((Path(harness.report.__file__).parent / "result.schema.json").read_text())


def effects(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(cell["cell"], cell["effect"]) for cell in document["cells"]]


@pytest.fixture(scope="module")
def measured(lab: LocalLab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs directory of one finished run."""
    assert lab
    runs = tmp_path_factory.mktemp("runs")
    done = rehearse("run", f"{PIPES}:smbclient,windows-7:browse,open", "--runs", runs, "--json")
    assert done.status == 1, done.stderr
    (runs / "stdout.json").write_text(done.stdout)
    (runs / "stderr.txt").write_text(done.stderr)
    return runs


def test_the_result_document_keeps_to_the_schema(measured: Path) -> None:
    document = json.loads((measured / "stdout.json").read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert effects(document) == [
        (f"{PIPES}:smbclient:browse", "lost"),
        (f"{PIPES}:smbclient:open", "kept"),
        (f"{PIPES}:windows-7:browse", "lost"),
        (f"{PIPES}:windows-7:open", "kept"),
    ]
    assert document["complete"]
    assert document["clients"]["windows-7"]["emulated"]
    assert not document["clients"]["smbclient"]["emulated"]
    lost = document["cells"][2]["phases"]["applied"]
    assert (lost["step"], lost["status"]) == ("create-pipe", "STATUS_ACCESS_DENIED")


def test_progress_and_logs_are_on_stderr(measured: Path) -> None:
    said = (measured / "stderr.txt").read_text()
    assert f"{PIPES}: 2 kept, 2 lost" in said
    assert "run folder: " in said
    assert "Traceback" not in said


def test_a_report_is_the_run_again(measured: Path) -> None:
    again = rehearse("report", "--runs", measured, "--json")
    assert again.stdout == (measured / "stdout.json").read_text()
    assert again.status == 1
    first, second = (rehearse("report", "--details", "--runs", measured).stdout for _ in range(2))
    assert first == second
    assert "LOST!" in first


def test_one_cell_can_be_looked_at(measured: Path) -> None:
    shown = rehearse("show", f"{PIPES}:windows-7:browse", "--runs", measured)
    assert shown.ok
    for word in ("create-pipe", "STATUS_ACCESS_DENIED", "emulated", "LOST"):
        assert word in shown.stdout, word
    as_json = rehearse("show", f"{PIPES}:windows-7:browse", "--runs", measured, "--json")
    assert len(json.loads(as_json.stdout)["cells"]) == 1
    listed = rehearse("list", "runs", "--runs", measured)
    assert "complete" in listed.stdout
    assert "2 kept, 2 lost" in listed.stdout


def test_nothing_of_the_lab_is_left_in_the_run_folder(measured: Path) -> None:
    (folder,) = (path.parent for path in measured.glob("*/plan.json"))
    assert not (folder / "lab").exists()
    kept = sorted(path.relative_to(folder).as_posix() for path in (folder / "evidence").glob("[0-9]*/*"))
    # And of the two cells that are lost.
    assert len([*(folder / "evidence" / "cells").iterdir()]) == 2
    assert [name.partition("-")[2] for name in kept] == [
        "samba-4.22-smb1/log.smbd",
        "samba-4.22-smb1/smb.conf",
    ]


def test_the_terminal_report_has_no_colour_where_none_is_wanted(measured: Path) -> None:
    words = ("report", "--details", "--runs", measured)
    assert "\x1b" not in rehearse(*words).stdout
    coloured, status = on_terminal(*words)
    assert "\x1b[" in coloured
    assert status == 1
    without, _ = on_terminal(*words, env={"NO_COLOR": "1"})
    assert "\x1b" not in without
    assert "LOST!" in without


def test_failed_only_measures_just_what_was_not_as_expected(measured: Path) -> None:
    folder = next(measured.glob("*/plan.json")).parent
    before = times_measured(folder)
    again = rehearse("run", "--failed-only", "--runs", measured, "--json", "--quiet")
    assert again.status == 1, again.stderr
    assert effects(json.loads(again.stdout)) == effects(json.loads((measured / "stdout.json").read_text()))
    new = times_measured(folder) - before
    assert {cell for cell, _, _ in new} == {f"{PIPES}:smbclient:browse", f"{PIPES}:windows-7:browse"}
    assert {number for _, _, number in new} == {1}
    assert set(new.values()) == {1}


def test_a_run_whose_images_cannot_be_made_leaves_no_folder(tmp_path: Path) -> None:
    """But one that somebody wants to go on with stays."""
    (tmp_path / "file").touch()
    around, runs = {"XDG_CACHE_HOME": str(tmp_path / "file")}, tmp_path / "runs"
    begun = rehearse("run", f"{PIPES}:smbclient:open", "--runs", runs, env=around)
    assert begun.status == 2
    assert "cannot make" in begun.stderr
    assert list(runs.iterdir()) == []
    one = f"{PIPES}:smbclient:open"
    folder = new_folder(CATALOGUE, runs, planner.from_selectors(CATALOGUE, [one]))
    resumed = rehearse("run", "--resume", "--runs", runs, env=around)
    assert resumed.stderr == begun.stderr
    assert list(runs.iterdir()) == [folder]


def test_two_runs_at_once_do_not_meet(tmp_path: Path) -> None:
    """Both begin in the same second, below the same directory, with plans of the same name."""
    runs = tmp_path / "runs"
    words = (f"{PIPES}:smbclient:open", "signing-required:samba-4.17:windows-7:open,write")
    mark = str(tmp_path)
    both = [
        begin(tmp_path / f"out{number}", mark, "run", word, "--runs", runs, "--json", "--quiet")
        for number, word in enumerate(words)
    ]
    assert [one.wait(120) for one in both] == [0, 0]
    wait_until_gone(mark)
    texts = [(tmp_path / f"out{number}").read_text() for number in range(2)]
    documents = [json.loads(text[text.index("{") : text.rindex("}") + 1]) for text in texts]
    assert effects(documents[0]) == [(f"{PIPES}:smbclient:open", "kept")]
    assert [effect for _, effect in effects(documents[1])] == ["kept", "kept"]
    assert len(list(runs.iterdir())) == 2
    assert left_of(mark) == []


def test_results_are_in_the_order_of_the_plan_whatever_the_timing(tmp_path: Path) -> None:
    """The first job takes longer than the second; one worker or four, the document is the same."""
    words = ("none:samba-4.17:windows-7", "smb1-server-off:samba-4.22-smb1:windows-xp,windows-7:open")
    documents = []
    for workers in ("1", "4"):
        done = rehearse(
            "run", *words, "--runs", tmp_path / workers, "--workers", workers, "--json", "--quiet"
        )
        assert done.status == 1, done.stderr
        documents.append(json.loads(done.stdout))
    planned = rehearse("plan", *words, "--json", "--runs", tmp_path)
    order = [row["cell"] for row in json.loads(planned.stdout)]
    assert [cell for cell, _ in effects(documents[0])] == order
    assert effects(documents[0]) == effects(documents[1])


def test_the_whole_story_as_a_scenario_with_its_claims(tmp_path: Path) -> None:
    """A loss that was claimed is as expected: exit status 0."""
    script = tmp_path / "mine.py"
    script.write_text(
        '"""SMB3 only: who cannot follow?"""\n'
        "from harness.model import Effect\n"
        "from harness.scenario import Claim, Scenario\n"
        "SCENARIO = Scenario(source='us', servers=['samba-4.22-smb1'], mitigations=['smb3-only'],\n"
        "    clients=['windows-xp', 'windows-10-1703'], checks=['open'],\n"
        "    claims=[Claim('*:*:windows-xp', said=Effect.LOST)])\n"
    )
    done = rehearse("run", script, "--runs", tmp_path / "runs", "--quiet")
    assert done.status == 0, done.stdout + done.stderr
    assert "All 2 cells (1 lost) are as expected (by us)." in done.stdout
    nothing = rehearse("run", "--failed-only", "--runs", tmp_path / "runs")
    assert nothing.status == 64
    assert nothing.stdout == ""
    assert "is as expected" in nothing.stderr


def test_a_run_of_many_scenarios_has_a_folder_with_a_short_name(tmp_path: Path) -> None:
    """The names of all of them are longer than a file system takes for one."""
    made = planner.from_selectors(CATALOGUE, ["none:samba-4.22:smbclient:open"])
    names = [f"scenario-number-{number}" for number in range(40)]
    folder = new_folder(CATALOGUE, tmp_path, replace(made, name="+".join(names)))
    assert folder.is_dir()
    assert folder.name.endswith("-scenario-number-0+39-more")
