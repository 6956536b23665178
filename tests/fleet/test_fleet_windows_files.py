"""Files as Windows writes them: UTF-16 of >, a mark or code page of Export-Csv, lines that end in CR LF."""

from __future__ import annotations

from pathlib import Path

import pytest
from event_xml import SMB_SERVER, xml
from inventory import read

from harness.model import Dialect

FILES = {
    "windows-sessions": "#TYPE Selected.CimInstance\n"
    '"ClientComputerName";"Dialect";"ClientUserName"\n"10.0.0.9";"1.5";"EXAMPLE\\Jürgen"\n',
    "windows-events": xml(3000, SMB_SERVER, {"ClientName": "10.0.0.9"}) + "\n",
    "nmap": "Nmap scan report for drucker-süd (10.0.0.9)\nPORT    STATE SERVICE\n445/tcp open  x\n"
    "Host script results:\n| smb-protocols:\n|   dialects:\n|_    NT LM 0.12 (SMBv1) [dangerous]\n",
    "netexec": "SMB  10.0.0.9  445  PC  [*] Windows 7 (name:PC) (domain:süd) (signing:False) (SMBv1:True)\n",
    "assets": "hostname;ip;modell\nPC-SÜD;10.0.0.9;Öki\n",
    "clients": "client;anzahl\nwindows-xp;3\nGerät;1\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_windows_in_every_encoding(kind: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(FILES[kind].replace("\n", "\r\n").encode(encoding))
    sightings, opened = read(path)
    assert opened.kind == kind
    assert not opened.tally.not_understood
    if kind == "clients":
        assert [(one.persona, one.count, one.said) for one in sightings] == [
            ("windows-xp", 3, "windows-xp"),
            ("", 1, "Gerät"),
        ]
        return
    (one,) = sightings
    assert one.address == "10.0.0.9"
    if kind != "assets":
        assert one.dialect is Dialect.NT1
    else:
        assert (one.name, one.said) == ("PC-SÜD", "Öki")
