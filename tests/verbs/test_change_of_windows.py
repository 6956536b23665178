"""``rehearse change --windows-server``: a Windows as PowerShell tells it, through a change and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commandline import rehearse

from harness.labs.local import LocalLab

SERVER = {
    "EnableSMB1Protocol": True,
    "EnableSMB2Protocol": True,
    "RequireSecuritySignature": False,
    "EncryptData": False,
    "RejectUnencryptedAccess": True,
}
SHARES = [
    {"Name": "Data", "ShareType": 0, "SecurityDescriptor": "O:SYG:SYD:(A;;FA;;;WD)"},
    {"Name": "Payroll", "ShareType": 0, "SecurityDescriptor": "D:(A;;FA;;;S-1-5-21-1-2-3-1104)"},
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """As Windows PowerShell 5.1 writes them."""
    server, shares = tmp_path / "server.json", tmp_path / "shares.json"
    server.write_text(json.dumps(SERVER), encoding="utf-16")
    shares.write_text(json.dumps(SHARES), encoding="utf-16")
    return server, shares


@pytest.mark.local_lab
def test_an_emulated_windows_loses_its_copier(
    lab: LocalLab, files: tuple[Path, Path], tmp_path: Path
) -> None:
    assert lab
    runs = ("--runs", tmp_path / "runs")
    done = rehearse(
        *("change", "--windows-server", files[0], "--windows-shares", files[1], "--name", "files"),
        *("--set", "EnableSMB1Protocol=$false", "--set", "RequireSecuritySignature=$true"),
        *("--share", "data", "--client", "office-scanner", "--client", "smbclient", "--check", "write"),
        *("--quiet", "--json", "--powershell", tmp_path / "change.ps1", *runs),
    )
    assert done.status == 1, done.stderr
    made = json.loads(done.stdout)
    change = "smb1-server-off+signing-required"
    effects = {cell["cell"]: cell["effect"] for cell in made["cells"]}
    assert effects == {
        f"{change}:files@Data:office-scanner:write": "lost",
        f"{change}:files@Data:smbclient:write": "kept",
    }
    (server,) = made["servers"].values()
    assert server["fidelity"] == "configured"
    assert "server.json" in server["emulates"]
    assert any("nothing of it was compared with a Windows" in one for one in server["remarks"])
    # Its driver and its packages are no Windows': nothing can be said of holes in them.
    found = {one["exposure"]: (one["baseline"], one["evidence"]) for one in made["exposures"]}
    assert [found[name][0] for name in ("ms17-010", "cve-2017-7494", "cve-2020-0796", "end-of-life")] == [
        *("unknown", "not exposed", "unknown", "unknown"),
    ]
    assert "this is windows" in found["cve-2017-7494"][1]
    ticket = rehearse("report", "--format", "ticket", "--lang", "en", *runs).stdout
    assert "   Set-SmbServerConfiguration -RequireSecuritySignature $true -Force" in ticket
    assert "   Set-SmbServerConfiguration -EnableSMB1Protocol $true -Force" in ticket
    assert "Get-SmbSession" in ticket
    assert "smb.conf.before" not in ticket
    assert "Smb2DialectMin" not in ticket
    assert "~files@Data" in ticket
    assert (tmp_path / "change.ps1").read_bytes().startswith(b"\xef\xbb\xbf# not verified")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--set", "EncryptData=$false"], "nothing changes: the server is set so already"),
        ([], "there is nothing to change"),
        (["--set", "EncryptData=$true", "--unset", "EncryptData"], "--unset is for a Samba"),
        (["--set", "EncryptData=$true", "--smb-conf", "x"], "--smb-conf is for a Samba"),
        (["--set", "EncryptDta=$true"], "did you mean EncryptData?"),
        (["--set", "EncryptData=$true", "--version", "NetWare"], "no Windows that is known here"),
        (["--set", "EncryptData=$true", "--windows-shares", "/nonexistent"], "/nonexistent"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_started(
    files: tuple[Path, Path], tmp_path: Path, words: list[str], why: str
) -> None:
    done = rehearse("change", "--windows-server", files[0], *words, "--runs", tmp_path / "runs")
    assert done.status == 64
    assert why in done.stderr
    assert not (tmp_path / "runs").exists()


def test_the_shares_alone_are_no_server(files: tuple[Path, Path]) -> None:
    done = rehearse("change", "--windows-shares", files[1], "--set", "EncryptData=$true")
    assert done.status == 64
    assert "--windows-shares belongs to a Windows server" in done.stderr
