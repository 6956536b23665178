"""Emulated clients: their files, and what they offer."""

from __future__ import annotations

import shutil
import socket
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.clients import persona
from harness.clients.base import Log, attempt
from harness.errors import Refused, UsageError
from harness.model import BY_NAMES, Check, Fidelity, Outcome, Side, StepName, Target
from harness.smb import status
from harness.smb.attempting import record
from harness.smb.offer import SIGNING_REQUIRED

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
WINDOWS = {name: client for name, client in PERSONAS.items() if name.startswith("windows-")}


def test_every_persona_is_labelled_as_emulated_and_has_evidence() -> None:
    assert len(PERSONAS) >= 30
    assert set(PERSONAS) >= {"windows-xp", "windows-7", "windows-10-1703"}
    for client in PERSONAS.values():
        assert client.fidelity in (Fidelity.RECORDED, Fidelity.DOCUMENTED)
        assert client.evidence
        assert "emulated" in client.title
        assert client.software().startswith("impacket ")
        recorded = any(item.source.startswith("capture ") for item in client.evidence)
        assert recorded or client.fidelity is Fidelity.DOCUMENTED


@pytest.mark.parametrize("name", sorted(PERSONAS))
def test_every_value_has_its_evidence(name: str) -> None:
    """Each table of a file is named by some evidence, and nothing emulated is called real."""
    data, said = PERSONAS[name].data, " ".join(item.what for item in PERSONAS[name].evidence)
    for part, there in (
        ("smb1_negotiate", data.opening.smb1),
        ("smb2_negotiate", data.opening.smb2),
        ("ntlm", data.manner.ntlm),
        ("habits", data.habits),
    ):
        assert there is None or part in said, part
    assert "policy" in said
    assert "sees" in said or not PERSONAS[name].sees


@pytest.mark.parametrize("name", sorted(PERSONAS))
def test_there_are_words_for_every_kind_of_refusal(name: str) -> None:
    client = PERSONAS[name]
    refusals = [
        ("connect", "RESET", Side.SERVER),
        ("negotiate", "NO_DIALECT", Side.SERVER),
        ("negotiate", "CLOSED", Side.SERVER),
        ("session-setup", "STATUS_LOGON_FAILURE", Side.SERVER),
        ("tree-connect", "STATUS_ACCESS_DENIED", Side.SERVER),
        ("tree-connect", "STATUS_BAD_NETWORK_NAME", Side.SERVER),
        ("list", "RESET", Side.SERVER),
        ("list", "TIMEOUT", Side.SERVER),
    ]
    if not client.policy.guest:
        refusals.append(("session-setup", status.GUEST_LOGON_BLOCKED, Side.CLIENT))
    if client.policy.require_signing:
        refusals.append(("session-setup", status.SIGNING_NOT_POSSIBLE, Side.CLIENT))
    for refusal in refusals:
        assert client.words(*refusal), refusal


def test_a_refusal_that_decided_nothing_is_not_what_the_client_gave_up_at() -> None:
    def act(log: Log) -> None:
        for name in (StepName.TREE_CONNECT_IPC, StepName.DFS_REFERRAL):
            with suppress(Refused), log.step(name):
                raise Refused("STATUS_NOT_FOUND")
        with log.step(StepName.TREE_CONNECT):
            raise Refused("STATUS_ACCESS_DENIED")

    done = record("a client", act)
    assert (done.outcome, done.step, done.status) == (
        Outcome.REFUSED,
        StepName.TREE_CONNECT,
        "STATUS_ACCESS_DENIED",
    )
    assert [step.ok for step in done.steps] == [False, False, False]


def test_a_counterpart_is_a_real_client() -> None:
    everybody = CATALOGUE.clients
    named = {name: client.counterpart for name, client in PERSONAS.items() if client.counterpart}
    assert named["samba-smbclient-4"] == "smbclient"
    for name in named.values():
        assert everybody[name].fidelity is Fidelity.REAL


@pytest.mark.parametrize("name", sorted(PERSONAS))
def test_what_is_shown_of_it_is_what_it_offers(name: str) -> None:
    client = PERSONAS[name]
    shown = " ".join(
        text for value in client.details().values() for text in ([value] if isinstance(value, str) else value)
    )
    offer = client.offer(client.policy, NOWHERE)
    for string in offer.smb1_dialects:
        assert string in shown
    assert client.opening.smb2 is None or str(client.opening.smb2.dialects[-1]) in shown
    assert client.data.manner.ntlm.level in shown


def test_what_a_client_without_smb1_still_puts_on_the_wire() -> None:
    """Recorded: Windows without SMB1 has NT LM 0.12 in its frame, and must give up when it is chosen."""
    client = PERSONAS["windows-10-1809-enterprise"]
    offer = client.offer(client.policy, NOWHERE)
    assert offer.smb1_dialects == ("NT LM 0.12", "SMB 2.002", "SMB 2.???")
    assert not client.policy.smb1
    assert client.smb1_removable
    words = client.words("negotiate", "NO_DIALECT", Side.CLIENT)
    assert "error 384" in words
    assert "error 58" in client.words("negotiate", "NO_DIALECT", Side.SERVER)


@pytest.mark.parametrize("name", ["windows-11-24h2", "windows-server-2025"])
def test_who_requires_signing_says_so_in_its_negotiate(name: str) -> None:
    client = PERSONAS[name]
    assert client.policy.require_signing
    assert not client.policy.guest
    assert client.opening.smb2 is not None
    assert client.opening.smb2.security_mode == SIGNING_REQUIRED


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


# The others are of a server that is in a domain: see tests/labs/test_domain_lab.py.
@pytest.mark.parametrize("check", [check for check in Check if check not in BY_NAMES])
def test_nobody_there(check: Check, unused_tcp_port: int) -> None:
    for client in PERSONAS.values():
        if check not in client.checks or check is Check.DISCOVER:
            # Who looks for servers asks a network: see tests/labs/test_discover_lab.py.
            continue
        done = attempt(client, check, replace(NOWHERE, port=unused_tcp_port), client.policy)
        assert (done.outcome, done.step, done.status, done.side) == (
            Outcome.REFUSED,
            StepName.CONNECT,
            "RESET",
            Side.SERVER,
        )
        if client.name in WINDOWS:
            assert "The network path was not found (error 53" in client.user_sees("connect", "RESET")


@pytest.fixture
def unused_tcp_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("step", "answer", "word"),
    [
        ("create-pipe", "STATUS_ACCESS_DENIED", "error 5"),
        ("negotiate", "NO_DIALECT", "error 58"),
        ("negotiate", "CLOSED", "error 64"),
        ("session-setup", "STATUS_LOGON_FAILURE", "error 1326"),
        ("tree-connect", "STATUS_BAD_NETWORK_NAME", "error 67"),
    ],
)
def test_every_windows_user_sees_words_for_the_usual_refusals(step: str, answer: str, word: str) -> None:
    for client in WINDOWS.values():
        assert word in client.user_sees(step, answer)


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
        ("[policy]", '[sees]\n"hello:CLOSED" = "x"\n[policy]', "sees.hello:CLOSED"),
        ("[policy]", '[sees]\n"*:CLOSED@nobody" = "x"\n[policy]', "sees.*:CLOSED@nobody"),
        ('sees_like = "windows-xp"', 'sees_like = "windows-3.1"', "windows-3.1.toml"),
        ('"ipc", "share"', '"ipc", "dance"', "habits.open"),
        ('open = ["ipc", "share", "list"]', 'open = ["ipc"]', "habits.open"),
        ('browse = ["ipc", "srvsvc"]', 'browse = ["ipc"]', "habits.browse"),
        ("[policy]", "[policy", "TOML"),
    ],
)
def test_a_mistake_in_a_file_is_named(tmp_path: Path, old: str, new: str, field: str) -> None:
    assert old in XP_FILE
    path = _beside_its_words(tmp_path, XP_FILE.replace(old, new, 1))
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
            'dialects = ["3.1.1"]\ncapabilities = 0\n'
            'contexts = [{ kind = "encryption", algorithms = ["AES-128-CCM"] }]',
            "smb2_negotiate.capabilities",
        ),
        (
            'dialects = ["3.1.1"]\ncapabilities = 0x40\n'
            'contexts = [{ kind = "encryption", algorithms = ["ROT13"] }]',
            "ROT13",
        ),
    ],
)
def test_what_no_client_can_be(tmp_path: Path, addition: str, field: str) -> None:
    rest = "security_mode = 1\npid = 0\ncredit_charge = 0\ncredits = 0\nflags = 0\n"
    table = f"[smb2_negotiate]\n{addition}\n{rest}"
    path = _beside_its_words(tmp_path, XP_FILE.replace("[smb1_session]", f"{table}\n[smb1_session]", 1))
    with pytest.raises(UsageError) as caught:
        persona.load(path)
    assert field in str(caught.value)


def _beside_its_words(folder: Path, text: str) -> Path:
    shutil.copytree(persona.FOLDER / "sees", folder / "sees")
    path = folder / "a-persona.toml"
    path.write_text(text, "utf-8")
    return path
