"""Virtual machines in another machine's libvirt, for real: that machine is a second libvirtd and an sshd, in
namespaces of their own. What was built here, and what runs keep, is hidden from it.

Slow: about a minute under software emulation. ./test --vagrant runs it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import commandline
import pytest
from local_sshd import USER
from second_libvirt import HERE, SOCKET, THERE, Machine, second_machine
from world import need_machines

from harness.errors import LabFault
from harness.labs.boxes import acceleration
from harness.labs.vagrant import ownership, remote_lab
from harness.labs.vagrant.libvirt import lacking
from harness.labs.vagrant.uri import parse
from harness.system.deadline import wait_for
from harness.system.paths import cache_dir
from harness.system.process import Result, run

pytestmark = [pytest.mark.vagrant, pytest.mark.local_lab]

CELLS = "server-stopped:samba-4.13:windows-7,windows-xp,smbclient-4.17:open"
"""Of the guest that is the quickest: see test_dying_guest.py."""
MINUTE = 60.0


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where runs and notes are kept."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, runs: Path) -> Iterator[Machine]:
    need_machines("bullseye")
    if lacking():
        pytest.skip("needs libvirt: run ./test --vagrant")
    with second_machine(tmp_path_factory.mktemp("second") / "m", [cache_dir(), runs]) as machine:
        yield machine


@pytest.fixture
def env(runs: Path) -> dict[str, str]:
    """libvirt there believes that it has KVM; whether that is so was found out here."""
    accelerator = "kvm" if acceleration.find().kvm else "qemu"
    return {**commandline.PLAIN, "XDG_STATE_HOME": str(runs), remote_lab.ACCELERATOR: accelerator}


def rehearse(env: dict[str, str], *words: str | Path, minutes: float = 2) -> Result:
    return run([*commandline.REHEARSE, *words], timeout=minutes * MINUTE, env=commandline.users(**env))


def document(done: Result) -> dict[str, Any]:
    assert done.status in (0, 1), done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def told(made: dict[str, Any]) -> list[Any]:
    return [made[key] for key in ("outcome", "step", "status", "dialect", "signed", "unsure")]


def test_the_same_cells_there_and_in_the_local_lab(there: Machine, env: dict[str, str], runs: Path) -> None:
    """One test, for it costs a minute: what is compared is named by each function below."""
    before = there.things()
    words = ("run", CELLS, "--no-exposures", "--json", "--runs", runs)
    measured = document(rehearse(env, *words, "--lab", "vagrant", "--connect", there.uri, minutes=20))
    local = document(rehearse(env, *words, minutes=5))
    what_the_server_answers_is_the_same(measured, local)
    what_a_tunnel_leaves_open_is_said(measured, local)
    assert there.things() == before
    assert list(runs.glob("*/elsewhere/*")) == []
    assert not list(runs.glob("*/lab"))


def what_the_server_answers_is_the_same(measured: dict[str, Any], local: dict[str, Any]) -> None:
    assert measured["complete"]
    for here, beside in zip(measured["cells"], local["cells"], strict=True):
        assert (here["cell"], here["effect"]) == (beside["cell"], beside["effect"])
        for phase in ("baseline", "rolled_back"):
            assert told(here["phases"][phase]) == told(beside["phases"][phase]), here["cell"]
    assert [cell["effect"] for cell in measured["cells"]] == ["lost", "never", "lost"]


def what_a_tunnel_leaves_open_is_said(measured: dict[str, Any], local: dict[str, Any]) -> None:
    """A server that is down refuses the connection, which comes through a tunnel as one that is closed."""
    way = f"through an SSH tunnel to {USER}@{THERE}"
    assert measured["servers"]["samba-4.13"]["reached"] == way
    assert local["servers"]["samba-4.13"]["reached"] == ""
    for cell in measured["cells"]:
        applied = cell["phases"]["applied"]
        assert (applied["step"], applied["status"]) == ("negotiate", "CLOSED")
        assert applied["unsure"].startswith(way)
        if cell["effect"] == "lost":
            assert "is not verified" in cell["cause"]
            assert cell["user_sees"] == ""
    assert [cell["phases"]["applied"]["step"] for cell in local["cells"]] == ["connect"] * 3


def test_what_a_killed_run_left_goes_when_it_is_asked_for(
    there: Machine, env: dict[str, str], runs: Path, tmp_path: Path
) -> None:
    before = there.things()
    words = ("run", CELLS, "--lab", "vagrant", "--connect", there.uri, "--runs", tmp_path)
    started = commandline.begin(tmp_path / "output", "elsewhere", *words, env=env)
    try:
        wait_for("a machine there", lambda: there.virsh("list", "--name").split() or None, 5 * MINUTE)
        (folder,) = {
            Path(found[1])
            for line in commandline.left_of("elsewhere")
            if (found := re.search(r" -MNT -S (\S+)/control ", line))
        }
        # Once it is killed whatever starts beside this test may remove it.
        assert folder.exists()
    finally:
        started.kill()
        started.wait()
    wait_for("the end of its processes", lambda: commandline.left_of("elsewhere") == [], MINUTE)
    assert len(there.things()) > len(before) + 3
    (note,) = runs.glob("smb-rehearsal/elsewhere/*")
    told = rehearse(env, "clean", "--runs", tmp_path)
    assert not folder.exists()
    assert f"rehearse clean --connect '{there.uri}'" in told.stderr
    done = rehearse(env, "clean", "--runs", tmp_path, "--connect", there.uri)
    assert done.ok, done.stderr
    assert f"samba-bullseye at {USER}@{THERE}" in done.stdout
    assert there.things() == before
    assert not note.exists()


def test_two_users_of_one_host_do_not_meet(there: Machine, env: dict[str, str]) -> None:
    """Each run has a network, addresses, a pool and names of its own."""
    uri = parse(there.uri)
    before = there.things()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        with (
            remote_lab.opened(uri, ["a"], pytest.fail) as one,
            remote_lab.opened(uri, ["a"], pytest.fail) as two,
        ):
            assert one.link.tag != two.link.tag
            # The first is that of somebody else.
            assert (one.link.network, two.link.network) == ("192.168.60", "192.168.61")
            assert len(there.things()) == len(before) + 4
    assert there.things() == before


def test_the_doctor_looks_at_it(there: Machine, env: dict[str, str]) -> None:
    done = rehearse(env, "doctor", "--json", "--connect", there.uri)
    (found,) = [one for one in json.loads(done.stdout) if one["name"] == f"libvirt of {USER}@{THERE}"]
    assert found["ok"]
    assert "QEMU" in found["detail"]
    assert "MB free" in found["detail"]


@pytest.mark.parametrize(
    ("change", "why", "hint"),
    [
        (("system?", "session?"), "its path is /session", "qemu+ssh://HOST/system"),
        ((f"@{THERE}:", "@no-such-host:"), "no host has this name", "check the name"),
        ((f"@{THERE}:", f"@{HERE}:"), "nothing listens for SSH there", "is its SSH server up"),
        (
            ("no_verify=1", "no_verify=0"),
            "host key is not the known one",
            "must work without a question: ssh",
        ),
        (("no_verify=1", "no_verify=1&socket=/run/none"), "no libvirt answers", "start it there"),
    ],
)
def test_a_libvirt_that_cannot_be_had_is_one_line(
    there: Machine, env: dict[str, str], change: tuple[str, str], why: str, hint: str
) -> None:
    done = rehearse(env, "up", "samba-bookworm", "--connect", there.uri.replace(*change), "--quiet")
    assert done.status in (2, 64)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("rehearse: ")
    assert why in line
    assert hint in line


def test_who_may_not_use_it_is_told_what_to_do(there: Machine, env: dict[str, str]) -> None:
    socket = there.folder / SOCKET
    socket.chmod(0o700)
    try:
        done = rehearse(env, "shell", "samba-bookworm", "--connect", there.uri)
    finally:
        socket.chmod(0o777)
    (line,) = done.stderr.splitlines()
    assert f"{USER} may not use it" in line
    assert f"adduser {USER} libvirt" in line


def test_guests_that_only_ssh_leads_to_are_refused_to_others(there: Machine, env: dict[str, str]) -> None:
    """Its socket can be reached here, the bridge of its guests cannot; nothing is left there."""
    before = there.things()
    uri = f"qemu+unix:///system?socket={there.folder / SOCKET}"
    done = rehearse(env, "run", CELLS, "--lab", "vagrant", "--connect", uri, "--quiet")
    assert done.status == 2
    assert "leads nowhere from here; only SSH leads to them" in done.stderr
    assert there.things() == before


BESIDE = """
import signal, sys
from pathlib import Path
from harness.labs.roots.mounts import make_private
from harness.labs.vagrant.libvirt import PrivateLibvirt
make_private()
with PrivateLibvirt(Path(sys.argv[1]), "192.168.59.1", []):
    print("ready", flush=True)
    signal.pause()
"""
LINKED = """
import socket, subprocess, sys
from pathlib import Path
from harness.labs.vagrant.remote_lab import opened
from harness.labs.vagrant.uri import parse
words = ["unshare", "--mount", "--propagation", "unchanged", sys.executable, "-c", sys.argv[1], sys.argv[2]]
with subprocess.Popen(words, stdout=subprocess.PIPE) as other:
    assert other.stdout.readline() == b"ready\\n"
    uri = f"qemu+unix:///system?socket={sys.argv[2]}/run-libvirt/libvirt-sock"
    with opened(parse(uri), ["one"], print) as there:
        print(there.link.network, there.link.ssh, there.link.tunnel == "")
        print([name for _, name in socket.if_nameindex() if name == f"rehearse{there.link.tag}"] != [])
    print(there.libvirt.virsh("net-list", "--name").split(), list(Path(sys.argv[2], "pool").iterdir()))
    other.terminate()
"""


def test_guests_whose_bridge_is_here_are_reached_directly(tmp_path: Path, env: dict[str, str]) -> None:
    """A libvirtd in a mount namespace of its own, on our network: its socket is the only way to it."""
    if os.geteuid() != 0 or lacking():
        pytest.skip("needs root and libvirt")
    words = [sys.executable, "-m", "harness.labs.namespace", "--", sys.executable, "-c", LINKED, BESIDE]
    done = run([*words, tmp_path / "libvirt"], timeout=MINUTE, env=commandline.users(**env)).check(
        "a libvirt beside"
    )
    assert done.stdout.splitlines() == ["192.168.60 None True", "True", "['smb-rehearsal'] []"]


def test_a_run_of_ours_is_not_taken_for_one_that_was_killed(
    there: Machine, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    uri = parse(there.uri)
    with remote_lab.opened(uri, ["a"], pytest.fail), remote_lab.connected(uri) as (hypervisor, _):
        before = there.things()
        assert ownership.left() == []
        assert remote_lab.sweep(uri, hypervisor) == []
        assert there.things() == before


def test_a_machine_that_stays_up_there_needs_one_to_be_made(there: Machine, env: dict[str, str]) -> None:
    done = rehearse(env, "halt", "samba-bookworm", "--connect", there.uri)
    assert done.status == 2
    assert f"no machine is up at {USER}@{THERE}" in done.stderr


def test_a_local_lab_takes_no_other_libvirt() -> None:
    done = commandline.rehearse("plan", "none:samba-4.17:curl:open", "--connect", "qemu:///system")
    assert done.status == 64
    assert "add: --lab vagrant" in done.stderr


def test_no_network_left_is_a_fault(there: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.labs.vagrant.addresses.REMOTE_NETWORKS", ("192.168.59",))
    before = there.things()
    with (
        remote_lab.connected(parse(there.uri)) as (hypervisor, _),
        pytest.raises(LabFault, match="no network left for guests"),
    ):
        hypervisor.make("1234567", ["a"])
    assert there.things() == before
