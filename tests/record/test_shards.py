"""A plan in parts, and the runs of the parts as one: the same as the plan in one, or a reason why not."""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from known import CATALOGUE
from test_bad_runs import BROKEN, RUN
from test_circumstances import bare

from harness.catalogue import built_in
from harness.cli import main as cli
from harness.cli.parser import build
from harness.errors import LabFault, UsageError
from harness.model import CellId, Row
from harness.planning import planner
from harness.record import journal, readback, shards
from harness.record.forecast import forecast
from harness.report.documents.result import render_json, schema
from harness.verbs.merge import merge

VALIDATOR = jsonschema.Draft202012Validator(schema())
COMBINED = "smb3-only+ntlmv2-only,smb3-only"
WHOLE = planner.from_selectors(
    CATALOGUE,
    [
        f"{COMBINED},none,nt-pipe-support-off:samba-4.*:windows-7,curl,smbclient",
        "none:sles11-like:windows-xp",
    ],
    probes=True,
)

HEAVIEST = max(shards.weight(CATALOGUE, WHOLE, job) for job in WHOLE.jobs)


@given(st.integers(1, len(WHOLE.jobs)))
@settings(max_examples=6, deadline=None)
def test_every_cell_is_in_one_part_and_a_servers_cells_stay_together(many: int) -> None:
    parts = shards.split(CATALOGUE, WHOLE, many)
    assert sorted(str(cell) for part in parts for cell in part.cells) == sorted(map(str, WHOLE.cells))
    assert sorted((job for part in parts for job in part.jobs), key=str) == sorted(WHOLE.jobs, key=str)
    for number, part in enumerate(parts, 1):
        assert part.cells == tuple(cell for cell in WHOLE.cells if cell in set(part.cells))
        assert part.shard
        assert (part.shard.number, part.shard.of, part.shard.whole) == (number, many, WHOLE)
        assert part.name == f"selection-{number}-of-{many}"
    # No part is longer than it must be by more than one server's work.
    loads = [sum(shards.weight(CATALOGUE, WHOLE, job) for job in part.jobs) for part in parts]
    assert max(loads) - min(loads) <= HEAVIEST


def test_what_was_recorded_on_a_machine_does_not_decide_the_parts(tmp_path: Path) -> None:
    first = shards.split(CATALOGUE, WHOLE, 3)
    with journal.create(tmp_path / "a-run", WHOLE):
        pass
    assert forecast(CATALOGUE, first[0], tmp_path).least > 0
    assert shards.split(CATALOGUE, WHOLE, 3) == first


def test_a_shard_is_written_and_read_with_its_whole(tmp_path: Path) -> None:
    (part, _) = shards.split(CATALOGUE, WHOLE, 2)
    with journal.create(tmp_path / "run", part):
        pass
    assert journal.plan_of(tmp_path / "run") == part
    text = (tmp_path / "run" / "plan.json").read_text()
    # One of a million cells, with the whole of twice as many, is read as well.
    each = len(text) / (len(part.cells) + len(WHOLE.cells))
    assert 3 * 10**6 * each < journal.MOST_OF_A_PLAN
    for old, new in (('"number": 1,', '"number": 3,'), ('"of": 2', '"of": 0')):
        assert old in text
        (tmp_path / "run" / "plan.json").write_text(text.replace(old, new))
        with pytest.raises(UsageError, match=r"plan.json is damaged: .*there is no shard"):
            journal.plan_of(tmp_path / "run")


def test_a_plan_is_not_split_into_more_parts_than_servers_to_start() -> None:
    small = planner.from_selectors(CATALOGUE, ["none:samba-4.22:curl:open"])
    with pytest.raises(UsageError, match="a plan that starts 1 server cannot be split into 2"):
        shards.split(CATALOGUE, small, 2)


# -- merging ---------------------------------------------------------------------------------------------


def parted(home: Path) -> list[Path]:
    """The recorded run as its two shards would have been recorded: one a change."""
    whole = journal.plan_of(RUN)
    lines = (RUN / "journal.jsonl").read_bytes().splitlines(keepends=True)
    made = []
    for part in shards.split(CATALOGUE, whole, 2):
        (job,) = part.jobs
        folder = home / f"shard-{job.mitigation}"
        with journal.create(folder, part):
            pass
        others = {other.mitigation for other in whole.jobs} - {job.mitigation}
        mine = [
            one for one in lines if not any(f'"mitigation":"{other}"'.encode() in one for other in others)
        ]
        (folder / "journal.jsonl").write_bytes(b"".join(mine))
        (folder / "evidence" / "1-samba-4.22").mkdir(parents=True)
        (folder / "evidence" / "1-samba-4.22" / "smb.conf").write_text(job.mitigation)
        made.append(folder)
    return made


def merged(home: Path, *which: Path | str, json: bool = True) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of ``rehearse merge``."""
    words = ["merge", *map(str, which), "--runs", str(home), *(["--json"] if json else [])]
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            options = build().parse_args(words)
            options.catalogue = CATALOGUE
            status = merge(options)
        except (UsageError, LabFault) as error:
            return error.exit_status, out.getvalue(), str(error)
    return status, out.getvalue(), err.getvalue()


def comparable(text: str) -> Any:
    document = json.loads(text)
    VALIDATOR.validate(document)
    del document["measured"]
    return bare(document)


def test_shards_that_are_merged_are_the_run_that_was_not_split(tmp_path: Path) -> None:
    whole = readback.result_of(CATALOGUE, journal.load(RUN))
    parts = parted(tmp_path)
    for order in (1, -1):
        status, out, err = merged(tmp_path, *parts[::order])
        assert status == 1
        assert comparable(out) == comparable(render_json(whole))
        assert err.startswith("run folder: ")
        folder = Path(err.split(": ", 1)[1].strip())
        assert sorted(str(one.relative_to(folder)) for one in folder.rglob("smb.conf")) == [
            "evidence/shard-1-of-2/1-samba-4.22/smb.conf",
            "evidence/shard-2-of-2/1-samba-4.22/smb.conf",
        ]
        assert journal.plan_of(folder) == journal.plan_of(RUN)


def test_a_shard_that_is_missing_is_told_and_what_there_is_is_merged(tmp_path: Path) -> None:
    first, _ = parted(tmp_path)
    status, out, err = merged(tmp_path, first)
    document = json.loads(out)
    assert (status, document["complete"], document["planned"]) == (2, False, 12)
    assert len(document["cells"]) == 6
    assert "missing: shard 2/2" in err
    assert "6 of 12 cells are measured; the rest: rehearse run --resume" in err


def test_what_of_a_shard_cannot_be_read_is_told_and_the_rest_is_merged(tmp_path: Path) -> None:
    first, second = parted(tmp_path)
    path = first / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    number = next(
        at for at, line in enumerate(lines) if b'"phase":"applied"' in line and b'"attempt"' in line
    )
    path.write_bytes(b"".join([*lines[:number], b"garbage\n", *lines[number + 1 :], b'{"kind":"att']))
    status, out, err = merged(tmp_path, first, second)
    document = json.loads(out)
    assert status == 2
    assert len(document["cells"]) == 11
    assert "1 line of its journal cannot be read" in document["damage"]
    assert document["damage"] in err


def rewritten(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def test_what_makes_no_one_result_is_refused_with_the_reason(tmp_path: Path) -> None:
    first, second = parted(tmp_path)
    before = set(tmp_path.iterdir())

    def refused(*which: Path | str) -> str:
        status, out, err = merged(tmp_path, *which)
        assert (status, out) == (64, "")
        assert len(err.splitlines()) == 1
        assert set(tmp_path.iterdir()) - {*before, tmp_path / "copy"} == set(), "nothing was made"
        return err

    def copy() -> Path:
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        return Path(shutil.copytree(second, tmp_path / "copy"))

    assert "run is no shard of a plan" in refused(first, RUN)
    assert f"{first.name} is named twice" in refused(first, first)
    assert f"{second.name} and copy are both shard 2/2" in refused(first, second, copy())
    other = copy()
    rewritten(other, "plan.json", "windows-10-1703", "windows-10-22h2")
    assert "are shards of different plans: only one of them has" in refused(first, other)
    other = copy()
    rewritten(other, "plan.json", '"of": 2', '"of": 3')
    assert "shards of different plans: split into 2 and into 3" in refused(first, other)
    assert "shards of different plans: split into 2 and into 3" in refused(second, other), "both are number 2"
    other = copy()
    made = journal.plan_of(first)
    assert made.shard
    edited = replace(made, shard=replace(made.shard, number=2))
    (other / "plan.json").write_bytes(journal._plans().dump_json(edited))
    assert f"{first.name} and copy overlap: both have " in refused(first, other)
    stranger = CellId("none", "samba-4.17", "curl", "open")
    edited = replace(journal.plan_of(second), rows=(Row("x", "", (stranger,)),))
    (other / "plan.json").write_bytes(journal._plans().dump_json(edited))
    assert f"copy: its plan.json was edited: {stranger} is not in the whole plan" in refused(first, other)
    other = copy()
    rewritten(other, "journal.jsonl", '"software":"Samba 4.22', '"software":"Samba 4.99')
    assert "server samba-4.22 was Samba 4.22" in refused(first, other)
    other = copy()
    rewritten(other, "journal.jsonl", '"format":1', '"format":7')
    assert "its journal has format 7, and this smb-rehearsal reads 1" in refused(first, other)
    other = copy()
    (other / "plan.json").write_text("{")
    assert "copy is not the folder of a run: plan.json is damaged" in refused(first, other)
    other = copy()
    for folder, words in ((first, "# one"), (other, "# two")):
        (folder / "personas").mkdir()
        (folder / "personas" / "mine.toml").write_text(words)
    assert f"personas/mine.toml is not the same in {first.name} and in copy" in refused(first, other)
    shutil.rmtree(first / "personas")
    other = copy()
    with ExitStack() as held:
        held.enter_context(journal.attended(other))
        assert "copy is still being measured" in refused(first, other)


def test_nothing_but_files_is_taken_along(tmp_path: Path) -> None:
    first, second = parted(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("of somebody")
    (first / "evidence" / "1-samba-4.22" / "link").symlink_to(secret)
    os.mkfifo(first / "evidence" / "pipe")
    (first / "evidence" / "up").symlink_to(tmp_path)
    status, _, err = merged(tmp_path, first, second)
    assert status == 1
    folder = Path(err.rsplit(": ", 1)[1].strip())
    assert {one.name for one in (folder / "evidence").rglob("*") if not one.is_dir()} == {"smb.conf"}
    assert err.count("is no regular file, and was left out") == 2


def test_any_damage_of_a_shard_is_answered_in_order(tmp_path: Path) -> None:
    first, second = parted(tmp_path)
    kept = {name: (first / name).read_bytes() for name in ("journal.jsonl", "plan.json")}

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(list(kept)), st.lists(BROKEN, min_size=1, max_size=3))
    def look_at(name: str, broken: list[tuple[Callable[..., bytes], ...]]) -> None:
        for one, whole in kept.items():
            (first / one).write_bytes(whole)
        data = kept[name]
        for breaks, *how in broken:
            data = breaks(data, *how) if data else data
        (first / name).write_bytes(data)
        status, out, _ = merged(tmp_path / "made", first, second)
        assert status in (0, 1, 2, 64)
        if status != 64:
            VALIDATOR.validate(json.loads(out))
        shutil.rmtree(tmp_path / "made", ignore_errors=True)

    look_at()


# -- what a CI system asks -------------------------------------------------------------------------------


def told(*words: str) -> tuple[str, str]:
    """stdout and stderr of a verb that succeeds."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        options: argparse.Namespace = build().parse_args(words)
        assert options.verb(options) == 0
    return out.getvalue(), err.getvalue()


CELLS = "none,smb3-only:samba-4.22,samba-4.17:curl,windows-7:open"


def test_a_matrix_for_github_is_one_line_of_json(tmp_path: Path) -> None:
    out, err = told("plan", CELLS, "--matrix", "github", "--shards", "3", "--runs", str(tmp_path))
    assert len(out.splitlines()) == 1
    rows = json.loads(out)["include"]
    assert [row["shard"] for row in rows] == ["1/3", "2/3", "3/3"]
    assert sum(row["cells"] for row in rows) == 8
    assert all(0 < row["seconds"][0] <= row["seconds"][1] for row in rows)
    assert "shard 1/3: 2 cells, 1 server to start, about " in err
    assert len(err.splitlines()) == 3


def test_a_matrix_for_gitlab_is_yaml(tmp_path: Path) -> None:
    out, _ = told("plan", CELLS, "--matrix", "gitlab", "--runs", str(tmp_path))
    assert yaml.safe_load(out) == {"rehearse": {"parallel": 4}}
    assert "# shard 4/4: 2 cells, 1 server to start, about " in out


def test_the_key_of_the_images_is_that_of_their_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    key = told("cache-key", "none:samba-4.22:windows-7:open")[0]
    assert key == told("cache-key", "smb3-only:samba-4.22:windows-7:browse")[0]
    found = json.loads(told("cache-key", "none:samba-4.22,samba-4.17:windows-7:open", "--json")[0])
    assert found["images"] == ["bookworm", "trixie"]
    assert found["key"] != key.strip()
    assert found["path"].endswith("/smb-rehearsal/images")
    assert told("cache-key")[0] != key
    known = built_in.images()
    changed = {**known, "trixie": replace(known["trixie"], security=False)}
    monkeypatch.setattr(built_in, "images", lambda: changed)
    assert told("cache-key", "none:samba-4.22:windows-7:open")[0] != key


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run --shard 3/2 none:samba-4.22", "'3/2' is no shard"),
        ("run --shard 1/1/1", "is no shard: 2/4 is the second of four"),
        ("run --shard ٣/٤", "is no shard"),
        ("run --shard 1/9999", "is no shard"),
        ("plan --shards 3 none:samba-4.22", "--shards says into how many parts --matrix splits"),
        ("plan --matrix jenkins", "is none of github, gitlab"),
        ("run none:samba-4.22:curl:open --shard 1/2", "cannot be split into 2"),
        ("run --resume --shard 1/2", "a run that goes on has its own cells"),
    ],
)
def test_a_mistake_is_answered_before_anything_is_measured(tmp_path: Path, words: str, said: str) -> None:
    def asked() -> None:
        options = cli.parse([*words.split(), "--runs", str(tmp_path)])
        options.verb(options)

    with pytest.raises(UsageError) as caught:
        asked()
    assert said in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_gates_are_for_the_whole(tmp_path: Path) -> None:
    must = tmp_path / "must.toml"
    must.write_text('[[kept]]\ncells = "encryption-required:*:windows-10-*"\n')
    options = build().parse_args(
        ["run", CELLS, "--shard", "1/2", "--require", str(must), "--runs", str(tmp_path / "runs")]
    )
    with pytest.raises(UsageError, match="one shard says nothing of what all must hold"):
        options.verb(options)
    first, second = parted(tmp_path)
    words = ["merge", str(first), str(second), "--runs", str(tmp_path), "--json", "--require", str(must)]
    assert json.loads(told_anyhow(words))["gates"]["required"] == 2


def test_what_is_merged_is_told_in_the_language_that_was_asked_for(tmp_path: Path) -> None:
    first, second = map(str, parted(tmp_path))
    words = ["merge", first, second, "--runs", str(tmp_path), "--format", "ticket", "--lang", "ja"]
    assert told_anyhow(words).startswith("# 変更申請: ")


def told_anyhow(words: list[str]) -> str:
    """stdout of a verb, whatever its exit status."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        options = build().parse_args(words)
        options.verb(options)
    return out.getvalue()
