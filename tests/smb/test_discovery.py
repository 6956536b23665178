"""NetBIOS name queries and WS-Discovery: what is sent, and answers of every kind from anybody."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import Refused
from harness.smb.discovery import nbns, wsd
from harness.smb.discovery.nbns import Name
from harness.smb.pipes import rap

FRED = bytes.fromhex("20") + b"EGFCEFEECACACACACACACACACACACACA" + b"\0"
"""RFC 1001, 14.1: the name FRED, followed by eleven blanks, and here with the suffix 0x20."""

texts = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=1, max_size=15)
names = st.builds(Name, texts, st.integers(0, 255))
numbers = st.integers(0, 0xFFFF)


def test_a_name_is_encoded_as_rfc_1001_has_it() -> None:
    asked = nbns.query(Name("Fred", nbns.FILE_SERVER), 0x1234)
    assert asked[:12] == bytes.fromhex("1234 0110 0001 0000 0000 0000".replace(" ", ""))
    assert asked[12:] == FRED + b"\0\x20\0\x01"


def test_the_case_of_letters_does_not_count_nor_what_is_beyond_the_fifteenth() -> None:
    assert nbns.same(Name("Office", 0x1D), Name("OFFICE", 0x1D))
    assert nbns.same(Name("a-very-long-name-of-one", 0), Name("A-VERY-LONG-NAM", 0))
    assert not nbns.same(Name("OFFICE", 0x1D), Name("OFFICE", 0x1E))


@given(names, numbers)
def test_a_query_is_read_back(name: Name, number: int) -> None:
    assert nbns.queried(nbns.query(name, number)) == (number, name)
    assert nbns.found(nbns.query(name, number)) is None


@given(names, numbers, st.ip_addresses(v=4))
def test_an_answer_is_read_back(name: Name, number: int, address: object) -> None:
    answer = nbns.response(number, name, str(address))
    assert nbns.found(answer) == nbns.Found(number, name, (str(address),))
    assert nbns.queried(answer) is None


def test_a_name_with_two_addresses() -> None:
    one = nbns.response(7, Name("LAB", 0x1D), "192.0.2.1")
    two = one[:-8] + struct.pack(">H", 12) + one[-6:] + b"\0\0" + socket.inet_aton("192.0.2.2")
    found = nbns.found(two)
    assert found is not None
    assert found.addresses == ("192.0.2.1", "192.0.2.2")


def test_that_a_name_is_not_known_is_no_find() -> None:
    answer = bytearray(nbns.response(7, Name("LAB", 0x1D), "192.0.2.1"))
    answer[3] |= 3
    assert nbns.found(bytes(answer)) is None


@given(st.binary(max_size=120), numbers)
def test_whatever_comes_is_an_answer_or_none(data: bytes, at: int) -> None:
    whole = nbns.response(7, Name("LAB", 0x1D), "192.0.2.1")
    for one in (data, whole[: at % len(whole)], whole[: at % len(whole)] + data):
        nbns.found(one)
        nbns.queried(one)
        wsd.read(one)


def matches(relates: str, body: str) -> bytes:
    """As wsdd 0.7 answers, shortened."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope '
        'xmlns:soap="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:wsd="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
        'xmlns:pub="http://schemas.microsoft.com/windows/pub/2005/07"><soap:Header>'
        "<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ResolveMatches</wsa:Action>"
        f"<wsa:MessageID>urn:uuid:2</wsa:MessageID><wsa:RelatesTo>{relates}</wsa:RelatesTo>"
        f"</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>"
    ).encode()


def test_where_a_device_is_and_which_computer() -> None:
    read = wsd.read(
        matches(
            "urn:uuid:1",
            "<wsd:ResolveMatches><wsd:ResolveMatch><wsa:EndpointReference><wsa:Address>urn:uuid:3</wsa:Address>"
            "</wsa:EndpointReference><wsd:XAddrs>http://192.0.2.1:5357/3 http://192.0.2.9:5357/3</wsd:XAddrs>"
            "</wsd:ResolveMatch></wsd:ResolveMatches>",
        )
    )
    assert read is not None
    assert (read.action, read.relates_to, read.endpoint) == ("ResolveMatches", "urn:uuid:1", "urn:uuid:3")
    assert read.addresses == ("http://192.0.2.1:5357/3", "http://192.0.2.9:5357/3")
    told = wsd.read(matches("urn:uuid:1", "<pub:Computer>FILES/Workgroup:OFFICE</pub:Computer>"))
    assert told is not None
    assert wsd.named(told) == ("FILES", "OFFICE")
    nameless = wsd.read(matches("urn:uuid:1", "<pub:Computer>a printer</pub:Computer>"))
    assert nameless is not None
    assert wsd.named(nameless) is None


def test_what_is_sent_can_be_read_and_says_what_wsdd_waits_for() -> None:
    own, device = wsd.new_id(), wsd.new_id()
    probe, resolve, get = wsd.probe(own), wsd.resolve(own, device), wsd.get(own, device)
    # Measured: wsdd 0.7 compares the letters, not what the prefix stands for.
    assert b"<wsd:Types>wsdp:Device</wsd:Types>" in probe
    assert [one.action for one in map(wsd.read, (probe, resolve, get)) if one] == ["Probe", "Resolve", "Get"]
    answer = wsd.read(wsd.match(own, device))
    assert answer is not None
    assert (answer.action, answer.relates_to, answer.endpoint) == ("ProbeMatches", own, device)


@given(st.text(max_size=60))
def test_a_name_of_any_letters_stays_a_name(name: str) -> None:
    read = wsd.read(wsd.resolve(wsd.new_id(), name))
    # What XML cannot hold makes it no message; nothing of it becomes markup.
    assert read is None or (read.action == "Resolve" and not read.addresses)


def test_no_document_type_is_read() -> None:
    bomb = matches("urn:uuid:1", "&a;").replace(
        b"<soap:Envelope", b'<!DOCTYPE a [<!ENTITY a "aaaa">]><soap:Envelope', 1
    )
    assert wsd.read(bomb) is None
    assert wsd.read(matches("urn:uuid:1", "x" * wsd.MOST)) is None


def test_the_list_of_servers() -> None:
    head = b"\x68\0WrLehDz\0B16BBDz\0\x01\0\xff\xff\xff\xff\xff\xff"
    assert rap.servers_request("OFFICE") == head + b"OFFICE\0"
    entries = [
        name.ljust(16, b"\0") + struct.pack("<BBLHH", 4, 9, 0x40819A03, 0, 0) for name in (b"FILES", b"PC")
    ]
    assert rap.servers(struct.pack("<HHHH", 0, 0, 2, 2), b"".join(entries)) == ["FILES", "PC"]
    with pytest.raises(Refused):
        rap.servers(struct.pack("<HHHH", 5, 0, 0, 0), b"")
