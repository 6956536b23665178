"""Changes that one running server goes through one after the other, and the baseline that they share."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conducting import Moment, Stage, Tripwire, attempts, conduct
from known import CATALOGUE

from harness.conduct import in_turn
from harness.conduct.evidence import Keeper
from harness.conduct.workers import Order, Pool
from harness.labs.capture import Capture
from harness.labs.local import LocalLab
from harness.learn import capture
from harness.learn.packets import Segment
from harness.model import CellId, Effect, Phase, Tier
from harness.planning import planner
from harness.planning.plan import Job, served, together
from harness.record.evidence import PLACE, Wanted, folder_of
from harness.record.took import NOTHING, History, Took
from harness.servers.base import Server
from harness.servers.live import LiveServer

SERVER = "samba-4.22"
CHANGES = ("signing-required", "nt-pipe-support-off", "smb3-only")


def lines(at_once: int, *selectors: str, history: History = NOTHING) -> list[list[str]]:
    """The changes of each line."""
    jobs = planner.from_selectors(CATALOGUE, selectors).jobs

    def as_served(job: Job) -> Server:
        return served(CATALOGUE, job.mitigation, job.server, [cell.check for cell in job.cells])

    found = in_turn.lines(CATALOGUE, together(CATALOGUE, jobs), as_served, at_once, history)
    return [[f"{job.mitigation}:{job.server}" for group in line for job in group] for line in found]


def test_the_changes_of_a_server_are_one_line() -> None:
    both = f"{','.join(CHANGES)}:samba-4.17,{SERVER}:windows-7:open"
    assert lines(2, both) == [
        [f"{change}:{server}" for change in CHANGES] for server in ("samba-4.17", SERVER)
    ]


def test_a_line_is_no_longer_than_its_part_of_all() -> None:
    only = f"{','.join(CHANGES)},ntlmv2-only:{SERVER}:windows-7:open"
    assert [len(line) for line in lines(2, only)] == [2, 2]
    assert [len(line) for line in lines(1, only)] == [4]
    assert lines(2, f"smb3-only:{SERVER}:windows-7:open") == [[f"smb3-only:{SERVER}"]]


def test_the_line_that_took_longest_before_is_begun_first() -> None:
    short, long = ("smb3-only:samba-4.17", "signing-required:samba-4.22")
    cells = (f"{short}:windows-7,windows-10-22h2:open,write", f"{long}:windows-7:open")
    assert lines(2, *cells) == [[short], [long]]
    took = [
        Took(Tier.LOCAL, "smb3-only", "samba-4.17", 12, 2.0),
        Took(Tier.LOCAL, "signing-required", "samba-4.22", 3, 9.0),
    ]
    assert lines(2, *cells, history=History(took)) == [[long], [short]]


def test_nothing_follows_an_upgrade() -> None:
    found = lines(1, "vendor-patch,release-upgrade,smb1-server-off,ntlmv2-only:sles11-like:windows-7:open")
    assert sorted(found) == [
        ["release-upgrade:sles11-like"],
        ["smb1-server-off:sles11-like", "ntlmv2-only:sles11-like", "vendor-patch:sles11-like"],
    ]


def test_one_that_must_be_set_up_otherwise_is_started_for_that() -> None:
    found = lines(1, f"smb3-only:{SERVER}:windows-7:open", f"signing-required:{SERVER}:windows-10-22h2:print")
    assert [len(line) for line in found] == [1, 1]


def test_servers_of_a_domain_are_their_own() -> None:
    found = lines(1, "ntlmv2-only,smb3-only:samba-ad-member:windows-10-22h2:open")
    assert [len(line) for line in found] == [1, 1]


class Starts(Stage):
    """Counts the servers that are started."""

    started: int = 0

    @contextmanager
    def serve(self, server: Server) -> Iterator[LiveServer]:
        self.started += 1
        with super().serve(server) as live:
            yield live


CELLS = f"{','.join(CHANGES)}:{SERVER}:windows-7,windows-10-22h2:browse,browse-connected"


@pytest.mark.local_lab
def test_what_was_before_is_measured_once(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    made: Counter[tuple[str, str]] = Counter()

    def count(order: Order) -> None:
        made[order.client, order.check] += 1

    stage = Starts(lab)
    with Capture() as packets:
        keeper = Keeper(tmp_path, Wanted.ALL, packets)
        result = conduct(tmp_path, [CELLS], stage, Tripwire(pool, count), at_once=1, keeper=keeper)
    assert stage.started == 1
    first, *later = CHANGES
    for cell, phases in attempts(result).items():
        shared = cell.check == "browse" and cell.mitigation in later
        assert phases[Phase.BASELINE].made_for == (first if shared else "")
        assert not any(phases[phase].made_for for phase in (Phase.APPLIED, Phase.ROLLED_BACK))
    assert made["windows-7", "browse"] == 1 + 2 * len(CHANGES)
    lost = {cell.cell.mitigation for cell in result.cells if cell.effect is Effect.LOST}
    assert lost == {"nt-pipe-support-off", "smb3-only"}
    baselines = {change: _baseline_of(tmp_path, change) for change in CHANGES}
    assert baselines[first]
    assert all(baselines[change] == baselines[first] for change in later)


def _baseline_of(folder: Path, change: str) -> set[int]:
    """The ports from which the baseline of a cell came, whose packets are all there."""
    cell = folder / PLACE / folder_of(CellId(change, SERVER, "windows-7", "browse"))
    told = json.loads((cell / "cell.json").read_text())
    ports = {int(end.rpartition(":")[2]) for end in told["phases"]["baseline"]["connections_from"]}
    segments = capture.segments(cell / "packets.pcapng", capture.Notes())
    assert ports <= {
        port for one in segments if isinstance(one, Segment) for port in (one.source[1], one.target[1])
    }
    return ports


@pytest.mark.local_lab
def test_what_does_not_come_back_is_not_gone_on_with(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    def enter(now: Moment) -> None:
        if now.phase == Phase.ROLLED_BACK and stage.started == 1:
            os.kill(now.live.software().pid, signal.SIGKILL)

    stage = Starts(lab, enter)
    result = conduct(tmp_path, [CELLS], stage, pool, at_once=1)
    assert stage.started == 2
    first, second, third = CHANGES
    for cell in result.cells:
        assert (cell.effect is Effect.FAULT) is (cell.cell.mitigation == first)
        if cell.cell.check == "browse":
            shared = second if cell.cell.mitigation == third else ""
            assert cell.phases[Phase.BASELINE].made_for == shared
