"""Three offices from samples to a plan, which is carried out: the machines that it says are lost, no others.

The plan's own lines are written into the configuration of a real server, stage after stage, without taking
back what came before; then every client is asked again. The file server of the third office is a member of a
domain, whose controller is Samba; its clients log on as users of the domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from conducting import Stage, carry_out
from known import CATALOGUE

from harness.balance.machines import Fate
from harness.balance.weigh import SAFE
from harness.clients.base import attempt
from harness.conduct.orders import survey_of
from harness.conduct.workers import Pool
from harness.exposures.survey import survey
from harness.fleet import intake
from harness.fleet.merging import machines
from harness.fleet.placing import Placing
from harness.labs.local import LocalLab
from harness.learn import matching
from harness.model import Check, Effect, Outcome
from harness.planning import planner
from harness.report.language import language
from harness.report.rollout.view import doings
from harness.result import RunResult
from harness.result.machines import FleetFact, MachineGroup
from harness.rollout.plan import Rollout, make
from harness.rollout.plan import Stage as Planned
from harness.rollout.wishes import Wishes
from harness.servers.base import Conf
from harness.servers.live import How, LiveServer, target_of_clients
from harness.verbs.rollout import kinship

pytestmark = pytest.mark.local_lab
SAY = language("en")
Tasks = set[tuple[str, str]]


@dataclass(frozen=True)
class Office:
    """Where people work, and what was measured for them."""

    sample: str
    """A file of its machines, as it was collected."""
    server: str
    selector: str


OFFICES = {
    "copiers-and-macs": Office(
        """client,count
office-scanner,3
macos-13,12
windows-7,2
a box in the corner,1
""",
        "samba-4.22-smb1",
        "smb1-server-off,ntlmv2-only,ntlmv2-only+smb1-server-off:samba-4.22-smb1:"
        "office-scanner,macos-13,windows-7:open,write",
    ),
    "nas-only": Office(
        """
Samba version 4.13.13-Debian
PID     Username     Group        Machine                             Protocol Version  Encryption  Signing
---------------------------------------------------------------------------------------------------------
1201    nobody       nogroup      10.0.0.20 (ipv4:10.0.0.20:49155)    NT1               -           -
1202    nobody       nogroup      10.0.0.32 (ipv4:10.0.0.32:51002)    SMB2_10           -           -
""",
        "consumer-nas",
        "guest-off,signing-required:consumer-nas:windows-7,media-player:open",
    ),
    "mixed-windows-domain": Office(
        """client,count
windows-7,5
windows-10-1703,40
windows-server-2016,2
""",
        "samba-ad-member",
        "encryption-required,smb3-only:samba-ad-member:windows-7,windows-10-1703,windows-server-2016:open",
    ),
}


@pytest.fixture(scope="module")
def measured(domain_lab: LocalLab, pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """One run for all three."""
    selectors = [office.selector for office in OFFICES.values()]
    made = planner.from_selectors(CATALOGUE, selectors, probes=True)
    result = carry_out(tmp_path_factory.mktemp("offices") / "run", made, Stage(domain_lab), pool)
    assert result.complete
    return result


def fleet_of(office: Office, folder: Path) -> FleetFact:
    """Its machines, as ``rehearse fleet import`` counts them."""
    (folder / "sample.txt").write_text(office.sample)
    read, records = intake.records_of(folder / "sample.txt", "", matching.personas)
    assert not read.failed
    return Placing(CATALOGUE.clients).fleet(machines(records), "office").fact


@pytest.mark.parametrize("name", OFFICES)
def test_an_office_from_its_samples_to_a_plan_that_is_carried_out(
    name: str, measured: RunResult, domain_lab: LocalLab, tmp_path: Path
) -> None:
    office = OFFICES[name]
    fleet = fleet_of(office, tmp_path)
    wishes = Wishes(servers=(office.server,))
    plan = make(measured, fleet, wishes, kinship(CATALOGUE))
    assert plan.count(plan.stages[0], Fate.LOST, Fate.PERHAPS, Fate.NOT_KNOWN) == 0, "today costs nobody"
    assert any(stage.steps for stage in plan.stages), "there is something to do"
    server = CATALOGUE.servers[office.server]
    asked = {
        (cell.cell.client, cell.cell.check)
        for cell in measured.cells
        if cell.cell.server == office.server and not cell.unsupported
    }
    with domain_lab.serve(server) as live:
        worked, state = working(live, asked), "none"
        for stage in plan.stages:
            live.become(replace(live.state, conf=changed(live.state.conf, stage)), How.RESTART)
            now = working(live, asked)
            lost = {client for client, _ in worked - now}
            state = next((step.after for step in stage.steps), state)
            assert lost == foretold(measured, office.server, state), (name, stage.number)
            assert_fates(plan, stage, lost, worked)
            open_now = seen_open(live, plan.searched[0].open)
            assert open_now == set(stage.open[office.server]), (name, stage.number)


def working(live: LiveServer, tasks: Tasks) -> Tasks:
    """What comes through on a server as it is now."""
    target = target_of_clients(live)
    return {
        (client, check)
        for client, check in tasks
        if attempt(CATALOGUE.clients[client], Check(check), target, CATALOGUE.clients[client].policy).outcome
        is Outcome.OK
    }


def changed(conf: Conf, stage: Planned) -> Conf:
    """The configuration with the lines of the plan, taken word for word."""
    for step in stage.steps:
        for doing in doings(CATALOGUE, SAY, stage.number, step):
            if doing.where == SAY("settings.in_global", file="smb.conf"):
                conf = replace(conf, globals=written(conf.globals, doing.do))
            elif doing.where == SAY("settings.in_shares", file="smb.conf"):
                conf = replace(conf, share=written(conf.share, doing.do))
            else:
                assert doing.language != "ini", doing
    return conf


def written(settings: Mapping[str, str], lines: Iterable[str]) -> dict[str, str]:
    """A section with lines set, and those taken out that stand there as comments."""
    found = dict(settings)
    for line in lines:
        name, _, value = line.removeprefix("# ").partition(" = ")
        found.pop(name, None)
        if not line.startswith("#"):
            found[name] = value
    return found


def foretold(measured: RunResult, server: str, state: str) -> set[str]:
    """The clients that lost something in the run, in the state that the plan brings the server into."""
    return {
        cell.cell.client
        for cell in measured.cells
        if (cell.cell.mitigation, cell.cell.server, cell.effect) == (state, server, Effect.LOST)
    }


def assert_fates(plan: Rollout, stage: Planned, lost: set[str], worked: Tasks) -> None:
    """Each group of machines fares as the clients that it may be did just now."""
    there = {client for client, _ in worked}
    for group, fate in zip(plan.fleet.groups, stage.fates, strict=True):
        assert fate in expected(group, lost, there), (group, fate)


def expected(group: MachineGroup, lost: set[str], there: set[str]) -> set[Fate]:
    mine = set(group.clients)
    if mine and mine <= lost:
        return {Fate.LOST}
    if mine & lost:
        return {Fate.PERHAPS}
    return {Fate.KEPT} if mine and mine <= there else {Fate.NOT_REHEARSED, Fate.NEVER}


def seen_open(live: LiveServer, names: Iterable[str]) -> set[str]:
    """Which of these holes are not shown to be shut now."""
    found = survey(CATALOGUE.exposures, replace(survey_of(live), only=tuple(names))).seen
    return {name for name in names if found[name].state not in SAFE}
