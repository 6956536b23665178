"""The Windows server under change, over a real sshd to a stand-in that keeps books (tests/fake_machine.py).

No Windows is here. SMB is real: a Samba stands where the guest would serve, and is set as the books say, so
that what ``verify`` sees on the wire is seen. What Windows would do with our scripts is not shown.
"""

from __future__ import annotations

import re
import string
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from fake_machine import Machine
from fake_windows import Guest
from known import CATALOGUE
from local_sshd import Sshd

from harness.errors import LabFault
from harness.labs import guests
from harness.labs.samba import SambaServer
from harness.labs.vagrant import keys, machine
from harness.labs.vagrant.machine import Outfit
from harness.labs.windows_server import Limits, WindowsServer, fit_password
from harness.model import GuestRoute
from harness.remote.base import Remote
from harness.servers.live import How, LiveServer
from harness.system import waits
from harness.windows.fingerprint import Fingerprint


class Vagrant:
    """Stands for Vagrant: its machine's books are brought back as a snapshot or a new machine would be."""

    def __init__(self, books: Machine, route: GuestRoute) -> None:
        self.books = books
        self._route = route
        self.new = books.snapshot()
        self.saved = self.new
        self.failing: set[str] = set()

    def _note(self, what: str) -> None:
        self.books.log.append(f"vagrant {what}")
        if what in self.failing:
            raise LabFault(f"vagrant {what} fails")

    def use_key(self, name: str, key: Path | None) -> None: ...

    def up(self, name: str) -> None:  # noqa: ARG002
        self._note("up")

    def reboot(self, name: str) -> None:  # noqa: ARG002
        self._note("reboot")
        self.books.boots += 1
        self.books.after_boot()

    def destroy(self, name: str) -> None:  # noqa: ARG002
        self._note("destroy")
        self.new()

    def save(self, name: str, snapshot: str) -> None:  # noqa: ARG002
        self._note("save")
        self.saved = self.books.snapshot()

    def restore(self, name: str, snapshot: str) -> None:  # noqa: ARG002
        self._note("restore")
        self.saved()

    def route(self, name: str) -> GuestRoute:
        return replace(self._route, name=name)


class Rig:
    """A Windows server whose inside is a book-keeper and whose SMB is a Samba's."""

    def __init__(self, folder: Path, route: GuestRoute, guest: Guest, samba: SambaServer) -> None:
        self._folder = folder
        self.route = route
        self._guest = guest
        self.samba = samba
        self.first = samba.state
        self.machine = Machine()
        self.vagrant = Vagrant(self.machine, route)
        self.were: dict[str, Fingerprint] = {}
        self.closing = ExitStack()

    def server(self, books: Machine | None = None, name: str = "windows-server-2022") -> WindowsServer:
        """One on a machine that is up, and that is not started yet itself."""
        self.machine = books or Machine()
        self.machine.after_boot = self.follow
        self._guest.play = self.machine.play
        self.follow()
        self.vagrant = Vagrant(self.machine, self.route)
        self.were = {}
        guest = guests.load()[CATALOGUE.servers[name].image].model_copy(update={"communicator": "ssh"})
        outfit = Outfit(self.vagrant, keys.make(self._folder / "key"), self._folder)
        self.up = machine.Machine(guest, outfit, unprepared)
        self.up.start()
        self.machine.log.clear()
        return self.another(name)

    def another(self, name: str = "windows-server-2022", ready: float = 20.0) -> WindowsServer:
        """One of the next job, on the same machine."""
        limits = Limits(ready, reboot=20.0)
        live = WindowsServer(
            CATALOGUE.servers[name], self.up, self.samba.target.address, self.were, limits=limits
        )
        live.target = replace(self.samba.target, seconds=live.target.seconds)
        self.closing.callback(live.close)
        return live

    def begun(self, books: Machine | None = None, name: str = "windows-server-2022") -> WindowsServer:
        """One that is started."""
        live = self.server(books, name)
        live.start()
        self.machine.log.clear()
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


def unprepared(remote: Remote) -> None:
    pytest.fail(f"nothing is prepared in a Windows: {remote.name}")


@pytest.fixture(scope="module")
def rig(serve: Callable[[str], LiveServer]) -> Iterator[Rig]:
    samba = serve("samba-4.13-smb1")
    assert isinstance(samba, SambaServer)
    first = samba.state
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        guest = stack.enter_context(Guest(folder, Machine().play))
        sshd = stack.enter_context(Sshd(folder, str(guest.shell)))
        found = Rig(folder, sshd.route, guest, samba)
        stack.enter_context(found.closing)
        (folder / "consoles").mkdir()
        yield found
    samba.become(first, How.RESTART)


@pytest.mark.local_lab
def test_it_starts_with_its_share_and_proves_that_it_serves(rig: Rig) -> None:
    live = rig.server()
    live.start()
    assert rig.machine.log == ["share share for rehearse", "start LanmanServer"]
    assert live.pristine is not None
    assert live.pristine.rung == "fresh"
    assert re.match(
        r"windows-server-2022: fingerprint [0-9a-f]{12}, the first; .*SMB 3.1.1", live.pristine.evidence
    )
    assert "listed the share over SMB 3.1.1" in live.prove(serves=True)
    assert live.software().package == "srv2.sys 10.0.20348.1"
    fact = live.fact()
    assert fact.software == "Microsoft Windows Server 2022 10.0.20348.2849"
    assert "not verified: never started by this project" in fact.title
    (patched,) = fact.packages
    assert patched.startswith("MS17-010: released with the fix; srv.sys 10.0.20348.1: ")
    inside = live.internals()
    assert inside is not None
    assert (inside.release, inside.files["srv.sys"]) == ("windows server 2022", "10.0.20348.1")
    assert live.complaints(live.server.state) == ()


@pytest.mark.local_lab
def test_a_guest_that_takes_no_scripts_is_tried_by_every_way(rig: Rig) -> None:
    rig.server()
    rig.vagrant._route = replace(rig.route, port=1)
    rig.up.start()
    rig.machine.log.clear()
    live = rig.another(ready=0.1)
    with pytest.raises(LabFault, match="cannot be made pristine") as met:
        live.start()
    assert "nothing listens there" in str(met.value)
    assert rig.machine.log == ["vagrant restore", "vagrant destroy", "vagrant up", "vagrant save"]
    assert live.target.password not in repr(live.target)


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
    live = rig.begun()
    before, first = live.state, dict(rig.machine.settings)
    change = CATALOGUE.mitigation(name)
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
    assert live.brought_back is not None
    assert live.brought_back.rung == "revert script"
    assert re.match(
        r"windows-server-2022: fingerprint [0-9a-f]{12} as before \(\d+ facts\); .*listed the share",
        live.brought_back.evidence,
    )


@pytest.mark.local_lab
def test_a_setting_that_stays_behind_is_found_and_the_snapshot_brings_it_back(rig: Rig) -> None:
    """The script says that it took everything back; what the Windows is set to says something else."""
    live = rig.begun()
    before = live.state
    change = CATALOGUE.mitigation("signing-required")
    change.apply(live)
    rig.machine.stubborn.add("RequireSecuritySignature")
    rig.machine.log.clear()
    change.revert(live, before)
    assert live.brought_back is not None
    assert live.brought_back.rung == "snapshot"
    (why,) = live.brought_back.failed
    assert why.startswith("revert script: windows-server-2022 is not what it was: ")
    assert "SMB server RequireSecuritySignature was not there, is True" in why
    assert rig.machine.log == [
        "revert server-signing-required",
        "restart LanmanServer",
        "vagrant restore",
        "share share for rehearse",
        "start LanmanServer",
    ]
    assert not change.verify(live).in_effect


@pytest.mark.local_lab
def test_the_next_job_finds_the_guest_as_the_first_did(rig: Rig) -> None:
    """Nothing is written down of what was done by hand; the snapshot takes it back, and that is compared."""
    rig.begun()
    rig.machine.settings["registry", "LmCompatibilityLevel"] = 5
    rig.machine.paths["LmCompatibilityLevel"] = "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Lsa"
    second = rig.another()
    second.start()
    assert second.pristine is not None
    assert (second.pristine.rung, second.pristine.failed) == ("snapshot", ())
    assert "as before" in second.pristine.evidence
    assert rig.machine.log[0] == "vagrant restore"


@pytest.mark.local_lab
def test_a_snapshot_that_is_not_what_the_guest_was_leads_to_a_new_guest(rig: Rig) -> None:
    rig.begun()
    rig.machine.settings["smb-server", "EncryptData"] = True
    rig.vagrant.saved = rig.machine.snapshot()
    second = rig.another()
    second.start()
    assert second.pristine is not None
    assert second.pristine.rung == "rebuild"
    assert "SMB server EncryptData was not there, is True" in second.pristine.failed[0]


@pytest.mark.local_lab
def test_two_changes_of_one_setting_are_taken_back_from_the_last_one_on(rig: Rig) -> None:
    machine = Machine("Windows Server 2025", 26100)
    machine.settings["smb-server", "EnableSMB1Protocol"] = True
    live = rig.begun(machine, "windows-server-2025")
    change = CATALOGUE.mitigation("smb1-server-off+smb3-only")
    before = live.state
    change.apply(live)
    assert machine.settings["smb-server", "EnableSMB1Protocol"] is False
    change.revert(live, before)
    assert machine.settings["smb-server", "EnableSMB1Protocol"] is True


@pytest.mark.local_lab
def test_what_someone_left_behind_is_taken_back_at_the_start(rig: Rig) -> None:
    """Whoever made it may be dead: the guest knows what it was."""
    first = rig.begun()
    CATALOGUE.mitigation("signing-required").apply(first)
    rig.vagrant.saved = rig.machine.snapshot()
    rig.machine.log.clear()
    rig.another().start()
    assert rig.machine.log[:2] == ["vagrant restore", "revert server-signing-required"]
    assert rig.machine.records == {}


@pytest.mark.local_lab
def test_a_setting_that_windows_ignores_is_named(rig: Rig) -> None:
    machine = Machine()
    machine.stubborn.add("RequireSecuritySignature")
    live = rig.begun(machine)
    change = CATALOGUE.mitigation("signing-required")
    change.apply(live)
    assert not change.verify(live).in_effect
    assert live.complaints(live.server.state) == (
        "windows-server-2022: smb-server RequireSecuritySignature is None, not True",
    )


@pytest.mark.local_lab
def test_the_service_is_stopped_and_started(rig: Rig) -> None:
    live = rig.begun()
    change = CATALOGUE.mitigation("server-stopped")
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
def test_a_reboot_is_told_of(rig: Rig) -> None:
    live = rig.begun()
    told: list[str] = []
    with waits.watched(told.append, after=0.0):
        CATALOGUE.mitigation("ntlmv2-only").apply(live)
    assert told == [
        "windows-server-2022: apply server-ntlmv2-only",
        "",
        "windows-server-2022 reboots (up to 20 s)",
        "",
    ]


@pytest.mark.local_lab
def test_a_guest_that_does_not_come_back_is_a_fault(rig: Rig) -> None:
    machine = Machine()
    machine.hangs_at_boot = True
    live = rig.begun(machine)
    live._limits = Limits(20.0, reboot=0.5)
    with pytest.raises(LabFault, match=r"back from its reboot: not within .* s.*; look at its screen"):
        CATALOGUE.mitigation("ntlmv2-only").apply(live)
    machine.hangs_at_boot = False


@pytest.mark.local_lab
def test_another_windows_than_the_named_one_is_refused(rig: Rig) -> None:
    """No way back makes it another one, so none is tried."""
    live = rig.server(Machine("Microsoft Windows 10 Enterprise", 19045))
    with pytest.raises(LabFault, match=re.escape("is Microsoft Windows 10 Enterprise (build 19045), not")):
        live.start()
    assert rig.machine.log == []
    old = rig.server(name="windows-xp")
    with pytest.raises(LabFault, match="nothing can be run in Windows XP SP3"):
        old.start()


@pytest.mark.local_lab
def test_changes_that_this_windows_cannot_have_touch_nothing(rig: Rig) -> None:
    live = rig.begun()
    with pytest.raises(LabFault, match="windows-server-2022: a minimum dialect can be set from"):
        live.become(replace(live.state, changes=("signing-required", "smb3-only")), How.RESTART)
    assert rig.machine.log == []
    assert live.state == CATALOGUE.servers["windows-server-2022"].state


def test_passwords_are_what_windows_takes() -> None:
    made = {fit_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert len(password) == 12
        for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits):
            assert set(password) & set(kind)
