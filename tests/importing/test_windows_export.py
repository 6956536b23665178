"""What PowerShell says of a Windows server, as a configuration for the lab: every form, and all else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from known import CATALOGUE
from windows_server import LIST, SERVER, SHARES, brought, text

from harness.errors import UsageError
from harness.importing.differing import difference
from harness.importing.judge import ImageJudge, heard
from harness.importing.windows import export
from harness.importing.windows.script import script
from harness.model import Dialect
from harness.planning import settings
from harness.report.language import language
from harness.servers import description
from harness.servers.roles import servers_of

INVENTORY = Path(__file__).resolve().parent.parent.parent.parent / "shared" / "field" / "inventory"


def test_a_server_and_its_shares(tmp_path: Path) -> None:
    made = brought(tmp_path, SERVER, SHARES)
    assert dict(made.conf.globals) == {
        "server min protocol": "NT1",
        "server signing": "disabled",
        "ntlm auth": "ntlmv1-permitted",
        "restrict anonymous": "2",
    }
    assert {name: dict(own) for name, own in made.conf.sections.items()} == {
        "Data": {"comment": "経理", "read only": "no", "hide unreadable": "yes"},
        "Payroll": {
            "read only": "yes",
            "valid users": "@S-1-5-21-1-2-3-1104, @S-1-5-21-1-2-3-1107",
            "write list": "@S-1-5-21-1-2-3-1104",
            "smb encrypt": "required",
            "csc policy": "disable",
        },
    }
    assert description.parse(description.text(made)) == made
    assert [one.section for one in made.instead] == ["global"] * 3 + ["Payroll", "C$"]
    servers = servers_of(made)
    assert [*servers] == ["files@Data", "files@Payroll", "files@Payroll@outsider"]
    for one in servers.values():
        assert one.fidelity.emulated
        assert "server.json" in one.emulates
        assert one.told_as.name == "windows"
        assert "is emulated" in one.no_upgrade


@pytest.mark.parametrize(
    "written",
    [
        text(SERVER).encode("utf-16"),
        text(SERVER).encode("utf-8-sig"),
        text(SERVER).encode("utf-16-le"),
        text([SERVER]).encode(),
        text({"value": [SERVER], "Count": 1}).encode(),
        b"PS C:\\> Get-SmbServerConfiguration | ConvertTo-Json\r\n" + text(SERVER).encode(),
        LIST.encode("utf-16"),
        LIST.replace("\r\n", "\r\n\r\n").encode(),
        b"\r\n\r\n" + LIST.encode("cp1252") + b"\r\n\r\n\r\n",
        text({name.lower(): str(value) for name, value in SERVER.items()}).encode(),
    ],
)
def test_every_form_says_the_same(tmp_path: Path, written: bytes) -> None:
    plain = {name: value for name, value in SERVER.items() if value is not None}
    assert brought(tmp_path, written).conf == brought(tmp_path, plain).conf


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"EnableSMB1Protocol": False}, ("server min protocol", "SMB2_02")),
        ({"EnableSMB1Protocol": False, "Smb2DialectMin": 768}, ("server min protocol", "SMB3_00")),
        ({"EnableSMB1Protocol": False, "Smb2DialectMin": "SMB311"}, ("server min protocol", "SMB3_11")),
        ({"EnableSMB1Protocol": False, "Smb2DialectMin": "None"}, ("server min protocol", "SMB2_02")),
        ({"Smb2DialectMax": 770}, ("server max protocol", "SMB3_02")),
        ({"Smb2DialectMax": 65536}, ("server max protocol", None)),
        ({"EnableSMB2Protocol": False}, ("server max protocol", "NT1")),
        ({"RequireSecuritySignature": True}, ("server signing", "mandatory")),
        ({"EnableSecuritySignature": True}, ("server signing", "auto")),
        ({"EncryptData": True}, ("smb encrypt", "required")),
        ({"EncryptData": True, "RejectUnencryptedAccess": False}, ("smb encrypt", "desired")),
        (
            {"EncryptionCiphers": "AES_256_GCM,AES_256_CCM"},
            ("server smb3 encryption algorithms", "AES-256-GCM, AES-256-CCM"),
        ),
        (
            {"EncryptionCiphers": ["AES_256_GCM"]},
            ("server smb3 encryption algorithms", "AES-256-GCM"),
        ),
        ({"LmCompatibilityLevel": 5}, ("ntlm auth", "ntlmv2-only")),
        ({"Smb2DialectMin": "None"}, ("ntlm auth", "ntlmv2-only")),
        ({"RestrictNullSessAccess": 0}, ("restrict anonymous", None)),
        ({"GuestAccountEnabled": True}, ("map to guest", "Bad User")),
        ({"EnableLeasing": False}, ("smb2 leases", "no")),
    ],
)
def test_what_a_property_becomes(
    tmp_path: Path, told: dict[str, object], line: tuple[str, str | None]
) -> None:
    assert brought(tmp_path, {**SERVER, **told}).conf.globals.get(line[0]) == line[1]


def test_what_the_windows_itself_decides(tmp_path: Path) -> None:
    bare = {"RequireSecuritySignature": False}
    old = brought(tmp_path, bare, windows="Microsoft Windows Server 2012 R2 Standard")
    assert old.emulates is not None
    assert old.emulates.highest is Dialect.SMB3_02
    assert old.conf.globals["server max protocol"] == "SMB3_02"
    assert old.conf.globals["server min protocol"] == "NT1"
    assert old.conf.globals["server smb3 encryption algorithms"] == "AES-128-CCM"
    new = brought(tmp_path, bare, windows="10.0.26100.1742")
    assert new.conf.globals["ntlm auth"] == "ntlmv2-only"
    assert new.conf.globals["server min protocol"] == "SMB2_02"
    with pytest.raises(UsageError, match="no Windows that is known"):
        export.release_of("OS/2 Warp")


@pytest.mark.parametrize(
    ("sddl", "lines"),
    [
        ("", {"read only": "no"}),
        ("O:SYG:SYD:(A;;0x1200a9;;;BU)", {"read only": "yes"}),
        ("O:SYG:SYD:(A;;FR;;;WD)(A;;FA;;;BA)", {"read only": "yes", "write list": "@Administrators"}),
        ("D:(A;;FA;;;BA)", {"read only": "no", "valid users": "@Administrators"}),
        ("D:(A;;FA;;;DA)", {"read only": "no", "valid users": '"@Domain Admins"'}),
        (
            "D:(D;;FA;;;S-1-5-21-9-9-9-1200)(A;;0x1301bf;;;AU)",
            {"read only": "no", "invalid users": "@S-1-5-21-9-9-9-1200"},
        ),
        ("D:(A;;FA;;;S-1-5-21-9-9-9-513)", {"read only": "no"}),
        ("D:", {"available": "no"}),
        ("D:(D;;FA;;;WD)(A;;FA;;;BA)", {"available": "no"}),
        ("nonsense", {"read only": "no"}),
    ],
)
def test_whom_a_share_lets_in(tmp_path: Path, sddl: str, lines: dict[str, str]) -> None:
    made = brought(tmp_path, SERVER, [{"Name": "a", "Path": "x", "SecurityDescriptor": sddl}])
    assert dict(made.conf.sections["a"]) == lines


def test_guests_come_where_everyone_may_and_the_account_is_on(tmp_path: Path) -> None:
    guests = {**SERVER, "GuestAccountEnabled": True, "NullSessionShares": "payroll"}
    shares = brought(tmp_path, guests, SHARES).conf.sections
    assert shares["Data"]["guest ok"] == shares["Payroll"]["guest ok"] == "yes"
    assert "guest ok" not in brought(tmp_path, SERVER, SHARES).conf.sections["Data"]


def test_what_cannot_be_had_is_said(tmp_path: Path) -> None:
    share = {
        "Name": "a",
        "Path": "x",
        "CachingMode": "BranchCache",
        "CompressData": True,
        "ConcurrentUserLimit": 3,
        "ContinuouslyAvailable": True,
    }
    server = {**SERVER, "EnableSMBQUIC": True, "RequestCompression": True, "NullSessionPipes": ",netlogon"}
    made = brought(tmp_path, {**server, "Smb2DialectMin": "SMB300"}, [share])
    told = {one.parameter for one in made.instead}
    assert told == {
        *("LmCompatibilityLevel", "GuestAccountEnabled", "RestrictNullSessAccess"),
        *("Smb2DialectMin", "NullSessionPipes", "RequestCompression", "EnableSMBQUIC"),
        *("CachingMode", "CompressData", "ConcurrentUserLimit", "ContinuouslyAvailable"),
    }
    odd = brought(tmp_path, {**SERVER, "Zeal": 1}, [{**share, "Zest": 2}])
    assert [one for one in odd.remarks if "ignored: Zeal" in one]
    assert [one for one in odd.remarks if "ignored: Zest" in one]
    partial = brought(tmp_path, {"EncryptData": True})
    assert any("does not tell all" in one and "EnableSMB1Protocol = False" in one for one in partial.remarks)


def test_a_change_in_the_words_of_windows(tmp_path: Path) -> None:
    before = brought(tmp_path, SERVER, SHARES)

    def parts(*sets: str) -> tuple[str, ...]:
        return difference(before, brought(tmp_path, SERVER, SHARES, *sets)).parts

    assert parts("RequireSecuritySignature=$true") == ("set(server signing=mandatory)",)
    assert parts("-requiresecuritysignature $True") == ("set(server signing=mandatory)",)
    assert parts("EnableSMB1Protocol = false", "Smb2DialectMin = 'SMB300'")[0] == (
        "set(server min protocol=SMB3_00)"
    )
    assert parts("[data] EncryptData=$true") == ("set([Data] smb encrypt=required)",)
    assert parts("[Payroll] EncryptData=$false") == ("unset([Payroll] smb encrypt)",)
    for word, why in (
        ("RequireSecuritySignature", "no setting of a Windows server"),
        ("server min protocol = SMB3", "no property of a Windows server"),
        ("RequireSecuritySignatur=$true", "did you mean RequireSecuritySignature?"),
        ("RequireSecuritySignature=maybe", "where True or False is expected"),
        ("AuditSmb1Access=$true", "not rehearsed"),
        ("[Sales] EncryptData=$true", "there is no share of that name; there are: Data, Payroll"),
        ("Smb2DialectMax=SMB202", ""),
    ):
        if why:
            with pytest.raises(UsageError, match=why.replace("?", r"\?")):
                parts(word)


def test_outputs_from_the_field() -> None:
    if not INVENTORY.is_dir():
        pytest.skip("the files from the field are not here")
    fsx = export.read(INVENTORY / "16-Get-FSxSmbSession-and-config.txt")
    assert fsx.settings == {"EncryptData": True, "RejectUnencryptedAccess": False}
    listed = export.read(INVENTORY / "18-Get-SmbServerConfiguration-list-2024.txt")
    assert listed.settings["EnableSMB1Protocol"] is False
    assert listed.settings["NullSessionPipes"] == ",netlogon,samr,lsarpc"
    assert not listed.remarks
    for other in ("14-Get-SmbSession-select-dialect.txt", "25-netexec-host-lines.txt"):
        with pytest.raises(UsageError, match=r"is not what Get-SmbServerConfiguration|has no property"):
            export.read(INVENTORY / other)


def test_a_script_makes_the_change_and_takes_it_back(tmp_path: Path) -> None:
    brought(tmp_path, {**SERVER, "LmCompatibilityLevel": 3}, SHARES)
    told = export.read(tmp_path / "server.json", tmp_path / "shares.json")
    sets = ["RequireSecuritySignature=$true", "LmCompatibilityLevel=5", "[Payroll] EncryptData=$false"]
    made = script(told, told.changed(sets))
    assert "never started by this project" in made.splitlines()[0]
    _, change, back = made.split("# 2. The change")[0], *made.split("# 2. The change")[1].split("# 3. ")
    lsa = "New-ItemProperty -Path 'HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Lsa' -Name LmCompatibilityLevel"
    assert change.split("\r\n")[1:-2] == [
        "Set-SmbServerConfiguration -RequireSecuritySignature $true -Force",
        f"{lsa} -PropertyType DWord -Value 5 -Force",
        "Set-SmbShare -Name 'Payroll' -EncryptData $false -Force",
    ]
    assert "Set-SmbServerConfiguration -RequireSecuritySignature $false -Force" in back
    assert "-Value 3" in back


def test_no_text_gets_out_of_its_quotes(tmp_path: Path) -> None:
    evil = {"Name": "a'; calc\nb", "Path": "x", "Description": "'; Remove-Item C:\\ #\r\nx"}
    brought(tmp_path, {**SERVER, "AnnounceComment": "x'\ncalc"}, [evil])
    told = export.read(tmp_path / "server.json", tmp_path / "shares.json")
    for line in script(told, told).split("\r\n"):
        assert line.count("'") % 2 == 0
        assert "\n" not in line
        assert not line.startswith(("calc", "b'", "x'"))


@pytest.mark.local_lab
@pytest.mark.parametrize("image", ["bookworm", "trixie", "forky"])
def test_every_release_loads_what_is_made(
    judges: Callable[[str], ImageJudge], tmp_path: Path, image: str
) -> None:
    every = {
        **SERVER,
        "Smb2DialectMax": "SMB302",
        "EncryptData": True,
        "RejectUnencryptedAccess": False,
        "EncryptionCiphers": "AES_256_GCM",
        "GuestAccountEnabled": True,
        "EnableLeasing": False,
        "EnableMultiChannel": False,
        "EnableOplocks": False,
        "AnnounceComment": "Ablage",
    }
    made = brought(tmp_path, every, [*SHARES, {"Name": "Printer", "ShareType": "PrintQueue"}])
    assert heard(made.conf, judges(image), "server.json") == ()


def test_aes256_only_is_recognised(tmp_path: Path) -> None:
    before = brought(tmp_path, {**SERVER, "EncryptData": False})
    server = servers_of(before)["files@share"]
    known = {
        "RequireSecuritySignature=$true": "signing-required",
        "EnableSMB1Protocol=$false": "smb1-server-off",
        "EncryptData=$true": "encryption-required",
        "EncryptionCiphers=AES_256_GCM,AES_256_CCM": "aes256-only",
        "LmCompatibilityLevel=5": "ntlmv2-only",
    }
    for word, name in known.items():
        (part,) = difference(before, brought(tmp_path, {**SERVER}, None, word)).parts
        change: Any = CATALOGUE.mitigation(part)
        assert change.just(server).name == name


def test_an_administrator_is_told_in_the_words_of_windows_and_of_samba(tmp_path: Path) -> None:
    windows = brought(tmp_path, SERVER, SHARES)
    told = {}
    for emulates in (windows.emulates, None):
        server = servers_of(replace(windows, emulates=emulates))["files@Data"]
        for name in ("signing-required", "server-stopped"):
            known = replace(CATALOGUE, servers={**CATALOGUE.servers, server.name: server})
            doings = settings.on_server(known, name, server.name, language("en"))
            told[emulates is None, name] = [line for one in doings for line in one.do]
    assert told[False, "signing-required"] == [
        "Set-SmbServerConfiguration -RequireSecuritySignature $true -Force"
    ]
    assert told[False, "server-stopped"] == ["Stop-Service LanmanServer"]
    assert "server signing = mandatory" in told[True, "signing-required"]
    assert told[True, "server-stopped"] == ["systemctl stop smbd"]
