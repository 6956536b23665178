"""The smbprotocol library as a client: what it offers, and that nothing of it stays behind."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from bad_servers import bad_server, hang

from harness.clients.base import attempt
from harness.clients.smbprotocol_client import CLIENTS
from harness.model import Check, Dialect, Fidelity, Outcome, Side, StepName, Target

(CLIENT,) = CLIENTS
NOWHERE = Target("127.0.0.1", "share", "nobody", "", seconds=1.0)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_it_is_real_and_never_had_smb1() -> None:
    assert CLIENT.fidelity is Fidelity.REAL
    assert CLIENT.software().startswith("smbprotocol 1.")
    assert "never" in CLIENT.smb1_removable


@pytest.mark.parametrize(
    ("lowest", "highest", "offered"),
    [
        (Dialect.SMB2_02, Dialect.SMB3_11, (0x0202, 0x0210, 0x0300, 0x0302, 0x0311)),
        (Dialect.NT1, Dialect.SMB3_11, (0x0202, 0x0210, 0x0300, 0x0302, 0x0311)),
        (Dialect.SMB3_00, Dialect.SMB3_11, (0x0300, 0x0302, 0x0311)),
        (Dialect.SMB3_11, Dialect.SMB3_11, (0x0311,)),
        # The library can be limited upwards to one dialect only.
        (Dialect.SMB2_02, Dialect.SMB2_10, (0x0210,)),
        (Dialect.NT1, Dialect.NT1, ()),
        (Dialect.SMB3_11, Dialect.SMB3_00, ()),
    ],
)
def test_its_offer_is_seen_on_the_wire(lowest: Dialect, highest: Dialect, offered: tuple[int, ...]) -> None:
    offer = CLIENT.offer(replace(CLIENT.policy, min_dialect=lowest, max_dialect=highest), NOWHERE)
    assert (offer.smb1_dialects, offer.smb2_dialects) == ((), offered)


def test_nobody_listens(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    done = attempt(CLIENT, Check.OPEN, replace(NOWHERE, port=port), CLIENT.policy)
    assert (done.outcome, done.step, done.status) == (Outcome.REFUSED, StepName.CONNECT, "RESET")
    assert len(done.steps) == 1


def test_a_silent_server_costs_no_more_than_the_target_allows() -> None:
    # It hangs up in the end: whoever waits so long is told CLOSED.
    with bad_server(hang, seconds=0.3) as target:
        done = attempt(CLIENT, Check.BROWSE, target, CLIENT.policy)
    assert (done.outcome, done.step, done.status) == (Outcome.REFUSED, StepName.NEGOTIATE, "TIMEOUT")


def test_a_closed_connection(listener: socket.socket) -> None:
    closer = threading.Thread(target=lambda: listener.accept()[0].close())
    closer.start()
    done = attempt(CLIENT, Check.WRITE, replace(NOWHERE, port=listener.getsockname()[1]), CLIENT.policy)
    closer.join()
    assert (done.outcome, done.step) == (Outcome.REFUSED, StepName.NEGOTIATE)
    assert done.status in ("CLOSED", "RESET")


def test_limits_that_leave_nothing_are_the_clients_own(listener: socket.socket) -> None:
    policy = replace(CLIENT.policy, max_dialect=Dialect.NT1)
    done = attempt(CLIENT, Check.OPEN, replace(NOWHERE, port=listener.getsockname()[1]), policy)
    assert (done.outcome, done.status, done.side) == (Outcome.REFUSED, "NO_DIALECT", Side.CLIENT)


def test_a_held_connection_is_not_its_habit() -> None:
    done = attempt(CLIENT, Check.BROWSE_CONNECTED, NOWHERE, CLIENT.policy)
    assert done.outcome is Outcome.UNSUPPORTED
