"""What personas ask a KDC is what the real clients asked in the captures, byte for byte where they decide it.

They do not decide names, the nonce, the time, what is encrypted (the proof, the AP-REQ of a TGS-REQ), and the
encryption types that a domain allows; these are taken over from what was recorded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from impacket.krb5 import asn1
from known import CATALOGUE
from pyasn1.codec.der import decoder

from harness.clients.persona import Persona
from harness.learn.capture import Notes, segments
from harness.learn.packets import Segment
from harness.smb.kerberos import tickets
from harness.smb.kerberos.manner import KerberosManner
from harness.smb.tap import asn1 as reader
from harness.smb.tap import kdc
from harness.smb.tap.kdc import KdcRequest

AS_REQ, TGS_REQ = b"\x6a", b"\x6c"
RECORDED = {
    # The capture, its client's address, the persona, and how many requests of each kind are rebuilt.
    ("suricata-verify__dcerpc-ctxids_input.pcap", "windows-10-22h2"): {"AS-REQ": 2, "TGS-REQ": 1},
    ("zeek__kerberos_tso.pcapng", "windows-10-22h2"): {"AS-REQ": 4},
    ("BruteShark__Kerberos_v5_-_UDP_3.pcap", "windows-xp"): {"AS-REQ": 1, "TGS-REQ": 1},
    ("BruteShark__Kerberos_-_v5_UDP.pcap", "samba-smbclient-4"): {"AS-REQ": 8},
}
LEFT_OUT = {
    10: "encrypted authorisation data, which Windows adds to what it asks for its own service",
    133: "a cookie of the KDC's",
    136: "FAST",
}
"""Parts and padata that no persona sends: requests with these are not rebuilt."""


def requests(path: Path) -> Iterator[tuple[bytes, KdcRequest]]:
    """The whole requests of a capture that lie in one packet."""
    for one in segments(path, Notes()):
        data = one.data[4:] if isinstance(one, Segment) else one.data
        if one.target[1] != kdc.PORT or data[:1] not in (AS_REQ, TGS_REQ):
            continue
        told = kdc.message(data)
        if isinstance(told, KdcRequest) and next(reader.pieces(data)).size == len(data):
            yield data, told


def rebuilt(manner: KerberosManner, recorded: bytes, patch: pytest.MonkeyPatch) -> bytes:
    """The persona's request with what the recorded one has of its own."""
    is_first = recorded[:1] == AS_REQ
    told, _ = decoder.decode(recorded, asn1Spec=(asn1.AS_REQ if is_first else asn1.TGS_REQ)())
    body, realm = told["req-body"], str(told["req-body"]["realm"])
    padata = {int(one["padata-type"]): bytes(one["padata-value"]) for one in told["padata"]}
    service = tuple(str(part) for part in body["sname"]["name-string"])
    named = tickets.named

    def with_its_service(into: Any, field: str, parts: tuple[str, ...], kind: int) -> None:
        named(into, field, service if field == "sname" else parts, kind)

    patch.setattr(tickets, "named", with_its_service)
    patch.setattr(os, "urandom", lambda size: (int(body["nonce"]) << 1).to_bytes(size, "big"))
    patch.setattr(tickets, "_time", lambda _: str(body["till"]))
    if is_first:
        if body["addresses"].hasValue():
            own = bytes(body["addresses"][0]["address"]).decode().rstrip()
            patch.setattr(tickets, "_WORKSTATION", own)
        user = tickets.User(str(body["cname"]["name-string"][0]), "", realm)
        return tickets.as_req(manner, user, padata.get(2))
    patch.setattr(tickets, "ap_req", lambda *_: padata[1])
    patch.setattr(tickets, "authenticator", lambda *_: b"")
    patch.setattr(tickets, "_checksum", lambda *_: b"")
    own_ticket = tickets.Ticket(b"", 18, SimpleNamespace(enctype=18), realm, None)
    return tickets.tgs_req(manner, own_ticket, "")


@pytest.mark.parametrize(("name", "persona"), RECORDED, ids=[f"{file}-{who}" for file, who in RECORDED])
def test_what_a_kdc_was_asked_is_rebuilt_byte_for_byte(captures: Path, name: str, persona: str) -> None:
    client = CATALOGUE.clients[persona]
    assert isinstance(client, Persona)
    manner = client.data.manner.kerberos
    assert manner is not None
    found: dict[str, int] = {}
    for recorded, told in requests(captures / name):
        asked = told.etypes
        is_first = told.kind == "AS-REQ"
        allowed = replace(manner, as_etypes=asked) if is_first else replace(manner, tgs_etypes=asked)
        own = manner.as_options if is_first else manner.tgs_options
        if {*told.padata, *told.extra} & LEFT_OUT.keys() or told.options != own:
            continue
        with pytest.MonkeyPatch.context() as patch:
            made = rebuilt(allowed, recorded, patch)
        assert made.hex() == recorded.hex()
        found[told.kind] = found.get(told.kind, 0) + 1
    assert found == RECORDED[name, persona]
