"""Windows as a client, over a real sshd to a stand-in (tests/fake_machine.py): orders, reading, policies.

No Windows is here. The probe's answers are what its contract and Microsoft's documents say; what is checked
is what the harness makes of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_machine import Machine
from fake_windows import Guest, Thrown
from local_sshd import Sshd

from harness.clients import clients
from harness.clients._windows_policy import alone, wanted
from harness.clients.base import attempt
from harness.deadline import Deadline
from harness.errors import LabFault, Refused, Unsupported
from harness.labs import namespace
from harness.mitigations import mitigation
from harness.model import Attempt, Check, ClientPolicy, Dialect, Outcome, Side, Target
from harness.smb.control import opening
from harness.smb.negotiation import negotiate
from harness.smb.wire import Wire

SECONDS = 30.0


class Rig:
    """A guest with a client, reached by the lab's own means."""

    def __init__(self, guest: Guest, sshd: Sshd) -> None:
        self._guest = guest
        self._sshd = sshd
        self.machine = Machine()

    def target(self, machine: Machine, name: str) -> Target:
        self.machine = machine
        self._guest.play = machine.play
        route = replace(self._sshd.route, name=clients()[name].guest)
        return Target("127.0.0.9", "share", "rehearse", "pass word", seconds=SECONDS, guests=(route,))

    def attempt(self, check: Check, answer: Any, policy: ClientPolicy | None = None) -> Attempt:
        machine = Machine()
        machine.probe = lambda given: answer
        target = self.target(machine, "windows-server-2022-guest")
        client = clients()["windows-server-2022-guest"]
        return attempt(client, check, target, policy or client.policy)


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        guest = stack.enter_context(Guest(folder, Machine().play))
        yield Rig(guest, stack.enter_context(Sshd(folder, str(guest.shell))))


def answer(*deeds: tuple[str, int], **more: Any) -> dict[str, Any]:
    """What the probe answers."""
    told = [{"name": name, "code": code, "ms": 1.5} for name, code in deeds]
    return {"deeds": told, "shares": 3, "connection": None, "events": [], **more}


CONNECTION = """

ServerName : 127.0.0.9
ShareName  : share
UserName   : X-rehearse
Dialect    : 3.1.1
Signed     : True
Encrypted  : False

"""


def test_a_check_that_goes_well(rig: Rig) -> None:
    well = answer(("tcp", 0), ("connect", 0), ("list", 0), connection=CONNECTION)
    made = rig.attempt(Check.OPEN, well)
    assert made.outcome is Outcome.OK, made.note
    names = ["connect", "negotiate", "session-setup", "tree-connect", "list"]
    assert [step.name for step in made.steps] == names
    assert (made.dialect, made.signed, made.encrypted) == (Dialect.SMB3_11, True, False)
    assert all("as Windows reported; the wire was not watched" in step.detail for step in made.steps)


def test_what_old_windows_cannot_tell_stays_unknown(rig: Rig) -> None:
    made = rig.attempt(Check.OPEN, answer(("tcp", 0), ("connect", 0), ("list", 0)))
    assert (made.dialect, made.signed, made.encrypted, made.auth) == (None, None, None, None)
    partly = rig.attempt(
        Check.OPEN, answer(("tcp", 0), ("connect", 0), ("list", 0), connection="Dialect : 3.02\n")
    )
    assert (partly.dialect, partly.signed) == (Dialect.SMB3_02, None)


def test_browse_and_write_have_their_steps(rig: Rig) -> None:
    browse = rig.attempt(Check.BROWSE, answer(("tcp", 0), ("connect", 0), ("enumerate", 0)))
    names = ["tree-connect-ipc", "create-pipe", "enumerate-shares"]
    assert [step.name for step in browse.steps][-3:] == names
    deeds = ("tcp", "connect", "list", "create", "write", "read", "delete")
    write = rig.attempt(Check.WRITE, answer(*[(deed, 0) for deed in deeds]))
    assert [step.name for step in write.steps][-4:] == ["create", "write", "read", "delete"]
    assert rig.machine.log == ["probe write"]


OPEN, BROWSE, WRITE = Check.OPEN, Check.BROWSE, Check.WRITE
SERVER, CLIENT = Side.SERVER, Side.CLIENT
GUEST = "STATUS_SMB_GUEST_LOGON_BLOCKED"
DENIED = "STATUS_ACCESS_DENIED"


@pytest.mark.parametrize(
    ("check", "failed", "step", "status", "side", "words"),
    [
        (OPEN, ("tcp", 10061), "connect", "RESET", SERVER, "WSAECONNREFUSED"),
        (OPEN, ("tcp", 10060), "connect", "TIMEOUT", SERVER, "error 10060"),
        (OPEN, ("connect", 384), "negotiate", "NO_DIALECT", CLIENT, "error 384"),
        (OPEN, ("connect", 1326), "session-setup", "STATUS_LOGON_FAILURE", SERVER, "user name or password"),
        (OPEN, ("connect", 67), "tree-connect", "STATUS_BAD_NETWORK_NAME", SERVER, "name cannot be found"),
        (BROWSE, ("connect", 67), "tree-connect-ipc", "STATUS_BAD_NETWORK_NAME", SERVER, "error 67"),
        (OPEN, ("connect", 1272), "session-setup", GUEST, CLIENT, "unauthenticated guest"),
        (OPEN, ("connect", 3227320323), "session-setup", "0xC05D0003", CLIENT, "0xC05D0003"),
        (OPEN, ("connect", 5), "session-setup", DENIED, SERVER, "of session-setup or tree-connect, Windows"),
        (OPEN, ("connect", 7777), "negotiate", "WIN32_7777", SERVER, "which the table does not know"),
        (BROWSE, ("enumerate", 5), "create-pipe", DENIED, SERVER, "of create-pipe or enumerate-shares"),
        (WRITE, ("create", 5), "create", DENIED, SERVER, "Access is denied (error 5"),
        (OPEN, ("list", 64), "list", "CLOSED", SERVER, "error 64"),
    ],
)
def test_every_error_has_its_step(
    rig: Rig, check: Check, failed: tuple[str, int], step: str, status: str, side: Side, words: str
) -> None:
    order = ["tcp", "connect", "enumerate" if check is BROWSE else "list", "create"]
    before = [(deed, 0) for deed in order[: order.index(failed[0])]]
    made = rig.attempt(check, answer(*before, failed))
    assert made.outcome is Outcome.REFUSED
    assert (made.step, made.status, made.side) == (step, status, side)
    assert words in made.note
    assert made.steps[-1].status == status


def test_a_mistake_of_the_probe_is_a_refusal_of_nobody(rig: Rig) -> None:
    """0x80004003: a null reference in .NET."""
    made = rig.attempt(Check.OPEN, answer(("tcp", 0), ("connect", 0), ("list", 0x80004003)))
    assert made.outcome is Outcome.FAULT
    assert "failed at list with 0x80004003" in made.note
    windows = rig.attempt(Check.OPEN, answer(("tcp", 0), ("connect", 0x80090308)))
    assert windows.outcome is Outcome.REFUSED


def test_steps_before_an_open_question_are_not_claimed(rig: Rig) -> None:
    sure = rig.attempt(Check.OPEN, answer(("tcp", 0), ("connect", 67)))
    assert [step.name for step in sure.steps] == ["connect", "negotiate", "session-setup", "tree-connect"]
    unsure = rig.attempt(Check.OPEN, answer(("tcp", 0), ("connect", 5)))
    assert [step.name for step in unsure.steps] == ["connect", "session-setup"]


@pytest.mark.parametrize(
    ("event", "status", "side"),
    [
        (31017, "STATUS_SMB_GUEST_LOGON_BLOCKED", Side.CLIENT),
        (32000, "NO_DIALECT", Side.CLIENT),
        (30816, "STATUS_NOT_SUPPORTED", Side.SERVER),
        (30803, "STATUS_BAD_NETWORK_PATH", Side.SERVER),
    ],
)
def test_an_event_tells_the_causes_of_error_53_apart(rig: Rig, event: int, status: str, side: Side) -> None:
    told = {"log": "Microsoft-Windows-SmbClient/Security", "id": event, "message": "in its own language"}
    made = rig.attempt(Check.OPEN, answer(("tcp", 0), ("connect", 53), events=[told]))
    assert (made.status, made.side) == (status, side)
    assert "error 53" in made.note


def test_no_share_and_no_error_is_a_fault(rig: Rig) -> None:
    made = rig.attempt(Check.BROWSE, answer(("tcp", 0), ("connect", 0), ("enumerate", 0), shares=0))
    assert made.outcome is Outcome.FAULT


def test_a_probe_that_breaks_is_a_fault(rig: Rig) -> None:
    machine = Machine()

    def broken(given: Mapping[str, Any]) -> Any:
        raise Thrown("Add-Type : (0) : error CS1519")

    machine.probe = broken
    client = clients()["windows-10-guest"]
    made = attempt(client, Check.OPEN, rig.target(machine, client.name), client.policy)
    assert made.outcome is Outcome.FAULT
    assert "probe failed: Add-Type" in made.note
    nowhere = replace(rig.target(machine, client.name), guests=())
    assert "the lab has no guest windows-10-22h2" in attempt(client, Check.OPEN, nowhere, client.policy).note


# -- policies -------------------------------------------------------------------------------------------


def test_a_policy_is_made_before_the_attempt_and_taken_back_by_the_next(rig: Rig) -> None:
    machine = Machine("Windows Server 2016", 14393)
    machine.probe = lambda given: answer(("tcp", 0), ("connect", 0), ("list", 0))
    client = clients()["windows-server-2016-guest"]
    target = rig.target(machine, client.name)
    without = mitigation("smb1-client-off").on_client(client.policy, client)
    assert attempt(client, Check.OPEN, target, without).outcome is Outcome.OK
    assert machine.log == ["apply client-smb1-client-off", "reboot", "probe open"]
    machine.log.clear()
    assert attempt(client, Check.OPEN, target, without).outcome is Outcome.OK
    assert machine.log == ["probe open"]
    machine.log.clear()
    assert attempt(client, Check.OPEN, target, client.policy).outcome is Outcome.OK
    assert machine.log == ["revert client-smb1-client-off", "reboot", "probe open"]


def test_a_policy_without_a_reboot_ends_open_connections(rig: Rig) -> None:
    machine = Machine()
    machine.probe = lambda given: answer(("tcp", 0), ("connect", 0), ("list", 0))
    client = clients()["windows-server-2022-guest"]
    target = rig.target(machine, client.name)
    signing = replace(client.policy, require_signing=True)
    assert attempt(client, Check.OPEN, target, signing).outcome is Outcome.OK
    assert machine.log == ["apply client-signing-required", "restart LanmanWorkstation", "probe open"]


def test_a_policy_that_this_windows_cannot_have_is_unsupported(rig: Rig) -> None:
    policy = replace(clients()["windows-server-2022-guest"].policy, require_encryption=True)
    made = rig.attempt(Check.OPEN, answer(), policy)
    assert made.outcome is Outcome.UNSUPPORTED
    assert "from Windows 11 24H2" in made.note
    assert rig.machine.log == []


def test_a_setting_that_windows_ignores_is_a_fault(rig: Rig) -> None:
    machine = Machine()
    machine.stubborn.add("RequireSecuritySignature")
    client = clients()["windows-server-2022-guest"]
    signing = replace(client.policy, require_signing=True)
    made = attempt(client, Check.OPEN, rig.target(machine, client.name), signing)
    assert made.outcome is Outcome.FAULT
    assert "ignored: smb-client RequireSecuritySignature" in made.note


def test_policies_become_mitigations() -> None:
    first = ClientPolicy()
    assert wanted(first, first) == ()
    assert wanted(first, replace(first, smb1=False, guest=False)) == ("smb1-client-off", "guest-off")
    assert wanted(first, replace(first, ntlmv2_only=True, min_dialect=Dialect.SMB3_00)) == (
        "ntlmv2-only",
        "smb3-only",
    )
    with pytest.raises(Unsupported, match="never loosens"):
        wanted(replace(first, require_signing=True), first)
    with pytest.raises(Unsupported, match="highest dialect"):
        wanted(first, replace(first, max_dialect=Dialect.SMB3_00))
    with pytest.raises(Unsupported, match=r"lowest dialect 2\.1"):
        wanted(first, replace(first, min_dialect=Dialect.SMB2_10))


def test_a_guests_client_is_used_by_one_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    name = f"test-{id(object())}"

    def wait() -> str:
        try:
            with alone(name, 0.1):
                return "in"
        except LabFault as fault:
            return str(fault)

    with alone(name, 1.0), ThreadPoolExecutor(1) as threads:
        assert "which another attempt uses: not within 0.1 s" in threads.submit(wait).result()
    assert wait() == "in"
    # Others can lay nothing under its name.
    assert [path.name for path in (tmp_path / "smb-rehearsal").iterdir()] == [f"client-{name}.lock"]


@pytest.mark.local_lab
def test_the_offer_is_read_from_the_bytes_that_arrive(rig: Rig) -> None:
    """The stand-in offers for real what it is told to; the address is the one the guest sees us at."""
    if not namespace.inside():
        pytest.skip("needs port 445 in the lab's private namespace: run ./test")
    machine = Machine()
    offered = (Dialect.SMB2_10, Dialect.SMB3_11)

    def probe(given: Mapping[str, Any]) -> Any:
        wire = Wire.connect(given["Address"], 445, Deadline(10.0))
        with closing(wire), suppress(Refused):
            negotiate(wire, opening(offered), given["Address"])
        return answer(("tcp", 0), ("connect", 64))

    machine.probe = probe
    client = clients()["windows-server-2022-guest"]
    seen = client.offer(client.policy, rig.target(machine, client.name))
    assert seen.smb2_dialects == tuple(dialect.revision for dialect in offered)
    assert not seen.speaks_smb1
    assert rig.machine.log[-1] == "probe open"
