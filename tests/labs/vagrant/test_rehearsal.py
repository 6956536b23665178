"""Virtual machines for real: started by Vagrant, rehearsed, restored, compared with the local lab, removed.

Slow: some minutes under software emulation. ./test --vagrant runs it.
"""

from __future__ import annotations

import json
import signal
import socket
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import commandline
import pytest
from known import CATALOGUE
from processes import machines_below
from world import need_machines

from harness.learn import capture
from harness.learn.packets import Segment
from harness.system.deadline import wait_for
from harness.system.process import run

pytestmark = [pytest.mark.vagrant, pytest.mark.local_lab]

CHANGES = "smb1-server-off,vendor-patch"
"""One that a script takes back, and one that installs packages. Pipes off is in test_interrupted.py."""
SERVER = "sles11-like"
BOTH = "smbclient-4.17,windows-7,linux-cifs-4.12"
"""Clients of both labs."""
KERNEL = "linux-cifs-kernel-1.0"
PERSONA = "linux-cifs-4.12"
"""The same client, emulated."""
MINUTE = 60.0
LEEWAY = 5.0
"""Seconds by which packets may come after the client is done; a port that comes again does so much later."""


@pytest.fixture(scope="module", autouse=True)
def _ready() -> None:
    need_machines("bullseye", "bookworm")


def rehearse(runs: Path, *words: str, minutes: float) -> dict[str, Any]:
    done = run(
        [*commandline.REHEARSE, "run", *words, "--runs", runs, "--json"],
        timeout=minutes * MINUTE,
        env=commandline.users(),
    )
    assert done.status in (0, 1), done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def told(cell: dict[str, Any]) -> dict[str, Any]:
    """What must be the same in both labs: the effect, and every phase but its times and words."""
    phases = {
        name: (made["outcome"], made["step"], made["status"], made["dialect"], made["signed"])
        for name, made in cell["phases"].items()
        if made is not None
    }
    return {"effect": cell["effect"], "restored": cell["restored"], **phases}


def test_two_changes_on_two_machines_and_the_same_in_the_local_lab(tmp_path: Path) -> None:
    """One test, for it costs minutes: what is compared is named by each function below."""
    cells = f"{CHANGES}:{SERVER}:{BOTH},{KERNEL}:browse,open"
    words = ("--lab", "vagrant", "--no-exposures", "--evidence", "all")
    measured = rehearse(tmp_path, cells, *words, minutes=25)
    local = rehearse(tmp_path, f"{CHANGES}:{SERVER}:{BOTH}:browse,open", "--no-exposures", minutes=10)
    both_labs_tell_the_same_cell_by_cell(measured, local)
    the_kernels_client_is_real(measured)
    the_emulated_kernel_client_agrees_with_the_kernel(measured)
    each_change_found_the_guest_pristine_and_left_it_so(measured)
    each_cell_has_its_own_packets_and_log(tmp_path / measured["run"], measured)
    assert machines_below(tmp_path) == []
    assert not Path("/sys/class/net/rehearse0").exists()
    assert run(["losetup", "--list", "--noheadings"], timeout=10).stdout == ""
    assert not list(tmp_path.glob("*/lab"))


def both_labs_tell_the_same_cell_by_cell(measured: dict[str, Any], local: dict[str, Any]) -> None:
    assert measured["lab"] == "vagrant"
    assert measured["complete"]
    there = {cell["cell"]: told(cell) for cell in local["cells"]}
    here = {cell["cell"]: told(cell) for cell in measured["cells"] if KERNEL not in cell["cell"]}
    assert here == there


def the_kernels_client_is_real(measured: dict[str, Any]) -> None:
    effects = {
        cell["mitigation"]: (cell["effect"], cell["restored"])
        for cell in measured["cells"]
        if cell["client"] == KERNEL and cell["check"] == "open"
    }
    assert effects == {
        "smb1-server-off": ("lost", True),
        "vendor-patch": ("kept", True),
    }
    assert measured["clients"][KERNEL]["fidelity"] == "real"
    assert "cifs.ko" in measured["clients"][KERNEL]["software"]


def the_emulated_kernel_client_agrees_with_the_kernel(measured: dict[str, Any]) -> None:
    """A persona that differs from the real client of its kind is a bug in the persona."""
    assert CATALOGUE.clients[PERSONA].counterpart == KERNEL
    told_by = {
        name: {
            (cell["mitigation"], cell["check"], phase): (made["outcome"], made["dialect"], made["step"])
            for cell in measured["cells"]
            if cell["client"] == name and cell["check"] == "open"
            for phase, made in cell["phases"].items()
        }
        for name in (PERSONA, KERNEL)
    }
    assert len(told_by[KERNEL]) == 6
    assert told_by[PERSONA] == told_by[KERNEL]


def each_change_found_the_guest_pristine_and_left_it_so(measured: dict[str, Any]) -> None:
    applied = {one["mitigation"]: one for one in measured["applied"]}
    assert set(applied) == set(CHANGES.split(","))
    ways = [one["pristine"]["rung"] for one in applied.values()]
    # Two jobs may ask for the one guest in either order; only the first finds it as it was made.
    assert sorted(ways) == ["fresh", "snapshot"]
    # What a script can take back is taken back by it; packages are not.
    assert applied["smb1-server-off"]["brought_back"]["rung"] == "revert script"
    assert applied["vendor-patch"]["brought_back"]["rung"] == "snapshot"
    prints = {
        one[when]["evidence"].split(";")[0]
        for one in applied.values()
        for when in ("pristine", "brought_back")
    }
    assert len(prints) == 1, prints
    assert "4.13.13+dfsg-1~deb11u" in applied["vendor-patch"]["took_effect"]


def each_cell_has_its_own_packets_and_log(folder: Path, measured: dict[str, Any]) -> None:
    """Also those of a client in a guest of its own, whose packets this machine only passes on."""
    seen: set[tuple[str, int]] = set()
    for cell in measured["cells"]:
        if cell["phases"]["baseline"]["outcome"] == "unsupported":
            continue
        there = folder / cell["evidence"]
        manifest = json.loads((there / "manifest.json").read_text())
        assert {one["what"] for one in manifest["missing"]} <= {"the client's own output"}, cell["cell"]
        phases = json.loads((there / "cell.json").read_text())["phases"].values()
        own: dict[tuple[str, int], list[tuple[float, float]]] = {}
        for phase in phases:
            spent = (stamp(phase["began"]) - LEEWAY, stamp(phase["ended"]) + LEEWAY)
            for address, _, port in (end.rpartition(":") for end in phase["connections_from"]):
                own.setdefault((address, int(port)), []).append(spent)
        packets = ends_in(there / "packets.pcapng")
        assert {end for end, _ in packets} == set(own), cell["cell"]
        assert own
        # By their time, too: a port may come again for another cell's attempt (seen: after 70 s).
        assert all(any(first <= at <= last for first, last in own[end]) for end, at in packets), cell["cell"]
        seen |= set(own)
        said = (there / "server.log").read_text()
        # Who came as far as a logon is in it.
        logons = any(phase["auth"] for phase in phases)
        assert (f"remote host [ipv4:{min(own)[0]}:" in said) is logons, cell["cell"]
    guests = {address for address, _ in seen}
    assert len(guests) == 2, guests


def ends_in(path: Path) -> list[tuple[tuple[str, int], float]]:
    """The clients' ends of the connections in a capture, with the time of each packet."""
    notes = capture.Notes()
    segments = [one for one in capture.segments(path, notes) if isinstance(one, Segment)]
    assert not notes.damage
    ends = [(one.target if one.serves[0] else one.source, one.time) for one in segments]
    return [((socket.inet_ntoa(address), port), at) for (address, port), at in ends]


def stamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def members(network: str) -> list[int]:
    """The processes in a network namespace."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if str((entry / "ns/net").readlink()) == network:
                    found.append(int(entry.name))
    return found


def network_of(folder: Path) -> str | None:
    """The network namespace of the machines below a folder, once there are two programs in it."""
    for pid in machines_below(folder):
        with suppress(OSError):
            network = str(Path(f"/proc/{pid}/ns/net").readlink())
            if len(machines_below(folder)) > 1:
                return network
    return None


def test_stopped_in_the_middle_it_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    cells = f"nt-pipe-support-off:{SERVER}:windows-7:open"
    words = ("run", cells, "--lab", "vagrant", "--runs", runs)
    started = commandline.begin(tmp_path / "output", "stopped", *words)
    try:
        network = wait_for("libvirt and a machine", lambda: network_of(runs), 10 * MINUTE)
        # Vagrant waits for the machine to boot now.
        started.send_signal(signal.SIGTERM)
        status = started.wait(MINUTE)
    finally:
        started.kill()
        started.wait()
    assert status == 130
    assert "stopped; what was measured is kept" in (tmp_path / "output").read_text()
    wait_for("the end of everything in the lab", lambda: members(network) == [], MINUTE)
    assert not list(runs.glob("*/lab"))


def test_killed_outright_nothing_is_left(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    cells = f"nt-pipe-support-off:{SERVER}:windows-7:open"
    words = ("run", cells, "--lab", "vagrant", "--runs", runs)
    started = commandline.begin(tmp_path / "output", "killed", *words)
    try:
        network = wait_for("libvirt and a machine", lambda: network_of(runs), 10 * MINUTE)
    finally:
        started.kill()
        started.wait()
    # dnsmasq and whatever else libvirt started are in there too.
    wait_for("the end of everything in the lab", lambda: members(network) == [], MINUTE)
    wait_for("the end of its processes", lambda: commandline.left_of("killed") == [], MINUTE)
    # What it left in its folder goes at the next start of any run.
    assert list(runs.glob("*/lab"))
    swept = run([*commandline.REHEARSE, "clean", "--runs", runs], timeout=MINUTE, env=commandline.users())
    assert swept.ok, swept.stderr
    assert not list(runs.glob("*/lab"))


def test_a_machine_that_stays_up(tmp_path: Path) -> None:
    """Between the commands a lab is kept; it ends with its last machine."""
    env = commandline.users(XDG_STATE_HOME=str(tmp_path))
    name = "samba-bullseye"

    def verb(*words: str) -> str:
        done = run([*commandline.REHEARSE, *words], timeout=10 * MINUTE, env=env)
        assert done.ok, done.stderr[-2000:]
        return done.stdout

    try:
        (found,) = json.loads(verb("up", name, "--json"))
        assert found["name"] == name
        network = network_of(tmp_path)
        assert network is not None
        first = verb("shell", name, "--", "cat /proc/sys/kernel/random/boot_id")
        # The key that its box brings along, and everybody has, lets nobody in any more.
        assert verb("shell", name, "--", "cat .ssh/authorized_keys").count("smb-rehearsal lab\n") == 1
        verb("halt", name)
        verb("up", name)
        assert verb("shell", name, "--", "cat /proc/sys/kernel/random/boot_id") != first
    finally:
        verb("destroy", name)
    wait_for("the end of its lab", lambda: members(network) == [], MINUTE)
