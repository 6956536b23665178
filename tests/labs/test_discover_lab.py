"""A server in Network: real nmbd, wsdd and Avahi, emulated clients, and silence that is believed.

One server for the whole module: nmbd takes about 20 s until it is the master browser.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.clients.base import attempt
from harness.errors import LabFault, Refused
from harness.labs.local import LocalLab
from harness.labs.marked import marked
from harness.labs.network.segments import segment_for
from harness.labs.samba import SambaServer
from harness.model import NO_ANSWER, NO_DIALECT, Attempt, Check, Outcome, StepName
from harness.servers.live import How, LiveServer
from harness.smb.discovery import asking, mdns, nbns, wsd

pytestmark = pytest.mark.local_lab

BOTH = replace(CATALOGUE.servers["samba-4.22-smb1"], on_network=True, browsed=True)
CHANGE = CATALOGUE.mitigation("ws-discovery-on")
FOR_MACS = CATALOGUE.mitigation("mdns-on")


@pytest.fixture(scope="module")
def live(lab: LocalLab) -> Iterator[LiveServer]:
    with lab.serve(BOTH) as server:
        yield server


def look(live: LiveServer, name: str, *, smb1: bool = True) -> Attempt:
    client = CATALOGUE.clients[name]
    policy = client.policy if smb1 else replace(client.policy, smb1=False)
    return attempt(client, Check.DISCOVER, live.target, policy)


def devices() -> set[str]:
    return {name for _, name in socket.if_nameindex()}


def told(made: Attempt) -> str:
    return "; ".join(step.detail for step in made.steps)


@pytest.mark.parametrize("name", ["windows-xp", "windows-7", "windows-10-1703"])
def test_netbios_browsing_shows_it_to_windows_with_smb1(live: LiveServer, name: str) -> None:
    made = look(live, name)
    assert made.outcome is Outcome.OK, made
    assert "WORKGROUP<1d>, the local master browser, is this server" in told(made)
    assert "NetServerEnum2 lists FILESERVER" in told(made)
    assert made.dialect == "NT LM 0.12"
    assert made.inferred


def test_it_vanishes_with_the_smb1_of_either_side(live: LiveServer) -> None:
    gone = look(live, "windows-10-1703", smb1=False)
    assert (gone.outcome, gone.step, gone.status) == (Outcome.REFUSED, StepName.DISCOVER, NO_ANSWER)
    assert "the client's Computer Browser went with its SMB1" in gone.note
    assert "nobody but the lab's own responder answers a WS-Discovery Probe" in gone.note
    before = live.state
    live.become(CATALOGUE.mitigation("smb1-server-off").changed(before, BOTH), How.RESTART)
    try:
        by_name = look(live, "windows-xp")
        assert (by_name.outcome, by_name.step, by_name.status) == (
            Outcome.REFUSED,
            StepName.DISCOVER,
            NO_DIALECT,
        )
        # The name is found: it is the list that needs SMB1.
        assert "WORKGROUP<1d>, the local master browser, is this server" in told(by_name)
        assert look(live, "windows-10-1703").status == NO_ANSWER
    finally:
        live.become(before, How.RESTART)
    assert look(live, "windows-xp").outcome is Outcome.OK


def test_ws_discovery_brings_it_back_and_goes_again(live: LiveServer) -> None:
    assert look(live, "windows-11-24h2").status == NO_ANSWER
    assert not CHANGE.verify(live).in_effect
    before = live.state
    CHANGE.apply(live)
    try:
        assert CHANGE.verify(live).in_effect
        for made in (look(live, "windows-11-24h2"), look(live, "windows-10-1703", smb1=False)):
            assert made.outcome is Outcome.OK, made
            assert "this server says to be FILESERVER of WORKGROUP" in told(made)
    finally:
        CHANGE.revert(live, before)
    assert not CHANGE.verify(live).in_effect
    assert look(live, "windows-11-24h2").status == NO_ANSWER


def test_mdns_shows_it_to_macs_and_goes_again(live: LiveServer) -> None:
    macs = sorted(name for name in CATALOGUE.clients if name.startswith("macos-"))
    gone = look(live, macs[0])
    assert (gone.outcome, gone.step, gone.status) == (Outcome.REFUSED, StepName.DISCOVER, NO_ANSWER)
    assert "nobody but the lab's own responder answers an mDNS question for _smb._tcp.local" in gone.note
    assert not FOR_MACS.verify(live).in_effect
    before = live.state
    FOR_MACS.apply(live)
    try:
        assert FOR_MACS.verify(live).in_effect
        for name in macs:
            made = look(live, name)
            assert made.outcome is Outcome.OK, made
            assert "by mDNS this server offers SMB as FILESERVER, at FILESERVER.local" in told(made)
            assert "mDNS" in made.inferred
        # It answers what Windows asks no more than before.
        assert look(live, "windows-11-24h2").status == NO_ANSWER
    finally:
        FOR_MACS.revert(live, before)
    assert not FOR_MACS.verify(live).in_effect
    assert look(live, macs[0]).status == NO_ANSWER


def test_netbios_off_takes_it_from_windows_with_smb1_alone(live: LiveServer) -> None:
    change = CATALOGUE.mitigation("netbios-off")
    before, found = live.state, look(live, "windows-7")
    assert found.outcome is Outcome.OK
    assert change.stops(found)
    assert not change.verify(live).in_effect
    change.apply(live)
    try:
        seen = change.verify(live)
        assert seen.in_effect, seen.evidence
        gone = look(live, "windows-7")
        assert (gone.outcome, gone.step, gone.status) == (Outcome.REFUSED, StepName.DISCOVER, NO_ANSWER)
        # By its address it is opened as before.
        client = CATALOGUE.clients["windows-7"]
        assert attempt(client, Check.OPEN, live.target, client.policy).outcome is Outcome.OK
    finally:
        change.revert(live, before)
    assert not change.verify(live).in_effect


def test_who_does_not_look_so_cannot_and_says_why(live: LiveServer) -> None:
    for name, why in (
        ("windows-server-2022", "network discovery is off"),
        ("curl", ""),
    ):
        made = look(live, name)
        assert made.outcome is Outcome.UNSUPPORTED
        assert why in made.note


def test_without_a_network_nothing_is_said(live: LiveServer) -> None:
    client = CATALOGUE.clients["windows-xp"]
    elsewhere = replace(live.target, segment=None)
    made = attempt(client, Check.DISCOVER, elsewhere, client.policy)
    assert made.outcome is Outcome.UNSUPPORTED


@pytest.mark.usefixtures("lab")
def test_silence_counts_only_where_the_labs_own_responder_was_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same empty network with an ear, and without one."""
    with segment_for(BOTH, 19_999) as segment:
        assert segment is not None
        name = nbns.Name("NOBODY", nbns.FILE_SERVER)
        for ask in (
            lambda: asking.address_of(segment, name, 0.3),
            lambda: asking.device_at(segment, 0.3),
            lambda: asking.service_at(segment, 0.3),
        ):
            with pytest.raises(Refused, match=NO_ANSWER):
                ask()
            with monkeypatch.context() as deaf:
                deaf.setattr(nbns, "queried", lambda _: None)
                deaf.setattr(wsd, "match", lambda *_: b"")
                deaf.setattr(mdns, "asked", lambda _: None)
                with pytest.raises(LabFault, match="not even answered by the lab's own responder"):
                    ask()


def test_all_of_it_ends_with_the_server(lab: LocalLab) -> None:
    """Also where the lab is left by an error. Without NetBIOS, so that no election is waited for."""
    quick = replace(BOTH, browsed=False)
    names: list[str] = []
    device = mount = ""
    with suppress(ZeroDivisionError), lab.serve(quick) as server:
        assert isinstance(server, SambaServer)
        CHANGE.apply(server)
        FOR_MACS.apply(server)
        names = [f"{Path(server.access()['smb.conf']).parent}:{what}" for what in ("nmbd", "wsdd")]
        assert [bool(marked(name)) for name in names] == [False, True]
        mount = f"/avahi-{Path(names[0]).name.partition(':')[0]} "
        assert mount in Path("/proc/self/mountinfo").read_text()
        assert server.target.segment
        assert asking.service_at(server.target.segment, 5.0)
        device = server.target.segment.device
        assert device in devices()
        raise ZeroDivisionError
    assert names
    assert [marked(name) for name in names] == [[], []]
    assert mount
    assert mount not in Path("/proc/self/mountinfo").read_text()
    assert device
    assert device not in devices()
