"""How cells become groups, and what becomes of groups: with a scheduler's client that is played."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cluster_site import Heard
from known import CATALOGUE

from harness.cluster import identity, wire
from harness.cluster.collected import Collected
from harness.cluster.link import link
from harness.model import Attempt, Outcome, Phase, Tier
from harness.planning import planner
from harness.record import journal
from harness.record.entries import Attempted
from harness.record.evidence import Wanted

if find_spec("distributed") is None:
    pytest.skip("the extra cluster is not installed", allow_module_level=True)

from harness.cluster import driver
from harness.cluster.elsewhere import Cut
from harness.cluster.worker import DECLARED

SEVERAL = "nt-pipe-support-off,smb3-only,release-upgrade:samba-4.17,samba-4.22:windows-7:open"


def _cut(workers: int, kept: dict[str, bytes] | None = None) -> list[driver.Group]:
    plan = planner.from_selectors(CATALOGUE, [SEVERAL], Tier.LOCAL, probes=False)
    return Cut(CATALOGUE, plan, plan.cells, Wanted.NONE, kept or {})(workers)


def test_a_group_is_what_one_server_is_started_for() -> None:
    plan = planner.from_selectors(CATALOGUE, [SEVERAL], Tier.LOCAL, probes=False)
    for workers in (1, 2, 5):
        groups = _cut(workers)
        cells = [cell for group in groups for cell in group.order.plan.cells]
        # Each cell goes out once, in whatever parts.
        assert sorted(map(str, cells)) == sorted(map(str, plan.cells))
        assert all(len({job.server for job in group.jobs}) == 1 for group in groups)
        for group in groups:
            assert len(group.parts) == (len(group.jobs) if len(group.jobs) > 1 else 0)
            parts = [cell for part in group.parts for cell in part.order.plan.cells]
            assert not parts or sorted(map(str, parts)) == sorted(map(str, group.order.plan.cells))
        # Of no two can a server have the same number, by which its evidence is called.
        numbers = sorted((one.order.number, len(one.jobs)) for each in groups for one in (each, *each.parts))
        assert all(one + 2 * jobs <= then for (one, jobs), (then, _) in pairwise(numbers))
    assert len(_cut(1)) == 2
    assert len(_cut(5)) > 2


class Workers:
    """A scheduler's client, with a worker that has all but ``lacks``; ``fails``: several jobs at once do."""

    status = "running"

    says: str | None = None
    """Which smb-rehearsal it is, where it is another than ours."""

    def __init__(self, groups: list[driver.Group], lacks: str = "", fails: bool = False) -> None:
        self.scheduler = self
        self.given_out: list[int] = []
        self._fails = fails
        every = {name: amount for group in groups for name, amount in group.needs.items()}
        self._has = {name: amount for name, amount in every.items() if name != lacks}

    async def identity(self) -> dict[str, Any]:
        return {"workers": {"tls://w": {DECLARED: self.says or identity.as_text(), "resources": self._has}}}

    def submit(self, _: object, text: str, **__: object) -> Any:
        order = wire.order_of(text)
        self.given_out.append(len(order.plan.jobs))
        broken = "the lab has ended" if self._fails and len(order.plan.jobs) > 1 else ""
        outcome = wire.outcome_text(wire.Outcome(order.group, "w", broken))
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        done.set_result(outcome)
        return Done(done)


class Done:
    """What a group comes to."""

    def __init__(self, done: asyncio.Future[str]) -> None:
        self._done = done

    async def result(self) -> str:
        return await self._done

    async def cancel(self) -> None: ...


@pytest.mark.parametrize("what", ["whole", "broken", "lacking"])
def test_what_cannot_be_measured_together_goes_out_in_parts(tmp_path: Path, what: str) -> None:
    """One change that breaks a lab, or that no worker has the image of, costs the others nothing."""
    groups = _cut(1)
    newer = f"image {CATALOGUE.servers['samba-4.25'].image}"
    client = Workers(groups, newer if what == "lacking" else "", what == "broken")
    told: list[str] = []
    plan = planner.from_selectors(CATALOGUE, [SEVERAL], Tier.LOCAL, probes=False)
    heard = Heard()
    with journal.create(tmp_path / "run", plan) as book:
        collected = Collected(CATALOGUE, journal.load(tmp_path / "run"), book, heard)
        one = driver.Driver(link("127.0.0.1", tmp_path), lambda _: groups, collected, told.append)
        asyncio.run(one._distribute(client, 0.0))
    assert sorted(heard.jobs) == sorted(f"{job.mitigation}:{job.server}" for job in plan.jobs)
    assert len(heard.cells) == len(plan.cells)
    assert [len(group.jobs) for group in groups] == [3, 3]
    given_out = {"whole": [3, 3], "broken": [3, 3] + [1] * 6, "lacking": [3, 1, 1]}
    assert sorted(client.given_out, reverse=True) == given_out[what]
    together = "3 changes on samba-4.22: the lab has ended; each of them goes out for itself"
    assert (together in told) is (what == "broken")
    assert (what == "lacking") is any("image forky" in attempt.note for attempt in _faults(tmp_path / "run"))


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (
            '{"version": "9.9", "data": "0000000000000000"}',
            "it has smb-rehearsal 9.9 (files 0000000000000000)",
        ),
        ("something else", "it was not started by rehearse worker"),
    ],
)
def test_a_worker_with_another_smb_rehearsal_is_given_nothing(tmp_path: Path, says: str, why: str) -> None:
    groups = _cut(1)
    client = Workers(groups)
    client.says = says
    told: list[str] = []
    plan = planner.from_selectors(CATALOGUE, [SEVERAL], Tier.LOCAL, probes=False)
    with journal.create(tmp_path / "run", plan) as book:
        collected = Collected(CATALOGUE, journal.load(tmp_path / "run"), book, Heard())
        one = driver.Driver(link("127.0.0.1", tmp_path), lambda _: groups, collected, told.append)
        asyncio.run(one._distribute(client, 0.0))
    assert client.given_out == []
    assert any(line.startswith(f"worker tls://w is refused: {why}") for line in told)
    assert {one.outcome for one in _faults(tmp_path / "run")} == {Outcome.FAULT}


class Frozen(Workers):
    """A scheduler that is stopped: it keeps its connections, and says nothing."""

    async def identity(self) -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


def test_a_scheduler_that_says_nothing_any_more_is_one_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "_ANSWERS", 0.01)
    plan = planner.from_selectors(CATALOGUE, [SEVERAL], Tier.LOCAL, probes=False)
    with journal.create(tmp_path / "run", plan) as book:
        collected = Collected(CATALOGUE, journal.load(tmp_path / "run"), book, Heard())
        one = driver.Driver(link("127.0.0.1", tmp_path), lambda _: [], collected, lambda _: None)
        with pytest.raises(driver._Lost):
            asyncio.run(asyncio.wait_for(one._distribute(Frozen([]), 0.0), 20.0))


class Two(Workers):
    """Two workers, of which the first comes to nothing with whatever it begins; ``last``: both do.

    ``leaves``: the second one does with what it is given.
    """

    def __init__(self, groups: list[driver.Group], folder: Path, last: bool, leaves: bool) -> None:
        super().__init__(groups)
        self.begun: list[str] = []
        self._folder, self._last, self._leaves = folder, last, leaves

    async def identity(self) -> dict[str, Any]:
        (known,) = (await super().identity())["workers"].values()
        there = (
            ["tls://full"] if self._leaves and "tls://fine" in self.begun else ["tls://full", "tls://fine"]
        )
        return {"workers": dict.fromkeys(there, known)}

    def submit(self, _: object, text: str, **how: Any) -> Any:
        order = wire.order_of(text)
        (worker,) = how["workers"] or ["tls://full"]
        self.begun.append(worker)
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if not (self._leaves and worker == "tls://fine"):
            failed = self._last or worker == "tls://full"
            made = Attempt.fault("the disk is full") if failed else Attempt(Outcome.OK)
            place = self._folder / order.group
            with journal.create(place, order.plan) as book:
                for cell in order.plan.cells:
                    for phase in Phase:
                        book.add(Attempted(cell, phase, made, 0))
            lines = (place / "journal.jsonl").read_bytes()
            done.set_result(wire.outcome_text(wire.Outcome(order.group, worker, "", lines)))
        return Done(done)


@pytest.mark.parametrize(
    ("last", "leaves", "begun", "effects"),
    [
        (False, False, ["full", "fine"], {"kept"}),
        # What fails there as well is what was found.
        (True, False, ["full", "fine"], {"fault"}),
        # Nobody waits for a worker that will not come.
        (False, True, ["full", "fine", "full"], {"fault"}),
    ],
)
def test_what_comes_to_nothing_on_one_machine_is_tried_on_another(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    last: bool,
    leaves: bool,
    begun: list[str],
    effects: set[str],
) -> None:
    """A machine whose disk is full fails fast, and would take group after group."""
    monkeypatch.setattr(driver, "_WORKERS", 0.0)
    monkeypatch.setattr(driver, "_LOOK", 0.01)
    plan = planner.from_selectors(
        CATALOGUE, ["nt-pipe-support-off:samba-4.22:windows-7:open"], Tier.LOCAL, probes=False
    )
    groups = Cut(CATALOGUE, plan, plan.cells, Wanted.NONE, {})(1)
    client = Two(groups, tmp_path, last, leaves)
    told: list[str] = []
    heard = Heard()
    with journal.create(tmp_path / "run", plan) as book:
        collected = Collected(CATALOGUE, journal.load(tmp_path / "run"), book, heard)
        one = driver.Driver(link("127.0.0.1", tmp_path), lambda _: groups, collected, told.append)
        asyncio.run(one._distribute(client, 0.0))
    assert client.begun == [f"tls://{name}" for name in begun]
    assert {effect for _, effect in heard.cells} == effects
    # One round of each: what came to nothing elsewhere is not in the run.
    assert (tmp_path / "run/journal.jsonl").read_text().count('"kind":"attempt"') == 3
    what = "1 change on samba-4.22: came to nothing on tls://full (the disk is full); another worker tries"
    assert told[1:] == [what]


def _faults(folder: Path) -> list[Attempt]:
    return [one for phases in journal.load(folder).attempts.values() for one in phases.values()]
