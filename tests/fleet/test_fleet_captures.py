"""Captures as sightings: what ``learn`` sees of each client, fact by fact."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from inventory import read, told

from harness.errors import UsageError
from harness.fleet.opening import opened
from harness.fleet.sighting import Logon, Sighting
from harness.learn.matching import KnownPersona
from harness.model import Dialect


def seen(path: Path, known: list[KnownPersona]) -> list[Sighting]:
    return list(opened(path, known=lambda: known).sightings)


def test_a_client_of_a_capture(captures: Path, known: list[KnownPersona]) -> None:
    found = seen(captures / "arkime__wireshark-smb-on-windows10.pcap", known)
    assert found
    for one in found:
        assert one.address
        assert one.seen is not None
    assert {one.dialect for one in found} - {None}
    assert any(one.offered for one in found)


@pytest.mark.parametrize(
    ("name", "logon"), [("zeek__raw_ntlm_in_smb.pcap", None), ("zeek__smb2_krb.pcap", Logon.KERBEROS)]
)
def test_how_a_client_of_a_capture_logged_on(
    captures: Path, known: list[KnownPersona], name: str, logon: Logon | None
) -> None:
    kinds = {one.logon for one in seen(captures / name, known)}
    assert kinds - {None} if logon is None else logon in kinds


def test_encryption_is_a_fact_of_its_own(captures: Path, known: list[KnownPersona]) -> None:
    found = seen(captures / "wireshark__smb311-aes-128-ccm.pcap.gz", known)
    assert {(one.dialect, one.encrypted) for one in found} == {(Dialect.SMB3_11, True)}


def test_only_a_client_that_is_recognised_has_a_kind(captures: Path, known: list[KnownPersona]) -> None:
    names = {persona.data.name for persona in known}
    for path in sorted(captures.glob("zeek__smb*.pcap"))[:6]:
        for one in seen(path, known):
            assert one.persona == "" or one.persona in names
    assert all(one.persona == "" for one in seen(captures / "zeek__smb2.pcap", []))


def test_a_capture_without_clients_answers_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(b"\xd4\xc3\xb2\xa1" + struct.pack("<HHiIII", 2, 4, 0, 0, 65535, 1))
    found, source = read(path)
    assert found == []
    assert "no SMB" in source.tally.answers_nothing


def test_a_capture_is_read_by_nothing_else(captures: Path) -> None:
    with pytest.raises(UsageError, match="is a capture"):
        opened(captures / "zeek__smb2.pcap", "smbstatus")
    assert told(next(iter(opened(captures / "zeek__smb2.pcap", "capture").sightings)))["address"]
