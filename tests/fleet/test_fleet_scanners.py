"""nmap and NetExec: what machines serve, and what a scanner did not ask."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from inventory import of_text, sample, told

from harness.fleet.importers import netexec, nmap
from harness.fleet.sighting import Logon, Role
from harness.model import Dialect

NAS = {
    "address": "10.0.0.5",
    "name": "nas.example.test",
    "role": Role.SERVER,
    "signed": False,
    "said": "Windows 6.1 (Samba 4.3.11-Ubuntu), Synology Incorporated",
    "seen": datetime.fromisoformat("2024-03-05T10:11"),
}
NORMAL = """Starting Nmap 7.94 ( https://nmap.org ) at 2024-03-05 10:11 CET
Nmap scan report for nas.example.test (10.0.0.5)
Host is up (0.0010s latency).

PORT    STATE SERVICE
445/tcp open  microsoft-ds
MAC Address: 00:11:32:AA:BB:CC (Synology Incorporated)

Host script results:
| smb-protocols:
|   dialects:
|     NT LM 0.12 (SMBv1) [dangerous, but default]
|     {}
|_    3.11
| smb2-security-mode:
|   3.1.1:
|_    Message signing enabled but not required
| smb-security-mode:
|   account_used: guest
|   authentication_level: user
|   challenge_response: supported
|_  message_signing: disabled (dangerous, but default)
| smb-os-discovery:
|   OS: Windows 6.1 (Samba 4.3.11-Ubuntu)
|   NetBIOS computer name: SKYNET\\x00
|_  System time: 2024-06-14T04:22:35-05:00

Nmap scan report for 10.0.0.6
Host is up (0.0010s latency).
PORT    STATE  SERVICE
445/tcp closed microsoft-ds

Nmap scan report for 10.0.0.7
Host is up (0.0010s latency).
PORT    STATE SERVICE
445/tcp open  microsoft-ds

Host script results:
|_smb-protocols: ERROR: Script execution failed (use -d to debug)
| smb2-security-mode:
|   311:
|_    Message signing enabled and required
"""


@pytest.mark.parametrize("second", ["2.02", "202", "2:0:2", "2.0.2"])
def test_every_spelling_of_nmaps_dialects(second: str) -> None:
    text = NORMAL.format(second)
    assert nmap.IMPORTER.recognises(text)
    sightings, tally = of_text("nmap", text)
    spoken = (Dialect.NT1, Dialect.SMB2_02, Dialect.SMB3_11)
    assert [told(one) for one in sightings[:3]] == [{**NAS, "dialect": each} for each in spoken]
    # A closed port is no server; a script that failed says nothing of dialects, and is told.
    assert [told(one) for one in sightings[3:]] == [
        {"address": "10.0.0.7", "role": Role.SERVER, "signed": True, "seen": NAS["seen"]}
    ]
    assert sum(tally.not_understood.values()) == 1
    assert tally.notices == [nmap.SERVES]


XML = """<?xml version="1.0"?><!DOCTYPE nmaprun>
<nmaprun scanner="nmap" start="1709633460"><hosthint><status state="up"/></hosthint>
<host starttime="1709633460"><status state="up"/><address addr="10.0.0.7" addrtype="ipv4"/>
<address addr="00:80:77:00:00:01" addrtype="mac" vendor="Brother industries"/>
<ports><port protocol="tcp" portid="445"><state state="open"/></port></ports><hostscript>
<script id="smb-protocols" output="&#10;  dialects:&#10;    NT LM 0.12 (SMBv1) [dangerous]&#10;"/>
<script id="smb-os-discovery" output="&#10;  OS: Windows Server 2012 R2&#10;  Computer name: FILE01&#10;"/>
</hostscript></host>
<host><status state="up"/><address addr="fe80::8" addrtype="ipv6"/><hostscript>
<script id="smb-protocols"><table key="dialects"><elem>3.1.1</elem></table></script></hostscript></host>
<host><status state="down"/><address addr="10.0.0.9" addrtype="ipv4"/></host>
<runstats><hosts up="2" down="1" total="3"/></runstats></nmaprun>
"""


def test_xml_says_the_same_with_and_without_its_output() -> None:
    assert nmap.IMPORTER.recognises(XML)
    sightings, tally = of_text("nmap", XML)
    assert [told(one) for one in sightings] == [
        {
            "address": "10.0.0.7",
            "name": "FILE01",
            "role": Role.SERVER,
            "dialect": Dialect.NT1,
            "said": "Windows Server 2012 R2, Brother industries",
            "seen": datetime(2024, 3, 5, 10, 11, tzinfo=UTC),
        },
        {"address": "fe80::8", "role": Role.SERVER, "dialect": Dialect.SMB3_11},
    ]
    assert not tally.not_understood


def test_a_scan_without_scripts_asks_for_them() -> None:
    text = "Nmap scan report for 10.0.0.7\nHost is up.\nPORT    STATE SERVICE\n445/tcp open  microsoft-ds\n"
    sightings, tally = of_text("nmap", text)
    assert [told(one) for one in sightings] == [{"address": "10.0.0.7", "role": Role.SERVER}]
    assert nmap.ASK in tally.notices


def test_a_grepable_scan_names_hosts_and_asks_for_scripts() -> None:
    text = (
        "# Nmap 7.94 scan initiated Mon Jan  6 10:00:00 2025 as: nmap -p 139,445 -oG x 10.5.5.0/24\n"
        "Host: 10.5.5.1 (nas.example.test)\tStatus: Up\n"
        "Host: 10.5.5.1 (nas.example.test)\tPorts: 139/open/tcp//netbios-ssn///, "
        "445/open/tcp//microsoft-ds///\n"
        "Host: 10.5.5.2 ()\tPorts: 445/closed/tcp//microsoft-ds///\n"
        "# Nmap done at Mon Jan  6 10:00:09 2025 -- 256 IP addresses (2 hosts up)\n"
    )
    assert nmap.IMPORTER.recognises(text)
    sightings, tally = of_text("nmap", text)
    assert [told(one) for one in sightings] == [
        {
            "address": "10.5.5.1",
            "name": "nas.example.test",
            "role": Role.SERVER,
            "seen": datetime.fromisoformat("2025-01-06T10:00"),
        }
    ]
    assert nmap.ASK in tally.notices
    assert not tally.not_understood


def test_a_scan_of_nothing_but_dead_hosts_says_so() -> None:
    _, tally = of_text("nmap", "Nmap scan report for 10.0.0.7 [host down]\n")
    assert tally.answers_nothing == nmap.DOWN


def test_netexec_that_did_not_ask_for_smb1_says_nothing_of_it() -> None:
    text = sample("25").read_text()
    assert netexec.IMPORTER.recognises(text)
    sightings, tally = of_text("netexec", text)
    server = {"role": Role.SERVER, "signed": False}
    assert [told(one) for one in sightings] == [
        {**server, "address": "192.0.2.16", "name": "DC01", "said": "Windows Server 2022 Build 20348 x64"},
        {
            **server,
            "address": "192.0.2.97",
            "name": "HOST2",
            "said": "Windows 11 / Server 2025 Build 26100 x64",
        },
        {**server, "address": "192.0.2.73", "name": "HOST3", "said": "Windows Server 2022 Build 20348"},
        {
            **server,
            "address": "192.0.2.27",
            "name": "CLIENT-2",
            "said": "Windows 10 / Server 2019 Build 19041 x64",
        },
        # What the module ntlmv1 read of its configuration; nobody saw it connect.
        {"address": "192.0.2.27", "name": "CLIENT-2", "role": Role.LISTED, "logon": Logon.NTLMV1},
    ]
    assert netexec.NOT_ASKED in tally.notices
    assert not tally.not_understood


LINE = (
    "SMB         10.0.0.40     445    HARIS-PC         [*] Windows 7 Professional 7601 Service Pack 1 x64 "
    "(name:HARIS-PC) (domain:x) (signing:{}) (SMBv1:{})"
)


@pytest.mark.parametrize(
    ("signing", "smb1", "signed", "dialect"),
    [
        ("True", "True", True, Dialect.NT1),
        ("False", "False", False, None),
        ("None", "None", None, None),
    ],
)
@pytest.mark.parametrize("before", ["", "2024-01-01 10:00:00 - INFO - ", "\x1b[1m\x1b[34m"])
def test_what_netexec_asked(
    before: str, signing: str, smb1: str, signed: bool | None, dialect: Dialect | None
) -> None:
    (one,), tally = of_text("netexec", before + LINE.format(signing, smb1) + " (Null Auth:True)")
    assert (one.signed, one.dialect, one.said) == (
        signed,
        dialect,
        "Windows 7 Professional 7601 Service Pack 1 x64",
    )
    assert (netexec.NOT_ASKED in tally.notices) is (smb1 == "None")


def test_logons_of_the_scanner_itself_are_nobodys() -> None:
    before = "SMB  10.0.0.40  445  PC  "
    text = f"{before}[-] x\\guest: STATUS_ACCOUNT_DISABLED\n{before}[+] x\\max:secret\n"
    sightings, tally = of_text("netexec", text)
    assert not sightings
    assert not tally.not_understood
