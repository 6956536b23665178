"""What each event of Windows says of a machine, and which say nothing of one."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from event_xml import NTLM, SECURITY, SMB_CLIENT, SMB_SERVER, xml
from inventory import of_text, told

from harness.fleet.importers import _event_meaning as meaning
from harness.fleet.importers.windows_events import IMPORTER
from harness.fleet.sighting import Logon, Role
from harness.model import Dialect

KIND = IMPORTER.name

AT = {"address": "10.0.0.9"}
WHO = {"name": "FS01.example.test"}
LOGON = {
    "LogonType": "3",
    "IpAddress": "10.0.0.9",
    "WorkstationName": "WS9",
    "TargetUserSid": "S-1-5-21-1-2-3-1104",
}
WS9 = {"address": "10.0.0.9", "name": "WS9"}

BY_NTLM = {"AuthenticationPackageName": "NTLM"}

SAYS = [
    (1001, SMB_SERVER, {"ClientName": "10.0.0.9"}, {**AT, "smb1_refused": True}),
    (3000, SMB_SERVER, {"ClientName": "10.0.0.9"}, {**AT, "dialect": Dialect.NT1}),
    (3000, SMB_SERVER, {"ClientAddress": "0200BD0E0A0000090000000000000000"}, {**AT, "dialect": Dialect.NT1}),
    (3002, SMB_SERVER, {"ClientAddress": "[fe80::9%4]"}, {"address": "fe80::9", "smb1_refused": True}),
    (3021, SMB_SERVER, {"ClientName": r"\\10.0.0.9", "UserName": "max"}, {**AT, "cannot_sign": True}),
    (3022, SMB_SERVER, {"ClientName": r"\\10.0.0.9"}, {**AT, "cannot_encrypt": True}),
    (3023, SMB_SERVER, {"ClientName": r"\\10.0.0.9"}, {**AT, "logon": Logon.GUEST}),
    (
        3024,
        SMB_SERVER,
        {"ClientName": "NAS9", "ClientAddress": "10.0.0.9"},
        {**AT, "name": "NAS9", "wrong_spn": True},
    ),
    (3025, SMB_SERVER, {"ClientName": "10.0.0.9"}, {**AT, "wrong_spn": True}),
    (3026, SMB_SERVER, {"ClientName": "10.0.0.9"}, {**AT, "wrong_spn": True}),
    (3027, SMB_SERVER, {"ClientName": "10.0.0.9"}, {**AT, "dialect": Dialect.NT1, "cannot_sign": True}),
    (31017, SMB_CLIENT, {"ServerName": "nas"}, WHO),
    (31022, SMB_CLIENT, {"ServerName": "nas"}, {**WHO, "logon": Logon.GUEST}),
    (32000, SMB_CLIENT, {"ServerName": "nas"}, {"name": "nas", "role": Role.SERVER, "dialect": Dialect.NT1}),
    (
        32002,
        SMB_CLIENT,
        {"ServerName": r"\nas"},
        {"name": "nas", "role": Role.SERVER, "dialect": Dialect.NT1},
    ),
    (31999, SMB_CLIENT, {"ServerName": "nas"}, {"name": "nas", "role": Role.SERVER}),
    (4020, NTLM, {"NtlmVersion": "NTLMv2", "TargetIP": "10.0.0.1"}, {**WHO, "logon": Logon.NTLMV2}),
    (4021, NTLM, {"NtlmVersion": "NTLMv1"}, {**WHO, "logon": Logon.NTLMV1}),
    (
        4022,
        NTLM,
        {"RemoteClientMachine": "WS9", "ClientIP": "10.0.0.9", "NtlmVersion": "NTLMv2"},
        {**WS9, "logon": Logon.NTLMV2},
    ),
    (4023, NTLM, {"ClientIP": "10.0.0.9", "NtlmVersion": "NTLM V1"}, {**AT, "logon": Logon.NTLMV1}),
    (4024, NTLM, {"TargetName": "example.test"}, {**WHO, "logon": Logon.NTLMV1}),
    (4025, NTLM, {"TargetName": "example.test"}, {**WHO, "logon": Logon.NTLMV1}),
    (8001, NTLM, {"TargetName": "cifs/fs02"}, {**WHO, "logon": Logon.NTLM}),
    (8003, NTLM, {"Workstation": "WS9", "UserName": "max"}, {"name": "WS9", "logon": Logon.NTLM}),
    (8004, NTLM, {"SChannelName": "FS02", "WorkstationName": "WS9"}, {"name": "WS9", "logon": Logon.NTLM}),
    (4624, SECURITY, {**LOGON, **BY_NTLM, "LmPackageName": "NTLM V1"}, {**WS9, "logon": Logon.NTLMV1}),
    (4624, SECURITY, {**LOGON, **BY_NTLM, "LmPackageName": "NTLM V2"}, {**WS9, "logon": Logon.NTLMV2}),
    (4624, SECURITY, {**LOGON, **BY_NTLM, "LmPackageName": "LM"}, {**WS9, "logon": Logon.NTLMV1}),
    (
        4624,
        SECURITY,
        {**LOGON, "LmPackageName": "-", "AuthenticationPackageName": "Kerberos"},
        {**WS9, "logon": Logon.KERBEROS},
    ),
    (
        4624,
        SECURITY,
        {**LOGON, "TargetUserSid": "S-1-5-21-1-2-3-501", "LmPackageName": "NTLM V2"},
        {**WS9, "logon": Logon.GUEST},
    ),
    (
        4625,
        SECURITY,
        {**LOGON, **BY_NTLM, "LmPackageName": "-", "Status": "0xc000006d", "SubStatus": "0x0"},
        {**WS9, "logon": Logon.NTLM, "refused": "STATUS_LOGON_FAILURE"},
    ),
    (
        4776,
        SECURITY,
        {"PackageName": "MICROSOFT_AUTHENTICATION_PACKAGE_V1_0", "Workstation": "WS9"},
        {"name": "WS9", "logon": Logon.NTLM},
    ),
    (5140, SECURITY, {"IpAddress": "::ffff:10.0.0.9", "ShareName": r"\\*\data"}, AT),
]


@pytest.mark.parametrize(
    ("number", "provider", "data", "says"),
    SAYS,
    ids=[f"{number}-{at}" for at, (number, *_) in enumerate(SAYS)],
)
def test_what_each_event_says(
    number: int, provider: str, data: dict[str, str], says: dict[str, object]
) -> None:
    (one,), tally = of_text(KIND, xml(number, provider, data))
    found = told(one)
    assert found.pop("seen") == datetime(2025, 10, 1, 10, 0, 0, 123456, tzinfo=UTC)
    assert found == says
    assert not tally.not_understood
    assert "max" not in repr(one)


@pytest.mark.parametrize("empty", [None, "", " ", "\xa0"], ids=ascii)
def test_a_logon_type_that_is_empty_is_one_that_is_not_said(empty: str | None) -> None:
    """As objects have it that a script made: that ended the import in an IndexError."""
    record = {"Id": 4624, "ProviderName": SECURITY, "LogName": "Security", "LogonType": empty}
    (one,), tally = of_text(
        KIND, json.dumps([{**record, "IpAddress": "10.0.0.9", "LmPackageName": "NTLM V2"}])
    )
    assert told(one) == {**AT, "logon": Logon.NTLMV2}
    assert not tally.not_understood


def test_an_empty_value_does_not_keep_the_message_from_being_read() -> None:
    record = {"Id": 3000, "LogName": "Microsoft-Windows-SMBServer/Audit", "ClientName": None}
    message = "SMB1-Zugriff: 10.0.0.9 (in words whose labels are not known)"
    (one,), _ = of_text(KIND, json.dumps([{**record, "Message": message}]))
    assert told(one) == {**AT, "dialect": Dialect.NT1}


def test_a_null_session_is_no_ntlmv1_though_windows_writes_so() -> None:
    data = {
        **LOGON,
        "TargetUserSid": "S-1-5-7",
        "TargetUserName": "ANONYMOUS-ANMELDUNG",
        "LmPackageName": "NTLM V1",
    }
    (one,), _ = of_text(KIND, xml(4624, SECURITY, data))
    assert one.logon is Logon.ANONYMOUS


@pytest.mark.parametrize(
    ("number", "provider", "data", "notice"),
    [
        # The addresses of 5168 are those of the server itself.
        (5168, SECURITY, {"IpAddresses": "127.0.0.1;10.0.0.10;", "SpnName": "N/A"}, meaning.NAMES_NO_CLIENT),
        (8002, NTLM, {"ProcessName": "x"}, meaning.NAMES_NO_CLIENT),
        (6038, "LsaSrv", {}, meaning.NAMES_NO_CLIENT),
        (8001, NTLM, {"TargetName": "HTTP/proxy"}, None),
        (4624, SECURITY, {**LOGON, "LogonType": "5"}, None),
        (4624, SECURITY, {**LOGON, "IpAddress": "::1", "WorkstationName": "FS01"}, None),
        (4672, SECURITY, {}, None),
        # The number of a crash report elsewhere.
        (1001, "Windows Error Reporting", {"P1": "10.0.0.9"}, None),
        (3000, "Microsoft-Windows-DNS-Client", {"ClientName": "10.0.0.9"}, None),
    ],
)
def test_events_that_name_no_client_give_none(
    number: int, provider: str, data: dict[str, str], notice: str | None
) -> None:
    sightings, tally = of_text(KIND, xml(number, provider, data))
    assert not sightings
    assert tally.passed_over == 1
    assert tally.notices == ([notice] if notice else [])


def test_a_number_whose_meaning_no_source_tells_is_not_guessed() -> None:
    sightings, tally = of_text(KIND, xml(31997, SMB_CLIENT, {"ServerName": "nas"}))
    assert not sightings
    assert tally.not_understood == {meaning.UNKNOWN: 1}
    assert "31997" in tally.examples[meaning.UNKNOWN][0][1]


@pytest.mark.parametrize(
    ("message", "fact"),
    [
        ("The SMB server doesn't support signing.", "cannot_sign"),
        ("Der SMB-Server unterstützt keine Verschlüsselung.", "cannot_encrypt"),
        ("SMB サーバーは署名をサポートしていません。", "cannot_sign"),
    ],
)
def test_which_of_both_a_server_lacks_stands_in_the_message_alone(message: str, fact: str) -> None:
    rendered = xml(31998, SMB_CLIENT, {"ServerName": "nas"}).replace(
        "</Event>", f"<RenderingInfo><Message>{message}</Message></RenderingInfo></Event>"
    )
    (one,), tally = of_text(KIND, rendered)
    assert told(one) | {"seen": None} == {"name": "nas", "role": Role.SERVER, fact: True, "seen": None}
    assert meaning.WHICH not in tally.notices
