"""Which results are kept, which are reused, and which of those are measured again."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.model import Attempt, CellId, Outcome, Phase, StepName
from harness.planning import planner
from harness.record import journal
from harness.record.entries import Attempted, Begun, Known, KnownClient, Probed, TookEffect, TriedPart
from harness.record.evidence import MANIFEST, Wanted, folder_of
from harness.result import Applied, ClientFact, ServerFact
from harness.result.reuse import MeasuredBefore
from harness.reuse import drawing
from harness.reuse.believed import doubt
from harness.reuse.choosing import choose, known
from harness.reuse.drawing import A_CHANGE, A_LAB, A_SERVER, AN_ATTEMPT, PROBES, SHARE, draw
from harness.reuse.kept import KeptCell, KeptJob, put_evidence
from harness.reuse.keys import JobKeys, Keys
from harness.reuse.store import Row, opened
from harness.reuse.writing import fill, keep

OK = Attempt(Outcome.OK, dialect="3.1.1", auth="NTLMv2")
REFUSED = Attempt(Outcome.REFUSED, step=StepName.NEGOTIATE, status="STATUS_NOT_SUPPORTED")
CELL = CellId("smb3-only", "samba-4.22", "curl", "open")
SELECTORS = ["smb3-only,signing-required:samba-4.22:curl,windows-7:open,write"]


def phases(applied: Attempt = OK) -> dict[Phase, Attempt]:
    return {Phase.BASELINE: OK, Phase.APPLIED: applied, Phase.ROLLED_BACK: OK}


@pytest.mark.parametrize(
    ("applied", "why"),
    [
        (OK, ""),
        (REFUSED, ""),
        (Attempt.fault("broken"), "fault"),
        (replace(OK, not_settled="whether it signs"), "not settled"),
        (replace(OK, tried_again="at connect"), "tried again"),
        (replace(REFUSED, status="TIMEOUT"), "ran out of time"),
        (replace(REFUSED, works=(1, 3)), "by chance"),
        (replace(REFUSED, unsure="through a tunnel"), "not verified"),
        (Attempt(Outcome.UNSUPPORTED, note="no veth here"), "fault"),
    ],
)
def test_only_what_nobody_need_doubt_is_kept(applied: Attempt, why: str) -> None:
    found = doubt(CATALOGUE, CELL, phases(applied), {})
    assert (why in found) if why else found == ""
    assert "to its end" in doubt(CATALOGUE, CELL, {Phase.BASELINE: OK}, {})


def test_a_loss_to_a_combination_is_kept_with_all_its_parts_or_not_at_all() -> None:
    cell = replace(CELL, mitigation="smb3-only+signing-required")
    tried = {"smb3-only": OK, "signing-required": REFUSED}
    assert doubt(CATALOGUE, cell, phases(REFUSED), tried) == ""
    assert "not all parts" in doubt(CATALOGUE, cell, phases(REFUSED), {"smb3-only": OK})
    assert doubt(CATALOGUE, cell, phases(REFUSED), {**tried, "smb3-only": Attempt.fault("x")}) != ""
    # A check that a client can never do is the same each time.
    never = Attempt(Outcome.UNSUPPORTED)
    unable = replace(CELL, check="connected")
    assert "connected" not in CATALOGUE.clients["curl"].checks
    assert doubt(CATALOGUE, unable, dict.fromkeys(Phase, never), {}) == ""
    assert doubt(CATALOGUE, CELL, dict.fromkeys(Phase, never), {}) != ""


def some_jobs(changes: int, clients: int) -> dict[tuple[str, str], list[CellId]]:
    return {
        (f"change-{change}", "samba"): [
            CellId(f"change-{change}", "samba", f"client-{client}", "open") for client in range(clients)
        ]
        for change in range(changes)
    }


@pytest.mark.parametrize(("changes", "clients"), [(4, 12), (60, 25), (300, 3)])
def test_what_is_drawn_costs_a_hundredth_of_all_on_average(changes: int, clients: int) -> None:
    jobs = some_jobs(changes, clients)
    # Of one server the baseline is measured once.
    made = clients + changes * clients * 2
    whole = A_LAB + A_SERVER + changes * (A_CHANGE + PROBES) + made * AN_ATTEMPT
    costs = []
    cells: set[CellId] = set()
    probes: set[tuple[str, str]] = set()
    for seed in range(3000):
        found = draw(jobs, list(jobs), [], random.Random(seed))
        started = {(cell.mitigation, cell.server) for cell in found.cells}
        # Whatever is looked at again has a server, and a server has cells.
        assert found.probes <= started
        attempts = 3 * AN_ATTEMPT * len(found.cells)
        lab = (A_LAB + A_SERVER) * bool(started)
        costs.append(lab + A_CHANGE * len(started) + PROBES * len(found.probes) + attempts)
        cells |= found.cells
        probes |= found.probes
    # Exact but for the one cell that goes with probes.
    assert 0.9 * SHARE < sum(costs) / len(costs) / whole < 1.2 * SHARE
    # Nobody knows which: over many runs each has its turn, where many are drawn.
    assert len(cells) > 0.6 * changes * clients or changes == 4
    assert probes
    assert draw({}, [], [], random.Random(1)).cells == set()


def test_where_a_server_is_started_anyhow_more_is_drawn_and_so_many_as_somebody_asks_for() -> None:
    jobs = some_jobs(8, 12)

    def drawn(begun: list[tuple[str, str]]) -> int:
        return sum(len(draw(jobs, [], begun, random.Random(seed)).cells) for seed in range(300))

    assert drawn(list(jobs)) > 3 * drawn([])
    for least in (1, 5, 96, 200):
        assert len(draw(jobs, list(jobs), [], random.Random(least), least).cells) >= min(least, 96)


def test_what_one_running_server_is_for_is_probed_as_the_same_users_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of servers that are one running server the first is measured whenever another one is probed."""
    plan = planner.from_selectors(
        CATALOGUE, ["smb3-only:samba-4.22,samba-4.17:curl,windows-7:open,write"], probes=True
    )
    first, second = plan.jobs
    before = MeasuredBefore("a-run", datetime(2026, 11, 30, tzinfo=UTC))
    cells = {cell: KeptCell(Row(str(cell), str(cell), before, ()), phases(), {}, ()) for cell in plan.cells}
    jobs = {
        (job.mitigation, job.server): KeptJob(Row(job.server, job.server, before, ()), {}, ())
        for job in plan.jobs
    }
    keys = [
        JobKeys(job.server, {cell: str(cell) for cell in job.cells}, beside=beside)
        for job, beside in ((first, ""), (second, first.server))
    ]
    probed = 0
    monkeypatch.setattr(drawing, "SHARE", 0.5)
    for seed in range(60):
        chosen = choose(plan, keys, cells, jobs, random.Random(seed), 1)
        servers = {cell.server for cell in chosen.drawn}
        assert set(chosen.jobs) == {pair for pair in jobs if pair[1] not in servers}
        # What is measured again is not probed again, unless that was drawn, too.
        assert set(chosen.probed) | set(chosen.drawn_jobs) == {pair for pair in jobs if pair[1] in servers}
        if any(pair[1] == second.server for pair in chosen.drawn_jobs):
            probed += 1
            assert first.server in servers
    assert probed
    # Also where nothing is kept of the other one's job.
    monkeypatch.setattr(drawing, "SHARE", 0.0)
    fewer = {cell: one for cell, one in cells.items() if cell.server == first.server}
    alone = {pair: one for pair, one in jobs.items() if pair[1] == first.server}
    chosen = choose(plan, keys, fewer, alone, random.Random(1))
    assert {cell.server for cell in chosen.drawn} == {first.server}
    # A cell of it that is missing alone is measured without probes.
    fewer = {cell: one for cell, one in cells.items() if cell != second.cells[0]}
    chosen = choose(plan, keys, fewer, jobs, random.Random(4))
    assert second.cells[0] not in {**chosen.cells, **chosen.drawn}
    assert (second.mitigation, second.server) in chosen.probed


def measured(runs: Path, name: str, evidence: Mapping[CellId, dict[str, bytes]]) -> Path:
    """A run in which everything was measured; windows-7 is lost to smb3-only, where SMB 2.1 is refused."""
    folder = runs / name
    plan = planner.from_selectors(CATALOGUE, SELECTORS)
    with journal.create(folder, plan) as book:
        book.add(Begun("local", "1", datetime(2026, 11, 30, 2, 0, tzinfo=UTC), parts=True))
        for job in plan.jobs:
            book.add(Known(ServerFact(job.server, "", "Samba 4.22", "real")))
            book.add(TookEffect(Applied(job.mitigation, job.server, "seen", "gone")))
            for phase in Phase:
                book.add(Probed(job.mitigation, job.server, phase, {}, 0))
        for cell in plan.cells:
            book.add(KnownClient(ClientFact(cell.client, "", "real", "x 1")))
            lost = (cell.mitigation, cell.client) == ("smb3-only", "windows-7")
            for phase, made in phases(REFUSED if lost else OK).items():
                book.add(Attempted(cell, phase, made, 0))
            if cell in evidence:
                put_evidence(folder, cell, evidence[cell])
    return folder


def test_what_is_kept_is_reused_with_its_evidence(tmp_path: Path) -> None:
    plan = planner.from_selectors(CATALOGUE, SELECTORS)
    keys = Keys(CATALOGUE, plan, lambda name: name, {}).all()
    lost = [cell for cell in plan.cells if (cell.mitigation, cell.client) == ("smb3-only", "windows-7")]
    packets = {MANIFEST: b"{}", "packets.pcapng": b"bytes"}
    # Of one of the two lost cells there is evidence.
    first = measured(tmp_path, "first", {lost[0]: packets})
    nothing = replace(journal.load(first), attempts={}, rounds={})
    second = tmp_path / "second"
    with journal.create(second, plan):
        pass
    with opened(tmp_path / "store", []) as store:
        assert keep(CATALOGUE, nothing, journal.load(first), keys, store) == len(plan.cells)
        recorded = journal.load(second)
        cells, jobs = known(CATALOGUE, recorded, keys, store, Wanted.LOST)
        # What this run is to keep evidence of, and has none of, is measured.
        assert set(cells) == set(plan.cells) - {lost[1]}
        assert len(known(CATALOGUE, recorded, keys, store, Wanted.ALL)[0]) == 1
        everything, jobs = known(CATALOGUE, recorded, keys, store, Wanted.NONE)
        assert set(everything) == set(plan.cells)
        chosen = choose(plan, keys, everything, jobs, random.Random(3), 1)
        (again,) = chosen.drawn
        assert set(chosen.cells) == set(plan.cells) - {again}
        # A server is started for that one alone.
        assert set(chosen.jobs) == set(jobs) - {(again.mitigation, again.server)}
        chosen = fill(CATALOGUE, recorded, keys, store, Wanted.LOST)
        found = journal.load(second)
        assert set(found.earlier.reused(found.rounds)) == set(chosen.cells)
        assert found.attempts == {cell: one.attempts for cell, one in chosen.cells.items()}
        assert not found.stretches[0][1].whole  # type: ignore[union-attr]
        if lost[0] in chosen.cells:
            there = second / "evidence" / "cells" / folder_of(lost[0])
            assert {path.name: path.read_bytes() for path in there.iterdir()} == packets
        # What was reused is not kept again as if it were new.
        assert keep(CATALOGUE, nothing, found, keys, store) == 0


def test_parts_that_were_made_before_a_run_was_gone_on_with_are_not_kept(tmp_path: Path) -> None:
    """What holds may have changed meanwhile, and with the key of now they would be taken for measured now."""
    whole = "smb3-only+ntlmv2-only"
    plan = planner.from_selectors(CATALOGUE, [f"smb3-only,{whole}:samba-4.22:windows-7:open"])
    part, both = plan.cells
    folder = tmp_path / "run"
    with journal.create(folder, plan) as book:
        book.add(Begun("local", "1", datetime(2026, 11, 30, 2, 0, tzinfo=UTC), parts=True))
        book.add(*(Attempted(part, phase, made, 0) for phase, made in phases(REFUSED).items()))
    first = journal.load(folder)
    with journal.create(folder, plan) as book:
        book.add(Known(ServerFact("samba-4.22", "", "Samba 4.22", "real")))
        book.add(*(Attempted(both, phase, made, 0) for phase, made in phases(REFUSED).items()))
        book.add(TriedPart(both, "smb3-only", REFUSED, 0), TriedPart(both, "ntlmv2-only", OK, 0))
    now = journal.load(folder)
    keys = Keys(CATALOGUE, plan, lambda name: name, {}).all()
    nothing = replace(first, attempts={}, rounds={})
    with opened(tmp_path / "store", []) as store:
        assert keep(CATALOGUE, first, now, keys, store, resumed=True) == 0
        assert keep(CATALOGUE, first, now, keys, store) == 1
        assert keep(CATALOGUE, nothing, now, keys, store, resumed=True) == 2


def test_names_of_evidence_lead_nowhere_else(tmp_path: Path) -> None:
    for name in ("../x", "a/b", ".hidden", ""):
        with pytest.raises(OSError, match="Invalid"):
            put_evidence(tmp_path / name.replace("/", "_"), CELL, {name: b""})
    assert not (tmp_path / "x").exists()
