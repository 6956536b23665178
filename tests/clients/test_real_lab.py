"""Every real client against real servers: what the protocol lets happen, at the step where it happens."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import node_client
import pytest
from known import CATALOGUE

from harness.checks import EVERYDAY
from harness.clients import aiosmb_client, impacket_client, libsmbclient, pysmb_client, smbclient
from harness.clients.base import Client, attempt
from harness.conduct.workers import with_health
from harness.labs.local import LocalLab
from harness.model import (
    Attempt,
    CellId,
    Check,
    Dialect,
    Effect,
    Fidelity,
    Identity,
    Outcome,
    Phase,
    StepName,
)
from harness.record.verdict import judge
from harness.servers.live import LiveServer

pytestmark = pytest.mark.local_lab

Get = Callable[[str], LiveServer]
REAL = sorted(
    name
    for name, one in CATALOGUE.clients.items()
    # Those with tickets have a test of their own, in a domain, and who comes by QUIC in test_quic_lab.py.
    if one.fidelity is Fidelity.REAL and not (one.guest or one.in_domain_alone or one.by_quic_alone)
)
CHECKS = (Check.BROWSE, Check.OPEN, Check.WRITE)
ROOMS = (aiosmb_client, impacket_client, libsmbclient, pysmb_client, smbclient)
CLIENTS: dict[str, Client] = {client.name: client for room in ROOMS for client in room.CLIENTS}


@dataclass(frozen=True)
class Speaks:
    """What one client does by itself, read off the wire of a server that allows everything."""

    highest: Dialect
    smb1: bool = False
    encrypts: bool = False
    """It encrypts wherever 3.x lets it, though nobody asks for it."""
    greets_in_smb1: bool = True
    """Its first words are SMB1-framed, so that an SMB1 server can answer them."""


SMB3 = Speaks(Dialect.SMB3_11, greets_in_smb1=False)
KINDS = {
    "aiosmb": Speaks(Dialect.SMB3_11, encrypts=True),
    "impacket": Speaks(Dialect.SMB3_11, smb1=True, encrypts=True),
    "pysmb": Speaks(Dialect.SMB2_02, smb1=True),
    "libsmbclient": SMB3,
    **dict.fromkeys(("smbclient", "smbclient-4.13", "smbclient-4.17", "smbclient-4.25"), SMB3),
}
SMB1_ONLY = {"sles11-like": "NTLMv2", "consumer-nas": "guest"}
MAPS = {"map_to_guest": "Bad Password", "guest_account": "rehearse"}
CHANGES = {
    "aes256-only": {"server_smb3_encryption_algorithms": "AES-256-GCM"},
    "nt-pipe-support-off": {"nt_pipe_support": "no"},
    "signing-required": {"server_signing": "mandatory"},
    "encryption-required": {"server_smb_encrypt": "required"},
    "smb311-only": {"server_min_protocol": "SMB3_11"},
    "maps-bad-passwords": MAPS,
    "maps-and-wants-ntlmv2": {**MAPS, "ntlm_auth": "ntlmv2-only"},
    "guests-off": {"map_to_guest": "Never", "server_min_protocol": "SMB2_02"},
}
GUESTS = {"guests-off", "maps-bad-passwords", "maps-and-wants-ntlmv2"}
"""Of these, those whose share lets guests in."""


@pytest.fixture(scope="module")
def get(lab: LocalLab) -> Iterator[Get]:
    """A started server by name, or samba-4.22-smb1 with one of the changes."""
    started: dict[str, LiveServer] = {}
    with ExitStack() as stack:

        def find(name: str) -> LiveServer:
            if name not in started:
                plain = CATALOGUE.servers["samba-4.22-smb1" if name in CHANGES else name]
                conf = plain.conf.with_globals(**CHANGES.get(name, {}))
                conf = conf.with_share(guest_ok="yes") if name in GUESTS else conf
                changed = replace(plain, name=name, conf=conf)
                started[name] = stack.enter_context(lab.serve(changed))
            return started[name]

        yield find


def does(get: Get, server: str, name: str, check: Check) -> Attempt:
    live = get(server)
    made = attempt(CLIENTS[name], check, live.target, CLIENTS[name].policy)
    if made.outcome is Outcome.REFUSED:
        done = with_health([made], live.target)[0]
        assert done.healthy, done.health
    return made


def served(done: Attempt, dialect: Dialect, auth: str, *, encrypted: bool) -> None:
    assert (done.outcome, done.note) == (Outcome.OK, "")
    assert (done.dialect, done.auth, done.encrypted) == (dialect, auth, encrypted)
    assert all(step.ok for step in done.steps)


def refused(done: Attempt, step: StepName, *statuses: str) -> None:
    assert (done.outcome, done.step) == (Outcome.REFUSED, step), done
    assert done.status in statuses
    assert done.note


def test_every_real_client_is_here() -> None:
    assert set(CLIENTS) == set(KINDS)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("server", SMB1_ONLY)
@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_server_with_smb1_alone(get: Get, name: str, server: str, check: Check) -> None:
    done = does(get, server, name, check)
    kind = KINDS[name]
    if kind.smb1:
        served(done, Dialect.NT1, SMB1_ONLY[server], encrypted=False)
    else:
        refused(done, StepName.NEGOTIATE, "NO_DIALECT" if kind.greets_in_smb1 else "CLOSED")


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("server", ["samba-4.22", "samba-4.22-smb1"])
@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_server_with_everything_newer(get: Get, name: str, server: str, check: Check) -> None:
    kind = KINDS[name]
    served(does(get, server, name, check), kind.highest, "NTLMv2", encrypted=kind.encrypts)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_without_pipes_a_share_opens_by_its_path_and_no_list_comes(get: Get, name: str) -> None:
    refused(
        does(get, "nt-pipe-support-off", name, Check.BROWSE), StepName.CREATE_PIPE, "STATUS_ACCESS_DENIED"
    )
    for check in (Check.OPEN, Check.WRITE):
        assert does(get, "nt-pipe-support-off", name, check).outcome is Outcome.OK


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_server_that_requires_signing(get: Get, name: str) -> None:
    for check in CHECKS:
        done = does(get, "signing-required", name, check)
        assert done.outcome is Outcome.OK, done.note
        assert done.signed or done.encrypted


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_server_that_requires_encryption(get: Get, name: str) -> None:
    for check in CHECKS:
        done = does(get, "encryption-required", name, check)
        if KINDS[name].highest is Dialect.SMB3_11:
            served(done, Dialect.SMB3_11, "NTLMv2", encrypted=True)
        else:
            refused(done, StepName.SESSION_SETUP, "STATUS_ACCESS_DENIED")


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_server_with_the_newest_dialect_alone(get: Get, name: str) -> None:
    for check in CHECKS:
        done = does(get, "smb311-only", name, check)
        if KINDS[name].highest is Dialect.SMB3_11:
            served(done, Dialect.SMB3_11, "NTLMv2", encrypted=KINDS[name].encrypts)
        else:
            refused(done, StepName.NEGOTIATE, "NO_DIALECT")


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_wrong_password(get: Get, name: str) -> None:
    target = replace(get("samba-4.22").target, password="not this one")
    done = attempt(CLIENTS[name], Check.OPEN, target, CLIENTS[name].policy)
    refused(done, StepName.SESSION_SETUP, "STATUS_LOGON_FAILURE")


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_share_that_is_not_there(get: Get, name: str) -> None:
    target = replace(get("samba-4.22").target, share="nothing")
    done = attempt(CLIENTS[name], Check.OPEN, target, CLIENTS[name].policy)
    refused(done, StepName.TREE_CONNECT, "STATUS_BAD_NETWORK_NAME")


def _kept() -> tuple[set[str], int]:
    """The names of our threads, and how many sockets we have."""
    files = [entry for entry in Path("/proc/self/fd").iterdir() if os.path.lexists(entry)]
    return {thread.name for thread in threading.enumerate()}, sum(
        str(entry.readlink()).startswith("socket:") for entry in files
    )


@pytest.mark.parametrize("name", sorted(KINDS))
def test_nothing_is_left_behind(get: Get, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    for server in ("samba-4.22-smb1", "sles11-like"):
        get(server)
        before = _kept()
        for check in CHECKS:
            does(get, server, name, check)
        assert _kept() == before
    address = get("samba-4.22-smb1").target.address
    confs = tmp_path_factory.getbasetemp().glob("lab[0-9]*/lab/state/*/smb.conf")
    (conf,) = (path for path in confs if f" {address}/8\n" in path.read_text())
    # Other tests of this process use the server too; curl is the one client that cannot delete.
    left = {path.name for path in (conf.parent / "share").iterdir()}
    assert left - {"rehearsal-curl.txt"} == {"welcome.txt"}


def test_the_first_step_that_was_refused_counts_and_not_the_last(get: Get) -> None:
    """impacket signs as a guest and is denied the share; then it logs off, signed, and is denied that."""
    done = does(get, "guest-share", "impacket", Check.OPEN)
    refused(done, StepName.TREE_CONNECT, "STATUS_ACCESS_DENIED")
    assert (done.steps[-1].name, done.steps[-1].status) == (StepName.LOGOFF, "STATUS_ACCESS_DENIED")


def test_no_library_prints_on_our_terminal(get: Get, capfd: pytest.CaptureFixture[str]) -> None:
    """aiosmb prints a traceback for each answer that it cannot read: here cipher 0."""
    live = get("aes256-only")
    for name, client in CATALOGUE.clients.items():
        if name in REAL and not name.startswith("smbclient-") and not node_client.lacks(name):
            for check in sorted(client.checks.intersection(EVERYDAY)):
                attempt(client, check, live.target, client.policy)
            client.offer(client.policy, live.target)
    assert capfd.readouterr() == ("", "")


def test_nobody_comes_again_as_anonymous_behind_its_users_back(get: Get) -> None:
    """The user has no account there: guests are let in, and without guests who is refused stays refused."""
    for name in (one for one in REAL if not node_client.lacks(one)):
        client = CATALOGUE.clients[name]
        for check in sorted(client.checks.intersection(EVERYDAY)):
            before = attempt(client, check, get("guest-share").target, client.policy)
            # It has no account there, as on guest-share.
            nobody = replace(get("guests-off").target, user="somebody")
            after = attempt(client, check, nobody, client.policy)
            assert before.identity in {None, Identity.GUEST}, (name, check)
            assert after.outcome is Outcome.REFUSED, (name, check, after)
            assert after.identity in {None, Identity.ACCOUNT}, (name, check, after)


def test_who_gets_in_as_less_than_before_has_lost(get: Get) -> None:
    """curl answers with NTLMv1, and a server that wants NTLMv2 may make guests of bad passwords."""
    curl = CATALOGUE.clients["curl"]
    before = attempt(curl, Check.OPEN, get("maps-bad-passwords").target, curl.policy)
    after = attempt(curl, Check.OPEN, get("maps-and-wants-ntlmv2").target, curl.policy)
    assert [(one.outcome, one.identity) for one in (before, after)] == [
        (Outcome.OK, Identity.ACCOUNT),
        (Outcome.OK, Identity.GUEST),
    ]
    cell = CellId("ntlmv2-only", "samba-4.22-smb1", "curl", "open")
    phases = {Phase.BASELINE: before, Phase.APPLIED: after, Phase.ROLLED_BACK: before}
    verdict = judge(cell, phases, CATALOGUE.mitigation("ntlmv2-only"), curl, None)
    assert (verdict.effect, verdict.restored, verdict.expected) == (Effect.LOST, True, False)
    assert verdict.cause == "it comes through as a guest, and did so with the account before the change"
