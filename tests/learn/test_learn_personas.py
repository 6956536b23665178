"""Folders of learned personas: clients everywhere, in every process, and only when they are named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from commandline import rehearse
from packet_maker import Talk, ntlm_negotiate, pcap, smb2_negotiate, smb2_session_setup, written

from harness.catalogue import Origin, made_of
from harness.catalogue.sources import personas_in
from harness.clients.persona import FOLDER
from harness.errors import UsageError

NAME = "learned-192.0.2.10"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that ``rehearse learn --write`` made."""
    talk = (
        Talk().opened().says(smb2_negotiate([0x0202, 0x0210], 3)).says(smb2_session_setup(ntlm_negotiate()))
    )
    made = tmp_path / "personas"
    ended = rehearse("learn", written(tmp_path, pcap(talk.frames)), "--write", made, env={"COLUMNS": "400"})
    assert ended.status == 0, ended.stderr
    assert f"written: {made}/{NAME}.toml" in ended.stdout
    return made


def test_a_learned_persona_is_listed_shown_and_planned(folder: Path) -> None:
    listed = rehearse("list", "clients", "--json", "--personas", folder)
    assert NAME in {client["name"] for client in json.loads(listed.stdout)}
    shown = rehearse("show", NAME, "--personas", folder)
    assert "inferred: as" in shown.stdout
    planned = rehearse("plan", f"smb3-only:samba-4.22-smb1:{NAME}:open", "--personas", folder)
    assert planned.status == 0, planned.stderr


def test_without_the_folder_there_is_no_such_client(folder: Path) -> None:
    assert folder.is_dir()
    ended = rehearse("plan", f"smb3-only:samba-4.22-smb1:{NAME}:open")
    assert ended.status == 64


def test_a_folder_that_is_none_is_named() -> None:
    ended = rehearse("list", "clients", "--personas", "/nowhere")
    assert ended.status == 64
    assert "/nowhere" in ended.stderr


def test_a_name_that_is_taken_is_refused_and_a_copy_is_not(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    catalogue = made_of(*personas_in(folder), *personas_in(copy))
    assert NAME in catalogue.clients
    assert catalogue.came_from["client", NAME].file == folder / f"{NAME}.toml"
    assert catalogue.origin("client", NAME) is Origin.YOURS
    assert catalogue.origin("client", "windows-7") is Origin.BUILT_IN
    ours = tmp_path / "ours"
    ours.mkdir()
    shutil.copy(FOLDER / "windows-7.toml", ours / "mine.toml")
    shutil.copytree(FOLDER / "sees", ours / "sees")
    with pytest.raises(UsageError, match="another client called 'windows-7'"):
        made_of(*personas_in(ours))


def test_what_was_learned_from_another_capture_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    talk = Talk().opened().says(smb2_negotiate([0x0210]))
    other = written(tmp_path, pcap(talk.frames), "other.pcap")
    before = (folder / f"{NAME}.toml").read_text()
    ended = rehearse("learn", other, "--write", folder)
    assert ended.status == 64
    assert "learned elsewhere" in ended.stderr
    assert (folder / f"{NAME}.toml").read_text() == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    capture = written(tmp_path, pcap(Talk().opened().says(smb2_negotiate([0x0210])).frames))
    ended = rehearse("learn", capture, "--write", capture)
    assert ended.status == 64
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--listen", "nonsense:port"),
        ("--listen", "192.0.2.254:1"),
        ("--listen", "127.0.0.1", "file.pcap"),
    ],
)
def test_wrong_words_answer_with_one_line(words: tuple[str, ...]) -> None:
    ended = rehearse("learn", *words)
    assert ended.status == 64, ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("rehearse: ")
    assert "Traceback" not in ended.stderr
