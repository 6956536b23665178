"""Whatever happened to a run folder, every verb that reads it gives a whole answer or one line."""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import re
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import jsonschema
import pytest
from commandline import rehearse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from known import CATALOGUE

from harness.cli.parser import build
from harness.errors import UsageError
from harness.record import journal
from harness.report.documents.result import schema
from harness.system import files
from harness.verbs import lists, look, reporting

RUN = Path(__file__).parent.parent / "data" / "run"
"""A run of the local lab, as it was written: two changes, three clients, two checks, all exposures."""
VALIDATOR = jsonschema.Draft202012Validator(schema())
CELL, PAIR = "encryption-required:samba-4.22:windows-7:open", "encryption-required:samba-4.22"


def _words(runs: Path, **more: object) -> argparse.Namespace:
    given = {
        **vars(build().parse_args(["report", "run"])),
        "runs": runs,
        "catalogue": CATALOGUE,
        "make_catalogue": lambda: CATALOGUE,
        "name": "run",
        "details": True,
        "agreement": False,
        **more,
    }
    return argparse.Namespace(**given)


VERBS: dict[str, Callable[[Path], int]] = {
    "list": lambda runs: lists.list_(_words(runs, kind="runs")),
    "list --json": lambda runs: lists.list_(_words(runs, kind="runs", json=True)),
    "report": lambda runs: reporting.report(_words(runs)),
    "report --json": lambda runs: reporting.report(_words(runs, json=True)),
    "show CELL": lambda runs: look.show(_words(runs, words=[CELL])),
    "show CELL --json": lambda runs: look.show(_words(runs, words=[CELL], json=True)),
    "show PAIR": lambda runs: look.show(_words(runs, words=[PAIR])),
    "show PAIR --json": lambda runs: look.show(_words(runs, words=[PAIR], json=True)),
}


def answer(verb: str, runs: Path) -> tuple[int, str, str]:
    """What a verb makes of the runs: exit status, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = VERBS[verb](runs)
        except UsageError as error:
            return error.exit_status, out.getvalue(), str(error)
    return status, out.getvalue(), err.getvalue()


def flipped(data: bytes, at: int, bit: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def _piece(data: bytes, begin: int, size: int, new: bytes) -> bytes:
    begin %= len(data)
    return data[:begin] + new + data[begin + size :]


def _shuffled(data: bytes, seed: int) -> bytes:
    lines = data.splitlines(keepends=True)
    random.Random(seed).shuffle(lines)
    return b"".join(lines)


def _number(data: bytes, which: int, new: bytes) -> bytes:
    """A number of the file is another one."""
    numbers = [found.span() for found in re.finditer(rb"(?<=[:,\[])\d[\d.e-]*", data)]
    begin, end = numbers[which % len(numbers)] if numbers else (0, 0)
    return data[:begin] + new + data[end:]


def _word(data: bytes, which: int, new: bytes) -> bytes:
    """A text of the file is another one."""
    texts = [found.span() for found in re.finditer(rb'"[^"\\]*"', data)]
    begin, end = texts[which % len(texts)] if texts else (0, 0)
    return data[:begin] + new + data[end:]


EXAMPLES = 40
ANY = st.integers(0, 10**6)
NUMBERS = st.sampled_from(
    [b"NaN", b"Infinity", b"-1", b"9" * 5000, b"1e999", b"null", b'"x"', b"[" * 5000, b"0.5"]
)
TEXTS = st.sampled_from(
    [
        b'""',
        b'"\\ud800"',
        b'"LOST"',
        b'"a:b:c:d:e"',
        b'"\\u001b[2J"',
        b"7",
        b"[]",
        b"{}",
        b'"' + b"x" * 9000 + b'"',
    ]
)
BROKEN = st.one_of(
    st.tuples(st.just(flipped), ANY, st.integers(0, 7)),
    st.tuples(st.just(_piece), ANY, ANY, st.binary(max_size=4)),
    st.tuples(st.just(_shuffled), ANY),
    st.tuples(st.just(_number), ANY, NUMBERS),
    st.tuples(st.just(_word), ANY, TEXTS),
)


@pytest.mark.parametrize("name", ["journal.jsonl", "plan.json"])
def test_any_damage_is_answered_in_order(name: str, tmp_path: Path) -> None:
    shutil.copytree(RUN, tmp_path / "run")
    shutil.copytree(RUN, tmp_path / "other")
    whole = (RUN / name).read_bytes()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(BROKEN, min_size=1, max_size=3), st.sampled_from(list(VERBS)))
    def look_at(broken: list[tuple[Callable[..., bytes], ...]], verb: str) -> None:
        data = whole
        for breaks, *how in broken:
            data = breaks(data, *how) if data else data
        (tmp_path / "run" / name).write_bytes(data)
        status, out, err = answer(verb, tmp_path)
        assert len(err.splitlines()) <= 1
        assert len(err) < 4000
        assert status in (0, 1, 2, 3, 64)
        if verb == "list --json":
            assert {run["name"] for run in json.loads(out)} == {"run", "other"}
        elif status != 64 and verb.endswith("--json"):
            VALIDATOR.validate(json.loads(out))

    look_at()


def test_the_whole_run_is_read(tmp_path: Path) -> None:
    shutil.copytree(RUN, tmp_path / "run")
    for verb in VERBS:
        status, out, err = answer(verb, tmp_path)
        assert (status in (0, 1), err) == (True, ""), verb
        assert out
    assert json.loads(answer("report --json", tmp_path)[1])["damage"] == ""


def test_a_check_of_a_later_version_is_shown(tmp_path: Path) -> None:
    shutil.copytree(RUN, tmp_path / "run")
    for name in ("journal.jsonl", "plan.json"):
        path = tmp_path / "run" / name
        whole = path.read_bytes()
        path.write_bytes(re.sub(rb'"check": ?"open"', b'"check":"later"', whole))
        assert path.read_bytes() != whole
    for verb in VERBS.keys() - {"show CELL", "show CELL --json"}:
        status, _, err = answer(verb, tmp_path)
        assert (status in (0, 1), err) == (True, ""), verb
    assert "later" in answer("report", tmp_path)[1]


def test_what_is_not_read_is_told_and_the_run_is_no_proof(tmp_path: Path) -> None:
    shutil.copytree(RUN, tmp_path / "run")
    path = tmp_path / "run" / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if b'"kind":"applied"' in line)
    lines[number] = lines[number].replace(b'"kind":"applied"', b'"kind":"of-tomorrow"')
    path.write_bytes(b"".join(lines))
    status, out, err = answer("report --json", tmp_path)
    assert status == 2
    assert f"1 line of its journal cannot be read (line {number + 1}: " in err
    assert "of-tomorrow" in err
    assert json.loads(out)["damage"] in err
    assert "1 line of its journal cannot be read" in answer("list", tmp_path)[1].replace("\n", " ").replace(
        "  ", " "
    )


@pytest.mark.parametrize("old", [b'"format":1', b'"format": 1'])
def test_a_journal_of_another_format_is_not_read(tmp_path: Path, old: bytes) -> None:
    shutil.copytree(RUN, tmp_path / "run")
    path = tmp_path / "run" / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"format":1', old.replace(b"1", b"99")))
    for verb in ("report", "show CELL"):
        status, out, err = answer(verb, tmp_path)
        assert (status, out) == (64, "")
        assert "its journal has format 99, and this smb-rehearsal reads 1" in err


@pytest.mark.parametrize("name", ["journal.jsonl", "plan.json"])
def test_what_is_no_file_is_not_read(tmp_path: Path, name: str) -> None:
    def pipe(path: Path) -> None:
        os.mkfifo(path)

    def device(path: Path) -> None:
        path.symlink_to("/dev/zero")

    def endless(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(2**40)

    for make in (pipe, device, Path.mkdir, endless):
        folder = tmp_path / make.__name__
        shutil.copytree(RUN, folder)
        (folder / name).unlink()
        make(folder / name)
        with pytest.raises(
            UsageError, match=r"is a (pipe|device|folder), not a file|MiB, the limit for such a file"
        ):
            journal.load(folder)
    if name == "journal.jsonl":
        # Neither goes on with it.
        for kind in ("pipe", "device"):
            with pytest.raises(UsageError, match="not a file"):
                journal.mend_cut(tmp_path / kind / name)


def test_the_end_that_was_cut_off_is_found_however_far_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for whole, cut in ((b"a\n", b"x" * 200_000), (b"", b"x" * 70_000), (b"a\n" * 40_000, b""), (b"", b"")):
        path.write_bytes(whole + cut)
        journal.mend_cut(path)
        assert path.read_bytes() == whole


def test_lines_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one\ntwo\ncut")
    assert list(files.lines(path, 2**20, 2**20)) == [b"one", b"two"]
    with pytest.raises(UsageError, match="larger than"):
        list(files.lines(path, 2**20, 5))
    with pytest.raises(UsageError, match="has a line of more than"):
        list(files.lines(path, 2, 2**20))
    assert list(files.lines(tmp_path / "none", 1, 1)) == []


@pytest.mark.parametrize("kind", ["scenario", "persona", "capture"])
def test_a_pipe_in_the_place_of_a_file_is_answered_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / {"scenario": "x.py", "persona": "x.toml", "capture": "x.pcap"}[kind]
    os.mkfifo(path)
    words: list[str | Path] = ["plan", path]
    if kind != "scenario":
        words = ["learn", path] if kind == "capture" else ["plan", "--personas", tmp_path, "none:*:curl:open"]
    done = rehearse(*words)
    assert done.status == 64
    assert f"{path}: is a pipe, not a file" in done.stderr
    assert len(done.stderr.splitlines()) == 1
