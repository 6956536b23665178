"""The facts of a Windows from its script: new releases by cmdlets, old ones by registry and sc.exe."""

from __future__ import annotations

from typing import Any

import pytest
from fake_machine import Machine

from harness.windows.facts import Facts
from harness.windows.patches import Patch
from harness.windows.scripts import FactsAnswer

SMB1_ON = "EnableSMB1Protocol : True\n"
SMB1_OFF = "EnableSMB1Protocol : False\n"
KEY = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters\n"


def facts(drop: tuple[str, ...] = (), **more: Any) -> Facts:
    answer = Machine().play_facts()
    answer.update(more)
    for name in drop:
        del answer["drivers"][name]
    return Facts(FactsAnswer.model_validate(answer))


@pytest.mark.parametrize(
    ("seen", "speaks"),
    [
        (facts(server_configuration=SMB1_ON), True),
        (facts(server_configuration=SMB1_OFF), False),
        # The setting stays behind when the driver is gone.
        (facts(("srv.sys",), server_configuration=SMB1_ON), False),
        # No cmdlets: Windows 7. No value means on.
        (facts(), True),
        (facts(registry={"server": KEY + "    SMB1    REG_DWORD    0x0\n"}), False),
        (facts(registry={"server": KEY + "    SMB1    REG_DWORD    0x1\n"}), True),
    ],
)
def test_whether_the_server_speaks_smb1(seen: Facts, speaks: bool) -> None:
    assert seen.smb1_server is speaks


def test_whether_the_client_speaks_smb1() -> None:
    version = {"version": [6, 1, 7601, 17514], "sha256": "2" * 64}
    drivers = {"mrxsmb10.sys": version}
    qc = "        START_TYPE         : {}   X\n"
    for start, speaks in (("2", True), ("3", True), ("4", False)):
        services = {"mrxsmb10": {"query": None, "config": qc.format(start)}}
        assert facts(drivers=drivers, services=services).smb1_client is speaks
    assert facts(drivers=drivers, services={}).smb1_client is None
    assert facts().smb1_client is False


def test_builds_features_and_patches() -> None:
    seen = facts(
        version="6.1.7601",
        features="FeatureName : SMB1Protocol\nState : Enabled\n",
        drivers={"srv.sys": {"version": [6, 1, 7601, 23688], "sha256": "2" * 64}},
        client_configuration="RequireSecuritySignature : True\n",
    )
    assert seen.build == 7601
    assert seen.features == {"SMB1Protocol": "Enabled"}
    assert seen.client_configuration["RequireSecuritySignature"] == "True"
    assert seen.ms17_010.patch is Patch.UNPATCHED
    assert facts(("srv.sys",)).ms17_010.patch is Patch.ABSENT
    assert facts().server_running is True
