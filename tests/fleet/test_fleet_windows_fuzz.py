"""Whatever a text says: an importer raises nothing, names no loopback, and passes on nothing that a terminal
obeys."""

from __future__ import annotations

import ipaddress
import tracemalloc
from collections.abc import Iterator

import pytest
from event_xml import SECURITY, SMB_SERVER, xml
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory import of_text

from harness.fleet import importers
from harness.fleet.importers import client_list, windows_events, windows_sessions
from harness.fleet.reading import EXAMPLES, WIDTH, Importer, Tally

LOGON = xml(4624, SECURITY, {"LogonType": "3", "IpAddress": "10.0.0.9", "LmPackageName": "NTLM V1"})
PIECES = {
    "windows-sessions": [
        "PS C:\\> Get-SmbSession",
        "SessionId ClientComputerName ClientUserName NumOpens",
        "--------- ------------------ -------------- --------",
        "549755813893 10.10.75.1 EXAMPLE\\user1 1",
        "ClientComputerName : \\\\10.0.0.1",
        "ServerName ShareName Dialect",
        '"ClientComputerName","Dialect"',
        '"[fe80::1%3]","3.1.1"',
        '[{"ClientComputerName": "ws1", "Dialect": 785}, {',
        "}]",
        "Get-SmbSession : Access is denied.",
    ],
    "windows-events": [
        "Log Name:      Microsoft-Windows-SMBServer/Audit",
        "Event ID:      3000",
        "Ereignis-ID: 4624",
        "日付: 2019/12/13 11:37:53",
        "Description:",
        "Client Address: 10.0.0.9",
        "Paketname (nur NTLM): NTLM V1",
        "Date: 30828-09-14",
        "TimeCreated  : 12/13/2019 11:37:53 AM",
        "Message      : SMB1 access",
        "   ProviderName: Microsoft-Windows-SMBServer",
        "12/13/2019 11:37:53 AM        3000 Information      SMB1 access...",
        '"Id","Message","TimeCreated"',
        '"3000","SMB1 access',
        LOGON,
        LOGON[:100],
        LOGON[100:],
        '{"Id": 3000, "Properties": [{"Value": "10.0.0.9"}]}',
    ],
    "nmap": [
        "Nmap scan report for nas (10.0.0.5)",
        "445/tcp open  microsoft-ds",
        "| smb-protocols: ",
        "|     2.02",
        "|_    Message signing enabled and required",
        "<nmaprun><host><address addr='10.0.0.7' addrtype='ipv4'/>",
        "<script id='smb-protocols' output='2.1'/></host>",
        "Starting Nmap 7.94 ( https://nmap.org ) at 2024-13-45 10:11 CET",
    ],
    "netexec": [
        "SMB  10.0.0.4  445  PC  [*] Windows 7 (name:PC) (domain:x) (signing:False) (SMBv1:None)",
        "NTLMV1  10.0.0.4  445  PC  NTLMv1 allowed on: x - LmCompatibilityLevel = 2",
        "SMB  [::1]  445  (name:) [*] (name:)",
    ],
    "clients": ["client,count", "windows-7,19", '"a', "x;y", "19", ",,", "sep=;"],
    "assets": ["hostname,ip,model,last seen", "ws1,10.0.0.1,Dell,01/02/2020", 'ws2,"::1",24" x,', "a\tb"],
}
NOISE = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\n")
    | st.sampled_from('",;:\t|-.[]{}<>&%\\'),
    max_size=40,
)


@st.composite
def texts(draw: st.DrawFn, kind: str) -> str:
    """Pieces of that kind, whole and cut, between pieces of other kinds and noise."""
    others = [piece for pieces in PIECES.values() for piece in pieces]
    whole = st.sampled_from(PIECES[kind])
    cut = st.builds(lambda piece, at: piece[:at], whole, st.integers(0, 60))
    return "\n".join(draw(st.lists(whole | cut | NOISE | st.sampled_from(others) | st.just(""), max_size=30)))


@pytest.mark.parametrize("kind", PIECES)
def test_nothing_that_a_text_says_breaks_an_importer(kind: str) -> None:
    @settings(max_examples=60, deadline=None)
    @given(texts(kind))
    def holds(text: str) -> None:
        for importer in importers.by_name().values():
            importer.recognises(text)
        sightings, tally = of_text(kind, text)
        for one in sightings:
            if one.address:
                address = ipaddress.ip_address(one.address)
                assert not address.is_loopback
                assert str(address) == one.address
            assert one.count >= 1
            for words in (one.name, one.said, one.unknown_dialect):
                assert words.isprintable()
        for lines in tally.examples.values():
            assert len(lines) <= EXAMPLES
            assert all(len(line) <= WIDTH and number >= 1 for number, line in lines)
        assert len(tally.not_understood) < 20

    holds()


@pytest.mark.parametrize("kind", PIECES)
def test_one_importer_alone_knows_a_text_of_its_kind(kind: str) -> None:
    beginnings = {
        "windows-sessions": PIECES[kind][:4],
        "windows-events": PIECES[kind][:2],
        "nmap": PIECES[kind][:3],
        "netexec": PIECES[kind][:1],
        "clients": PIECES[kind][:2],
        "assets": PIECES[kind][:2],
    }
    text = "\n".join(beginnings[kind])
    assert [one.name for one in importers.by_name().values() if one.recognises(text)] == [kind]


def many(kind: str) -> Iterator[str]:
    """Many lines of a kind, made as they are read."""
    if kind == "sessions":
        yield "ClientComputerName;Dialect"
    if kind == "clients":
        yield "client,count"
    for number in range(MANY):
        # The same few, for addresses that were seen are remembered up to a number.
        address = f"10.0.0.{number % 200}"
        if kind == "sessions":
            yield f'"{address}";"3.1.1"'
        elif kind == "clients":
            yield f"kind {number % 200},1"
        else:
            yield xml(3000, SMB_SERVER, {"ClientName": address})


MANY = 4000
"""Enough for what grows with the file to show: a reader that held it all would need 800 kB and more."""


@pytest.mark.parametrize(
    ("kind", "importer"),
    [
        ("sessions", windows_sessions.IMPORTER),
        ("clients", client_list.IMPORTER),
        ("events", windows_events.IMPORTER),
    ],
)
def test_memory_does_not_grow_with_the_file(kind: str, importer: Importer) -> None:
    tally = Tally()
    found = importer.read("x", many(kind), tally)
    for _ in range(1000):
        next(found)
    tracemalloc.start()
    try:
        rest = sum(1 for _ in found)
        grown, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rest == MANY - 1000
    assert not tally.not_understood
    assert peak < 400_000, (grown, peak)


@pytest.mark.parametrize(
    ("kind", "first", "again"),
    [
        ("windows-sessions", "ClientComputerName : ws1\nDialect : 3.1.1", "   and more"),
        ("windows-sessions", "ClientComputerName,Dialect\n", '"never closed'),
        ("windows-sessions", '[{"ClientComputerName": "ws1",', '"a": "b",'),
        (
            "windows-events",
            "Log Name: Microsoft-Windows-SMBServer/Audit\nEvent ID: 3000\nDescription:",
            "a line",
        ),
        ("windows-events", "<Event><System>", "<a/>"),
        ("nmap", "Nmap scan report for 10.0.0.7\n| smb-protocols:\n|   dialects:", "|     2.02"),
        ("assets", "hostname,model\n", '"a,b'),
    ],
)
def test_what_never_ends_is_bounded(kind: str, first: str, again: str) -> None:
    lines = [*first.split("\n"), *[again + "x" * 200] * 15_000]
    importer = importers.by_name()[kind]
    tracemalloc.start()
    try:
        for _ in importer.read("x", iter(lines), Tally()):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The lines themselves were there before; kept of these 3 MB are 1 MiB and its copies at most.
    assert peak < 3_500_000
