"""A server that misbehaves is never called safe: what cannot be decided is unknown, and says why."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import bad_servers
import pytest
from bad_servers import Answer, bad_server, connected, meddler, pass_on
from known import CATALOGUE

from harness.exposures.survey import Survey, survey
from harness.model import Hole, Sighting, Target
from harness.result import SURVIVES
from harness.servers.live import LiveServer

TODAY = date(2026, 11, 25)
Serve = Callable[[str], LiveServer]


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def looked(target: Target) -> dict[str, Sighting]:
    return dict(survey(CATALOGUE.exposures, Survey(target, TODAY)).seen)


@pytest.mark.parametrize("answer", bad_servers.ALL, ids=lambda answer: answer.__name__)
def test_nothing_is_closed_on_a_server_that_speaks_no_smb(answer: Answer) -> None:
    with bad_server(answer) as target:
        seen = looked(target)
    assert len(seen) > 20
    for name, sighting in seen.items():
        assert sighting.state is Hole.UNKNOWN, (name, sighting)
        assert len(sighting.evidence) > 10


def test_the_reason_is_what_the_server_did() -> None:
    reasons = {}
    for answer in (bad_servers.hang, bad_servers.hang_up, bad_servers.tear, bad_servers.speak_http):
        with bad_server(answer) as target:
            reasons[answer.__name__] = looked(target)["smb1-spoken"].evidence
    assert "TIMEOUT" in reasons["hang"]
    assert "CLOSED" in reasons["hang_up"]
    assert "in the middle of a message" in reasons["tear"]
    assert "garbage: a frame that begins 48545450" in reasons["speak_http"]


def test_nobody_listens(free_port: int) -> None:
    seen = looked(Target("127.0.0.1", "share", "user", "secret", free_port, 0.3))
    assert {sighting.state for sighting in seen.values()} == {Hole.UNKNOWN}
    assert "RESET" in seen["smb1-spoken"].evidence


def test_a_server_that_is_meant_to_be_stopped(free_port: int) -> None:
    """Nothing can be reached there, which says nothing about the holes."""
    target = Target("127.0.0.1", "share", "user", "secret", free_port)
    seen = dict(survey(CATALOGUE.exposures, Survey(target, TODAY, down=True)).seen)
    assert {sighting.state for sighting in seen.values()} == {Hole.NOT_EXPOSED}
    assert "the server is stopped" in seen["smb1-spoken"].evidence


def test_a_server_that_should_be_stopped_and_is_not() -> None:
    with bad_server(bad_servers.answer_smb1) as target:
        seen = dict(survey(CATALOGUE.exposures, Survey(replace(target, seconds=1.0), TODAY, down=True)).seen)
    assert Hole.CLOSED not in {sighting.state for sighting in seen.values()}


@pytest.mark.local_lab
@pytest.mark.parametrize(
    "then",
    [
        bad_servers.hang_up,
        bad_servers.tear,
        bad_servers.garbage,
        bad_servers.speak_http,
        bad_servers.be_in_trouble,
    ],
    ids=lambda answer: answer.__name__,
)
@pytest.mark.parametrize("server", ["samba-4.22-smb1", "consumer-nas"])
def test_a_server_that_goes_wrong_in_the_middle(serve: Serve, server: str, then: Answer) -> None:
    """Whatever it does and when: a hole is what it is on the undisturbed server, or unknown."""
    live = serve(server)
    order = Survey(live.target, TODAY, live.internals(), account=not live.server.unknown_user)
    truth = survey(CATALOGUE.exposures, order).seen
    assert truth[SURVIVES].state is Hole.CLOSED
    for after in range(1, 9):
        with meddler(live.target, after, then) as target:
            seen = survey(CATALOGUE.exposures, replace(order, target=target)).seen
        wrong = {
            name: (truth[name], sighting)
            for name, sighting in seen.items()
            if sighting.state not in (truth[name].state, Hole.UNKNOWN)
        }
        assert not wrong, f"{then.__name__} after {after} answers"


@pytest.mark.local_lab
def test_a_server_that_stops_answering_in_the_middle(serve: Serve) -> None:
    live = serve("samba-4.22-smb1")
    order = Survey(live.target, TODAY, live.internals())
    truth = survey(CATALOGUE.exposures, order).seen
    with meddler(live.target, 2, bad_servers.hang, seconds=0.3) as target:
        seen = survey(CATALOGUE.exposures, replace(order, target=target)).seen
    assert any("TIMEOUT" in sighting.evidence for sighting in seen.values())
    for name, sighting in seen.items():
        assert sighting.state in (truth[name].state, Hole.UNKNOWN), (name, sighting)


@pytest.mark.local_lab
def test_a_server_that_hangs_up_on_the_frame_of_smb1_is_probed_in_that_of_smb2(serve: Serve) -> None:
    """As a server that was built without SMB1 altogether may do; it did not fall over."""
    live = serve("samba-4.22")

    def answer(peer: socket.socket, _number: int, message: bytes) -> bool:
        return message[:4] != b"\xffSMB" and pass_on(message, behind(peer), peer)

    order = Survey(live.target, TODAY, live.internals())
    # First, so that no helper is started meanwhile.
    truth = survey(CATALOGUE.exposures, order).seen
    with connected(live.target) as behind, bad_server(answer, seconds=20.0) as target:
        seen = survey(
            CATALOGUE.exposures,
            replace(order, target=replace(live.target, address=target.address, port=target.port)),
        ).seen
    # On a machine at its limit a helper of the server's own starts too late for the first survey.
    known = {name: one.state for name, one in truth.items() if one.state is not Hole.UNKNOWN}
    assert known["smb2-signing-not-required"] is Hole.OPEN
    assert {name: seen[name].state for name in known} == known
    assert "SMB 3.1.1 is answered" in seen["smb1-spoken"].evidence
