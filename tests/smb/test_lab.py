"""The prober, the personas, smbprotocol and the control client against real Samba."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.clients import persona, smbprotocol_client
from harness.clients.base import Client, Log, attempt
from harness.model import Attempt, Check, ClientPolicy, Dialect, Outcome, Side, StepName
from harness.servers.live import LiveServer
from harness.smb import control, health
from harness.smb.attempting import record
from harness.smb.checks import perform
from harness.smb.ntlm import Account, NtlmManner
from harness.smb.offer import Opening, Smb1Hello
from harness.smb.prober import Speaker
from harness.smb.session import Manner, Smb1Manner

pytestmark = pytest.mark.local_lab

Serve = Callable[[str], LiveServer]
CLIENTS = {client.name: client for client in (*persona.CLIENTS, *smbprotocol_client.CLIENTS)}
CHECKS = (Check.BROWSE, Check.OPEN, Check.WRITE)
BOTH = "samba-4.22-smb1"
MODERN = "samba-4.22"
SMB1_ONLY = "sles11-like"


def done(serve: Serve, server: str, client: Client, check: Check = Check.OPEN, **policy: object) -> Attempt:
    return attempt(client, check, serve(server).target, replace(client.policy, **policy))  # type: ignore[arg-type]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    ("client", "dialect", "auth"),
    [
        ("windows-xp", "NT LM 0.12", "NTLMv1"),
        ("windows-7", "2.1", "NTLMv2"),
        ("windows-10-1703", "3.1.1", "NTLMv2"),
        ("smbprotocol", "3.1.1", "NTLMv2"),
    ],
)
def test_everyone_gets_its_dialect(serve: Serve, client: str, dialect: str, auth: str, check: Check) -> None:
    result = done(serve, BOTH, CLIENTS[client], check)
    assert (result.outcome, result.note) == (Outcome.OK, "")
    assert (result.dialect, result.auth, result.encrypted) == (dialect, auth, False)


def test_a_server_without_smb1_tells_windows_xp_that_no_dialect_fits(serve: Serve) -> None:
    result = done(serve, MODERN, CLIENTS["windows-xp"])
    assert (result.step, result.status, result.side) == (StepName.NEGOTIATE, "NO_DIALECT", Side.SERVER)


def test_windows_10_without_smb1_finds_no_way_to_an_smb1_server(serve: Serve) -> None:
    windows = CLIENTS["windows-10-1703"]
    assert done(serve, SMB1_ONLY, windows).dialect == "NT LM 0.12"
    result = done(serve, SMB1_ONLY, windows, smb1=False)
    assert (result.outcome, result.step, result.status) == (
        Outcome.REFUSED,
        StepName.NEGOTIATE,
        "NO_DIALECT",
    )


@pytest.mark.parametrize("client", ["windows-7", "windows-10-1703", "smbprotocol"])
def test_a_client_that_requires_signing_signs(serve: Serve, client: str) -> None:
    result = done(serve, BOTH, CLIENTS[client], Check.WRITE, require_signing=True)
    assert (result.outcome, result.signed, result.encrypted) == (Outcome.OK, True, False)


@pytest.mark.parametrize(
    ("highest", "cipher"),
    [(Dialect.SMB3_00, "AES-128-CCM"), (Dialect.SMB3_02, "AES-128-CCM"), (Dialect.SMB3_11, "AES-128-GCM")],
)
@pytest.mark.parametrize("client", ["windows-10-1703", "smbprotocol"])
def test_a_client_that_requires_encryption_encrypts(
    serve: Serve, client: str, highest: Dialect, cipher: str
) -> None:
    result = done(serve, BOTH, CLIENTS[client], Check.WRITE, require_encryption=True, max_dialect=highest)
    assert (result.outcome, result.encrypted, result.cipher) == (Outcome.OK, True, cipher)


def test_what_cannot_be_signed_or_encrypted_is_given_up_by_the_client(serve: Serve) -> None:
    windows = CLIENTS["windows-10-1703"]
    unsigned = done(serve, SMB1_ONLY, windows, require_signing=True)
    assert (unsigned.step, unsigned.side) == (StepName.SESSION_SETUP, Side.CLIENT)
    plain = done(serve, SMB1_ONLY, windows, require_encryption=True)
    assert (plain.step, plain.side) == (StepName.NEGOTIATE, Side.CLIENT)


@pytest.mark.parametrize("client", ["windows-7", "windows-10-1703", "smbprotocol"])
def test_wrong_password_and_missing_share(serve: Serve, client: str) -> None:
    target, one = serve(BOTH).target, CLIENTS[client]
    wrong = attempt(one, Check.OPEN, replace(target, password="wrong"), one.policy)
    assert (wrong.step, wrong.status) == (StepName.SESSION_SETUP, "STATUS_LOGON_FAILURE")
    missing = attempt(one, Check.OPEN, replace(target, share="missing"), one.policy)
    assert (missing.step, missing.status) == (StepName.TREE_CONNECT, "STATUS_BAD_NETWORK_NAME")


SIGNING = [client for client in persona.CLIENTS if client.data.manner.signs_tree_connect]
UNSIGNED = [client for client in persona.CLIENTS if client not in SIGNING]
"""Who does not sign its tree connect over 3.1.1, and is let in nowhere."""


@pytest.mark.parametrize("client", [client.name for client in SIGNING])
def test_a_held_connection_lists_again_and_again(serve: Serve, client: str) -> None:
    one, first = CLIENTS[client], Log()
    held = one.hold(serve(BOTH).target, one.policy, first)
    try:
        for _ in range(3):
            log = Log()
            held.browse(log)
            assert [step.name for step in log.steps] == [StepName.CREATE_PIPE, StepName.ENUMERATE_SHARES]
            assert (log.dialect, log.auth) == (first.dialect, first.auth)
    finally:
        held.close()


def test_nothing_is_left_behind(serve: Serve) -> None:
    target, before = serve(BOTH).target, threading.active_count()
    for client in CLIENTS.values():
        if Check.WRITE not in client.checks or client in UNSIGNED:
            continue
        assert attempt(client, Check.WRITE, target, client.policy).outcome is Outcome.OK
    assert threading.active_count() == before


@pytest.mark.parametrize("dialect", list(Dialect))
def test_the_control_client_speaks_one_dialect_at_a_time(serve: Serve, dialect: Dialect) -> None:
    target = serve(BOTH).target
    for check in CHECKS:
        result = control.try_session(target, check, dialects=(dialect,))
        assert (result.outcome, result.dialect, result.signed) == (Outcome.OK, str(dialect), False), check
    answer = control.negotiate_only(target, (dialect,))
    assert (answer.dialect, answer.signing_required) == (dialect, False)
    assert answer.encryption_offered == (dialect.revision >= 0x0300)


@pytest.mark.parametrize("cipher", control.ALL_CIPHERS)
def test_every_cipher(serve: Serve, cipher: str) -> None:
    answer = control.negotiate_only(serve(BOTH).target, (Dialect.SMB3_11,), ciphers=(cipher,))
    assert answer.cipher == cipher


def test_a_refused_offer_keeps_its_status(serve: Serve) -> None:
    answer = control.negotiate_only(serve(MODERN).target, (Dialect.NT1,))
    assert (answer.dialect, answer.status) == (None, "NO_DIALECT")


@pytest.mark.parametrize("server", [MODERN, BOTH, SMB1_ONLY, "consumer-nas"])
def test_health_and_control(serve: Serve, server: str) -> None:
    target = serve(server).target
    assert health.probe(target.address, target.port).startswith("answered ")
    assert control.control(target).outcome is Outcome.OK


def test_guest_and_anonymous(serve: Serve) -> None:
    known = serve(MODERN).target
    unknown = control.try_session(known, dialects=(Dialect.SMB3_11,), auth="guest")
    assert (unknown.step, unknown.status) == (StepName.SESSION_SETUP, "STATUS_LOGON_FAILURE")
    nobody = control.try_session(known, dialects=(Dialect.SMB3_11,), auth="anonymous")
    assert (nobody.step, nobody.status, nobody.auth) == (
        StepName.TREE_CONNECT,
        "STATUS_ACCESS_DENIED",
        "anonymous",
    )


def test_ntlmv1_is_refused_by_a_modern_server(serve: Serve) -> None:
    result = control.try_session(serve(MODERN).target, dialects=(Dialect.SMB2_10,), auth="NTLMv1")
    assert (result.step, result.status) == (StepName.SESSION_SETUP, "STATUS_LOGON_FAILURE")


@pytest.mark.parametrize("check", CHECKS)
def test_a_client_from_before_extended_security(serve: Serve, check: Check) -> None:
    bare = Speaker(
        Opening(Smb1Hello(("NT LM 0.12",), flags2=0xC043), None),
        Manner(ntlm=NtlmManner(level="NTLMv1"), smb1=Smb1Manner(native_os="Unix")),
        ClientPolicy(),
    )
    target = serve(SMB1_ONLY).target
    account = Account(target.user, target.password)
    result = record("bare", lambda log: perform(check, bare, target, account, log))
    assert (result.outcome, result.note, result.auth) == (Outcome.OK, "", "NTLMv1")
