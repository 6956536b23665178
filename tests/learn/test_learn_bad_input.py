"""Captures that are cut off, none, empty, one-sided or hostile: one line, the right exit status, no crash."""

from __future__ import annotations

import gzip
import json
import struct
import tracemalloc
from functools import cache
from pathlib import Path

import pytest
from commandline import rehearse
from effort import effort
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packet_maker import (
    SYN,
    Talk,
    block,
    ethernet,
    ip,
    ntlm_negotiate,
    pcap,
    pcapng,
    smb1_negotiate,
    smb2_header,
    smb2_negotiate,
    smb2_session_setup,
    tcp,
    written,
)

from harness.errors import RehearsalError, UsageError
from harness.learn import matching
from harness.learn.capture import MAX_PACKET, Notes, segments
from harness.learn.streams import MAX_CONNECTIONS
from harness.learn.study import NothingSeen, Study, study

WINDOWS = (0x0202, 0x0210, 0x0300, 0x0302)


@cache
def known() -> tuple[matching.KnownPersona, ...]:
    # A few will do: whom a client is like is not what is tested here.
    return tuple(matching.personas()[:3])


def talk() -> Talk:
    made = Talk().opened().says(smb1_negotiate(["NT LM 0.12", "SMB 2.002", "SMB 2.???"]))
    made.hears(smb2_header(0, 0, response=True) + struct.pack("<HHHH", 65, 1, 0x2FF, 0) + bytes(57))
    return made.says(smb2_negotiate(WINDOWS)).says(smb2_session_setup(ntlm_negotiate()))


def learn(path: Path) -> Study:
    return study([path], known())


def test_a_capture_that_is_cut_at_any_byte_answers_and_says_so(tmp_path: Path) -> None:
    frames = talk().frames
    for whole, name in ((pcap(frames), "cut.pcap"), (pcapng(frames), "cut.pcapng")):
        ends = {24} | {len(pcap(frames[:count])) for count in range(len(frames) + 1)}
        ends_ng = {len(pcapng(frames[:count])) for count in range(len(frames) + 1)} | {
            len(pcapng([], links=()))
        }
        complete = ends if name == "cut.pcap" else ends_ng
        for size in range(len(whole)):
            path = written(tmp_path, whole[:size], name)
            try:
                found = learn(path)
            except NothingSeen as error:
                said = str(error)
            except UsageError:
                assert size < 4
                continue
            else:
                said = "; ".join(found.missing)
            assert ("the capture ends in the middle" in said) == (size not in complete), (name, size, said)
        assert learn(written(tmp_path, whole, name)).missing == []


def test_a_gzip_that_is_cut_at_any_byte_answers(tmp_path: Path) -> None:
    whole = gzip.compress(pcap(talk().frames))
    outcomes = set()
    for size in range(len(whole)):
        try:
            found = learn(written(tmp_path, whole[:size]))
        except RehearsalError as error:
            outcomes.add(error.exit_status)
        else:
            outcomes.add(0)
            assert found.missing == ["the capture ends in the middle: the packed file is cut off"]
    assert outcomes == {0, 3, 64}
    assert learn(written(tmp_path, whole)).missing == []


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"", 64, "is empty"),
        (b"GIF89a, no capture", 64, "is no capture"),
        (b"\x1f\x8b\x08\0not gzip at all", 64, ""),
        (gzip.compress(b"some text"), 64, "is no capture"),
        (pcap([]), 3, "holds no SMB: 0 packets"),
        (
            pcap([ethernet(ip("192.0.2.1", "192.0.2.2", tcp(1, 80, 1, SYN)))]),
            3,
            "none of TCP port 445 or 139",
        ),
        (pcap([frame for frame in talk().frames if frame[34:36] == b"\x01\xbd"]), 3, "no client's NEGOTIATE"),
        (pcap(talk().frames, link=195), 3, "packets of link type 195 cannot be read"),
        (pcapng(talk().frames, interface=7), 3, "interface 7"),
        (pcap([])[:20], 3, "the capture ends in the middle"),
    ],
    ids=[
        "empty",
        "gif",
        "gzip",
        "text.gz",
        "no-packets",
        "http",
        "server-only",
        "link",
        "interface",
        "header",
    ],
)
def test_what_cannot_be_learned_from_answers_with_one_line(
    tmp_path: Path, content: bytes, status: int, says: str
) -> None:
    ended = rehearse("learn", str(written(tmp_path, content)))
    assert ended.status == status
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("rehearse: ")
    assert says in line


def test_only_what_the_client_said_is_enough_and_said_to_be_partial(tmp_path: Path) -> None:
    frames = [frame for frame in talk().frames if frame[34:36] != b"\x01\xbd"]
    ended = rehearse("learn", "--json", str(written(tmp_path, pcap(frames))))
    assert ended.status == 0
    (host,) = json.loads(ended.stdout)["hosts"]
    assert host["missing"] == ["what the server said"]
    assert host["clients"][0]["fields"]["smb2_negotiate.dialects"] == ["2.0.2", "2.1", "3.0", "3.0.2"]


def test_several_interfaces_and_byte_orders_of_pcapng(tmp_path: Path) -> None:
    frames = talk().frames
    raw = [frame[14:] for frame in frames]
    for content in (
        pcapng(raw, links=(1, 101), interface=1),
        pcapng(frames, order=">"),
        pcapng([], links=(105,)) + block(0x0BAD, b"x" * 9) + pcapng(frames),
    ):
        (client,) = learn(written(tmp_path, content)).clients
        assert client.facts.fields["smb2_negotiate.dialects"] == ["2.0.2", "2.1", "3.0", "3.0.2"]


@pytest.mark.parametrize("size", [MAX_PACKET + 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_mad_length_field_takes_no_memory(tmp_path: Path, size: int) -> None:
    content = pcap(talk().frames) + struct.pack("<IIII", 0, 0, size, size) + b"x"
    tracemalloc.start()
    found = learn(written(tmp_path, content))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.missing == [f"the capture ends in the middle: a length field says {size} bytes"]
    assert peak < 8 * MAX_PACKET


@pytest.mark.parametrize(
    ("packet", "says"),
    [(bytes(16), "1000 packets in a row are empty"), (struct.pack("<IIII", 0, 0, 1, 1) + b"x", "200 times")],
    ids=["zeros", "tiny"],
)
def test_what_unpacks_without_end_is_given_up(tmp_path: Path, packet: bytes, says: str) -> None:
    """A gzip of 25 KB that unpacks to 25 MB, 1.5 million packets: the reading stops early."""
    whole = gzip.compress(pcap(talk().frames) + packet * (25_000_000 // len(packet)), 6)
    path = written(tmp_path, whole)
    notes = Notes()
    assert sum(1 for _ in segments(path, notes)) == len(talk().frames)
    assert says in notes.damage
    assert notes.packets < 300_000


def test_a_flood_of_connections_is_bounded(tmp_path: Path) -> None:
    count = MAX_CONNECTIONS + 500
    flood = [
        ethernet(ip(f"10.1.{number >> 8}.{number & 255}", "192.0.2.1", tcp(50000, 445, 1, SYN)))
        for number in range(count)
    ]
    found = learn(written(tmp_path, pcap([*talk().frames, *flood])))
    assert len(found.clients) == 1
    assert found.missing == ["501 connections were cut short: too many were open at once"]


@cache
def seeds() -> list[bytes]:
    """Real captures where there are some, and made ones."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "captures"
    found = [pcap(talk().frames), pcapng(talk().frames), gzip.compress(pcap(talk().frames))]
    found += [path.read_bytes() for path in sorted(folder.glob("*.pcap*")) if path.stat().st_size < 50_000]
    return found


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["set", "insert", "delete", "repeat", "cut"]), st.floats(0, 1), st.binary(max_size=8)
    ),
    min_size=1,
    max_size=6,
)


def changed(content: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    data = bytearray(content)
    for kind, where, what in changes:
        at = int(where * len(data))
        if kind == "set":
            data[at : at + len(what)] = what
        elif kind == "insert":
            data[at:at] = what
        elif kind == "delete":
            del data[at : at + len(what) * 16]
        elif kind == "repeat":
            data[at:at] = data[at : at + len(what) * 64]
        else:
            del data[at:]
    return bytes(data)


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000), changes=CHANGES)
def test_damaged_captures_never_crash(
    tmp_path_factory: pytest.TempPathFactory, seed: int, changes: list[tuple[str, float, bytes]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.pcap"
    path.write_bytes(changed(seeds()[seed % len(seeds())], changes))
    status, said = 0, ""
    try:
        with effort(2.0):
            found = learn(path)
    except RehearsalError as error:
        status, said = error.exit_status, str(error)
    else:
        assert found.clients
    assert status in (0, 3, 64)
    assert "\n" not in said
