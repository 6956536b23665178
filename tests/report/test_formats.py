"""One run, several reports: what is printed, and what is written into files besides."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.cli import main as cli
from harness.record import folders, journal, readback
from harness.report.formats import FORMATS, Source
from harness.result import RunResult

RUN = Path(__file__).parent.parent / "data" / "run"
"""A run of the local lab, as it was written."""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    shutil.copytree(RUN, tmp_path / "runs" / "saved")
    return tmp_path / "runs"


def read(folder: Path) -> RunResult:
    return readback.result_of(CATALOGUE, journal.load(folder))


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


def test_one_run_is_written_in_several_formats_at_once(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page"
    page.write_text("of a step before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    names = [one.name for one in FORMATS.values() if one.option]
    files = {name: page if name == "summary" else tmp_path / name for name in names}
    answer(runs, "--format", "github", *(f"--{name}={path}" for name, path in files.items()))
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1].startswith("::notice title=")
    assert len(printed.err.splitlines()) == len(files)
    assert page.read_text().startswith("of a step before\n## SMB rehearsal: ")
    for name in {"junit", "sarif", "ticket"}:
        assert files[name].read_text() == FORMATS[name].write(
            Source(read(runs / "saved"), runs / "saved", CATALOGUE, called=folders.lasting(runs / "saved"))
        )


def test_a_run_that_was_cut_or_edited_is_written_as_far_as_it_can_be_read(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal_file = runs / "saved" / "journal.jsonl"
    text = journal_file.read_bytes().splitlines(keepends=True)
    broken = text[len(text) // 2].replace(b"{", b"[", 1)
    journal_file.write_bytes(
        b"".join([*text[: len(text) // 2], broken, *text[len(text) // 2 + 1 : -3]]) + b'{"cut'
    )
    for name in ("junit", "sarif", "summary", "github", "ticket"):
        assert answer(runs, "--format", name) == 2
        shown = capsys.readouterr()
        assert "saved: " in shown.err
        assert shown.out.strip()


def test_only_narrows_what_is_told_and_leaves_the_verdict(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = answer(runs)
    capsys.readouterr()
    assert answer(runs, "--json", "--only", "encryption-required:*:windows-7") == status
    document = json.loads(capsys.readouterr().out)
    assert {cell["client"] for cell in document["cells"]} == {"windows-7"}
    assert {one["mitigation"] for one in document["exposures"]} == {"encryption-required"}
    assert {one["mitigation"] for one in document["applied"]} == {"encryption-required"}
    assert document["planned"] == len(document["cells"]) == 2
    assert document["complete"]
    assert answer(runs, "--format", "ticket", "--only", "encryption-required") == status
    assert capsys.readouterr().out.startswith("# Change request: SMB encryption required")


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
        (["--only", "smb3-only"], "leaves no cell of saved"),
        (["--only", "no-such-thing"], "no-such-thing"),
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
