"""``rehearse replay`` on real servers: what was measured comes out again, and what was not is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from commandline import rehearse

from harness.labs.local import LocalLab
from harness.record import journal
from harness.report.documents.replay import schema
from harness.system import resources
from harness.system.files import text

pytestmark = [pytest.mark.local_lab, pytest.mark.usefixtures("lab")]

jsonschema = pytest.importorskip("jsonschema")
LEARNED = "learned-seven"
CELL = f"nt-pipe-support-off:samba-4.22:{LEARNED}:browse"
SCRIPT = f'''"""Pipes off: who minds?"""
from harness.model import Effect
from harness.scenario import Claim, Scenario
SCENARIO = Scenario(source="us", servers=["samba-4.22"], mitigations=["nt-pipe-support-off"],
    clients=["smbclient", "smbprotocol", "windows-10-1703", "{LEARNED}"], checks=["browse", "open"],
    claims=[Claim("*:*:*:browse", said=Effect.LOST)])
'''


@pytest.fixture(scope="module")
def measured(lab: LocalLab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs/, one finished run of a scenario and a persona that are gone since."""
    assert lab
    place = tmp_path_factory.mktemp("replay")
    (place / "personas").mkdir()
    like = text(resources.path("clients", "personas", "windows-7.toml"))
    (place / "personas" / f"{LEARNED}.toml").write_text(
        like.replace('name = "windows-7"', f'name = "{LEARNED}"')
    )
    (place / "mine.py").write_text(SCRIPT)
    words = ("run", place / "mine.py", "--personas", place / "personas", "--no-exposures", "--quiet")
    done = rehearse(*words, "--runs", place / "runs")
    assert done.status == 0, done.stderr + done.stdout
    shutil.rmtree(place / "personas")
    (place / "mine.py").write_text("raise SystemExit('it was executed')")
    return place


def test_real_and_emulated_clients_come_out_the_same(measured: Path) -> None:
    runs = measured / "runs"
    before = {path.name for path in runs.iterdir()}
    done = rehearse("replay", "--sample", "20", "--seed", "5", "--runs", runs, "--quiet", "--json")
    assert done.status == 0, done.stderr + done.stdout
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["summary"] == {"same": 8, "different": 0, "fault": 0, "not_measured": 0}
    effects = {one["cell"]: (one["recorded"]["effect"], one["now"]["effect"]) for one in document["cells"]}
    assert effects[CELL] == ("lost", "lost")
    assert effects["nt-pipe-support-off:samba-4.22:smbclient:open"] == ("kept", "kept")
    marked = {one["cell"].split(":")[2] for one in document["cells"] if one["emulated"]}
    assert marked == {"windows-10-1703", LEARNED}
    assert document["versions"] == []
    # The user's own files are another one and gone: told, and neither is needed.
    assert [note.partition(f"{measured}/")[2].partition(":")[0] for note in document["notes"]] == [
        "mine.py has changed since",
        f"personas/{LEARNED}.toml is gone",
    ]
    # Its own run is one as any other, with the same expectations, and named.
    (again,) = {path.name for path in runs.iterdir()} - before
    assert document["replay"] == again
    assert f"run folder: {runs / again}" in done.stderr
    assert "8 cells of" in done.stderr
    assert "drawn by seed 5" in done.stderr
    assert journal.plan_of(runs / again).replay_of == document["run"]
    told = rehearse("report", again, "--runs", runs)
    assert told.status == 0
    assert "All 8 cells (4 lost) are as expected (by us)." in " ".join(told.stdout.split())
    shutil.rmtree(runs / again)


def test_what_was_recorded_otherwise_is_different(measured: Path, tmp_path: Path) -> None:
    """Somebody edits the run: the server is made to have refused another step in another way."""
    (source,) = (measured / "runs").iterdir()
    shutil.copytree(source, tmp_path / "edited")
    path = tmp_path / "edited" / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    mine = [at for at, line in enumerate(lines) if LEARNED in line and '"check":"browse"' in line]
    (hit,) = (at for at in mine if '"phase":"applied"' in lines[at])
    other = lines[hit].replace("STATUS_ACCESS_DENIED", "STATUS_NOT_SUPPORTED")
    lines[hit] = other.replace('"step":"create-pipe"', '"step":"negotiate"')
    packages = [at for at, line in enumerate(lines) if '"kind":"server"' in line]
    lines[packages[0]] = lines[packages[0]].replace("Samba 4.22", "Samba 4.21")
    path.write_text("".join(lines))
    words = ("replay", CELL, CELL.replace("browse", "open"), "--run", tmp_path / "edited", "--quiet")
    done = rehearse(*words, "--runs", tmp_path / "runs")
    assert done.status == 1, done.stderr
    said = " ".join(done.stdout.split())
    for words_of_it in (
        "1 of 2 cells came out the same (1 different).",
        f"~ {CELL}: LOST, create-pipe STATUS_ACCESS_DENIED (server)",
        "with the change: step was negotiate, is create-pipe",
        "with the change: status was STATUS_NOT_SUPPORTED, is STATUS_ACCESS_DENIED",
        "MEASURED WITH OTHER VERSIONS, which may explain it",
        "server samba-4.22: software Samba 4.21",
        "~ emulated",
    ):
        assert words_of_it in said, words_of_it
    assert len(list((tmp_path / "runs").iterdir())) == 1
