"""The Windows server under change, over a real sshd to a stand-in that keeps books (tests/fake_machine.py).

No Windows is here. SMB is real: a Samba stands where the guest would serve, and is set as the books say, so
that what ``verify`` sees on the wire is seen. What Windows would do with our scripts is not shown.
"""

from __future__ import annotations

import re
import string
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from fake_machine import Machine
from fake_windows import Guest
from local_sshd import Sshd

from harness.errors import LabFault
from harness.labs.base import How, LiveServer
from harness.labs.samba import SambaServer
from harness.labs.windows_server import WindowsServer, fit_password, windows_server
from harness.mitigations import mitigation
from harness.model import GuestRoute
from harness.remote.powershell import PowerShell
from harness.remote.ssh import SshRemote
from harness.servers import servers
from harness.windows.guest import WindowsGuest


class Rig:
    """A Windows server whose inside is a book-keeper and whose SMB is a Samba's."""

    def __init__(self, route: GuestRoute, remote: SshRemote, guest: Guest, samba: SambaServer) -> None:
        self.route = route
        self._remote = remote
        self._guest = guest
        self.samba = samba
        self.first = samba.state
        self.machine = Machine()

    def server(self, machine: Machine | None = None, name: str = "windows-server-2022") -> WindowsServer:
        """One that is not started yet."""
        self.machine = machine or Machine()
        self.machine.after_boot = self.follow
        self._guest.play = self.machine.play
        self.follow()
        guest = WindowsGuest(PowerShell(self._remote), reboot_seconds=20.0)
        live = WindowsServer(servers()[name], guest, self.samba.target.address)
        live.target = replace(self.samba.target, seconds=live.target.seconds)
        return live

    def follow(self) -> None:
        """Set Samba as the books say a Windows is set now."""
        conf = self.first.conf
        settings = self.machine.settings
        if settings.get(("smb-server", "EnableSMB1Protocol")) is False:
            conf = conf.with_globals(server_min_protocol="SMB2_02")
        if settings["feature", "SMB1Protocol"] == "Disabled":
            conf = conf.with_globals(server_min_protocol="SMB2_02")
        if settings.get(("smb-server", "RequireSecuritySignature")):
            conf = conf.with_globals(server_signing="mandatory")
        if settings.get(("smb-server", "EncryptData")):
            conf = conf.with_globals(smb_encrypt="required")
        if settings.get(("registry", "LmCompatibilityLevel")) == 5:
            conf = conf.with_globals(ntlm_auth="ntlmv2-only")
        running = self.machine.services.get("LanmanServer", "Running") == "Running"
        wanted = replace(self.first, conf=conf, running=running)
        if wanted != self.samba.state:
            self.samba.become(wanted, How.RESTART)


@pytest.fixture(scope="module")
def rig(serve: Callable[[str], LiveServer]) -> Iterator[Rig]:
    samba = serve("samba-4.22-smb1")
    assert isinstance(samba, SambaServer)
    first = samba.state
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        guest = stack.enter_context(Guest(folder, Machine().play))
        sshd = stack.enter_context(Sshd(folder, str(guest.shell)))
        remote = stack.enter_context(closing(SshRemote(sshd.route)))
        yield Rig(sshd.route, remote, guest, samba)
    samba.become(first, How.RESTART)


@pytest.mark.local_lab
def test_it_starts_with_its_share_and_proves_that_it_serves(rig: Rig) -> None:
    live = rig.server()
    live.start()
    assert rig.machine.log == ["share share for rehearse", "start LanmanServer"]
    assert "listed the share over SMB 3.1.1" in live.prove(serves=True)
    assert live.software().package == "srv2.sys 10.0.20348.1"
    fact = live.fact()
    assert fact.software == "Microsoft Windows Server 2022 10.0.20348.2849"
    assert "never run by this project" in fact.title
    (patched,) = fact.packages
    assert patched.startswith("MS17-010: released with the fix; srv.sys 10.0.20348.1: ")
    inside = live.inside()
    assert inside is not None
    assert (inside.release, inside.files["srv.sys"]) == ("windows server 2022", "10.0.20348.1")
    assert live.complaints() == ()


@pytest.mark.local_lab
def test_a_lab_gets_one_that_takes_scripts_and_has_its_share(rig: Rig) -> None:
    rig.server()
    kind, address = servers()["windows-server-2022"], rig.samba.target.address
    with windows_server(kind, rig.route, address, guests=(rig.route,), seconds=60) as live:
        assert live.target.guests == (rig.route,)
        assert live.target.address == address
        assert live.target.password not in repr(live.target)
    assert rig.machine.log == ["share share for rehearse", "start LanmanServer"]
    closed = replace(rig.route, port=1)
    with (
        pytest.raises(LabFault, match="nothing listens there"),
        windows_server(kind, closed, address, seconds=0.1),
    ):
        pytest.fail("it began")


@pytest.mark.local_lab
@pytest.mark.parametrize(
    ("name", "log"),
    [
        ("smb1-server-off", ["apply server-smb1-server-off", "restart LanmanServer"]),
        ("signing-required", ["apply server-signing-required", "restart LanmanServer"]),
        ("encryption-required", ["apply server-encryption-required", "restart LanmanServer"]),
        ("ntlmv2-only", ["apply server-ntlmv2-only", "reboot"]),
        ("smb1-removed", ["apply server-smb1-removed", "reboot"]),
        (
            "signing-required+smb1-server-off",
            ["apply server-signing-required", "apply server-smb1-server-off", "restart LanmanServer"],
        ),
    ],
)
def test_a_change_is_made_seen_on_the_wire_and_taken_back(rig: Rig, name: str, log: list[str]) -> None:
    live = rig.server()
    before, first = live.state, dict(rig.machine.settings)
    change = mitigation(name)
    assert not change.verify(live).in_effect
    change.apply(live)
    assert rig.machine.log == log
    seen = change.verify(live)
    assert seen.in_effect, seen.evidence
    rig.machine.log.clear()
    change.revert(live, before)
    expected = [word.replace("apply", "revert") for word in log if word.startswith("apply")][::-1] + log[-1:]
    assert rig.machine.log == expected
    assert not change.verify(live).in_effect
    assert rig.machine.records == {}
    kept = {key: value for key, value in rig.machine.settings.items() if value is not None}
    assert kept == first


@pytest.mark.local_lab
def test_two_changes_of_one_setting_are_taken_back_from_the_last_one_on(rig: Rig) -> None:
    machine = Machine("Windows Server 2025", 26100)
    machine.settings["smb-server", "EnableSMB1Protocol"] = True
    live = rig.server(machine, "windows-server-2025")
    change = mitigation("smb1-server-off+smb3-only")
    before = live.state
    change.apply(live)
    assert machine.settings["smb-server", "EnableSMB1Protocol"] is False
    change.revert(live, before)
    assert machine.settings["smb-server", "EnableSMB1Protocol"] is True


@pytest.mark.local_lab
def test_what_someone_left_behind_is_taken_back_at_the_start(rig: Rig) -> None:
    """Whoever made it may be dead: the guest knows what it was."""
    first = rig.server()
    mitigation("signing-required").apply(first)
    machine = rig.machine
    second = rig.server(machine)
    machine.log.clear()
    second.start()
    assert machine.log[0] == "revert server-signing-required"
    assert machine.records == {}


@pytest.mark.local_lab
def test_a_setting_that_windows_ignores_is_named(rig: Rig) -> None:
    machine = Machine()
    machine.stubborn.add("RequireSecuritySignature")
    live = rig.server(machine)
    change = mitigation("signing-required")
    change.apply(live)
    assert not change.verify(live).in_effect
    assert live.complaints() == ("smb-server RequireSecuritySignature is None, not True",)


@pytest.mark.local_lab
def test_the_service_is_stopped_and_started(rig: Rig) -> None:
    live = rig.server()
    change = mitigation("server-stopped")
    before = live.state
    change.apply(live)
    seen = change.verify(live)
    assert seen.in_effect
    assert "LanmanServer is stopped and nothing listens" in seen.evidence
    with pytest.raises(LabFault, match="does not run"):
        live.software()
    change.revert(live, before)
    assert not change.verify(live).in_effect
    assert rig.machine.log == ["stop LanmanServer", "start LanmanServer"]


@pytest.mark.local_lab
def test_a_guest_that_does_not_come_back_is_a_fault(rig: Rig) -> None:
    machine = Machine()
    machine.hangs_at_boot = True
    live = rig.server(machine)
    live._guest = WindowsGuest(live._guest._shell, reboot_seconds=0.5)
    with pytest.raises(LabFault, match=r"back from its reboot: not within 0.5 s; look at its screen"):
        mitigation("ntlmv2-only").apply(live)
    machine.hangs_at_boot = False


@pytest.mark.local_lab
def test_another_windows_than_the_named_one_is_refused(rig: Rig) -> None:
    live = rig.server(Machine("Microsoft Windows 10 Enterprise", 19045))
    with pytest.raises(LabFault, match=re.escape("is Microsoft Windows 10 Enterprise (build 19045), not")):
        live.start()
    assert rig.machine.log == []
    old = rig.server(name="windows-xp")
    with pytest.raises(LabFault, match="nothing can be run in Windows XP SP3"):
        old.start()


@pytest.mark.local_lab
def test_changes_that_this_windows_cannot_have_touch_nothing(rig: Rig) -> None:
    live = rig.server()
    with pytest.raises(LabFault, match="windows-server-2022: a minimum dialect can be set from"):
        live.become(replace(live.state, changes=("signing-required", "smb3-only")), How.RESTART)
    assert rig.machine.log == []
    assert live.state == servers()["windows-server-2022"].state


def test_passwords_are_what_windows_takes() -> None:
    made = {fit_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert len(password) == 12
        for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits):
            assert set(password) & set(kind)
