"""What of a run folder may be measured again: told, with what is near, before anything is started."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commandline import rehearse
from known import CATALOGUE
from owners import can_own
from test_bad_runs import RUN

from harness.errors import UsageError
from harness.model import CellId
from harness.planning import planner, scenario, sources
from harness.planning.plan import Source, SourceKind
from harness.record import journal, replaying
from harness.result import FileSince

LOST = "nt-pipe-support-off:samba-4.22:windows-7:browse"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shutil.copytree(RUN, tmp_path / "runs" / "run")
    return tmp_path / "runs"


def edited(path: Path, edit: Callable[[Any], None]) -> None:
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))


def refused(home: Path, *words: str) -> str:
    """The one line that a replay is refused with; nothing was begun."""
    done = rehearse("replay", *words, "--runs", home)
    assert (done.status, done.stdout) == (64, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in home.iterdir()] == ["run"]
    return done.stderr


def test_a_cell_that_is_not_in_the_run(home: Path) -> None:
    said = refused(home, "nt-pipe-support-off:samba-4.22:windows-8:browse")
    assert f"run has no cell nt-pipe-support-off:samba-4.22:windows-8:browse; did you mean {LOST} or" in said
    # One that does not look like anything is answered with those of the same change and server.
    near = refused(home, "encryption-required:samba-4.22:jcifs:write").partition("did you mean ")[2]
    assert near.startswith("encryption-required:samba-4.22:")
    assert "run has no cell '*:*:curl'" in refused(home, "*:*:curl")
    assert "no cell is named; name cells" in refused(home)
    assert "--seed says which cells" in refused(home, LOST, "--seed", "3")


def test_the_reason_why_a_cell_could_not_be_rehearsed_is_told(home: Path) -> None:
    def edit(plan: Any) -> None:
        plan["not_applicable"] = [
            {"mitigation": "vendor-patch", "subject": "consumer-nas", "reason": "no patch"}
        ]

    edited(home / "run" / "plan.json", edit)
    said = refused(home, "vendor-patch:consumer-nas:curl:open")
    assert "no cell vendor-patch:consumer-nas:curl:open: vendor-patch on consumer-nas: no patch;" in said


def damaged(line: bytes) -> bytes:
    return line[: len(line) // 2] + b"\n"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lines: [*lines[:1], damaged(lines[1]), *lines[2:]], "1 line of its journal cannot be read"),
        (
            lambda lines: lines[: len(lines) // 2],
            f"{LOST} is planned in run, and was not measured to its end",
        ),
        (lambda _: [], "nothing was measured in run; rehearse run --resume run"),
        (
            lambda lines: [line.replace(b'"format":1', b'"format":7') for line in lines],
            "its journal has format 7",
        ),
        (
            lambda lines: [line.replace(b'"lab":"local"', b'"lab":"vagrant"') for line in lines],
            "run was edited: its plan is for the lab local, and its journal of the lab vagrant",
        ),
        (
            lambda lines: [line.replace(b'"smbclient","check"', b'"jcifs","check"') for line in lines],
            "jcifs:browse is in its journal, and not in its plan",
        ),
    ],
)
def test_a_run_that_is_not_whole_in_itself(
    home: Path, spoil: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    path = home / "run" / "journal.jsonl"
    before = path.read_bytes()
    path.write_bytes(b"".join(spoil(before.splitlines(keepends=True))))
    assert path.read_bytes() != before
    assert said in refused(home, LOST)


def test_a_run_that_others_could_have_written(home: Path) -> None:
    (home / "run" / "journal.jsonl").chmod(0o666)
    assert "journal.jsonl, so that it is not used; chmod o-w" in refused(home, LOST)
    (home / "run" / "journal.jsonl").chmod(0o644)
    if can_own("uid", 65533):
        (home / "run" / "personas").mkdir()
        (home / "run" / "personas" / "x.toml").write_text("nonsense")
        os.chown(home / "run" / "personas" / "x.toml", 65533, 65533)
        assert "belongs to user 65533, so that it is not used" in refused(home, LOST)


def test_what_is_not_known_here_any_more(home: Path) -> None:
    for name in ("plan.json", "journal.jsonl"):
        path = home / "run" / name
        path.write_bytes(path.read_bytes().replace(b"windows-7", b"windows-77"))
    said = refused(home, LOST.replace("windows-7", "windows-77"))
    assert "no client is called 'windows-77'; did you mean windows-7" in said


def test_only_what_is_asked_for_need_be_known_here(home: Path) -> None:
    """Somebody's own change, which is gone, is in the run too."""
    for name in ("plan.json", "journal.jsonl"):
        path = home / "run" / name
        path.write_bytes(path.read_bytes().replace(b"encryption-required", b"my-own-change"))
    recorded = replaying.read(home / "run")
    plan = replaying.plan_for(CATALOGUE, recorded, [CellId.parse(LOST)])
    assert (list(map(str, plan.cells)), plan.replay_of, plan.probes) == ([LOST], "run", True)
    with pytest.raises(UsageError, match="my-own-change"):
        replaying.plan_for(CATALOGUE, recorded, recorded.plan.cells)


def test_cells_are_drawn_by_a_seed(home: Path) -> None:
    recorded = replaying.read(home / "run")
    cells = replaying.chosen(CATALOGUE, recorded, [])
    assert len(cells) == 12
    first, again, other = (replaying.drawn(recorded, cells, 4, seed) for seed in (1, 1, 2))
    assert len(first) == 4
    assert first == again != other
    assert replaying.drawn(recorded, cells, 99, 1) == cells
    pipes = replaying.chosen(CATALOGUE, recorded, ["nt-pipe-support-off:*:windows-*:browse", LOST])
    assert [cell.client for cell in pipes] == ["windows-7", "windows-10-1703"]
    assert replaying.chosen(CATALOGUE, recorded, ["smbclient"]) == [
        cell for cell in cells if cell.client == "smbclient"
    ]


def test_a_recorded_fault_is_not_drawn(home: Path) -> None:
    path = home / "run" / "journal.jsonl"
    lines = path.read_text().splitlines()
    broken = [
        line.replace('"outcome":"ok"', '"outcome":"fault"').replace(
            '"outcome":"refused"', '"outcome":"fault"'
        )
        if '"client":"smbclient"' in line
        else line
        for line in lines
    ]
    path.write_text("\n".join(broken) + "\n")
    recorded = replaying.read(home / "run")
    drawn = replaying.drawn(recorded, replaying.chosen(CATALOGUE, recorded, []), 99, 1)
    assert {cell.client for cell in drawn} == {"windows-7", "windows-10-1703"}


def test_the_newest_run_is_not_a_replay_of_it(home: Path) -> None:
    shutil.copytree(home / "run", home / "again")
    edited(home / "again" / "plan.json", lambda plan: plan.update(replay_of="run"))
    os.utime(home / "run", ns=(1, 1))
    assert replaying.folder_of(home, "").name == "run"
    assert replaying.folder_of(home, "latest").name == "again"
    shutil.rmtree(home / "run")
    with pytest.raises(UsageError, match=r"all runs in .* are replays; name one: --run again"):
        replaying.folder_of(home, "")


def test_a_file_that_is_another_one_now_is_told_and_an_edited_copy_is_refused(home: Path) -> None:
    kept = home / "run" / "personas" / "windows-7.toml"
    kept.parent.mkdir()
    kept.write_text("what was measured with")
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    elsewhere, script = home.parent / "mine.toml", home.parent / "mine.py"
    row = journal.plan_of(RUN).rows[0].name

    def edit(plan: Any) -> None:
        plan["sources"] = [
            {"kind": "persona", "name": "windows-7.toml", "path": str(elsewhere), "sha256": digest},
            {"kind": "scenario", "name": row, "path": str(script), "sha256": "0" * 64},
        ]

    edited(home / "run" / "plan.json", edit)
    script.write_text("raise SystemExit('it was run')")
    recorded = replaying.read(home / "run")
    plan = replaying.plan_for(CATALOGUE, recorded, [CellId.parse(LOST)])
    gone = FileSince("persona", str(elsewhere), "gone")
    other = FileSince("scenario", str(script), "changed")
    assert list(replaying.changed_since(recorded, plan)) == [gone, other]
    elsewhere.write_text("what was measured with")
    assert list(replaying.changed_since(recorded, plan)) == [other]
    kept.write_text("something else")
    assert "windows-7.toml is not what was measured with; nothing was started" in refused(home, LOST)
    kept.unlink()
    assert "windows-7.toml: cannot be read" in refused(home, LOST)


def test_a_plan_knows_the_scenario_files_that_are_not_ours(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        '"""Mine."""\nfrom harness.scenario import Scenario\nSCENARIO = Scenario(servers=["samba-4.22"], '
        'mitigations=["smb3-only"], clients=["curl"], checks=["open"], includes=["article-3-vendor-patch"])\n'
    )
    made = planner.from_scripts(CATALOGUE, "mine", [scenario.find(CATALOGUE, str(script))])
    (found,) = made.sources
    assert (found.kind, found.name, found.path) == (SourceKind.SCENARIO, "mine", str(script))
    assert sources.since(found) is None
    script.write_text("")
    assert sources.since(found) == FileSince("scenario", str(script), "changed")
    gone = Source(SourceKind.SCENARIO, "x", str(tmp_path / "x"), "")
    assert sources.since(gone) == FileSince("scenario", gone.path, "gone")
