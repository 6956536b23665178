"""What a client's user reads: taken from the real client where one runs here, else it has its source."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from bad_servers import given_time
from known import CATALOGUE

from harness.clients import _process
from harness.clients._kernel_judge import judge
from harness.clients._kernel_log import read
from harness.clients._ran import Ran
from harness.clients.base import attempt
from harness.clients.persona import Persona
from harness.errors import Refused
from harness.model import (
    Attempt,
    CellId,
    Check,
    Dialect,
    Fidelity,
    Outcome,
    Phase,
    Side,
    Step,
    StepName,
)
from harness.record.verdict import judge as judge_cell
from harness.servers.live import LiveServer
from harness.smb.attempting import record
from harness.smb.tap import relay
from harness.smb.tap.trace import Conversation
from harness.windows import errors

Serve = Callable[[str], LiveServer]
REAL = sorted(
    name
    for name, one in CATALOGUE.clients.items()
    # Those with tickets have a test of their own, in a domain, and who comes by QUIC in test_quic_lab.py.
    if one.fidelity is Fidelity.REAL and not (one.guest or one.in_domain_alone or one.by_quic_alone)
)
PERSONAS = {name: one for name, one in CATALOGUE.clients.items() if isinstance(one, Persona)}
REPORTS = Path(__file__).parent / "kernel_reports"


def fits(text: str, said: str) -> bool:
    """The words are said so; … stands for what differs each time, what is in brackets at the end is ours."""
    parts = re.sub(r" \((?:after \d+ s|exit status 0)\)$", "", text).split("…")
    return re.search(".*".join(map(re.escape, parts)), said) is not None


class NoTap:
    """In place of a tap: a port where nobody listens, so that the client itself is refused."""

    def __init__(self, *_: object) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]

    def __enter__(self) -> NoTap:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def traces(self) -> tuple[Conversation, ...]:
        return (Conversation((Step(StepName.CONNECT, "RESET", 0.0),), ended_by="server"),)


@pytest.mark.local_lab
@pytest.mark.parametrize("name", REAL)
def test_what_a_real_client_says_where_nobody_listens(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    heard: list[str] = []

    def listen(ran: Ran, *_: object) -> NoReturn:
        heard.append(ran.said)
        raise Refused("RESET")

    monkeypatch.setattr(relay, "Tap", NoTap)
    monkeypatch.setattr(_process, "judge", listen)
    client = CATALOGUE.clients[name]
    made = attempt(client, Check.OPEN, replace(serve("samba-4.22-smb1").target, port=1), client.policy)
    said = heard[0] if heard else made.said
    text = client.words("connect", "RESET", Side.SERVER) or made.said
    assert text
    assert fits(text, said)


@pytest.mark.local_lab
@pytest.mark.parametrize("name", REAL)
def test_who_says_nothing_where_no_answer_comes(serve: Serve, name: str) -> None:
    client = CATALOGUE.clients[name]
    text = client.words("negotiate", "TIMEOUT", Side.SERVER)
    assert text
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = replace(serve("samba-4.22").target, address="127.0.0.1", port=silent.getsockname()[1])
        made = given_time(
            lambda seconds: attempt(client, Check.OPEN, replace(there, seconds=seconds), client.policy), 1.0
        )
    assert (made.step, made.status) == (StepName.NEGOTIATE, "TIMEOUT")
    # It is cut short here: what it says later is inferred, or was measured once.
    later = text.startswith("nothing") or "inferred" in text or re.search(r" \(after \d+ s\)$", text)
    assert made.said == "" if later else fits(text, made.said)


PERSONA_WORDS = [
    (name, key, text)
    for name, one in PERSONAS.items()
    for key, text in one.sees.items()
    if "inferred" not in text
]
KERNEL = {
    "connect:RESET": "server-down",
    "negotiate:NO_DIALECT": "smb1-refused",
    "negotiate:STATUS_NOT_SUPPORTED": "smb21-refused",
    "*:STATUS_LOGON_FAILURE": "smb30-bad-password",
    "*:STATUS_ACCESS_DENIED": "smb21-encryption-required",
    "*:STATUS_BAD_NETWORK_NAME": "smb311-no-share",
}
"""Reports of guests with Linux 6.1 that show these words."""
PUBLISHED = {
    "negotiate:CLOSED": "home-assistant/core issue 94334",
    "create-pipe:STATUS_ACCESS_DENIED": "what Finder says when srvsvc fails",
}
"""Words of Linux and of Finder that a public report has."""


def kernel(report: str) -> Attempt:
    told = read((REPORTS / f"{report}.txt").read_text())
    return record("kernel", lambda log: judge(told, "open", "", log))


@pytest.mark.parametrize("name", [name for name in PERSONAS if name.startswith(("linux-cifs", "macos"))])
def test_words_of_linux_and_finder_were_seen_or_are_inferred(name: str) -> None:
    for key, text in {key: text for of, key, text in PERSONA_WORDS if of == name}.items():
        if key in KERNEL and name.startswith("linux"):
            made = kernel(KERNEL[key])
            assert made.outcome is Outcome.REFUSED
            assert fits(text.partition("; dmesg: ")[0], made.said), (key, text, made.said)
            assert text.partition("; dmesg: ")[2] in made.note
        else:
            assert key in PUBLISHED, f"{name}: who saw {key}: {text}?"


@pytest.mark.parametrize("name", [name for name in PERSONAS if name.startswith("windows")])
def test_numbers_of_windows_errors_have_their_words_and_a_source(name: str) -> None:
    """They stand in the table of Win32 errors, whose every line has its source."""
    for _, key, text in [one for one in PERSONA_WORDS if one[0] == name]:
        numbers = [int(number) for number in re.findall(r"error (\d+)", text)]
        for number in numbers:
            assert number in errors.errors(), (key, number)
            assert errors.errors()[number].source
        assert numbers or "cryptographic signature" in text, f"{name}: who says {key}: {text}?"


@pytest.mark.parametrize(("error", "where"), [("error 1240", "*"), ("0x80004005", "windows-10-22h2")])
def test_documented_errors_are_known(error: str, where: str) -> None:
    windows = [one for name, one in PERSONAS.items() if name.startswith("windows") and where in ("*", name)]
    assert windows
    assert all(any(error in text for text in one.sees.values()) for one in windows)


NT1 = {"smb1": True, "min_dialect": Dialect.NT1, "max_dialect": Dialect.NT1}
LOGON, SHARE = "session-setup:STATUS_LOGON_FAILURE", "tree-connect:STATUS_BAD_NETWORK_NAME"
SAMBA, PLAYER = ("samba-smbclient-4", "smbclient-4.13"), ("libsmb2-player", "libsmb2")
SEEN: list[tuple[tuple[str, str], dict[str, object], str, dict[str, str], str]] = [
    (SAMBA, {}, "sles11-like", {}, "negotiate:CLOSED"),
    (SAMBA, NT1, "samba-4.22", {}, "negotiate:NO_DIALECT"),
    (SAMBA, {}, "samba-4.22", {"password": "wrong"}, LOGON),
    (SAMBA, {}, "samba-4.22", {"share": "none"}, SHARE),
    (PLAYER, {}, "sles11-like", {}, "negotiate:CLOSED"),
    (PLAYER, {}, "samba-4.22", {"password": "wrong"}, LOGON),
    (PLAYER, {}, "guest-share", {}, "tree-connect:STATUS_ACCESS_DENIED"),
    (PLAYER, {}, "samba-4.22", {"share": "none"}, SHARE),
]


@pytest.mark.local_lab
@pytest.mark.parametrize(("pair", "policy", "server", "there", "key"), SEEN)
def test_a_persona_has_the_words_of_the_real_client(
    serve: Serve,
    pair: tuple[str, str],
    policy: dict[str, object],
    server: str,
    there: dict[str, str],
    key: str,
) -> None:
    persona, client = PERSONAS[pair[0]], CATALOGUE.clients[pair[1]]
    target = replace(serve(server).target, **there)  # type: ignore[arg-type]
    made = attempt(client, Check.OPEN, target, replace(client.policy, **policy))  # type: ignore[arg-type]
    assert f"{made.step}:{made.status}" == key
    text = persona.words(str(made.step), made.status or "", made.side)
    assert fits(text, made.said), (text, made.said)


@pytest.mark.local_lab
@pytest.mark.parametrize(
    ("name", "server", "there", "said"),
    [
        ("curl", "samba-4.22", {}, "curl: (7) Could not connect to server"),
        ("curl", "samba-4.22-smb1", {"password": "wrong"}, "curl: (67) Login denied"),
        ("pysmb", "samba-4.22", {"password": "wrong"}, "PermissionError: connect() returned False"),
        ("aiosmb", "sles11-like", {}, "Exception: Server replied with SMBv1 message, doesnt support SMBv2"),
    ],
)
def test_what_a_report_shows_is_what_the_real_client_said(
    serve: Serve, name: str, server: str, there: dict[str, str], said: str
) -> None:
    client = CATALOGUE.clients[name]
    target = replace(serve(server).target, **there)  # type: ignore[arg-type]
    made = attempt(client, Check.OPEN, target, client.policy)
    assert (made.outcome, made.said) == (Outcome.REFUSED, said)
    cell = CellId("none", server, name, "open")
    assert (
        judge_cell(cell, {Phase.BASELINE: made}, CATALOGUE.mitigation("none"), client, None).user_sees == said
    )
