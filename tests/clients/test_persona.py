"""Emulated clients: their files, and what they offer."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.clients import persona
from harness.clients.base import Client, attempt
from harness.errors import UsageError
from harness.model import Check, Dialect, Fidelity, Outcome, Side, StepName, Target
from harness.smb.offer import smb1_negotiate, smb2_negotiate

PERSONAS = {client.name: client for client in persona.CLIENTS}
NOWHERE = Target("127.0.0.1", "share", "nobody", "", seconds=2.0)
XP_STRINGS = (
    "PC NETWORK PROGRAM 1.0",
    "LANMAN1.0",
    "Windows for Workgroups 3.1a",
    "LM1.2X002",
    "LANMAN2.1",
    "NT LM 0.12",
)
# Which client of which capture each file says it was made from.
RECORDED = [
    ("windows-xp", "ICS-Security-Tools__mb2.pcap", "141.81.0.182"),
    ("windows-7", "zeek__smb2_krb.pcap", "10.10.34.184"),
    ("windows-7", "suricata-verify__20171220_smb_net_user.pcap", "192.168.10.31"),
    ("windows-10-1703", "arkime__wireshark-smb-on-windows10.pcap", "192.168.199.132"),
]


def test_every_persona_is_labelled_as_emulated_and_has_evidence() -> None:
    assert set(PERSONAS) == {"windows-xp", "windows-7", "windows-10-1703"}
    for client in PERSONAS.values():
        assert client.fidelity in (Fidelity.RECORDED, Fidelity.DOCUMENTED)
        assert client.evidence
        assert client.software().startswith("impacket ")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("windows-xp", XP_STRINGS),
        ("windows-7", (*XP_STRINGS, "SMB 2.002", "SMB 2.???")),
        ("windows-10-1703", (*XP_STRINGS, "SMB 2.002", "SMB 2.???")),
    ],
)
def test_what_it_offers_first(name: str, expected: tuple[str, ...]) -> None:
    client = PERSONAS[name]
    offer = client.offer(client.policy, NOWHERE)
    assert (offer.smb1_dialects, offer.smb2_dialects, offer.speaks_smb1) == (expected, (), True)


@pytest.mark.parametrize("name", ["windows-7", "windows-10-1703"])
def test_without_smb1_the_frame_remains_and_its_strings_go(name: str) -> None:
    client = PERSONAS[name]
    offer = client.offer(replace(client.policy, smb1=False), NOWHERE)
    assert offer.smb1_dialects == ("SMB 2.002", "SMB 2.???")
    assert not offer.speaks_smb1
    assert client.smb1_removable == ""


def test_nothing_is_left_of_windows_xp_without_smb1() -> None:
    client = PERSONAS["windows-xp"]
    policy = replace(client.policy, smb1=False)
    assert client.offer(policy, NOWHERE).smb1_dialects == ()
    assert "nothing but SMB1" in client.smb1_removable


@pytest.mark.parametrize("check", list(Check))
def test_nobody_there(check: Check, unused_tcp_port: int) -> None:
    for client in PERSONAS.values():
        done = attempt(client, check, replace(NOWHERE, port=unused_tcp_port), client.policy)
        assert (done.outcome, done.step, done.status, done.side) == (
            Outcome.REFUSED,
            StepName.CONNECT,
            "RESET",
            Side.SERVER,
        )
        assert "53" in client.user_sees("connect", "RESET")


@pytest.fixture
def unused_tcp_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("step", "status", "word"),
    [
        ("create-pipe", "STATUS_ACCESS_DENIED", "error 5"),
        ("negotiate", "NO_DIALECT", "error 58"),
        ("negotiate", "CLOSED", "error 64"),
        ("session-setup", "STATUS_LOGON_FAILURE", "error 1326"),
        ("tree-connect", "STATUS_BAD_NETWORK_NAME", "error 67"),
    ],
)
def test_every_windows_user_sees_words_for_the_usual_refusals(step: str, status: str, word: str) -> None:
    for client in PERSONAS.values():
        assert word in client.user_sees(step, status)


@pytest.mark.parametrize(("name", "capture", "address"), RECORDED)
def test_the_opening_equals_the_recorded_one(captures: Path, name: str, capture: str, address: str) -> None:
    index = json.loads((captures / "index.json").read_text("utf-8"))
    entry = next(entry for entry in index["captures"] if entry["file"] == capture)
    connections = next(who for who in entry["clients"] if who["client_ip"] == address)["connections"]
    recorded = next(one for one in connections if one["opening"] != "SMB2 direct")
    client = PERSONAS[name]
    assert entry["sha256"] in " ".join(item.source for item in client.evidence)
    _same_bytes(client, recorded, (captures / capture).read_bytes())


def _same_bytes(client: Client, recorded: dict[str, Any], capture: bytes) -> None:
    assert isinstance(client, persona.Persona)
    opening = client.opening
    assert opening.smb1 is not None
    smb1 = bytes.fromhex(recorded["smb1_negotiate"]["raw_hex"])
    assert smb1_negotiate(opening.smb1) == smb1
    assert smb1 in capture
    if opening.smb2 is None:
        assert "smb2_negotiate" not in recorded
        return
    smb2 = bytes.fromhex(recorded["smb2_negotiate"]["raw_hex"])
    ours = smb2_negotiate(opening.smb2, 1, bytes(16), "server")
    assert smb2 in capture
    assert _without_random(ours, opening.smb2.dialects) == _without_random(smb2, opening.smb2.dialects)


def _without_random(message: bytes, dialects: tuple[Dialect, ...]) -> bytes:
    """The random fields of an SMB2 NEGOTIATE as zeros: ClientGuid, and the salt of its first context."""
    blank = message[:76] + bytes(16) + message[92:]
    if Dialect.SMB3_11 in dialects:
        salt = int.from_bytes(message[92:96], "little") + 8 + 4 + 2
        blank = blank[:salt] + bytes(32) + blank[salt + 32 :]
    return blank


XP_FILE = (persona.FOLDER / "windows-xp.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("flags2 = 0xC853", "flags2 = 0x1C853", "smb1_negotiate.flags2"),
        ('level = "NTLMv1"', 'level = "LM"', "ntlm.level"),
        ('signing = "if-offered"', 'signing = "sometimes"', "signing"),
        ("max_mpx = 50", "", "smb1_session.max_mpx"),
        ("[ntlm]", "[ntlm]\ncolour = 1", "ntlm.colour"),
        ('fidelity = "recorded"', 'fidelity = "real"', "fidelity"),
        ('"*:CLOSED"', '"hello:CLOSED"', "sees.hello:CLOSED"),
        ("[policy]", "[policy", "TOML"),
    ],
)
def test_a_mistake_in_a_file_is_named(tmp_path: Path, old: str, new: str, field: str) -> None:
    assert old in XP_FILE
    path = tmp_path / "windows-xp.toml"
    path.write_text(XP_FILE.replace(old, new, 1), "utf-8")
    with pytest.raises(UsageError) as caught:
        persona.load(path)
    assert str(path) in str(caught.value)
    assert field in str(caught.value)


@pytest.mark.parametrize(
    ("addition", "field"),
    [
        ('dialects = ["NT LM 0.12"]\ncapabilities = 0', "smb2_negotiate.dialects"),
        ('dialects = ["3.1.1"]\ncapabilities = 0', "smb2_negotiate.contexts"),
        (
            'dialects = ["3.1.1"]\ncapabilities = 0\ncontexts = [{ kind = "encryption", algorithms = [1] }]',
            "smb2_negotiate.capabilities",
        ),
    ],
)
def test_what_no_client_can_be(tmp_path: Path, addition: str, field: str) -> None:
    rest = "security_mode = 1\npid = 0\ncredit_charge = 0\ncredits = 0\nflags = 0\n"
    table = f"[smb2_negotiate]\n{addition}\n{rest}"
    path = tmp_path / "odd.toml"
    path.write_text(XP_FILE.replace("[smb1_session]", f"{table}\n[smb1_session]", 1), "utf-8")
    with pytest.raises(UsageError) as caught:
        persona.load(path)
    assert field in str(caught.value)
