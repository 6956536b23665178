"""One smbd of the lab: what it says of itself, its changes, its end, and what stays of it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from known import CATALOGUE
from processes import alive

from harness.errors import LabFault
from harness.labs import namespace, samba_internals
from harness.labs.home import Home
from harness.labs.local import LocalLab
from harness.labs.marked import MARK
from harness.labs.samba import SambaServer
from harness.labs.samba_conf import render
from harness.model import Check, Outcome, Tier
from harness.servers.base import HOST, Conf, ServerState
from harness.servers.live import How, LiveServer
from harness.smb.control import EVERY_DIALECT, control, try_session
from harness.system.deadline import wait_for
from harness.system.process import start

KINDS = [
    server.name
    for server in CATALOGUE.servers.values()
    # Those of a domain, test_domain_lab, and test_user_shares.
    if server.image != HOST and Tier.LOCAL in server.labs and not server.seldom
]


def processes_of(live: LiveServer) -> list[int]:
    """Every process of a server, by what only it has in its environment."""
    assert isinstance(live, SambaServer)
    mark = f"{MARK}={live._home.mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.local_lab
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_server_serves(serve: Callable[[str], LiveServer], name: str) -> None:
    live = serve(name)
    assert "the control client listed the share over SMB" in live.prove(serves=True)
    # consumer-nas has no account but takes everybody as a guest.
    assert control(live.target).outcome is Outcome.OK
    fact, running = live.fact(), live.software()
    version = re.search(r"2:(\d+\.\d+)\.", running.package)
    assert version is not None
    assert fact.software.startswith(f"Samba {version[1]}.")
    assert isinstance(live, SambaServer)
    asked = samba_internals.version(live._root(live.state.image))
    assert fact.software == f"Samba {asked}"
    assert samba_internals.started(live._log()) == asked, "as it says without being asked"
    assert running.package in fact.packages
    assert running.digest == live.shipped(live.state.image).digest
    # Nothing of what its own smb.conf sets is unknown to it.
    assert live.complaints(replace(live.state, conf=Conf())) == ()


@pytest.mark.local_lab
def test_smbd_is_no_superuser_and_reaches_nothing_else(serve: Callable[[str], LiveServer]) -> None:
    pid = serve("samba-4.22").software().pid
    (uids,) = [x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("Uid:")]
    assert len(set(uids.split()[1:])) == 1
    if namespace.maps_lab_uid():
        assert uids.split()[1] != "0"
    else:
        # The only user of an ordinary user's namespace, and nobody else outside of it: user_namespaces(7).
        first, outside, count = Path("/proc/self/uid_map").read_text().split()
        assert (first, count) == ("0", "1")
        assert outside != "0"
    assert Path(f"/proc/{pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink()
    assert Path(f"/proc/{pid}/root").readlink() != Path("/")


@pytest.mark.local_lab
def test_a_reload_keeps_the_process_and_a_restart_does_not(lab: LocalLab) -> None:
    with lab.serve(CATALOGUE.servers["samba-4.22"]) as live:
        first, before = live.software().pid, live.state
        changed = replace(before, conf=before.conf.with_globals(nt_pipe_support="no"))
        live.become(changed, How.RELOAD)
        assert live.software().pid == first

        def refused() -> bool:
            return try_session(live.target, Check.BROWSE, dialects=EVERY_DIALECT).outcome is Outcome.REFUSED

        wait_for("the reload", refused, 5.0)
        live.become(before, How.RESTART)
        assert live.software().pid != first
        assert not alive(first)
        assert not refused()


@pytest.mark.local_lab
def test_stopped_means_that_nothing_of_it_runs(lab: LocalLab) -> None:
    with lab.serve(CATALOGUE.servers["samba-4.22"]) as live:
        # The first pipe has started samba-dcerpcd and its children beside smbd.
        assert len(processes_of(live)) > 1
        before = live.state
        live.become(replace(before, running=False), How.RESTART)
        assert processes_of(live) == []
        assert live.prove(serves=False) == "no server runs and nothing listens on port 445"
        with pytest.raises(LabFault, match="is gone"):
            live.software()
        live.become(before, How.RESTART)
        assert control(live.target).outcome is Outcome.OK


@pytest.mark.local_lab
def test_the_end_of_a_server_leaves_its_evidence_and_nothing_else(
    lab_in: Callable[[Path], LocalLab], tmp_path: Path
) -> None:
    lab = lab_in(tmp_path / "lab")
    with lab.serve(CATALOGUE.servers["samba-4.17"]) as live:
        assert isinstance(live, SambaServer)
        password = live.target.password
        home = live._home
        assert home.outside.is_dir()
    assert processes_of(live) == []
    assert not home.outside.exists()
    kept = {path.name: path.read_text() for path in (tmp_path / "evidence" / home.name).iterdir()}
    assert set(kept) == {"smb.conf", "log.smbd"}
    assert f"interfaces = {home.address}/8" in kept["smb.conf"]
    assert "smbd version 4.17" in kept["log.smbd"]
    assert not any(password in text for text in kept.values())


@pytest.mark.local_lab
def test_a_server_ends_when_the_block_is_left_by_an_error(lab: LocalLab) -> None:
    started: list[LiveServer] = []

    def use() -> None:
        with lab.serve(CATALOGUE.servers["samba-4.22"]) as live:
            started.append(live)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert processes_of(started[0]) == []


@pytest.mark.local_lab
def test_a_suspended_server_is_killed_all_the_same(lab: LocalLab) -> None:
    """It still ends in order: what it was sent is delivered when it goes on (signal(7))."""
    with lab.serve(CATALOGUE.servers["samba-4.22"]) as live:
        assert isinstance(live, SambaServer)
        process = live._process
        os.kill(live.software().pid, signal.SIGSTOP)
    assert processes_of(live) == []
    assert process is not None
    assert process.returncode != -signal.SIGKILL


@pytest.mark.local_lab
def test_what_forks_while_the_server_is_killed_ends_too(lab: LocalLab, tmp_path: Path) -> None:
    """As samba-dcerpcd does, which starts an rpcd for each kind of pipe."""
    with lab.serve(CATALOGUE.servers["samba-4.22"]) as live:
        assert isinstance(live, SambaServer)
        forks = "n=0; while [ $n -lt 400 ]; do sleep 600 & n=$((n+1)); done; wait"
        restless = start(["sh", "-c", forks], output=tmp_path / "out", env={MARK: live._home.mark})
        wait_for("its first children", lambda: len(processes_of(live)) > 20, 5.0)
        live.become(replace(live.state, running=False), How.RESTART)
        assert processes_of(live) == []
        assert restless.wait(60) == -signal.SIGKILL
        # One that has not written a line yet is said not to serve, all the same.
        live._log_file.unlink()
        assert live._trouble.why_not_served(0).endswith(f"/{live._log_file.name}")


@pytest.mark.local_lab
@pytest.mark.parametrize("name", ["samba-4.13", "samba-4.25"])
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"passdb backend": "nonsense"}, "No builtin nor plugin backend for nonsense found"),
        ({"interfaces": "10.9.9.9/8"}, "PANIC"),
    ],
)
def test_a_server_that_cannot_start_says_why(
    lab: LocalLab, name: str, settings: dict[str, str], words: str
) -> None:
    server = replace(CATALOGUE.servers[name], conf=Conf(settings))
    said = rf"smbd of {re.escape(name)} is gone \((ended with|crashed).*{words}"
    with pytest.raises(LabFault, match=said), lab.serve(server):
        pytest.fail("it serves")


@pytest.mark.local_lab
def test_servers_of_one_lab_do_not_share_anything(lab: LocalLab) -> None:
    kind = CATALOGUE.servers["samba-4.22"]
    with lab.serve(kind) as one, lab.serve(kind) as two:
        assert one.target.address != two.target.address
        os.kill(one.software().pid, signal.SIGKILL)
        wait_for("its end", lambda: not _listens(one), 5.0)
        assert control(two.target).outcome is Outcome.OK


def _listens(live: LiveServer) -> bool:
    return control(live.target).status != "RESET"


def test_smb_conf_says_what_a_change_says(tmp_path: Path) -> None:
    home = Home("1-x", tmp_path, tmp_path, "127.10.0.2", "share")
    conf = Conf({"server min protocol": "NT1"}).with_globals(smb_encrypt="required").with_share(guest_ok="no")
    text = render(ServerState("trixie", conf), home)
    settings, _, share = text.partition("[share]\n")
    assert settings.startswith("[global]\n")
    assert "server min protocol = NT1\nsmb encrypt = required\n" in settings
    assert "bind interfaces only = yes\n" in settings
    assert share.endswith("guest ok = no\n")
    assert "guest ok" not in settings


def test_a_server_of_the_same_name_in_another_lab_has_another_mark(tmp_path: Path) -> None:
    """By their marks alone processes are ended: two labs may be in one namespace."""
    homes = [Home("1-office", tmp_path / lab, tmp_path, "127.10.0.2", "share") for lab in ("a", "b")]
    assert homes[0].mark != homes[1].mark
