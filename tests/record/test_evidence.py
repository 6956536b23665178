"""The evidence of a cell as it lies on the disk: whole, harmless, bounded, and nobody else's."""

from __future__ import annotations

import hashlib
import json
import struct
import tracemalloc
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from dpkt import pcapng
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.labs import capture
from harness.labs.capture import Capture
from harness.model import Attempt, CellId, Effect, Outcome, Phase, Step, StepName
from harness.record.evidence import PLACE, Wanted, folder_of, logs, sheets
from harness.record.evidence.configuration import difference, text_of
from harness.record.evidence.contents import Evidence, Seen
from harness.record.evidence.folder import forget, write
from harness.record.evidence.packets import write as recording
from harness.record.evidence.reading import files, places
from harness.result import CellResult, ClientFact, ServerFact
from harness.servers.live import ServerInternals, ShareInternals
from harness.smb.footprint import Footprint, Output
from harness.smb.packets import Connection, Packet, Packets

HOSTILE = "\x1b[31m<script>alert(1)</script>\u202e\0::error::##[x]\r| é"
CELL = CellId("smb3-only", "samba-4.22", "windows-7", "open")
CLIENT, SERVER = ("127.0.0.1", 40000), ("127.10.0.2", 445)


def frame(data: bytes, sequence: int = 1, port: int = CLIENT[1]) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", port, SERVER[1], sequence, 0, 5 << 4, 0x18, 65535, 0, 0)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(data), 1, 0x4000, 64, 6, 0)
    return bytes(12) + b"\x08\0" + ip + bytes([127, 0, 0, 1, 127, 10, 0, 2]) + tcp + data


def connection(*frames: tuple[float, bytes]) -> Connection:
    return Connection(CLIENT, SERVER, 0, Packets(Packet(int(time * 1e9), one) for time, one in frames))


def evidence(text: str = "all well", cell: CellId = CELL) -> Evidence:
    """A lost cell whose server, client, log and configuration say this."""
    made = Attempt(Outcome.REFUSED, (Step(StepName.NEGOTIATE, "CLOSED", 1.5, text),), note=text)
    found = CellResult(cell, Effect.LOST, True, True, text, text, None, text, dict.fromkeys(Phase, made))
    output = (Output(text, 1, text, text),)
    phases = {
        phase: Seen(
            made,
            Footprint(at, at + 1, (CLIENT,), output),
            (connection((at + 0.5, frame(b"hello"))),),
            log=f"[2026/11/29 15:42:21.754143,  3] x\n  {text}\n",
            configuration=f"[global]\n\t{text} = {phase}\n",
        )
        for at, phase in enumerate(Phase, 1000)
    }
    server = ServerFact("samba-4.22", text, text, "real")
    return Evidence(found, phases, server, ClientFact("windows-7", text, "real", text), None, "run 1")


def manifest(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return loaded


def test_the_manifest_has_the_digest_of_every_file(tmp_path: Path) -> None:
    write(tmp_path, evidence(), 2**20)
    folder = tmp_path / folder_of(CELL)
    told = {one["name"]: one for one in manifest(folder)["files"]}
    assert set(told) | {"manifest.json"} == {path.name for path in folder.iterdir()}
    for name, one in told.items():
        data = (folder / name).read_bytes()
        assert (one["sha256"], one["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
        assert not one["cut"]
    assert manifest(folder)["missing"] == []
    assert json.loads((folder / "cell.json").read_text())["phases"]["applied"]["steps"][0]["ms"] == 1.5
    repeat = json.loads((folder / "cell.json").read_text())["repeat"]
    assert repeat == f"rehearse replay {CELL} --run 'run 1'"
    assert "-\tall well" not in (folder / "configuration.diff").read_text()
    assert "applied" in (folder / "configuration.diff").read_text()


def test_what_a_server_or_client_says_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    cell = CellId("../../x", "a/b", "<img src=x>\x1b", "..")
    write(tmp_path, evidence(HOSTILE, cell), 2**20)
    (folder,) = tmp_path.iterdir()
    for path in folder.iterdir():
        text = path.read_bytes()
        if path.suffix != ".pcapng":
            assert not set(text.decode()) - {"\n"} & {chr(n) for n in (*range(32), 0x202E)}, path.name
    assert "\\x1b[31m<script>" in (folder / "server.log").read_text()
    assert "\\u202e\\x00" in (folder / "client.txt").read_text()


def test_a_cell_is_told_in_full_and_in_ascii(tmp_path: Path) -> None:
    one = evidence(f"{HOSTILE}\x9b31m \u65e5\U0001f600")
    write(tmp_path, one, 2**20)
    data = (tmp_path / folder_of(CELL) / "cell.json").read_bytes()
    told = json.loads(data)
    assert data == f"{json.dumps(told, indent=1)}\n".encode("ascii")
    assert one.server
    assert told["server"] == json.loads(json.dumps(asdict(one.server)))
    made = json.loads(json.dumps(asdict(one.phases[Phase.APPLIED].attempt)))
    assert {name: told["phases"]["applied"][name] for name in made} == made


@settings(max_examples=50)
@given(st.text(max_size=200), st.text(max_size=200))
def test_a_folders_name_is_safe_and_no_other_cells(one: str, other: str) -> None:
    first, second = CellId(one, "a", "b", "c"), CellId(other, "a", "b", "c")
    name = folder_of(first)
    assert len(name) < 160
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")
    assert not name.startswith((".", "-"))
    assert (name == folder_of(second)) is (one == other)


def test_long_texts_are_cut_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_OF_TEXT", 101)
    write(tmp_path, evidence("é" * 400), 2**20)
    folder = tmp_path / folder_of(CELL)
    cut = {one["name"]: one["cut"] for one in manifest(folder)["files"]}
    assert cut["server.log"].startswith("the first 101 of ")
    assert (folder / "server.log").stat().st_size <= 101
    assert (folder / "server.log").read_text()


def test_a_run_has_no_more_than_its_room(tmp_path: Path) -> None:
    assert write(tmp_path, evidence(), 100) < 1000
    folder = tmp_path / folder_of(CELL)
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]
    (missing,) = manifest(folder)["missing"]
    assert missing["what"] == "everything"


def test_a_cell_that_is_measured_again_has_its_new_evidence_alone(tmp_path: Path) -> None:
    write(tmp_path, evidence("first"), 2**20)
    second = evidence("second")
    bare = {phase: replace(seen, log=None, left=None) for phase, seen in second.phases.items()}
    write(tmp_path, replace(second, phases=bare), 2**20)
    (folder,) = tmp_path.iterdir()
    assert "first" not in "".join(path.read_text() for path in folder.iterdir())
    assert {one["what"] for one in manifest(folder)["missing"]} == {
        "packets", "the server's log", "the client's own output",
    }  # fmt: skip


def test_what_is_to_be_measured_again_has_no_evidence_meanwhile(tmp_path: Path) -> None:
    other = replace(CELL, check="write")
    write(tmp_path, evidence(), 2**20)
    write(tmp_path, evidence(cell=other), 2**20)
    (tmp_path / f"{folder_of(CELL)}.part").mkdir()
    forget(tmp_path, [CELL, replace(CELL, check="browse")])
    assert [path.name for path in tmp_path.iterdir()] == [folder_of(other)]
    forget(tmp_path / "nowhere", [CELL])


def test_each_phase_is_an_interface_and_no_packet_is_in_two() -> None:
    """A connection that stays open through all phases is cut where each began."""
    opened = connection(*((at + 0.5, frame(b"%d" % at, at)) for at in (1000, 1001, 1002)))
    new = connection((1001.2, frame(b"new")))
    phases = {
        Phase.BASELINE: (1000.0, [opened]),
        Phase.APPLIED: (1001.0, [opened, new]),
        Phase.ROLLED_BACK: (1002.0, [opened]),
    }
    made = recording(phases, "cell", "us", 2**20)
    assert (made.packets, made.left_out) == (4, 0)
    blocks, at = [], 0
    while at < len(made.data):
        kind, size = struct.unpack_from("<II", made.data, at)
        blocks.append((kind, made.data[at : at + size]))
        at += size
    assert [kind for kind, _ in blocks] == [pcapng.PCAPNG_BT_SHB, 1, 1, 1, 6, 6, 6, 6]
    said = [(struct.unpack_from("<I", one, 8)[0], one[28 + 54 :][:4].rstrip(b"\0")) for _, one in blocks[4:]]
    assert said == [(0, b"1000"), (1, b"new"), (1, b"1001"), (2, b"1002")]


def test_a_connection_without_room_for_its_packets_was_made_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A run whose packets are more than it may keep said of the cells after it that nobody connected."""
    monkeypatch.setattr(capture, "MOST", 0)
    monkeypatch.setattr(Capture, "_fetch", lambda _: None)
    recorded = Capture()
    for at in (1000.5, 1000.6):
        recorded._sort(Packet(int(at * 1e9), frame(b"hello")))
    (found,) = recorded.of(SERVER[0], [CLIENT], 1000, 1001)
    assert (len(found.packets), found.left_out) == (0, 2)
    assert recorded.of(SERVER[0], [CLIENT], 1001, 1002) == []
    one = evidence()
    phases = {phase: replace(seen, connections=(found,)) for phase, seen in one.phases.items()}
    write(tmp_path, replace(one, phases=phases), 2**20)
    (manifest,) = tmp_path.rglob("manifest.json")
    missing = {each["what"]: each["why"] for each in json.loads(manifest.read_text())["missing"]}
    assert missing["packets"] == "there was no room for those that were seen (2)"


def test_packets_that_are_too_many_are_counted() -> None:
    one = connection(*((1000 + at, frame(bytes(900))) for at in range(10)))
    made = recording({Phase.BASELINE: (0.0, [one])}, "cell", "us", 5000)
    assert len(made.data) <= 5000
    assert made.packets + made.left_out == 10
    assert made.left_out > 4
    # Told before a block is made: by a byte more or less of room, for frames of every length.
    for size in range(900, 904):
        one = connection(*((1000 + at, frame(bytes(size))) for at in range(2)))
        whole = len(recording({Phase.BASELINE: (0.0, [one])}, "cell", "us", 5000).data)
        for room, packets in ((whole, 2), (whole - 1, 1)):
            made = recording({Phase.BASELINE: (0.0, [one])}, "cell", "us", room)
            assert (made.packets, made.left_out) == (packets, 2 - packets)


def kept_of(frames: list[bytes]) -> tuple[Packets, int]:
    """What is kept of them, and in how many bytes of memory."""
    tracemalloc.start()
    try:
        kept = Packets(Packet(at, one) for at, one in enumerate(frames))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return kept, taken


def test_packets_take_little_more_memory_than_their_bytes() -> None:
    """As objects of their own each took 150 bytes more, twice as much as most of them have."""
    many, size = 20_000, 100
    frames = [bytes([at % 256]) * size for at in range(many)]
    kept, taken = kept_of(frames)
    assert taken < 1.5 * many * size
    assert [(one.time, one.frame) for one in kept] == list(enumerate(frames))
    assert (len(kept), list(kept.times())) == (many, list(range(many)))


@pytest.mark.parametrize("packed", [True, False])
def test_the_packets_of_a_large_file_are_packed_where_that_is_worth_it(packed: bool) -> None:
    """What is encrypted is not: it would take as much room."""
    random = Random(1)
    frames = [bytes(size) if packed else random.randbytes(size) for size in (60_000, 66) * 60]
    kept, taken = kept_of(frames)
    assert [one.frame for one in kept] == frames
    assert [one.time for one in kept] == list(kept.times()) == list(range(len(frames)))
    # Whose beginning promises more than comes.
    mixed = [*[bytes(60_000)] * 2, *(random.randbytes(60_000) for _ in range(20))]
    assert [one.frame for one in Packets(Packet(at, one) for at, one in enumerate(mixed))] == mixed
    whole = sum(map(len, frames))
    assert whole > 3 * 2**20
    assert taken < whole / 2 if packed else taken < 1.2 * whole


LOG = """[2026/11/29 16:42:20.000000,  1] early
[2026/11/29 16:42:21.100000,  3] auth
  Auth: remote host [ipv4:127.0.0.1:40000] became
[2026/11/29 16:42:21.200000,  3] auth
  Auth: remote host [ipv4:127.0.0.1:40001] became
[2026/11/29 16:42:21.300000,  1] meanwhile
[2026/11/29 16:42:25.000000,  0] PANIC late
[2026/11/29 16:42:26.000000,  3] auth
  Auth: remote host [ipv4:127.0.0.1:40000] late
"""


def test_of_a_log_what_was_written_meanwhile_and_what_names_the_connection() -> None:
    began = 1795966941.0
    kept = logs.slice_of(logs.entries(LOG, began + 5), began, began + 1, [CLIENT])
    assert [line for line in ("early", "40001", "meanwhile", "PANIC", "became", "late") if line in kept] == [
        "meanwhile", "PANIC", "became", "late",
    ]  # fmt: skip
    assert logs.slice_of(logs.entries("no times\n", began), began, began + 1, []) == "no times\n"
    strange = logs.entries("[9999/99/99 99:99:99, 0] x\n", began)
    assert [one.text for one in strange] == ["[9999/99/99 99:99:99, 0] x\n"]


def test_a_log_by_the_clock_of_another_machine() -> None:
    began = 1795966941.0
    # Its clock is 100 s ahead, and nobody knows that better than by half a second.
    for ahead, within, kept in ((0.0, 0.0, True), (100.0, 0.0, False), (0.6, 0.0, False), (0.6, 0.5, True)):
        found = logs.entries(LOG, began + 5, ahead)
        assert ("meanwhile" in logs.slice_of(found, began, began + 1, [CLIENT], within)) is kept
        assert "became" in logs.slice_of(found, began, began + 1, [CLIENT], within)


def test_the_configuration_as_the_server_reads_it() -> None:
    common = {"ntlm auth": "yes", "read only": "yes"}
    shares = (ShareInternals("share", {**common, "read only": "no"}, ()),)
    before = text_of(ServerInternals("samba", "4.22", settings=common, shares=shares))
    assert before == "[global]\n\tntlm auth = yes\n\tread only = yes\n[share]\n\tread only = no\n"
    after = before.replace("auth = yes", "auth = no")
    assert "-\tntlm auth = yes\n+\tntlm auth = no\n" in difference(before, after, "applied")
    assert text_of(ServerInternals("windows", "10")) == ""


@pytest.mark.parametrize(
    ("effect", "expected", "outcome", "lost", "every"),
    [
        (Effect.LOST, True, Outcome.REFUSED, True, True),
        (Effect.KEPT, True, Outcome.OK, False, True),
        (Effect.KEPT, False, Outcome.OK, True, True),
        (Effect.NEVER, True, Outcome.REFUSED, True, True),
        (Effect.FAULT, False, Outcome.FAULT, True, True),
        (Effect.NEVER, True, Outcome.UNSUPPORTED, False, False),
    ],
)
def test_of_which_cells_evidence_is_kept(
    effect: Effect, expected: bool, outcome: Outcome, lost: bool, every: bool
) -> None:
    phases = dict.fromkeys(Phase, Attempt(outcome))
    found = CellResult(CELL, effect, expected, None, "", "", None, "", phases)
    assert [wanted.of(found) for wanted in (Wanted.NONE, Wanted.LOST, Wanted.ALL)] == [False, lost, every]


def test_only_folders_with_a_manifest_are_evidence(tmp_path: Path) -> None:
    """Neither one that was being written, nor a link that somebody put there."""
    other = replace(CELL, check="write")
    third = replace(CELL, check="browse")
    write(tmp_path / PLACE, evidence(), 2**20)
    write(tmp_path / "evidence/shard-2-of-3/cells", evidence(cell=other), 2**20)
    (tmp_path / PLACE / f"{folder_of(third)}.part").mkdir()
    (tmp_path / PLACE / folder_of(third)).symlink_to(folder_of(CELL))
    found = places(tmp_path, [CELL, other, third])
    assert found == {
        CELL: f"evidence/cells/{folder_of(CELL)}",
        other: f"evidence/shard-2-of-3/cells/{folder_of(other)}",
    }
    assert "packets.pcapng" in files(tmp_path, found[CELL])
    assert places(tmp_path / "nowhere", [CELL]) == {}
