"""``rehearse diff``: two recorded runs, one of them altered, cut off or damaged."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import jsonschema
import pytest
from balance_example import run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_bad_runs import BROKEN, RUN

import harness.clients
import harness.report
from harness.catalogue import made_of
from harness.comparison.runs import compare
from harness.comparison.turns import Turn
from harness.errors import UsageError
from harness.model import Effect
from harness.record import folders
from harness.report.comparison import render
from harness.report.documents.comparison import schema
from harness.report.page import console_for
from harness.system import paths
from harness.verbs.diff import diff

VALIDATOR = jsonschema.Draft202012Validator(schema())


def asked(runs: Path, *which: str, json: bool = False) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of ``rehearse diff``."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = diff(
                argparse.Namespace(
                    runs=runs, which=list(which), json=json, details=True, lang="en", catalogue=made_of()
                )
            )
        except UsageError as error:
            return error.exit_status, out.getvalue(), str(error)
    return status, out.getvalue(), err.getvalue()


LOSES = b'"client":"windows-10-1703","check":"open"}'
"""Of a cell of the recorded run that encryption-required keeps."""


def refuse(line: bytes) -> bytes:
    """An attempt that came through is refused."""
    made = line.replace(
        b'"outcome":"ok"',
        b'"outcome":"refused","step":"tree-connect","status":"STATUS_ACCESS_DENIED","side":"server"',
        1,
    )
    assert made != line
    return made


def altered(home: Path, alter: Callable[[bytes], bytes], which: tuple[bytes, ...]) -> None:
    """Two copies of the recorded run; in the second the lines with all these words are other ones."""
    shutil.copytree(RUN, home / "old")
    shutil.copytree(RUN, home / "new")
    path = home / "new" / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    hit = [number for number, line in enumerate(lines) if all(word in line for word in which)]
    assert hit
    for number in hit:
        lines[number] = alter(lines[number])
    path.write_bytes(b"".join(lines))


def test_two_runs_that_are_the_same(tmp_path: Path) -> None:
    altered(tmp_path, lambda line: line, (b"begun",))
    status, out, err = asked(tmp_path, "old", "new")
    assert (status, err) == (0, "")
    assert "Nothing got worse (the same in both: 12 cells and" in " ".join(out.split())
    assert "WORSE" not in out
    document = json.loads(asked(tmp_path, "old", str(tmp_path / "new"), json=True)[1])
    VALIDATOR.validate(document)
    assert (document["cells"], document["exposures"], document["worse"]) == ([], [], False)
    assert document["cell_summary"]["same"] == 12


def test_a_new_loss_is_worse_and_told_with_its_cause(tmp_path: Path) -> None:
    altered(tmp_path, refuse, (b'"encryption-required"', LOSES, b'"phase":"applied"'))
    status, out, _ = asked(tmp_path, "old", "new")
    said = " ".join(out.split())
    assert status == 1
    assert "Something got worse (worse: 1 cell; the same in both: 11 cells" in said
    assert "encryption-required on samba-4.22: ~windows-10-1703 open: kept -> LOST: " in said
    assert asked(tmp_path, "new", "old")[0] == 0, "the other way round it is better"
    document = json.loads(asked(tmp_path, "old", "new", json=True)[1])
    VALIDATOR.validate(document)
    (found,) = document["cells"]
    assert (found["turn"], found["emulated"], found["first"], found["second"]) == (
        "worse",
        True,
        "kept",
        "lost",
    )


def test_a_new_fault_is_not_worse(tmp_path: Path) -> None:
    def breaks(line: bytes) -> bytes:
        return line.replace(b'"outcome":"ok"', b'"outcome":"fault"', 1)

    altered(tmp_path, breaks, (b'"encryption-required"', LOSES, b'"phase":"applied"'))
    status, out, _ = asked(tmp_path, "old", "new")
    assert status == 0
    assert "NOT COMPARABLE" in out
    assert "kept -> FAULT" in " ".join(out.split())


def test_where_nothing_can_be_compared_nothing_is_said_to_be_no_worse(tmp_path: Path) -> None:
    """A lab that broke from the start, and looked for no hole."""

    def breaks(line: bytes) -> bytes:
        return b"" if b'"kind":"probed"' in line else line.replace(b'"outcome":"ok"', b'"outcome":"fault"')

    altered(tmp_path, breaks, ())
    status, out, _ = asked(tmp_path, "old", "new")
    assert status == 2
    assert "Nothing can be compared (not comparable: 12 cells; the same in both: 0 cells" in " ".join(
        out.split()
    )
    assert "got worse" not in out


def test_a_hole_that_is_open_again_is_worse(tmp_path: Path) -> None:
    def opens(line: bytes) -> bytes:
        return re.sub(rb'("encryption-not-required":\{"state":)"[a-z ]+"', rb'\1"open"', line)

    altered(tmp_path, opens, (b'"kind":"probed"', b'"encryption-required"', b'"phase":"applied"'))
    status, out, _ = asked(tmp_path, "old", "new")
    assert status == 1
    said = " ".join(out.split())
    assert (
        "exposure encryption-not-required on samba-4.22 (encryption-required): closed -> open with the change"
        in said
    )


def test_a_run_that_was_cut_is_compared_as_far_as_it_goes_and_is_no_proof(tmp_path: Path) -> None:
    altered(tmp_path, lambda line: line, (b"begun",))
    path = tmp_path / "new" / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) * 3 // 4]))
    status, out, _ = asked(tmp_path, "old", "new")
    assert status == 2
    said = " ".join(out.split())
    assert "Nothing got worse in what both have measured" in said
    assert "not whole: new was cut off: " in said
    assert "IN old ALONE: " in said
    assert "new was cut off" in asked(tmp_path, "old", "new", json=True)[2]


def test_runs_have_names_for_their_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    altered(tmp_path, lambda line: line, (b"begun",))
    os.utime(tmp_path / "old", ns=(1, 1))
    assert folders.named(tmp_path, "latest").name == "new"
    assert folders.named(tmp_path, "previous").name == "old"
    monkeypatch.setattr(paths, "runs_dir", lambda: tmp_path)
    assert [folders.called(tmp_path / name) for name in ("new", "old")] == ["", "old"]
    elsewhere = tmp_path / "other place"
    monkeypatch.setattr(paths, "runs_dir", lambda: elsewhere)
    assert folders.called(tmp_path / "new") == str(tmp_path / "new")
    assert folders.called(elsewhere.parent / "a b" / "new") == f"'{tmp_path}/a b/new'"
    assert json.loads(asked(tmp_path, json=True)[1])["first"]["run"] == "old"
    assert json.loads(asked(tmp_path, "old", json=True)[1])["second"]["run"] == "new"
    shutil.rmtree(tmp_path / "old")
    for words, why in (
        (["previous", "new"], "there is no run before new"),
        (["latest", "new"], "latest and new are one run: new"),
        (["new", "nwe"], "there is no run called 'nwe'; did you mean new?"),
        (["new", "lates"], "did you mean latest?"),
        (["a", "b", "c"], "diff compares two runs, not 3"),
    ):
        status, out, err = asked(tmp_path, *words)
        assert (status, out) == (64, "")
        assert why in err


def test_runs_of_other_cells_are_not_compared(tmp_path: Path) -> None:
    altered(tmp_path, lambda line: line, (b"begun",))
    for name in ("plan.json", "journal.jsonl"):
        path = tmp_path / "new" / name
        path.write_bytes(path.read_bytes().replace(b"samba-4.22", b"samba-4.17"))
    status, _, err = asked(tmp_path, "old", "new")
    assert status == 64
    assert "have no cell and no exposure in common; compare runs" in err
    (tmp_path / "new" / "journal.jsonl").write_bytes(b"")
    assert "in common; new was cut off: 0 of 12 cells are measured" in asked(tmp_path, "old", "new")[2]


def test_hostile_words_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    def hostile(line: bytes) -> bytes:
        return re.sub(rb'"evidence":"[^"]*"', rb'"evidence":"\\u001b[2J\\u202e<b>"', line).replace(
            b'"state":"closed"', b'"state":"open"'
        )

    altered(tmp_path, hostile, (b'"kind":"probed"', b'"encryption-required"', b'"phase":"applied"'))
    status, out, _ = asked(tmp_path, "old", "new")
    assert status == 1
    assert "\\x1b[2J\\u202e<b>" in out
    assert not {"\x1b", "\u202e"} & set(out)


def test_any_damage_is_answered_in_order(tmp_path: Path) -> None:
    shutil.copytree(RUN, tmp_path / "run")
    shutil.copytree(RUN, tmp_path / "other")

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(["journal.jsonl", "plan.json"]),
        st.lists(BROKEN, min_size=1, max_size=3),
        st.booleans(),
        st.booleans(),
    )
    def look_at(
        name: str, broken: list[tuple[Callable[..., bytes], ...]], as_json: bool, first: bool
    ) -> None:
        for one in ("journal.jsonl", "plan.json"):
            shutil.copy(RUN / one, tmp_path / "run" / one)
        data = (RUN / name).read_bytes()
        for breaks, *how in broken:
            data = breaks(data, *how) if data else data
        (tmp_path / "run" / name).write_bytes(data)
        which = ("run", "other") if first else ("other", "run")
        status, out, err = asked(tmp_path, *which, json=as_json)
        assert status in (0, 1, 2, 64)
        assert len(err.splitlines()) <= 2
        if status != 64 and as_json:
            VALIDATOR.validate(json.loads(out))

    look_at()


def test_many_different_lines_are_counted_and_shown_with_details() -> None:
    names = [f"smb3-only:server-{number}:windows-7:open" for number in range(60)]
    found = compare(run(dict.fromkeys(names, Effect.KEPT), {}), run(dict.fromkeys(names, Effect.LOST), {}))
    assert found.many(Turn.WORSE) == (60, 0)
    for details, shown in ((False, 20), (True, 60)):
        stream = io.StringIO()
        render(found, console_for(stream, {"COLUMNS": "100"}), details=details)
        said = stream.getvalue()
        assert said.count("kept -> LOST") == shown
        assert ("and 40 more: rehearse diff --details" in said) is not details


def test_each_run_is_read_with_the_personas_that_it_keeps(tmp_path: Path) -> None:
    """New data of a persona is what two runs are compared for; both have it under the same name."""
    altered(tmp_path, lambda line: line, (b"begun",))
    ours = Path(harness.clients.__file__).parent / "personas" / "windows-7.toml"
    for name in ("old", "new"):
        kept = tmp_path / name / "personas"
        kept.mkdir()
        text = ours.read_text().replace('name = "windows-7"', 'name = "learned-pc"')
        (kept / "learned-pc.toml").write_text(f"{text}# as it was {name}\n")
        for file in ("plan.json", "journal.jsonl"):
            path = tmp_path / name / file
            path.write_bytes(path.read_bytes().replace(b'"windows-7"', b'"learned-pc"'))
    status, out, err = asked(tmp_path, "old", "new")
    assert (status, err) == (0, "")
    assert "the same in both: 12 cells" in " ".join(out.split())
    assert "learned-pc" not in made_of().clients
