"""A job's clients with machines of their own: a rehearsal whose Windows is a stand-in, and whose SMB is real.

The stand-in keeps books, boots, and does real SMB as its books say; servers, workers and personas are real.
What a Windows would do is not shown: what the lab does around it is.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conducting import Moment, Stage, carry_out
from fake_machine import Machine
from fake_windows import Guest
from known import CATALOGUE
from local_sshd import Sshd

from harness.clients import windows_probe
from harness.conduct.workers import Pool
from harness.errors import Refused
from harness.labs.local import LocalLab
from harness.model import Attempt, CellId, Check, Dialect, Effect, GuestRoute, Outcome, Phase, Target, Tier
from harness.planning import planner
from harness.result import RunResult
from harness.servers.base import Server
from harness.servers.live import LiveServer
from harness.smb.control import opening, try_session
from harness.smb.negotiation import negotiate
from harness.smb.wire import Wire
from harness.system.deadline import Deadline
from harness.windows.guest import WindowsGuest

pytestmark = pytest.mark.local_lab
WINDOWS, PERSONA = "windows-server-2016-guest", "windows-7"
NAME = CATALOGUE.clients[WINDOWS].guest
CHANGE = "smb1-client-off"
NEWER = tuple(dialect for dialect in Dialect if dialect is not Dialect.NT1)
HERE = f"127.77.{os.getpid() % 250}.1"
"""Where the stand-in sees us: other test processes listen on port 445 as well."""


class Windows(Machine):
    """A stand-in of Windows Server 2016 whose probe connects for real, with SMB1 while its books say so."""

    def __init__(self) -> None:
        super().__init__("Windows Server 2016", 14393)
        self.probe = self._connect
        self.pause = 0.0
        self.most = 0
        """How many probes ran at once, at the most."""
        self._running = 0
        self._counting = threading.Lock()

    def _connect(self, given: Mapping[str, Any]) -> Any:
        with self._counting:
            self._running += 1
            self.most = max(self.most, self._running)
        try:
            time.sleep(self.pause)
            return self._operations(given)
        finally:
            with self._counting:
                self._running -= 1

    def _operations(self, given: Mapping[str, Any]) -> Any:
        smb1 = self.settings["feature", "SMB1Protocol"] == "Enabled"
        offered = tuple(Dialect) if smb1 else NEWER
        if given["Address"] == HERE:
            with suppress(Refused), closing(Wire.connect(HERE, 445, Deadline(10.0))) as wire:
                negotiate(wire, opening(offered), HERE)
            return operations(("tcp", 0), ("connect", 64))
        target = Target(given["Address"], given["Share"], given["User"], given["Password"])
        made = try_session(target, Check(given["Check"]), dialects=offered)
        if made.outcome is not Outcome.OK:
            return operations(("tcp", 0), ("connect", 58))
        last = {"open": "list", "browse": "enumerate", "write": "delete"}[given["Check"]]
        return operations(("tcp", 0), ("connect", 0), (last, 0))


def operations(*told: tuple[str, int]) -> dict[str, Any]:
    made = [{"name": name, "code": code, "ms": 1.0} for name, code in told]
    return {"operations": made, "shares": 1, "connection": None, "events": []}


class WithGuest(Stage):
    """A local lab whose servers' clients have the stand-in."""

    route: GuestRoute
    seconds = 10.0

    @contextmanager
    def serve(self, server: Server) -> Iterator[LiveServer]:
        with super().serve(server) as live:
            live.target = replace(live.target, guests=(self.route,), seconds=self.seconds)  # type: ignore[misc]
            yield live


@pytest.fixture(scope="module")
def rig() -> Iterator[tuple[Guest, GuestRoute]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        guest = stack.enter_context(Guest(folder, Windows().play))
        sshd = stack.enter_context(Sshd(folder, str(guest.shell)))
        yield guest, replace(sshd.route, name=NAME)


Rehearse = Callable[..., RunResult]


@pytest.fixture
def machine() -> Windows:
    return Windows()


@pytest.fixture
def stage(lab: LocalLab, rig: tuple[Guest, GuestRoute], machine: Windows) -> WithGuest:
    guest, route = rig
    guest.play = machine.play
    made = WithGuest(lab)
    made.route = route
    return made


@pytest.fixture
def rehearse(stage: WithGuest, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rehearse:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(windows_probe, "_towards", lambda _: HERE)

    def run(*selectors: str, at_once: int = 2) -> RunResult:
        made = planner.from_selectors(CATALOGUE, selectors, Tier.VAGRANT)
        return carry_out(tmp_path / "run", made, stage, pool, at_once)

    return run


def cell(result: RunResult, server: str, client: str) -> dict[Phase, Attempt]:
    found = {one.cell: one for one in result.cells}
    return dict(found[CellId(CHANGE, server, client, "open")].phases)


def test_two_jobs_want_one_machine_with_different_policies(rehearse: Rehearse, machine: Windows) -> None:
    """An attempt under the other job's policy would be a fault: each has the machine for its phase."""
    machine.boot_seconds = 0.3
    servers = ("consumer-nas", "samba-4.17", "samba-4.22")
    result = rehearse(f"{CHANGE}:{','.join(servers)}:{WINDOWS},{PERSONA}:open", at_once=3)
    effects = {(one.cell.server, one.cell.client): one.effect for one in result.cells}
    assert effects == {
        (server, client): Effect.LOST if server == "consumer-nas" else Effect.KEPT
        for server in servers
        for client in (WINDOWS, PERSONA)
    }, [one.cause for one in result.cells]
    assert all(one.restored for one in result.cells)
    assert machine.records == {}
    assert machine.settings["feature", "SMB1Protocol"] == "Enabled"
    for fact in result.applied:
        assert f"{WINDOWS} offers on the wire: no SMB1-framed NEGOTIATE" in fact.took_effect
        assert f"{WINDOWS} offers on the wire: NT LM 0.12" in fact.undone
        assert f"{PERSONA} offers on the wire: " in fact.undone
        assert f"the machine of {WINDOWS}: fingerprint " in fact.undone


def test_a_reboot_takes_longer_than_an_attempt_may(
    rehearse: Rehearse, machine: Windows, stage: WithGuest
) -> None:
    machine.boot_seconds = 3.5
    stage.seconds = 3.0
    result = rehearse(f"{CHANGE}:samba-4.13:{WINDOWS}:open")
    (found,) = result.cells
    assert (found.effect, found.restored) == (Effect.KEPT, True), found.cause
    assert machine.log.count("reboot") == 2
    job = f"{CHANGE}:samba-4.13"
    reboots = f"{job}: {NAME} reboots (up to 900 s)"
    assert [text for text in stage.waited if "reboots" in text] == [reboots, reboots]
    assert stage.waited[stage.waited.index(reboots) + 1] == f"{job}: "


def test_a_machine_makes_one_attempt_at_a_time(rehearse: Rehearse, machine: Windows) -> None:
    machine.pause = 0.4
    result = rehearse(f"signing-client-required:samba-4.13:{WINDOWS}:open,browse,write")
    assert [one.phases[Phase.BASELINE].outcome for one in result.cells] == [Outcome.OK] * 3
    assert machine.most == 1


def test_a_machine_that_does_not_come_back_costs_its_own_cells_alone(
    rehearse: Rehearse, machine: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.hangs_at_boot = True
    monkeypatch.setattr("harness.windows.guest.WindowsGuest", partial(WindowsGuest, reboot_seconds=0.5))
    result = rehearse(f"{CHANGE}:samba-4.13:{WINDOWS},{PERSONA}:open")
    outcomes = [made.outcome for made in cell(result, "samba-4.13", WINDOWS).values()]
    assert outcomes == [Outcome.OK, Outcome.FAULT, Outcome.FAULT]
    for phase in (Phase.APPLIED, Phase.ROLLED_BACK):
        said = cell(result, "samba-4.13", WINDOWS)[phase].note
        # A busy machine has longer.
        assert re.match(rf"{NAME} to come back from its reboot: not within [\d.]+ s", said)
    assert [made.outcome for made in cell(result, "samba-4.13", PERSONA).values()] == [Outcome.OK] * 3
    (fact,) = result.applied
    assert WINDOWS not in fact.took_effect + fact.undone
    assert fact.undone.startswith(f"{PERSONA} offers on the wire: ")


def test_a_machine_that_is_not_set_as_before_is_a_fault_that_names_the_setting(
    rehearse: Rehearse, machine: Windows, stage: WithGuest
) -> None:
    def enter(now: Moment) -> None:
        if now.phase == Phase.APPLIED and now.times == 2:
            machine.settings["smb-client", "EnableMultiChannel"] = False

    stage.enter = enter
    result = rehearse(f"{CHANGE}:samba-4.13:{WINDOWS},{PERSONA}:open")
    phases = cell(result, "samba-4.13", WINDOWS)
    assert phases[Phase.APPLIED].outcome is Outcome.OK
    assert phases[Phase.ROLLED_BACK].outcome is Outcome.FAULT
    assert phases[Phase.ROLLED_BACK].note.startswith(
        f"the machine of {WINDOWS} is not what it was: SMB client EnableMultiChannel was not there, is False"
    )
    assert cell(result, "samba-4.13", PERSONA)[Phase.ROLLED_BACK].outcome is Outcome.OK


def test_a_change_that_stays_on_the_wire_is_not_called_undone(
    rehearse: Rehearse, machine: Windows, stage: WithGuest
) -> None:
    def enter(now: Moment) -> None:
        if now.phase == Phase.APPLIED and now.times == 2:
            machine.stubborn.add("SMB1Protocol")

    stage.enter = enter
    result = rehearse(f"{CHANGE}:samba-4.13:{WINDOWS}:open")
    said = cell(result, "samba-4.13", WINDOWS)[Phase.ROLLED_BACK]
    assert said.outcome is Outcome.FAULT
    assert said.note.startswith(
        f"{CHANGE} could not be taken back: seen before the change: {WINDOWS} offers on the wire: "
    )
    after = f"seen after the rollback: {WINDOWS} offers on the wire: no SMB1"
    assert after in said.note
    assert said.note.partition(after)[2].endswith("(as with the change)")
    assert [fact.undone for fact in result.applied] == [""]


def test_a_setting_that_windows_ignores_costs_its_own_cells_alone(
    rehearse: Rehearse, machine: Windows
) -> None:
    machine.stubborn.add("SMB1Protocol")
    result = rehearse(f"{CHANGE}:samba-4.13:{WINDOWS},{PERSONA}:open")
    phases = cell(result, "samba-4.13", WINDOWS)
    assert [made.outcome for made in phases.values()] == [Outcome.OK, Outcome.FAULT, Outcome.OK]
    assert phases[Phase.APPLIED].note.startswith(f"{NAME} ignored: feature SMB1Protocol is 'Enabled'")
    assert cell(result, "samba-4.13", PERSONA)[Phase.APPLIED].outcome is Outcome.OK
