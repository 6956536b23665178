"""Which clients a setting of clients can be made on is what their data says, whatever they are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.clients import persona
from harness.clients.base import ClientSetting
from harness.clients.persona import Persona
from harness.clients.persona_file import read
from harness.mitigations.base import NotApplicableError


def called(name: str, like: str) -> Persona:
    """A persona with the data of another, as one that was learned has."""
    return Persona(replace(read(Path(persona.FOLDER) / f"{like}.toml"), name=name))


@pytest.mark.parametrize(
    ("change", "like"),
    [
        ("guest-client-off", "windows-10-22h2"),
        ("signing-client-required", "windows-7"),
        ("ntlm-blocked-by-client", "windows-server-2025"),
        ("ntlm-blocked-but-for-address", "windows-11-24h2"),
        ("encryption-client-required", "windows-11-24h2"),
        ("alternative-port", "windows-11-24h2"),
        ("ntlmv1-sso-blocked", "windows-server-2025"),
    ],
)
def test_one_with_another_name_has_the_settings_of_its_kind(change: str, like: str) -> None:
    """A learned Windows is called by its address."""
    client = called("learned-10.0.0.7", like)
    made = CATALOGUE.mitigation(change).on_client(
        replace(client.policy, guest=True, require_signing=False), client
    )
    assert made != client.policy


@pytest.mark.parametrize(
    ("change", "like"),
    [
        ("guest-client-off", "windows-7"),
        ("guest-client-off", "macos-13"),
        ("signing-client-required", "netapp"),
        ("ntlm-blocked-by-client", "windows-11-23h2"),
        ("encryption-client-required", "windows-server-2022"),
    ],
)
def test_a_name_gives_no_setting(change: str, like: str) -> None:
    client = called("windows-10-of-the-reception", like)
    with pytest.raises(NotApplicableError, match="is not known to have such a setting"):
        CATALOGUE.mitigation(change).on_client(client.policy, client)


def test_every_windows_since_10_can_refuse_guests() -> None:
    """Also one in a virtual machine, and every server (KB4046019)."""
    older = {"windows-xp", "windows-vista", "windows-7", "windows-8.1"}
    older |= {f"windows-server-{year}" for year in ("2003", "2008-r2", "2012-r2")}
    windows = {name: client for name, client in CATALOGUE.clients.items() if name.startswith("windows-")}
    refuse = {name for name, client in windows.items() if ClientSetting.REFUSE_GUESTS in client.has}
    assert {name.removesuffix("-guest") for name in windows.keys() - refuse} <= older
    assert len(refuse) > 10
    assert all(ClientSetting.REQUIRE_SIGNING in client.has for client in windows.values())
