"""SMB over QUIC before a real smbd: real smbclient and an emulated Windows over it, and what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conducting import Moment, Stage, conduct
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from known import CATALOGUE

from harness.clients.base import attempt
from harness.conduct.evidence import Keeper
from harness.conduct.workers import Pool
from harness.errors import LabFault
from harness.labs.capture import Capture
from harness.labs.local import LocalLab
from harness.labs.marked import marked
from harness.labs.samba import SambaServer
from harness.model import RESET, Attempt, CellId, Check, Effect, Outcome, Phase, Side, StepName
from harness.record.evidence import PLACE, Wanted, folder_of
from harness.servers.live import How, target_of_clients
from harness.servers.quic import Certificate, Quic
from harness.smb.quic import ending

pytestmark = [pytest.mark.local_lab, pytest.mark.xdist_group("quic")]

REAL, WINDOWS, OLDER = "smbclient-4.25-quic", "windows-11-24h2", "windows-7"
HELD = {
    Certificate.UNTRUSTED: ending.NOT_TRUSTED,
    Certificate.OTHER_NAME: ending.OTHER_NAME,
    Certificate.EXPIRED: ending.EXPIRED,
}


@pytest.fixture(scope="module")
def live(lab: LocalLab) -> Iterator[SambaServer]:
    """A server of this module alone, whose clients come by QUIC in some tests."""
    with lab.serve(CATALOGUE.servers["samba-4.22"]) as started:
        assert isinstance(started, SambaServer)
        yield started


def offered(live: SambaServer, quic: Quic | None) -> None:
    moves = (quic is not None and quic.alone) != (live.state.quic is not None and live.state.quic.alone)
    live.become(replace(live.state, quic=quic), How.RESTART if moves else How.RELOAD)


def made(live: SambaServer, client: str, check: Check = Check.OPEN) -> Attempt:
    one = CATALOGUE.clients[client]
    return attempt(one, check, target_of_clients(live), one.policy)


def went(seen: Attempt) -> list[tuple[StepName, str]]:
    return [(step.name, step.status) for step in seen.steps][:4]


def test_beside_tcp_each_goes_its_own_way(live: SambaServer) -> None:
    offered(live, None)
    nobody = made(live, REAL)
    assert went(nobody) == [(StepName.QUIC_CONNECT, RESET)]
    words = CATALOGUE.clients[REAL].words(StepName.QUIC_CONNECT, RESET, Side.SERVER).split("…")
    assert all(part in nobody.said for part in words)
    offered(live, Quic())
    real, windows = made(live, REAL, Check.WRITE), made(live, WINDOWS)
    assert (real.outcome, windows.outcome) == (Outcome.OK, Outcome.OK)
    assert [name for name, _ in went(real)][:3] == ["quic-connect", "tls", "negotiate"]
    assert [name for name, _ in went(windows)][:2] == ["connect", "negotiate"]


def test_alone_only_who_has_quic_gets_in(live: SambaServer) -> None:
    offered(live, Quic(alone=True))
    for client in (REAL, WINDOWS):
        for check in (Check.BROWSE, Check.WRITE):
            assert made(live, client, check).outcome is Outcome.OK, (client, check)
    tried = made(live, WINDOWS)
    assert went(tried)[0] == (StepName.CONNECT, RESET)
    assert "files.example.test" in tried.steps[2].detail
    out = made(live, OLDER)
    assert (out.outcome, out.step, out.status) == (Outcome.REFUSED, StepName.CONNECT, RESET)


@pytest.mark.parametrize("certificate", HELD)
def test_a_bad_certificate_is_refused_by_the_client(live: SambaServer, certificate: Certificate) -> None:
    offered(live, Quic(alone=True, certificate=certificate))
    for client in (REAL, WINDOWS):
        seen = made(live, client)
        assert (seen.outcome, seen.step, seen.side) == (Outcome.REFUSED, StepName.TLS, Side.CLIENT), client
        assert seen.status == HELD[certificate], client


@pytest.fixture
def relayed(live: SambaServer) -> SambaServer:
    """The server by QUIC alone."""
    offered(live, Quic(alone=True))
    return live


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=1500), min_size=1, max_size=5), st.booleans())
def test_the_relay_survives_any_datagram(relayed: SambaServer, said: list[bytes], initial: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.connect((target_of_clients(relayed).address, 443))
        for one in said:
            # A long header of version 1 and type Initial (RFC 9000 17.2.2), and whatever then.
            stranger.send(b"\xc0\0\0\0\1\x08" + one.ljust(1300, b"\0") if initial else one)
    assert "answered" in relayed.front.prove()


def test_a_certificate_that_cannot_be_read_is_a_fault(live: SambaServer) -> None:
    offered(live, None)
    broken = live.front.files(Certificate.TRUSTED)[0]
    whole = broken.read_bytes()
    try:
        for text in (b"", b"no certificate", whole[: len(whole) // 2]):
            broken.write_bytes(text)
            with pytest.raises(LabFault, match="the relay that speaks QUIC for") as fault:
                offered(live, Quic())
            assert "is gone" in str(fault.value)
            assert "with the certificate" in str(fault.value)
            live.front.stop()
    finally:
        broken.write_bytes(whole)
    live.state = replace(live.state, quic=None)


def test_a_rehearsal_explains_who_goes_and_keeps_what_the_relay_said(
    lab: LocalLab, pool: Pool, tmp_path: Path
) -> None:
    selector = f"quic-relay-only:samba-4.22:{REAL},{WINDOWS},{OLDER}:open"
    with Capture() as capture:
        keeper = Keeper(tmp_path / "run", Wanted.ALL, capture)
        result = conduct(tmp_path / "run", [selector], Stage(lab), pool, keeper=keeper)
    effects = {one.cell.client: one.effect for one in result.cells}
    assert effects == {REAL: Effect.GAINED, WINDOWS: Effect.KEPT, OLDER: Effect.LOST}
    assert [one.cell for one in result.cells if one.restored is False] == []
    (lost,) = [one for one in result.cells if one.effect is Effect.LOST]
    assert lost.cause == "TCP port 445 is closed, and this client does not come by QUIC"
    for client in (REAL, WINDOWS):
        cell = CellId("quic-relay-only", "samba-4.22", client, "open")
        kept = tmp_path / "run" / PLACE / folder_of(cell)
        manifest = json.loads((kept / "manifest.json").read_text())
        files = {one["name"]: one["what"] for one in manifest["files"]}
        # The packets between the relay and smbd, and what smbd's log says of these connections.
        ends = json.loads((kept / "cell.json").read_text())["phases"]["applied"]["connections_from"]
        assert int(files.get("packets.pcapng", "0").split()[0]) > 20, (client, ends, manifest)
        assert any(end in (kept / "server.log").read_text() for end in ends), client


def test_a_relay_that_is_killed_makes_faults_and_leaves_nothing(
    lab: LocalLab, pool: Pool, tmp_path: Path
) -> None:
    marks = []

    def kill(moment: Moment) -> None:
        if moment.phase == Phase.APPLIED and moment.times == 2:
            assert isinstance(moment.live, SambaServer)
            marks.append(moment.live.front.mark)
            for pid in marked(moment.live.front.mark):
                os.kill(pid, signal.SIGKILL)

    selector = f"quic-relay-only:samba-4.22:{REAL},{WINDOWS},{OLDER}:open"
    result = conduct(tmp_path / "run", [selector], Stage(lab, kill), pool)
    assert marks
    assert {one.effect for one in result.cells} == {Effect.FAULT}
    assert all("the relay that speaks QUIC for samba-4.22 is gone" in one.cause for one in result.cells)
    assert [pid for mark in marks for pid in (*marked(mark), *marked(mark.removesuffix(":quic")))] == []


def test_who_is_connected_comes_back_by_quic_or_not_at_all(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    selectors = [f"quic-relay-only:samba-4.22:{WINDOWS},{OLDER}:browse-connected,connected"]
    result = conduct(tmp_path / "run", selectors, Stage(lab), pool)
    came = {(one.cell.client, one.cell.check): one.phases[Phase.APPLIED] for one in result.cells}
    assert [one.cell for one in result.cells if one.restored is False] == []
    for check in ("browse-connected", "connected"):
        assert came[WINDOWS, check].outcome is Outcome.OK, check
        assert StepName.TLS in {step.name for step in came[WINDOWS, check].steps}, check
        assert (came[OLDER, check].step, came[OLDER, check].status) == (StepName.CONNECT, RESET), check
