"""One run, several reports: what is printed, and what is written into files besides."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness import cli

RUN = Path(__file__).parent.parent / "data" / "run"
"""A run of the local lab, as it was written."""


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    shutil.copytree(RUN, tmp_path / "runs" / "saved")
    return tmp_path / "runs"


def answer(runs: Path, *words: str) -> int:
    return cli.main(["report", "--runs", str(runs), *words])


def test_json_is_the_format_json_also_in_a_file(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = answer(runs, "--json")
    printed = capsys.readouterr().out
    assert answer(runs, "--run", "saved", "--format", "json", "--output", str(tmp_path / "out")) == status
    said = capsys.readouterr()
    assert (tmp_path / "out").read_text() == printed
    assert json.loads(printed)["run"] == "saved"
    assert not said.out
    assert f"written: {tmp_path / 'out'}" in said.err


def test_text_in_a_file_is_what_would_be_printed(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(runs, "--details")
    printed = capsys.readouterr().out
    answer(runs, "--details", "-o", str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--json", "--format", "text"], "two formats for one output"),
        (["--details", "--format", "json"], "--details is for text"),
        (["--output", "-"], "is no file"),
        (["--output", "/"], "is a folder"),
        (["--output", "/nowhere/out"], "/nowhere is no folder"),
        (["--run", "saved", "saved"], "named twice"),
        (["--format", "jsno"], "did you mean json?"),
    ],
)
def test_what_contradicts_itself_is_one_line(
    runs: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(runs, *words) == 64
    shown = capsys.readouterr()
    assert not shown.out
    assert said in shown.err
    assert len(shown.err.splitlines()) == 1
