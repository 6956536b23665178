"""Every emulated client against real servers: the outcome is the one that its data predict."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

import pytest
from known import CATALOGUE

from harness.clients import persona
from harness.clients.base import Client, Log, attempt
from harness.clients.persona import Persona
from harness.model import NO_DIALECT, Attempt, Check, Dialect, Outcome, Side, StepName, Target, Tier
from harness.servers.live import How, LiveServer
from harness.smb import status
from harness.smb.control import connect
from harness.smb.headers import Command
from harness.smb.offer import smb2_negotiate
from harness.smb.prober import Connection

pytestmark = pytest.mark.local_lab

Serve = Callable[[str], LiveServer]
PERSONAS = {client.name: client for client in persona.CLIENTS}
CHECKS = (Check.BROWSE, Check.OPEN, Check.WRITE)


@dataclass(frozen=True)
class Accepts:
    """What a server of the lab lets in, read off its configuration by a person."""

    lowest: Dialect
    highest: Dialect
    guest: bool = False
    ntlmv1: bool = True


SERVERS = {
    "sles11-like": Accepts(Dialect.NT1, Dialect.NT1),
    "consumer-nas": Accepts(Dialect.NT1, Dialect.NT1, guest=True),
    "samba-4.22": Accepts(Dialect.SMB2_02, Dialect.SMB3_11, ntlmv1=False),
    "samba-4.22-smb1": Accepts(Dialect.NT1, Dialect.SMB3_11),
    "guest-share": Accepts(Dialect.SMB2_02, Dialect.SMB3_11, guest=True),
}

Refusal = tuple[StepName, str, Side]


def predicted(client: Persona, server: Accepts) -> Dialect | Refusal:
    """From the client's data alone: the dialect it ends up with, or where it ends and by whose policy."""
    opening, policy = client.opening, client.policy
    offered = opening.smb2.dialects if opening.smb2 else ()
    common = [one for one in offered if server.lowest.revision <= one.revision <= server.highest.revision]
    nt1 = opening.smb1 is not None and "NT LM 0.12" in opening.smb1.dialects
    if common and server.highest is not Dialect.NT1:
        dialect = max(common, key=lambda one: one.revision)
    elif server.lowest is Dialect.NT1 and nt1:
        if not policy.smb1:
            return StepName.NEGOTIATE, NO_DIALECT, Side.CLIENT
        dialect = Dialect.NT1
    else:
        # A smbd that has SMB1 alone hangs up on an SMB2 NEGOTIATE; else it answers that nothing fits.
        said = "CLOSED" if opening.smb1 is None else NO_DIALECT
        return StepName.NEGOTIATE, said, Side.SERVER
    if server.guest and dialect is not Dialect.NT1 and not policy.guest:
        return StepName.SESSION_SETUP, status.GUEST_LOGON_BLOCKED, Side.CLIENT
    if server.guest and dialect is not Dialect.NT1 and policy.require_signing:
        return StepName.SESSION_SETUP, "STATUS_INVALID_SIGNATURE", Side.CLIENT
    if not server.guest and not server.ntlmv1 and client.data.manner.ntlm.level == "NTLMv1":
        return StepName.SESSION_SETUP, "STATUS_LOGON_FAILURE", Side.SERVER
    return dialect


def tree_refused(client: Persona, guest: bool) -> bool:
    """Over 3.1.1 the tree connect is signed by everybody but guests: [MS-SMB2] 3.2.4.1.1."""
    manner = client.data.manner
    return manner.signs_guests if guest else not manner.signs_tree_connect


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("name", sorted(PERSONAS))
def test_the_outcome_is_what_the_data_predict(serve: Serve, name: str, server: str) -> None:
    client = PERSONAS[name]
    expected = predicted(client, SERVERS[server])
    for check in CHECKS:
        done = attempt(client, check, serve(server).target, client.policy)
        if check not in client.checks:
            assert done.outcome is Outcome.UNSUPPORTED
        elif expected is Dialect.SMB3_11 and tree_refused(client, SERVERS[server].guest):
            step = StepName.TREE_CONNECT_IPC if check is Check.BROWSE else StepName.TREE_CONNECT
            assert (done.step, done.status, done.side) == (step, "STATUS_ACCESS_DENIED", Side.SERVER)
        elif isinstance(expected, Dialect):
            assert (done.outcome, done.note, done.dialect) == (Outcome.OK, "", str(expected))
            assert done.auth == ("guest" if SERVERS[server].guest else client.data.manner.ntlm.level)
            assert bool(done.signed) is (client.policy.require_signing)
        else:
            assert (done.step, done.status, done.side) == expected
            assert client.words(str(done.step), done.status or "", done.side) or not client.sees


COUNTERPARTS = [
    (name, client.counterpart)
    for name, client in PERSONAS.items()
    # Those of virtual machines are compared there.
    if client.counterpart and Tier.LOCAL in CATALOGUE.clients[client.counterpart].labs
]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(("name", "real"), COUNTERPARTS)
def test_it_agrees_with_the_real_client_of_its_kind(serve: Serve, name: str, real: str, server: str) -> None:
    """A persona that differs from the real thing is a bug in the persona."""
    emulated, counterpart, live = PERSONAS[name], CATALOGUE.clients[real], serve(server)
    if not live.target.program(counterpart.image, "/bin/true"):
        pytest.skip(f"the image {counterpart.image} of {real} is not built")
    for check in CHECKS:
        told = attempt(emulated, check, live.target, emulated.policy)
        seen = attempt(counterpart, check, live.target, counterpart.policy)
        assert seen.outcome in (Outcome.OK, Outcome.REFUSED), seen.note
        assert (told.outcome, told.step, told.side) == (seen.outcome, seen.step, seen.side), (told, seen)


def _after(serve: Serve, server: str, change: str, name: str, check: Check) -> Attempt:
    """One attempt while a change is made on a server, which is taken back."""
    live, made, client = serve(server), CATALOGUE.mitigation(change), PERSONAS[name]
    before = live.state
    assert attempt(client, check, live.target, client.policy).outcome is Outcome.OK
    try:
        made.apply(live)
        assert made.verify(live).in_effect
        return attempt(client, check, live.target, client.policy)
    finally:
        made.revert(live, before)


@pytest.mark.parametrize("name", ["office-scanner", "windows-server-2003", "windows-xp"])
def test_who_knows_ntlmv1_only_is_out_where_ntlmv2_is_needed(serve: Serve, name: str) -> None:
    done = _after(serve, "samba-4.22-smb1", "ntlmv2-only", name, Check.WRITE)
    assert (done.step, done.status, done.side) == (
        StepName.SESSION_SETUP,
        "STATUS_LOGON_FAILURE",
        Side.SERVER,
    )


def test_a_media_player_is_out_where_smb1_is_gone(serve: Serve) -> None:
    done = _after(serve, "samba-4.22-smb1", "smb1-server-off", "media-player", Check.OPEN)
    assert (done.step, done.status, done.side) == (StepName.NEGOTIATE, NO_DIALECT, Side.SERVER)


def test_a_scanner_keeps_writing_where_pipes_are_refused(serve: Serve) -> None:
    assert _after(serve, "samba-4.22-smb1", "nt-pipe-support-off", "office-scanner", Check.WRITE).outcome is (
        Outcome.OK
    )


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        # RAP needs no pipe of a service: who falls back to it goes on seeing the shares.
        ("samba-smbclient-3", Outcome.OK),
        ("samba-smbclient-4", Outcome.REFUSED),
        ("windows-vista", Outcome.REFUSED),
        ("macos-13", Outcome.REFUSED),
    ],
)
def test_who_browses_by_rap_does_not_miss_the_pipes(serve: Serve, name: str, outcome: Outcome) -> None:
    done = _after(serve, "samba-4.22-smb1", "nt-pipe-support-off", name, Check.BROWSE)
    assert done.outcome is outcome
    refused = next(step for step in done.steps if step.name is StepName.CREATE_PIPE)
    assert refused.status == "STATUS_ACCESS_DENIED"
    if outcome is Outcome.REFUSED:
        assert done.step is StepName.CREATE_PIPE


@pytest.mark.parametrize(
    ("name", "dialect"), [("windows-10-1703", "3.1.1"), ("windows-8.1", "3.0.2"), ("linux-cifs-4.13", "3.0")]
)
def test_who_can_encrypt_does_so_on_a_share_that_asks_for_it(serve: Serve, name: str, dialect: str) -> None:
    done = _after(serve, "samba-4.22", "share-encryption-required", name, Check.WRITE)
    assert (done.outcome, done.dialect, done.encrypted) == (Outcome.OK, dialect, True)
    assert done.cipher


def test_who_cannot_encrypt_is_refused_at_the_share_and_sees_the_list(serve: Serve) -> None:
    done = _after(serve, "samba-4.22", "share-encryption-required", "windows-7", Check.OPEN)
    assert (done.step, done.status, done.side) == (
        StepName.TREE_CONNECT,
        "STATUS_ACCESS_DENIED",
        Side.SERVER,
    )
    done = _after(serve, "samba-4.22", "share-encryption-required", "windows-7", Check.BROWSE)
    assert (done.outcome, done.encrypted) == (Outcome.OK, False)


def test_requests_beside_an_encrypted_share_go_unencrypted(serve: Serve) -> None:
    """[MS-SMB2] 3.2.4.1.8: the tree decides. IPC$ of the same session stays readable, and is signed."""
    live = serve("samba-4.22")
    before = live.state
    conf = before.conf.with_share(smb_encrypt="required").with_globals(server_signing="mandatory")
    try:
        live.become(replace(before, conf=conf), How.RESTART)
        connection = connect(live.target, dialects=(Dialect.SMB3_11,))
        with closing(connection):
            ipc = connection.connect_ipc(Log())
            assert (connection.session.signed, connection.session.encrypted) == (True, False)
            share = connection.session.tree_connect(f"\\\\{live.target.address}\\{live.target.share}")
            assert (connection.session.signed, connection.session.encrypted) == (False, True)
            connection.session.list_root(share)
            sent = sniffed(connection)
            connection.session.open_pipe(ipc, "srvsvc")
            connection.session.list_root(share)
        assert [message[:4] for message in sent] == [b"\xfeSMB", *[b"\xfdSMB"] * (len(sent) - 2), b"\xfeSMB"]
        assert all(message[16] & 0x8 for message in sent if message[:4] == b"\xfeSMB")
    finally:
        live.become(before, How.RESTART)


def sniffed(connection: Connection) -> list[bytes]:
    """What an open connection sends from now on, as it goes out."""
    sent: list[bytes] = []
    wire = connection._wire
    passed_on = wire.send

    def send(message: bytes) -> None:
        sent.append(message)
        passed_on(message)

    wire.send = send  # type: ignore[method-assign]
    return sent


def test_names_in_a_dfs_share_begin_with_the_server(serve: Serve) -> None:
    """[MS-SMB2] 3.2.4.3. Samba takes such a name only with the flag that goes with it."""
    live, client = serve("samba-4.22"), PERSONAS["windows-10-22h2"]
    before = live.state
    try:
        conf = before.conf.with_share(msdfs_root="yes")
        live.become(replace(before, conf=conf), How.RESTART)
        connection = connect(live.target, dialects=(Dialect.SMB3_11,))
        with closing(connection):
            sent = sniffed(connection)
            connection.open(Log())
        whole = f"{live.target.address}\\{live.target.share}".encode("utf-16le")
        creates = [message for message in sent if message[12] == Command.CREATE]
        assert creates
        assert all(whole in message and message[19] & 0x10 for message in creates)
        assert attempt(client, Check.WRITE, live.target, client.policy).outcome is Outcome.OK
    finally:
        live.become(before, How.RESTART)


@pytest.mark.parametrize("name", ["windows-vista", "windows-7"])
def test_a_pipe_that_is_refused_beside_opening_a_share_decides_nothing(serve: Serve, name: str) -> None:
    done = _after(serve, "samba-4.22-smb1", "nt-pipe-support-off", name, Check.OPEN)
    assert done.outcome is Outcome.OK
    assert [(step.name, step.status) for step in done.steps if not step.ok] == [
        (StepName.CREATE_PIPE, "STATUS_ACCESS_DENIED")
    ]


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("windows-xp", ["tree-connect-ipc", "tree-connect", "list"]),
        ("windows-server-2003", ["tree-connect", "list"]),
        ("windows-7", ["tree-connect", "list", "tree-connect-ipc", "create-pipe", "enumerate-shares"]),
        ("windows-10-1809-enterprise", ["tree-connect-ipc", "dfs-referral", "tree-connect", "list"]),
        ("linux-cifs", ["tree-connect-ipc", "tree-connect", "dfs-referral", "list"]),
        ("macos-13", ["tree-connect", "list"]),
    ],
)
def test_a_share_is_opened_in_the_recorded_order(serve: Serve, name: str, order: list[str]) -> None:
    client = PERSONAS[name]
    done = attempt(client, Check.OPEN, serve("samba-4.22-smb1").target, client.policy)
    assert [str(step.name) for step in done.steps[3:]] == order


@pytest.mark.parametrize("name", ["windows-11-24h2", "windows-server-2025"])
def test_who_requires_signing_signs_and_takes_no_guest_session(serve: Serve, name: str) -> None:
    client = PERSONAS[name]
    assert attempt(client, Check.WRITE, serve("samba-4.22").target, client.policy).signed
    done = attempt(client, Check.OPEN, serve("guest-share").target, client.policy)
    assert (done.outcome, done.step, done.side) == (Outcome.REFUSED, StepName.SESSION_SETUP, Side.CLIENT)
    assert "1272" in client.words(str(done.step), str(done.status), done.side)


@pytest.mark.parametrize("server", ["sles11-like", "samba-4.22-smb1", "consumer-nas"])
@pytest.mark.parametrize("extended", [0x0800, 0], ids=["spnego", "bare"])
@pytest.mark.parametrize("charset", [0x8000, 0], ids=["unicode", "oem"])
@pytest.mark.parametrize("errors", [0x4000, 0], ids=["ntstatus", "dos"])
def test_smb1_is_spoken_as_flags2_says(
    serve: Serve, server: str, extended: int, charset: int, errors: int
) -> None:
    """[MS-CIFS] 2.2.3.1: each message says how its texts are written. Old devices write no Unicode."""
    client = PERSONAS["office-scanner" if not extended else "windows-xp"]
    data, flags2 = client.data, 0x0001 | extended | charset | errors
    assert data.opening.smb1 is not None
    ntlm = data.manner.ntlm
    manner = replace(
        data.manner,
        smb1=replace(data.manner.smb1, flags2=flags2),
        ntlm=replace(ntlm, flags=ntlm.flags & ~1 | (charset >> 15) | 2),
    )
    opening = replace(data.opening, smb1=replace(data.opening.smb1, flags2=flags2))
    plain = Persona(replace(data, opening=opening, manner=manner, checks=frozenset(CHECKS)))
    target = serve(server).target
    for check in CHECKS:
        done = attempt(plain, check, target, plain.policy)
        assert (done.outcome, done.note) == (Outcome.OK, ""), check
    gone = attempt(plain, Check.OPEN, replace(target, share="nowhere"), plain.policy)
    assert (gone.step, gone.status) == (StepName.TREE_CONNECT, "STATUS_BAD_NETWORK_NAME")
    if not SERVERS[server].guest:
        wrong = attempt(plain, Check.OPEN, replace(target, password="wrong"), plain.policy)
        assert (wrong.step, wrong.status) == (StepName.SESSION_SETUP, "STATUS_LOGON_FAILURE")


def test_libsmb2_opens_like_the_real_one(serve: Serve) -> None:
    """Its data say that they were measured byte for byte on the real library."""
    real, emulated = CATALOGUE.clients["libsmb2"], PERSONAS["libsmb2-player"]
    target = serve("samba-4.22").target
    if not target.program(real.image, "/bin/true"):
        pytest.skip(f"the image {real.image} is not built")
    said = _first_message(real, target)
    hello = emulated.opening.smb2
    assert hello is not None
    ours = smb2_negotiate(hello, 0, said[76:92], "")
    salt = slice(112 + 8 + 6, 112 + 8 + 6 + 32)
    assert said[salt] != ours[salt]
    assert (ours[: salt.start], ours[salt.stop :]) == (said[: salt.start], said[salt.stop :])


def _first_message(client: Client, target: Target) -> bytes:
    """What a client sends first to somebody who never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        nobody = replace(target, address="127.0.0.1", port=listener.getsockname()[1], seconds=5.0)
        caller = threading.Thread(target=attempt, args=(client, Check.OPEN, nobody, client.policy))
        caller.start()
        peer, _ = listener.accept()
        with peer, peer.makefile("rb") as stream:
            length = int.from_bytes(stream.read(4), "big")
            message = stream.read(length)
    caller.join()
    return message
