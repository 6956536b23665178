"""The kernel's server is changed by the same mitigations, as far as ksmbd.conf(5) has their parameters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import LabFault
from harness.labs.vagrant.guest_ksmbd import render
from harness.mitigations import mitigation
from harness.mitigations.base import NotApplicableError
from harness.servers import servers
from harness.servers._ksmbd_conf import GLOBAL, SHARE, translated
from harness.servers.base import Conf, ServerState

KSMBD = servers()["ksmbd"]


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
    changed = mitigation(name).changed(KSMBD.state, KSMBD)
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
        mitigation(name).changed(KSMBD.state, KSMBD)


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
