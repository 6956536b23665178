"""What real captures hold and what must not be concluded from it, on packets made for it."""

from __future__ import annotations

import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from learning import Learn, learner, only
from packet_maker import (
    Talk,
    ntlm_negotiate,
    smb1_negotiate,
    smb2_header,
    smb2_negotiate,
    smb2_session_setup,
)

from harness.clients.persona_file import PersonaFile
from harness.learn import matching
from harness.learn.observe import Opening
from harness.learn.streams import Direction
from harness.model import Check
from harness.report import learned
from harness.smb.offer import SMB2_ANY

EXTENDED_SECURITY = 0x0800
NT1 = "NT LM 0.12"
WINDOWS = (0x0202, 0x0210, 0x0300, 0x0302)


@pytest.fixture
def learn(tmp_path: Path, known: list[matching.KnownPersona]) -> Learn:
    return learner(tmp_path, known)


@pytest.mark.parametrize("flags2", [0xC853, 0xC843])
def test_the_flag_that_everybody_sets_is_no_signing_requirement(learn: Learn, flags2: int) -> None:
    client = only(learn(Talk().opened().says(smb1_negotiate([NT1], flags2))))
    assert client.facts.fields["smb1_negotiate.flags2"] == flags2
    assert "policy.require_signing" not in client.facts.fields
    assert "cannot be told" in learned.signing(client)


@pytest.mark.parametrize(
    ("negotiate", "setup", "required"), [(1, 2, False), (1, 3, False), (3, 1, True), (2, 1, True)]
)
def test_signing_is_read_from_the_negotiate_not_from_the_session_setup(
    learn: Learn, negotiate: int, setup: int, required: bool
) -> None:
    talk = (
        Talk()
        .opened()
        .says(smb2_negotiate(WINDOWS, negotiate))
        .says(smb2_session_setup(ntlm_negotiate(), setup))
    )
    assert only(learn(talk)).facts.fields["policy.require_signing"] is required


def test_a_claimed_version_of_windows_makes_no_windows(learn: Learn) -> None:
    talk = Talk().opened().says(smb1_negotiate([NT1, "SMB 2.002", SMB2_ANY], 0xC801))
    client = only(
        learn(
            talk.says(smb2_negotiate(WINDOWS, capabilities=0x77)).says(smb2_session_setup(ntlm_negotiate()))
        )
    )
    assert client.facts.fields["ntlm.version"] == [6, 1, 7600]
    assert client.like[0].persona.data.name.startswith("macos")
    assert any("claims Windows 7, as those of macOS" in note for note in client.facts.notes)


def test_one_host_with_several_kinds_of_connection_is_one_client(learn: Learn) -> None:
    strings = ["LANMAN2.1", NT1]
    first = Talk(port=1).opened().says(smb1_negotiate([*strings, "SMB 2.002", SMB2_ANY]))
    first.says(smb2_negotiate(WINDOWS))
    again = Talk(port=2).opened().says(smb2_negotiate(WINDOWS))
    browser = Talk(port=3, to=139).opened().says(smb1_negotiate(strings))
    client = only(learn(first, again, browser))
    assert {one.opening for one in client.software.contacts} == {
        Opening.MULTI,
        Opening.DIRECT,
        Opening.SMB1_ONLY,
    }
    assert client.facts.fields["smb1_negotiate.dialects"] == [*strings, "SMB 2.002", SMB2_ANY]


def test_two_programs_on_one_host_are_two_clients(learn: Learn) -> None:
    one = Talk(port=1).opened().says(smb1_negotiate(["Samba", NT1]))
    other = Talk(port=2).opened().says(smb2_negotiate([0x0210, 0x0300]))
    found = learn(one, other)
    names = [client.learned.name for client in found.clients if client.learned]
    assert names == ["learned-192.0.2.10", "learned-192.0.2.10-2"]


def test_a_further_channel_is_not_what_the_client_offers(learn: Learn) -> None:
    bind = smb2_session_setup(ntlm_negotiate(), binding=True)
    channel = Talk(port=2).opened().says(smb2_negotiate([0x0311])).says(bind)
    first = Talk(port=1).opened().says(smb2_negotiate(WINDOWS))
    assert only(learn(channel, first)).facts.fields["smb2_negotiate.dialects"] == [
        "2.0.2",
        "2.1",
        "3.0",
        "3.0.2",
    ]
    alone = only(learn(channel))
    assert "smb2_negotiate.dialects" not in alone.facts.fields
    assert any("multichannel" in note for note in alone.facts.notes)


def test_a_probe_that_stops_after_the_first_message_is_no_failed_logon(learn: Learn) -> None:
    more = smb2_header(1, 2, response=True, status=0xC0000016) + bytes(8)
    talk = (
        Talk().opened().says(smb2_negotiate(WINDOWS)).says(smb2_session_setup(ntlm_negotiate())).hears(more)
    )
    client = only(learn(talk))
    (contact,) = client.software.contacts
    (logon,) = contact.logons
    assert (logon.kind, logon.result, logon.stopped) == ("", "", True)
    assert "no failed logon" in learned.told(logon)
    assert "ntlm.level" not in client.facts.fields


def test_an_smb1_frame_is_not_smb1_use(learn: Learn) -> None:
    client = only(
        learn(
            Talk().opened().says(smb1_negotiate([NT1, "SMB 2.002", SMB2_ANY])).says(smb2_negotiate(WINDOWS))
        )
    )
    assert "policy.smb1" not in client.facts.fields


@pytest.mark.parametrize(
    "talk",
    [
        Talk(vlans=1),
        Talk(vlans=2),
        Talk("2001:db8::10", "2001:db8::1"),
        Talk("2001:db8::10", "2001:db8::1", vlans=1, to=139),
    ],
    ids=["vlan", "qinq", "ipv6", "ipv6-vlan-139"],
)
def test_tags_ipv6_and_netbios_are_read(learn: Learn, talk: Talk) -> None:
    client = only(learn(talk.opened().says(smb2_negotiate(WINDOWS), piece=11)))
    assert client.facts.fields["smb2_negotiate.dialects"] == ["2.0.2", "2.1", "3.0", "3.0.2"]


def test_segments_out_of_order_sent_twice_and_overlapping_make_one_stream(learn: Learn) -> None:
    talk = Talk().opened().says(smb2_negotiate(WINDOWS), piece=20)
    syn, answer, *data = talk.frames
    for frames in (data[::-1], [*data, *data], [one for pair in pairwise(data[::-1]) for one in pair]):
        shuffled = Talk(frames=[syn, answer, *frames])
        assert only(learn(shuffled)).facts.fields["smb2_negotiate.dialects"] == [
            "2.0.2",
            "2.1",
            "3.0",
            "3.0.2",
        ]


def test_a_stream_sent_backwards_in_single_bytes_takes_no_longer_than_its_length() -> None:
    def lines(count: int) -> int:
        """How many lines of code are run for so many bytes."""
        direction, ran = Direction(from_server=False), 0

        def trace(_frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal ran
            ran += event == "line"
            return trace

        direction.begin(0)
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            for place in range(count, 0, -1):
                direction.add(place, b"\0")
        finally:
            sys.settrace(before)
        assert direction.taken == count
        return ran

    # Eight times the bytes are eight times the work; 64 times were it quadratic.
    assert lines(400) < 10 * lines(50)


def test_a_long_stream_sent_backwards_is_put_together(learn: Learn) -> None:
    talk = Talk().opened().says(smb2_negotiate(WINDOWS))
    opened = len(talk.frames)
    talk.says(bytes(20_000), piece=1)
    frames = [*talk.frames[:opened], *reversed(talk.frames[opened:])]
    client = only(learn(Talk(frames=frames)))
    assert client.facts.fields["smb2_negotiate.dialects"] == ["2.0.2", "2.1", "3.0", "3.0.2"]


def test_sequence_numbers_begin_anew(learn: Learn) -> None:
    talk = Talk(client_next=2**32 - 20).opened().says(smb2_negotiate(WINDOWS), piece=7)
    for frames in (talk.frames, [*talk.frames[:2], *talk.frames[:1:-1]]):
        client = only(learn(Talk(frames=frames)))
        assert client.facts.fields["smb2_negotiate.dialects"] == ["2.0.2", "2.1", "3.0", "3.0.2"]


def test_behind_a_gap_reading_goes_on(learn: Learn) -> None:
    talk = Talk().opened().says(smb2_negotiate(WINDOWS))
    kept = len(talk.frames)
    talk.says(bytes(3000)).says(smb2_session_setup(ntlm_negotiate()))
    del talk.frames[kept]
    client = only(learn(talk))
    (contact,) = client.software.contacts
    assert contact.missing == ("what the server said", "pieces in the middle")
    assert len(contact.logons) == 1


@pytest.mark.parametrize("flags2", [0xC853, 0xC001])
def test_what_is_inferred_goes_together_with_what_was_seen(learn: Learn, flags2: int) -> None:
    client = only(learn(Talk().opened().says(smb1_negotiate([NT1], flags2))))
    assert client.learned is not None
    made = PersonaFile.model_validate(tomllib.loads(client.learned.text))
    assert made.smb1_session is not None
    assert made.smb1_session.flags2 & EXTENDED_SECURITY == flags2 & EXTENDED_SECURITY
    assert set(made.checks) == set(Check)


def test_a_name_of_a_client_is_harmless(learn: Learn) -> None:
    client = only(learn(Talk().opened().says(smb1_negotiate(["\x1b[31m", NT1, '"\\']))))
    assert client.facts.fields["smb1_negotiate.dialects"] == ["?[31m", NT1, '"\\']
    assert client.learned is not None
