"""The kernel's server is changed by the same mitigations, as far as ksmbd.conf(5) has their parameters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known import CATALOGUE

from harness.errors import LabFault
from harness.labs.samba_conf import Account, new_account
from harness.labs.vagrant.guest_ksmbd import GuestKsmbd, password_line, render
from harness.mitigations.base import NotApplicableError
from harness.servers.base import Conf, ServerState
from harness.servers.ksmbd_conf import GLOBAL, SHARE, translated
from harness.system.process import Result

KSMBD = CATALOGUE.servers["ksmbd"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("smb3-only", "server min protocol = SMB3_00"),
        ("smb311-only", "server min protocol = SMB3_11"),
        ("signing-required", "server signing = mandatory"),
        ("encryption-required", "smb3 encryption = mandatory"),
    ],
)
def test_what_it_can(name: str, line: str) -> None:
    changed = CATALOGUE.mitigation(name).changed(KSMBD.state, KSMBD)
    assert line in render(changed, "192.168.59.15").splitlines()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("smb1-server-off", "speaks SMB 2.1 and newer"),
        ("nt-pipe-support-off", "no parameter 'nt pipe support'"),
        ("ntlmv2-only", "no parameter 'ntlm auth'"),
        ("vendor-patch", "newest packages"),
    ],
)
def test_what_it_cannot_is_said_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(NotApplicableError, match=why):
        CATALOGUE.mitigation(name).changed(KSMBD.state, KSMBD)


@given(st.dictionaries(st.text(min_size=1), st.text()), st.dictionaries(st.text(min_size=1), st.text()))
def test_only_known_parameters_come_through(settings: dict[str, str], share: dict[str, str]) -> None:
    try:
        made = translated(Conf(settings, share))
    except ValueError:
        return
    assert set(made.globals) <= GLOBAL
    assert set(made.share) <= SHARE


def test_a_setting_that_came_so_far_is_a_fault() -> None:
    with pytest.raises(LabFault, match="ntlm auth"):
        render(ServerState("ksmbd", Conf({"ntlm auth": "no"})), "192.168.59.15")


def test_a_password_is_kept_as_the_tool_keeps_it() -> None:
    """What ksmbd.adduser of ksmbd-tools 3.5.3 wrote for this account."""
    assert password_line(Account("rehearse", "pass Wörd 1")) == "rehearse:h+BrKi0NJxx25cwYikWzyg==\n"


def test_no_command_in_the_guest_holds_the_password() -> None:
    class Heard:
        name = "ksmbd"

        def __init__(self) -> None:
            self.said: list[tuple[str, str]] = []

        def run(self, command: str, *, timeout: float, stdin: str = "") -> Result:  # noqa: ARG002
            self.said.append((command, stdin))
            return Result(command, 0, "", "", 0.0)

        def put(self, path: str, data: bytes) -> None: ...

        def close(self) -> None: ...

    account, remote = new_account(), Heard()
    GuestKsmbd.outfit(account, remote)
    ((command, stdin),) = remote.said
    assert stdin == password_line(account)
    assert account.password not in command + stdin
    assert "cat >/etc/ksmbd/ksmbdpwd.db" in command
