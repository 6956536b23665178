"""Vagrant's words, read; and Vagrant itself, where it is installed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import LabFault
from harness.labs import guests
from harness.labs.vagrant import addresses, driver
from harness.labs.vagrant.domain import Domain, Pulse
from harness.labs.vagrant.driver import Driver, cause_of, parse_route
from harness.labs.vagrant.uri import VARIABLE
from harness.servers import platforms
from harness.system import waits

SSH_CONFIG = """\
Host samba-bookworm
  HostName 192.168.59.11
  User vagrant
  Port 22
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile "/tmp/a folder/id_ed25519"
  IdentityFile /home/you/.vagrant.d/insecure_private_key
  IdentitiesOnly yes
  LogLevel FATAL
"""


def test_the_way_to_a_machine() -> None:
    route = parse_route("samba-bookworm", SSH_CONFIG)
    assert (route.address, route.port, route.user) == ("192.168.59.11", 22, "vagrant")
    assert route.key == "/tmp/a folder/id_ed25519"


@given(st.text())
def test_a_way_is_whole_or_a_fault(text: str) -> None:
    try:
        route = parse_route("it", text)
    except LabFault:
        return
    assert route.address
    assert 0 < route.port < 65536


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "²"])
def test_a_port_that_is_none(port: str) -> None:
    with pytest.raises(LabFault):
        parse_route("it", SSH_CONFIG.replace("Port 22", f"Port {port}"))


RUBY = """\
/usr/share/x/lib/driver.rb:42:in `list': Call to virConnectOpen failed: Failed to connect socket (Error)
	from /usr/share/x/lib/driver.rb:42:in `client'
"""


def test_an_error_is_one_line_with_what_to_do() -> None:
    line, hint = cause_of(RUBY)
    assert line.startswith("Call to virConnectOpen failed")
    assert "doctor" in hint
    assert cause_of("") == ("it said nothing", "")
    line, hint = cause_of(
        "The box 'smb-rehearsal/none' could not be found or\ncould not be accessed in the remote"
    )
    assert "rehearse boxes" in hint


@given(st.text())
def test_any_error_gives_one_line(text: str) -> None:
    line, _ = cause_of(text)
    assert line
    assert "\n" not in line


def test_without_vagrant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabFault, match="vagrant is not installed"):
        Driver({}, home=tmp_path, state=tmp_path)


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Driver:
    """A driver over a program that answers as Vagrant would: for what Vagrant does not do on demand."""
    program = tmp_path / "bin" / "vagrant"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return Driver({}, home=tmp_path, state=tmp_path)


def virsh(tmp_path: Path, script: str) -> None:
    """A program beside it that answers as virsh(1) would."""
    program = tmp_path / "bin" / "virsh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_a_call_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = stand_in(tmp_path, monkeypatch, "exec sleep 600")
    with pytest.raises(LabFault, match=r"not within 0\.3 s"), hanging._machine("it", 0.3) as calls:
        calls._run_vagrant_command(["halt", "it"])


@pytest.mark.parametrize("call", ["up", "reboot"])
def test_a_guest_that_libvirt_calls_stopped_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    hanging = stand_in(tmp_path, monkeypatch, "exec sleep 600")
    virsh(tmp_path, "echo 'paused (I/O error)'")
    monkeypatch.setattr(waits, "ASK_SECONDS", 0.1)
    with pytest.raises(LabFault, match=r"^it has stopped: paused \(I/O error\)"):
        getattr(hanging, call)("it")


def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worked: str, script: str) -> tuple[Driver, Path]:
    """A driver whose Vagrant starts a guest for ever, and the file with a line for each look at the guest.

    ``worked``: how long QEMU has worked at look number $n, in nanoseconds.
    """
    looks = tmp_path / "looks"
    looks.touch()
    made = stand_in(tmp_path, monkeypatch, f"looks={looks}; {script}")
    look = f"echo >>{looks}; n=$(wc -l <{looks}); echo cpu.time={worked}"
    virsh(tmp_path, f'case "$*" in *domstats*) {look};; esac')
    monkeypatch.setattr(driver, "START", 0.001)
    monkeypatch.setattr(driver, "pace", lambda: 1.0)
    return made, looks


WORKS = "$((n * 60000000000))"


def test_a_guest_that_goes_on_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is up long after its limit of 0.3 s, and before the last one."""
    up = "while [ $(wc -l <$looks) -lt 3 ]; do sleep 0.02; done"
    made, looks = asked(tmp_path, monkeypatch, WORKS, up)
    made.up("it")
    assert looks.read_text().count("\n") == 3


def test_one_that_goes_on_for_ever_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, looks = asked(tmp_path, monkeypatch, WORKS, "exec sleep 600")
    with pytest.raises(LabFault, match=r"^vagrant up it .*: not within 0\.3 s"):
        made.up("it")
    assert looks.read_text().count("\n") > 3


def test_one_that_says_something_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "it.log"
    pulse = Pulse(Domain("it"), said)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not pulse()
    said.write_text("Booting")
    assert pulse()
    assert not pulse()


def test_one_that_waits_is_given_up_at_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, looks = asked(tmp_path, monkeypatch, "5000000000", "exec sleep 600")
    with pytest.raises(LabFault, match=r"^vagrant up it .*: not within 0\.3 s"):
        made.up("it")
    assert looks.read_text().count("\n") == 2


def test_stderr_is_kept_where_python_vagrant_drops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = stand_in(tmp_path, monkeypatch, "echo 'No space left on device' >&2; exit 1")
    with pytest.raises(LabFault, match="No space left on device; make room"):
        failing.halt("it")


def test_each_machine_has_its_own_time_to_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "exec sleep 600")
    monkeypatch.setattr(driver, "START", 0.001)
    catalogue = guests.load()
    catalogue["samba-trixie"] = catalogue["samba-trixie"].model_copy(update={"boot_seconds": 20})
    found = Driver({}, home=tmp_path, state=tmp_path, boots=guests.boot_limits(catalogue))
    for start in (found.up, found.reboot):
        with pytest.raises(LabFault, match=r"not within 1\.8 s.*; see boot_seconds in guests\.yaml"):
            start("windows-server-2022")
        with pytest.raises(LabFault, match=r"not within 0\.3 s"):
            start("samba-bookworm")
        with pytest.raises(LabFault, match=r"not within 0\.02 s"):
            start("samba-trixie")


def test_the_vagrantfile_gives_a_guest_as_much_time_as_the_driver() -> None:
    text = (driver.ROOT / "Vagrantfile").read_text()
    limits = re.search(r"""boot_timeout = guest\["boot_seconds"\] \|\| \(windows \? (\d+) : (\d+)\)""", text)
    assert limits is not None
    assert int(limits[1]) == platforms.named("windows").boot_seconds
    assert int(limits[2]) == guests.BOOT_SECONDS


def test_a_snapshot_that_is_not_there_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lying = stand_in(tmp_path, monkeypatch, "exit 0")
    virsh(tmp_path, "echo other")
    with pytest.raises(LabFault, match="was not taken"):
        lying.save("it", "pristine")
    virsh(tmp_path, "echo pristine; exit 1")
    with pytest.raises(LabFault, match="was not taken"):
        lying.save("it", "pristine")
    virsh(tmp_path, "echo other; echo pristine")
    lying.save("it", "pristine")


def test_of_a_guest_in_a_remote_libvirt_that_one_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine's may have a guest of the same name. Nor says the disk here whether one there is full."""
    stand_in(tmp_path, monkeypatch, "exit 0")
    uri, prefix = "qemu+ssh://lab@host/system", "smb-rehearsal-1234567-"
    path = f"{tmp_path / 'bin'}:/usr/bin:/ssh"
    argv = f"-q -c {uri} domstate --reason {prefix}it"
    virsh(tmp_path, f'[ "$* $PATH" = "{argv} {path}" ] && echo crashed')
    monkeypatch.setattr("harness.labs.vagrant.domain.FULL", 1 << 62)
    env = {VARIABLE: uri, "SMB_REHEARSAL_PREFIX": prefix, "PATH": path}
    found = Driver(env, home=tmp_path, state=tmp_path).lost("it")
    assert found is not None
    assert found.message == "it has stopped: crashed"
    assert Driver({}, home=tmp_path, state=tmp_path).lost("it") is None


def test_each_call_names_its_machine_and_knows_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    heard = stand_in(tmp_path, monkeypatch, f'echo "$* key=$SMB_REHEARSAL_KEY" >>{told}')
    heard.restore("one", "pristine")
    heard.use_key("one", Path("/k"))
    heard.halt("one")
    heard.destroy("two")
    assert told.read_text().splitlines() == [
        "snapshot restore --no-provision one pristine key=",
        "halt one key=/k",
        "destroy two --force key=",
    ]


needs_vagrant = pytest.mark.skipif(shutil.which("vagrant") is None, reason="vagrant is not installed")


@needs_vagrant
@pytest.mark.vagrant
def test_the_vagrantfile_is_valid_and_has_the_guests_of_the_catalogue(tmp_path: Path) -> None:
    real = Driver({}, home=tmp_path, state=tmp_path / "machines")
    with real._machine("validate") as calls:
        assert "validated" in calls._run_vagrant_command(["validate"])
        said = calls._run_vagrant_command(["status", "--machine-readable"])
    names = [line.split(",")[1] for line in said.splitlines() if ",state," in line]
    assert names == list(guests.load())


@needs_vagrant
@pytest.mark.vagrant
def test_a_missing_box_is_one_line(tmp_path: Path) -> None:
    real = Driver({"SMB_REHEARSAL_BOXES": str(tmp_path)}, home=tmp_path, state=tmp_path / "machines")
    with pytest.raises(LabFault) as caught:
        real.up("windows-xp")
    assert "\n" not in str(caught.value)
    assert "boxes" in str(caught.value) or "doctor" in str(caught.value)


def test_addresses_go_by_the_order_of_the_catalogue() -> None:
    """The Vagrantfile counts alike: its words are looked at, for Ruby cannot be asked here."""
    found = addresses.leases(["a", "b"])
    assert [(one.mac, one.address) for one in found] == [
        ("52:54:00:59:00:0a", "192.168.59.10"),
        ("52:54:00:59:00:0b", "192.168.59.11"),
    ]
    text = (driver.ROOT / "Vagrantfile").read_text()
    assert f'NETWORK = ENV["SMB_REHEARSAL_NETWORK"] || "{addresses.NETWORK}"' in text
    assert f'format("52:54:00:59:00:%02x", {addresses.FIRST} + index)' in text
