"""The shares and roles of one configuration are one running server: changed once, measured each by itself."""

from __future__ import annotations

import shutil
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
from conducting import Moment, Stage, Tripwire, carry_out
from known import CATALOGUE

from harness.catalogue import Catalogue
from harness.catalogue.sources import server_in
from harness.conduct.workers import Pool
from harness.exposures.survey import Survey, Surveyed
from harness.labs.local import LocalLab
from harness.model import Effect, Hole, Phase
from harness.planning import planner
from harness.planning.plan import Plan, together
from harness.servers import description
from harness.servers.base import Conf
from harness.servers.brought import Account, Brought
from harness.servers.live import Accessible

OFFICE = Brought(
    "office",
    (),
    "bookworm",
    Conf(
        {"map to guest": "Bad User"},
        sections={
            "public": {"guest ok": "yes", "read only": "no"},
            "staff": {"valid users": "anna"},
            "gone": {},
        },
    ),
    (Account("anna"), Account("bob")),
)
OF_A_SHARE = ("encryption-not-required", "guest-writable", "signing-not-enforced")
CHANGE = "set(server signing=mandatory)+guest-off"


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    file = tmp_path_factory.mktemp("office") / "office.json"
    description.write(file, OFFICE)
    return CATALOGUE.adding(server_in(file))


def planned(catalogue: Catalogue, change: str, servers: str = "office@*") -> Plan:
    selector = f"{change}:{servers}:windows-10-1703:open"
    return planner.from_selectors(catalogue, [selector], probes=True)


def groups(catalogue: Catalogue, change: str, servers: str = "office@*") -> list[list[str]]:
    jobs = planned(catalogue, change, servers).jobs
    return [[job.server for job in group] for group in together(catalogue, jobs)]


def test_what_one_running_server_does_for(catalogue: Catalogue) -> None:
    """All of one configuration; a server of its own is alone, and so is who gets another change."""
    assert groups(catalogue, "smb1-server-off", "office@*,samba-4.17")[0] == [
        # Whose users have an account comes first: exposures are looked for as one of those.
        *("office@public", "office@staff", "office@staff@outsider", "office@gone"),
        "office@public@guest",
    ]
    assert len(groups(catalogue, "smb1-server-off", "office@*,samba-4.17,samba-4.22")) == 3
    # Where nobody logs on there is no NTLMv1 to be refused: that part is left out there.
    apart = groups(catalogue, "ntlmv2-only+set(server signing=mandatory)")
    assert ["office@public@guest"] in apart
    assert len(apart) == 2
    jobs = planned(catalogue, "smb1-server-off").jobs
    first, *others = together(catalogue, jobs)[0]
    assert first.beside == ""
    assert {job.beside for job in others} == {first.server}


class Counting(Tripwire):
    """Remembers the probes that it is asked for."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, lambda _order: None)
        self.asked: list[tuple[str, ...]] = []

    def survey(self, order: Survey) -> Future[Surveyed]:
        self.asked.append(order.names(CATALOGUE.exposures))
        return super().survey(order)


@pytest.mark.local_lab
def test_one_server_is_changed_once_and_each_of_its_shares_measured(
    lab: LocalLab, pool: Pool, tmp_path: Path, catalogue: Catalogue
) -> None:
    """One share that is not served makes faults of its own cells alone."""
    stage = Stage(lab)

    def lose(now: Moment) -> None:
        if now.server == "office@gone" and now.phase == Phase.BASELINE:
            assert isinstance(now.live, Accessible)
            shutil.rmtree(Path(now.live.access()["smb.conf"]).parent / "shares" / "gone")

    stage.enter = lose
    counting = Counting(pool)
    result = carry_out(tmp_path, planned(catalogue, CHANGE), stage, counting, catalogue=catalogue)
    assert list(stage.live) == ["office@public"]
    effects = {cell.cell.server: cell.effect for cell in result.cells}
    assert effects == {
        "office@public": Effect.KEPT,
        "office@public@guest": Effect.LOST,
        "office@staff": Effect.KEPT,
        "office@staff@outsider": Effect.NEVER,
        "office@gone": Effect.FAULT,
    }
    by_server = {cell.cell.server: cell for cell in result.cells}
    assert "office@gone does not serve" in by_server["office@gone"].cause
    lost = by_server["office@public@guest"]
    assert lost.parts
    assert "guest-off" in lost.cause
    # The change is seen on each by what shows there, and recorded of each.
    seen = {one.server: one for one in result.applied}
    assert set(seen) == set(effects) - {"office@gone"}
    assert [already.what for already in seen["office@staff"].already] == ["guest-off"]
    assert not seen["office@public"].already
    # All probes once a phase, and of each other server what its own share decides.
    whole = [names for names in counting.asked if len(names) > len(OF_A_SHARE)]
    assert len(whole) == len(Phase)
    assert {names for names in counting.asked if names not in whole} == {OF_A_SHARE}
    holes = {(one.server, one.exposure): one.phases[Phase.BASELINE] for one in result.exposures}
    for name in CATALOGUE.exposures:
        if name not in OF_A_SHARE:
            assert holes["office@public", name] == holes["office@staff", name], name
    assert holes["office@public", "guest-writable"].state is Hole.OPEN
    assert holes["office@staff", "guest-writable"].state is Hole.CLOSED


def test_a_part_of_a_job_alone_is_a_server_of_its_own(catalogue: Catalogue) -> None:
    """Whatever else is planned: a share that is left alone starts its own server."""
    jobs = [job for job in planned(catalogue, CHANGE).jobs if job.server == "office@staff"]
    assert together(catalogue, jobs) == [(replace(jobs[0], beside=""),)]
