"""A real run's evidence, read back by ``learn``, which knows nothing of how it was written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from commandline import rehearse

from harness.labs.local import LocalLab
from harness.learn import capture, observe
from harness.learn.packets import Segment
from harness.learn.study import study
from harness.model import CellId
from harness.record.evidence import folder_of

pytestmark = pytest.mark.local_lab

CELLS = "ntlmv2-only:samba-4.22-smb1:windows-xp,windows-7,smbclient-4.25:open"
XP, SEVEN, REAL = (
    CellId("ntlmv2-only", "samba-4.22-smb1", client, "open")
    for client in ("windows-xp", "windows-7", "smbclient-4.25")
)
PHASES = ("baseline", "applied", "rolled_back")


@pytest.fixture(scope="module")
def folder(lab: LocalLab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that kept evidence of all its cells, and then of what is not kept alone."""
    assert lab
    runs = tmp_path_factory.mktemp("runs")
    done = rehearse("run", CELLS, "--runs", runs, "--quiet", "--no-exposures", "--evidence", "all")
    assert done.status == 1, done.stderr
    (found,) = runs.iterdir()
    return found


def of(folder: Path, cell: CellId) -> Path:
    return folder / "evidence" / "cells" / folder_of(cell)


def told(folder: Path, cell: CellId) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((of(folder, cell) / "cell.json").read_text())
    return loaded


def ports(folder: Path, cell: CellId) -> dict[str, set[int]]:
    """Which ports the attempts of a cell came from, by phase."""
    return {
        phase: {int(end.rpartition(":")[2]) for end in made["connections_from"]}
        for phase, made in told(folder, cell)["phases"].items()
    }


def in_file(path: Path) -> set[int]:
    """The clients' ports in a capture."""
    notes = capture.Notes()
    segments = [one for one in capture.segments(path, notes) if isinstance(one, Segment)]
    assert segments
    assert not notes.damage
    return {one.target[1] if one.serves[0] else one.source[1] for one in segments}


@pytest.mark.parametrize("cell", [XP, SEVEN, REAL], ids=str)
def test_the_packets_are_those_of_the_cell_and_no_others(folder: Path, cell: CellId) -> None:
    own = ports(folder, cell)
    assert set(own) == set(PHASES)
    assert all(own.values())
    assert in_file(of(folder, cell) / "packets.pcapng") == set().union(*own.values())
    others = {
        port
        for other in (XP, SEVEN, REAL)
        if other != cell
        for port in set().union(*ports(folder, other).values())
    }
    assert not others & set().union(*own.values())


def test_learn_sees_the_client_in_them(folder: Path) -> None:
    """Whole conversations, from the NEGOTIATE to the answer to the session setup."""
    found = study([of(folder, XP) / "packets.pcapng"], ())
    contacts = [contact for host in found.hosts for contact in host.contacts]
    # What is alike is one: before the change and after its rollback.
    assert len(contacts) == 2
    assert {contact.opening for contact in contacts} == {observe.Opening.SMB1_ONLY}


@pytest.mark.parametrize("cell", [XP, REAL], ids=str)
def test_the_manifest_is_right(folder: Path, cell: CellId) -> None:
    there = of(folder, cell)
    manifest = json.loads((there / "manifest.json").read_text())
    for one in manifest["files"]:
        assert hashlib.sha256((there / one["name"]).read_bytes()).hexdigest() == one["sha256"]
    names = {one["name"] for one in manifest["files"]}
    assert names | {"manifest.json"} == {path.name for path in there.iterdir()}
    missing = {one["what"]: one["why"] for one in manifest["missing"]}
    if cell == XP:
        assert missing == {"the client's own output": "it is emulated: it has no output of its own"}
    else:
        assert missing == {}


def test_the_log_is_that_of_the_attempts(folder: Path) -> None:
    text = (of(folder, XP) / "server.log").read_text()
    applied = text.partition("== applied")[2].partition("== rolled_back")[0]
    assert "[NTLMv1] status [NT_STATUS_WRONG_PASSWORD]" in applied
    own = set().union(*ports(folder, XP).values())
    named = {int(part.partition("]")[0]) for part in text.split("remote host [ipv4:127.0.0.1:")[1:]}
    assert named <= own
    assert named


def test_configuration_output_and_versions(folder: Path) -> None:
    there = of(folder, REAL)
    difference = (there / "configuration.diff").read_text().splitlines()
    assert [line.split("=")[-1].strip() for line in difference if line[0] in "+-"][2:] == [
        "ntlmv1-permitted",
        "ntlmv2-only",
    ]
    assert not (there / "configuration-rolled_back.txt").exists()
    assert "welcome.txt" in (there / "client.txt").read_text()
    known = told(folder, REAL)
    assert known["server"]["software"].startswith("Samba 4.22")
    assert known["client"]["software"]
    assert known["measured_with"]["version"]
    assert [step["name"] for step in known["phases"]["applied"]["steps"]][:2] == ["connect", "negotiate"]


def test_no_secret_is_in_the_packets(folder: Path) -> None:
    responses = [path.read_bytes().partition(b"NTLMSSP\0\3")[2] for path in folder.rglob("packets.pcapng")]
    for message in responses:
        size, offset = message[11] | message[12] << 8, int.from_bytes(message[15:19], "little")
        assert size >= 24
        assert message[offset - 9 :][:size] == bytes(size)


def test_reports_say_where_it_is(folder: Path) -> None:
    where = f"evidence/cells/{folder_of(XP)}"
    done = rehearse("report", folder.name, "--runs", folder.parent, "--json")
    cells = {cell["cell"]: cell["evidence"] for cell in json.loads(done.stdout)["cells"]}
    assert cells[str(XP)] == where
    shown = rehearse("show", str(XP), "--runs", folder.parent)
    assert f"evidence:{folder}/{where}" in "".join(shown.stdout.split())


@pytest.mark.parametrize(("cell", "who"), [(XP, ["client"]), (SEVEN, ["client"]), (REAL, [])], ids=str)
def test_what_is_emulated_is_labelled_so_in_every_file_that_is_opened(
    folder: Path, cell: CellId, who: list[str]
) -> None:
    """Each is handed on by itself: a capture to Wireshark, a manifest to whoever asks what there is."""
    there = of(folder, cell)
    assert json.loads((there / "manifest.json").read_text())["emulated"] == who
    assert json.loads((there / "cell.json").read_text())["emulated"] == who
    comment = f"cell {cell} (emulated: client)" if who else f"cell {cell}"
    packets = (there / "packets.pcapng").read_bytes()
    assert comment.encode() in packets
    assert (b"emulated" in packets.partition(b"lo of the lab")[0]) is bool(who)
