"""What goes between the machines of a cluster, and what is made of it: without a scheduler."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from importlib.util import find_spec
from pathlib import Path

import pytest
from cluster_site import Heard
from commandline import users
from known import CATALOGUE

from harness.cluster import identity, needs, wire
from harness.cluster.collected import Collected
from harness.errors import LabFault, UsageError
from harness.labs.finding import DoctorFinding
from harness.model import Attempt, CellId, Outcome, Phase, Tier
from harness.planning import planner
from harness.planning.plan import Plan
from harness.record import journal
from harness.record.entries import Attempted, Begun, Known
from harness.record.evidence import Wanted
from harness.record.readback import result_of
from harness.result import ServerFact
from harness.system.process import run
from harness.verbs.run import Here, executor

IMAGE = f"image {CATALOGUE.servers['samba-4.22'].image}"
with_dask = pytest.mark.skipif(find_spec("distributed") is None, reason="the extra cluster is not installed")
SELECTORS = ["nt-pipe-support-off:samba-4.22:windows-7,windows-xp:open"]


def _plan() -> Plan:
    return planner.from_selectors(CATALOGUE, SELECTORS, Tier.LOCAL, probes=False)


def test_without_dask_it_is_said_how_to_install_it() -> None:
    code = (
        "import sys, importlib.util\nfound = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'distributed' else found(name)\n"
        "from harness.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    )
    for words in (["run", "smb3-only", "--cluster", "127.0.0.1"], ["worker", "127.0.0.1"]):
        done = run([sys.executable, "-c", code, *words], timeout=60, env=users(PYTHONPATH=str(Path.cwd())))
        (line,) = done.stderr.splitlines()
        assert (done.status, done.stdout) == (2, "")
        assert "distributed, which is not installed" in line
        assert "pip install" in line


def test_an_order_and_an_outcome_come_through() -> None:
    order = wire.Order("rehearse-1", 1, _plan(), Wanted.ALL, {"personas/mine.toml": b"\0\xff"})
    assert wire.order_of(wire.order_text(order)) == order
    outcome = wire.Outcome("rehearse-1", "w", "", b"{}\n", {"evidence/1/log": bytes(range(256))}, ("x",))
    assert wire.outcome_of(wire.outcome_text(outcome)) == outcome


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "evidence/../../evil", "plan.json", "evidence\0/x"]
)
def test_no_file_leads_out_of_the_run_folder(name: str) -> None:
    with pytest.raises(LabFault, match="does not belong"):
        wire.outcome_of(wire.outcome_text(wire.Outcome("g", "w", files={name: b""})))


def test_what_is_no_outcome() -> None:
    text = wire.outcome_text(wire.Outcome("g", "w", journal=b"line"))
    for wrong in (None, "", "[]", text[:-2], json.dumps({**json.loads(text), "journal": "eJxz"})):
        with pytest.raises(LabFault, match="cannot be read"):
            wire.outcome_of(wrong)


def test_evidence_has_a_budget(tmp_path: Path) -> None:
    (tmp_path / "evidence/cells").mkdir(parents=True)
    (tmp_path / "evidence/a").write_bytes(b"x" * 10)
    (tmp_path / "evidence/cells/b").write_bytes(b"x" * 95)
    (tmp_path / "evidence/link").symlink_to("/etc/passwd")
    found, left = wire.below(tmp_path, "evidence", room=100)
    assert set(found) == {"evidence/a"}
    assert len(left) == 1
    assert left[0].startswith("evidence/cells/b: 95 bytes")


def test_a_group_needs_what_it_is_measured_with() -> None:
    mine = identity.mine()
    needed = needs.of_group(CATALOGUE, _plan(), mine)
    assert {"lab", "namespaces", "memory", IMAGE} <= set(needed)
    has = {**needed, "memory": 100.0}
    del has[IMAGE]
    assert needs.lacking(needed, has) == ["300 MB of memory (it has 100)", IMAGE]
    other = needs.of_group(CATALOGUE, _plan(), replace(mine, data="0" * 16))
    assert needs.lacking(other, {**needed}) == ["the same smb-rehearsal"]
    with pytest.raises(LabFault, match="measures in local labs"):
        needs.of_group(CATALOGUE, replace(_plan(), lab=Tier.VAGRANT), mine)


def test_a_machine_says_what_the_doctor_found() -> None:
    found = [
        DoctorFinding("private lab", True, ""),
        DoctorFinding("vagrant lab: acceleration", True, "", gives="faster ones"),
        DoctorFinding("vagrant lab: programs", True, ""),
        DoctorFinding("vagrant lab: providers", True, ""),
    ]
    has = needs.of_machine(CATALOGUE, found, 2000, identity.mine())
    assert has["memory"] == 2000
    assert {needs.NAMESPACES, needs.VAGRANT, needs.LAB} <= set(has)
    assert needs.KVM not in has


def test_the_identity_follows_the_files_and_not_the_place() -> None:
    code = "from harness.cluster import identity; print(identity.as_text())"
    env = {"PYTHONPATH": str(Path.cwd()), "PYTHONDONTWRITEBYTECODE": "1"}
    said = run([sys.executable, "-c", code], timeout=60, env=env).stdout.strip()
    assert identity.of_text(said) == identity.mine()
    assert [identity.of_text(wrong) for wrong in (None, 7, "", "{}", b"{}")] == [None] * 5


FACT = ServerFact("samba-4.22", "Samba 4.22", "Samba 4.22.11", "real", "", ("samba 1",))


def _lines(folder: Path, plan: Plan, fact: ServerFact, *phases: Phase) -> bytes:
    """The journal of a worker that measured these phases."""
    with journal.create(folder, plan) as book:
        book.add(Begun("local", "1"))
        book.add(Known(fact))
        for cell in plan.cells:
            for phase in phases:
                book.add(Attempted(cell, phase, Attempt(Outcome.OK), 0))
    return (folder / "journal.jsonl").read_bytes()


@contextmanager
def _collecting(folder: Path) -> Iterator[tuple[Collected, Heard]]:
    plan = _plan()
    heard = Heard()
    with journal.create(folder, plan) as book:
        collected = Collected(CATALOGUE, journal.load(folder), book, heard)
        yield collected, heard
        collected.end(whole=True)


def test_a_clock_that_is_set_back_meanwhile_is_not_asked_how_long_it_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SetBack(datetime):
        """Each time it is asked, it is an hour earlier."""

        hours = 0

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> SetBack:
            cls.hours += 1
            return cls(2026, 11, 29, tzinfo=tz) - timedelta(hours=cls.hours)

    monkeypatch.setattr("harness.cluster.collected.datetime", SetBack)
    plan = _plan()
    lines = _lines(tmp_path / "worker", plan, FACT, *Phase)
    with _collecting(tmp_path / "run") as (collected, _):
        collected.take([*plan.jobs], wire.Outcome("g", "w", "", lines))
    ((begun, ended),) = journal.load(tmp_path / "run").stretches
    assert begun.at is not None
    assert ended is not None
    assert ended.at < begun.at
    assert ended.spent is not None
    assert ended.spent.seconds >= 0


def test_what_workers_send_becomes_one_run(tmp_path: Path) -> None:
    plan = _plan()
    (job,) = plan.jobs
    lines = _lines(tmp_path / "worker", plan, FACT, *Phase)
    folder = tmp_path / "run"
    with _collecting(folder) as (collected, heard):
        # The same line twice is measured once.
        doubled = lines + lines.splitlines(keepends=True)[-1]
        collected.take([job], wire.Outcome("g", "w", "", doubled, {"evidence/1-s/log": b"said"}))
    recorded = journal.load(folder)
    assert len(recorded.stretches) == 1
    assert not recorded.damage
    text = (folder / "journal.jsonl").read_text()
    assert text.count('"kind":"attempt"') == len(plan.cells) * 3
    assert (folder / "evidence/1-s/log").read_bytes() == b"said"
    assert [effect for _, effect in heard.cells] == ["kept"] * len(plan.cells)
    assert heard.jobs == ["nt-pipe-support-off:samba-4.22"]
    assert result_of(CATALOGUE, recorded).complete


def test_what_a_worker_did_not_send_is_a_fault(tmp_path: Path) -> None:
    plan = _plan()
    (job,) = plan.jobs
    lines = _lines(tmp_path / "worker", plan, FACT, Phase.BASELINE)
    with _collecting(tmp_path / "run") as (collected, heard):
        collected.take([job], wire.Outcome("g", "w", "the lab has ended", lines))
    assert [effect for _, effect in heard.cells] == ["fault"] * len(plan.cells)
    made = journal.load(tmp_path / "run").attempts[plan.cells[0]]
    assert made[Phase.BASELINE].outcome is Outcome.OK
    assert made[Phase.APPLIED] == Attempt.fault("the lab has ended")


def test_other_software_under_the_same_name_is_no_result(tmp_path: Path) -> None:
    plan = _plan()
    (job,) = plan.jobs
    one = _lines(tmp_path / "one", plan, FACT, *Phase)
    other = _lines(tmp_path / "other", plan, replace(FACT, software="Samba 4.22.12"), *Phase)
    with _collecting(tmp_path / "run") as (collected, heard):
        collected.take([job], wire.Outcome("g", "first", "", one))
        heard.cells.clear()
        collected.take([job], wire.Outcome("g", "second", "", other))
    assert {effect for _, effect in heard.cells} == {"fault"}
    text = (tmp_path / "run/journal.jsonl").read_text()
    assert "server samba-4.22 is Samba 4.22.12 (samba 1), real on second, and was Samba 4.22.11" in text


def test_a_worker_cannot_speak_of_cells_that_it_was_not_given(tmp_path: Path) -> None:
    plan = _plan()
    (job,) = plan.jobs
    lines = _lines(tmp_path / "worker", plan, FACT, *Phase)
    strange = lines.replace(b'"mitigation":"nt-pipe-support-off"', b'"mitigation":"smb3-only"')
    with _collecting(tmp_path / "run") as (collected, heard):
        collected.take([job], wire.Outcome("g", "w", "", strange))
    assert {effect for _, effect in heard.cells} == {"fault"}
    assert CellId.parse("smb3-only:samba-4.22:windows-7:open") not in journal.load(tmp_path / "run").attempts


def test_who_measures() -> None:
    assert isinstance(executor(argparse.Namespace(cluster=None, cluster_certificates=None)), Here)
    # Neither is left out without a word: it would be measured on this machine.
    with pytest.raises(UsageError, match="without --cluster"):
        executor(argparse.Namespace(cluster=None, cluster_certificates=Path("certificates")))
    empty = argparse.Namespace(cluster="", cluster_certificates=None, lab="local", reuse=False, workers=None)
    with pytest.raises(LabFault, match=r"is no address of a scheduler|is not installed"):
        executor(empty)
    with pytest.raises(UsageError, match="measures in local labs"):
        executor(argparse.Namespace(cluster="tls://127.0.0.1:1", lab="vagrant"))
