"""Which packets are whose: the evidence of a cell shows its own connections, and no other's."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.conduct.evidence import JobEvidence, Keeper
from harness.labs.capture import Capture
from harness.model import Attempt, CellId, Effect, Outcome, Phase
from harness.planning.plan import Job
from harness.record.evidence import PLACE, Wanted, folder_of
from harness.result import CellResult
from harness.smb.footprint import Footprint
from harness.smb.packets import SYN, Packet

CELL = CellId("smb3-only", "samba-4.22", "windows-7", "open")
CLIENT, SERVER = "127.0.0.1", "127.10.0.2"
FIRST, LATER = (CLIENT, 40000), (CLIENT, 40001)
OK = Attempt(Outcome.OK, ())


def opened(capture: Capture, end: tuple[str, int], at: float) -> None:
    """A connection from there is seen to be opened at that time."""
    tcp = struct.pack(">HHIIBBHHH", end[1], 445, int(at), 0, 5 << 4, SYN, 65535, 0, 0)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 40, 1, 0x4000, 64, 6, 0)
    capture._sort(
        Packet(int(at * 1e9), bytes(12) + b"\x08\0" + ip + bytes([127, 0, 0, 1, 127, 10, 0, 2]) + tcp)
    )


class Live:
    """Stands for a server that tells nothing of itself: here it is asked for its address alone."""

    target: Any = SimpleNamespace(address=SERVER, domain=None)

    def internals(self) -> None: ...


@pytest.fixture
def capture(monkeypatch: pytest.MonkeyPatch) -> Capture:
    """One into which tests put packets, and no kernel."""
    monkeypatch.setattr(Capture, "_fetch", lambda _: None)
    monkeypatch.setattr(Capture, "lost", 0)
    return Capture()


def test_a_port_that_comes_again_is_of_the_cell_whose_attempt_it_was(
    capture: Capture, tmp_path: Path
) -> None:
    """Measured: with the change it was another client's, 31 s later this one's."""
    ends = {Phase.BASELINE: FIRST, Phase.APPLIED: FIRST, Phase.ROLLED_BACK: LATER}
    # The first stays open while the change is made; of the later one the first packet is another client's.
    for end, at in ((FIRST, 1000.5), (LATER, 1020.5), (LATER, 1040.5)):
        opened(capture, end, at)
    job = JobEvidence(Keeper(tmp_path, Wanted.ALL, capture), Job("smb3-only", "samba-4.22", (CELL,)))
    for at, phase in zip((1000.0, 1020.0, 1040.0), Phase, strict=True):
        job.left_behind(CELL, phase, Footprint(at, at + 1, (ends[phase],)))
        job.measured(phase, Live())  # type: ignore[arg-type]
    seen = {phase: job._seen(CELL, phase, OK).connections for phase in Phase}
    assert {phase: [one.began for one in made] for phase, made in seen.items()} == {
        Phase.BASELINE: [1000.5],
        Phase.APPLIED: [1000.5],
        Phase.ROLLED_BACK: [1040.5],
    }
    made = dict.fromkeys(Phase, OK)
    job.write(CellResult(CELL, Effect.KEPT, True, True, "", "", None, "", made), made, None, None)
    files = json.loads((tmp_path / PLACE / folder_of(CELL) / "manifest.json").read_text())["files"]
    assert [one["what"].split()[:2] for one in files if one["name"] == "packets.pcapng"] == [["2", "packets"]]
