"""What is compared of a Windows before and after: all that changes can change, nothing that changes alone."""

from __future__ import annotations

from typing import Any

import pytest
from fake_machine import Machine

from harness.errors import LabFault
from harness.model import Side
from harness.windows.changes import Way, changes
from harness.windows.facts import Facts
from harness.windows.fingerprint import KEYS, Fingerprint, differences, digest, fingerprint, same
from harness.windows.scripts import FactsAnswer


def of(machine: Machine, **more: Any) -> Fingerprint:
    return fingerprint(Facts(FactsAnswer.model_validate({**machine.play_facts(), **more})))


WAYS = [(name, way.side, way) for name, change in changes().items() for way in change.way]


@pytest.mark.parametrize(("name", "side", "way"), WAYS)
def test_every_setting_of_every_change_is_seen(name: str, side: Side, way: Way) -> None:
    """Each alone: one that is not compared could stay behind unseen."""
    for setting in way.settings:
        machine = Machine()
        machine.settings["guest-account", "Guest"] = True
        before = of(machine)
        machine._set(setting.model_dump(), setting.value)
        assert differences(before, of(machine)), (name, side, setting)


def test_changes_write_where_the_facts_look() -> None:
    places = {setting.path for _, _, way in WAYS for setting in way.settings if setting.kind == "registry"}
    assert places <= set(KEYS)


def test_a_change_that_is_made_and_taken_back_leaves_the_same() -> None:
    machine = Machine()
    machine.settings["smb-server", "EnableSMB1Protocol"] = False
    before = of(machine)
    setting = {"kind": "smb-server", "name": "EncryptData", "value": True}
    machine._change({"Action": "apply", "Name": "server-x", "Settings": [setting]})
    assert differences(before, of(machine)) == [
        "SMB server EncryptData was not there, is True",
        "changes made was none, is server-x",
    ]
    machine._change({"Action": "revert", "Name": "server-x", "Settings": []})
    assert same("it", before, of(machine)) == (
        f"it: fingerprint {digest(before)} as before ({len(before)} facts)"
    )


def test_what_differs_is_named_and_the_rest_counted() -> None:
    before = dict.fromkeys("abcdef", "1")
    with pytest.raises(
        LabFault, match="it is not what it was: a was 1, is 2; b was 1, is not there; c "
    ) as met:
        same("it", before, {**dict.fromkeys("acdefg", "2")})
    assert str(met.value).endswith("; and 3 more")


LSA = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Lsa\n"


def test_what_changes_by_itself_is_not_compared() -> None:
    machine = Machine()
    first, later = (
        of(machine, booted=booted, registry={"lsa": f"{LSA}    LsaPid    REG_DWORD    {pid}\n"})
        for booted, pid in (("monday", "0x2a8"), ("tuesday", "0x2b0"))
    )
    assert first == later
    loaded = {"mrxsmb10": {"query": "        STATE              : 4  X\n", "config": None}}
    idle = {"mrxsmb10": {"query": "        STATE              : 1  X\n", "config": None}}
    assert of(machine, services=loaded) == of(machine, services=idle)


def test_registry_names_count_whatever_their_letters_and_only_where_no_cmdlet_tells() -> None:
    machine = Machine()
    set_ = of(machine, registry={"lsa": f"{LSA}    lmcompatibilitylevel    REG_DWORD    0x5\n"})
    assert set_["registry lsa LmCompatibilityLevel"] == "5"
    assert of(machine, registry={"lsa": None})["registry lsa LmCompatibilityLevel"] == "not told"
    old = of(machine, registry={"server": "KEY\n    SMB1    REG_DWORD    0x1\n"})
    assert old["registry server SMB1"] == "1"
    new = of(machine, server_configuration="EnableSMB1Protocol : True\n")
    assert "registry server SMB1" not in new
    assert new["SMB server EnableSMB1Protocol"] == "True"
