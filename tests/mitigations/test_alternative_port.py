"""A server that leaves TCP port 445: who can be told of another port follows it, all others are lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from conducting import Stage, conduct
from known import CATALOGUE

from harness.conduct.workers import Pool
from harness.labs.local import LocalLab
from harness.mitigations.base import NotApplicableError
from harness.model import Effect, Phase, StepName, Tier
from harness.planning import planner
from harness.servers.base import Conf

CHANGE = "alternative-port"
TOLD = ("windows-11-24h2", "linux-cifs", "smbclient", "impacket", "smbprotocol", "curl")


@pytest.mark.local_lab
def test_who_can_be_told_follows(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    """Also who was connected before: he connects anew where the server is then."""
    cells = f"{CHANGE}:samba-4.22-smb1:{','.join(TOLD)},windows-10-22h2:open,browse-connected"
    result = conduct(tmp_path, [cells], Stage(lab), pool)
    assert result.complete
    found = {(one.cell.client, one.cell.check): one for one in result.cells}
    stay = {task for task, one in found.items() if one.effect is Effect.KEPT}
    assert {name for name, check in stay if check == "open"} == set(TOLD)
    assert ("windows-11-24h2", "browse-connected") in stay
    lost = found["windows-10-22h2", "open"]
    assert (lost.effect, lost.restored, lost.phases[Phase.APPLIED].step) == (
        Effect.LOST,
        True,
        StepName.CONNECT,
    )
    assert "knows no other port than 445" in lost.cause
    (proof,) = result.applied
    assert "port 445 answers nobody, port 8445 answers" in proof.took_effect
    assert "smbclient reaches the server at port 8445" in proof.took_effect
    assert "port 445 answers, port 8445 answers nobody" in proof.undone


@pytest.mark.parametrize(
    ("server", "client", "why"),
    [
        ("samba-4.22", "macos-13", "whether macos-13 can be told of another port is not known here"),
        ("samba-ad-dc", "windows-7", "members look for their domain controller at port 445 alone"),
        ("windows-server-2022", "windows-7", "Windows serves SMB over TCP at port 445 alone"),
    ],
)
def test_where_it_cannot_be_made_is_told(server: str, client: str, why: str) -> None:
    with pytest.raises(NotApplicableError, match=why):
        CATALOGUE.mitigation(CHANGE).within(CATALOGUE.servers[server], CATALOGUE.clients[client])


def test_a_configuration_that_was_brought_along_stays_where_the_lab_puts_it() -> None:
    server = replace(CATALOGUE.servers["samba-4.22"], conf=Conf(sections={"docs": {}}))
    with pytest.raises(NotApplicableError, match="is the lab's to say"):
        CATALOGUE.mitigation(CHANGE).within(server)


@pytest.mark.parametrize("parts", [(CHANGE, "quic-relay-only"), ("quic-relay-only", CHANGE)])
def test_no_port_of_a_server_that_closes_tcp_is_rehearsed(parts: tuple[str, str]) -> None:
    """The second is left out, and says so."""
    server, client = CATALOGUE.servers["samba-4.22"], CATALOGUE.clients["smbclient"]
    left_out = CATALOGUE.mitigation("+".join(parts)).left_out(server, client)
    assert [(name, "closes TCP to its clients" in why) for name, (_, why) in left_out.items()] == [
        (parts[1], True)
    ]


@pytest.mark.local_lab
def test_the_relay_of_quic_follows_the_server_to_its_port(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    cells = f"{CHANGE}+quic-relay:samba-4.22:windows-11-24h2,smbclient-4.25-quic,windows-7:open"
    result = conduct(tmp_path, [cells], Stage(lab), pool)
    assert {one.cell.client: one.effect for one in result.cells} == {
        "windows-11-24h2": Effect.KEPT,
        "smbclient-4.25-quic": Effect.GAINED,
        "windows-7": Effect.LOST,
    }
    assert all(one.restored for one in result.cells if one.effect is Effect.LOST)


def test_it_is_the_local_labs_alone() -> None:
    made = planner.from_selectors(CATALOGUE, [f"{CHANGE},none:samba-4.22:windows-7:open"], Tier.VAGRANT)
    assert [cell.mitigation for cell in made.cells] == ["none"]
    assert [(one.subject, one.reason) for one in made.not_applicable] == [
        (CHANGE, "it lives in another lab: --lab local")
    ]
