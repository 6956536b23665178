"""Printers of the lab: a queue that keeps its jobs, and clients that send one."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from conducting import Stage, conduct
from known import CATALOGUE

from harness.clients.base import attempt
from harness.conduct.workers import Pool
from harness.errors import LabFault
from harness.labs import print_command
from harness.labs.home import Home
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.labs.samba_conf import render
from harness.model import Check, Effect, Outcome, Phase, StepName
from harness.planning.plan import served
from harness.servers import lists
from harness.servers.base import Conf, Server
from harness.servers.brought import Account, Brought
from harness.servers.roles import servers_of
from harness.smb import trial
from harness.system.process import run

lab_test = pytest.mark.local_lab
OVER_PIPE = ("windows-xp", "windows-7", "windows-10-1703")
INTO_SHARE = ("smbclient", "smbprotocol", "impacket", "samba-smbclient-4")
HOME = Home("7-x", Path("/state"), Path("/evidence"), "127.1.2.3", "share")


def jobs_after(lab: LocalLab, server: Server, clients: tuple[str, ...]) -> list[bytes]:
    """What lies in the queue when each client has sent a job."""
    with lab.serve(replace(server, prints=True)) as live:
        assert isinstance(live, SambaServer)
        for name in clients:
            client = CATALOGUE.clients[name]
            made = attempt(client, Check.PRINT, live.target, client.policy)
            assert made.outcome is Outcome.OK, (name, made)
            done = [step.name for step in made.steps if step.ok]
            assert (StepName.PRINT in done) is (name in OVER_PIPE)
            assert (StepName.CREATE_PIPE in done) is (name in OVER_PIPE)
        return [file.read_bytes() for file in sorted((live._home.outside / "spool").iterdir())]


@lab_test
def test_a_job_reaches_the_queue_by_each_way(lab: LocalLab) -> None:
    clients = (*OVER_PIPE, *INTO_SHARE)
    jobs = jobs_after(lab, CATALOGUE.servers["samba-4.22-smb1"], clients)
    assert len(jobs) == len(clients)
    assert sorted(jobs) == sorted([b"a job", *[trial.CONTENT] * (len(clients) - 1)])


@lab_test
@pytest.mark.parametrize("server", ["samba-4.13", "samba-4.17", "samba-4.25"])
def test_every_release_takes_jobs(lab: LocalLab, server: str) -> None:
    """4.13 serves spoolss itself, those since 4.16 by samba-dcerpcd and its programs."""
    assert len(jobs_after(lab, CATALOGUE.servers[server], ("windows-10-1703", "smbprotocol"))) == 2


@lab_test
def test_a_printer_of_a_configuration_that_was_brought_along_is_a_queue(lab: LocalLab) -> None:
    shares = {"docs": {"read only": "no"}, "Office LP": {"printable": "yes", "path": "/var/spool/samba"}}
    made = servers_of(Brought("office", (), "trixie", Conf(sections=shares), (Account("anna"),)))
    (server,) = made.values()
    assert lists.printer(server.conf) == "Office LP"
    assert jobs_after(lab, server, ("windows-10-1703", "smbprotocol")) == [trial.CONTENT] * 2


@lab_test
def test_pipes_off_take_printing_from_those_who_need_one(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    selector = "nt-pipe-support-off:samba-4.22:windows-10-1703,smbprotocol:print"
    result = conduct(tmp_path / "run", [selector], Stage(lab), pool)
    windows, library = result.cells
    assert (windows.effect, library.effect) == (Effect.LOST, Effect.KEPT)
    refused = windows.phases[Phase.APPLIED]
    assert (refused.step, refused.status) == (StepName.CREATE_PIPE, "STATUS_ACCESS_DENIED")
    assert "printing needs spoolss" in windows.cause
    assert windows.restored
    assert "no capture" in windows.inferred


@lab_test
def test_nothing_but_a_queue_has_the_stand_in_for_a_shell(lab: LocalLab) -> None:
    plain = lab.root("trixie")
    assert not (plain / "bin/sh").exists()
    at = lab._roots.root("trixie", prints=True)
    assert {one.name for one in (plain / "bin").iterdir()} | {"sh"} == {
        one.name for one in (at / "bin").iterdir()
    }
    with pytest.raises(OSError, match="Read-only"):
        (at / "bin/more").touch()


def test_the_stand_in_does_nothing_and_says_that_all_is_well(tmp_path: Path) -> None:
    file = tmp_path / "sh"
    file.write_bytes(print_command.stand_in(platform.machine()))
    file.chmod(0o755)
    done = run([str(file), "-c", f"echo x >{tmp_path}/made"], timeout=10)
    assert (done.status, done.stdout, done.stderr) == (0, "", "")
    assert [one.name for one in tmp_path.iterdir()] == ["sh"]
    with pytest.raises(LabFault, match="no lab queue for printing on vax"):
        print_command.stand_in("vax")


def test_a_command_of_the_configuration_never_gets_to_a_queue() -> None:
    own = MappingProxyType({"lp": {"printable": "yes", "print command": "evil %s", "lpq command": "evil"}})
    state = replace(CATALOGUE.servers["samba-4.22"].state, conf=Conf(sections=own))
    text = render(state, replace(HOME, printer="lp"))
    assert "evil" not in text
    assert text.count(f"print command = {print_command.COMMAND}") == 1
    assert "disable spoolss = no" in text
    assert "printable" not in render(CATALOGUE.servers["samba-4.22"].state, HOME)


def test_a_server_has_a_printer_where_the_check_is_made() -> None:
    assert served(CATALOGUE, "none", "samba-4.22", ["print", "open"]).prints
    assert not served(CATALOGUE, "none", "samba-4.22", ["open"]).prints


def test_who_prints_otherwise_is_told() -> None:
    windows = CATALOGUE.clients["windows-11-24h2"]
    assert Check.PRINT not in windows.checks
    assert "RPC over TCP" in windows.cannot[Check.PRINT]
    assert CATALOGUE.clients["windows-10-1703"].details()["on print"]
