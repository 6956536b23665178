"""Auditing on Windows, by its release: SMB1 access, clients without signing or encryption, guests, NTLM.

Which release knows what: "Auditing SMBv1 usage" and "SMB signing and encryption auditing" on
learn.microsoft.com, KB5066913 (signing and SPN on older releases), KB5064479 (NTLM of 24H2 and 2025). The
names of registry values are those that the cmdlets write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.fleet.auditing.audit import USUAL_DAYS, Audit, Export, Step
from harness.fleet.importers.windows_sessions import ASK_SESSIONS

FOLDER: Final = r"C:\fleet-audit"
SERVER_KEY: Final = r"'HKLM:\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters'"
DOMAIN_KEY: Final = r"'HKLM:\SYSTEM\CurrentControlSet\Services\Netlogon\Parameters'"
SMB_LOG: Final = "Microsoft-Windows-SMBServer/Audit"
NTLM_LOG: Final = "Microsoft-Windows-NTLM/Operational"
LOGON: Final = "{0CCE9215-69AE-11D9-BED3-505054503030}"
"""The subcategory Logon of auditpol: by its GUID, for its name is another in every language."""
_USUAL_LOG, _LARGE_LOG = 8_388_608, 134_217_728
"""Bytes: what a log has in a fresh installation, and what holds a month."""


@dataclass(frozen=True, slots=True)
class Windows:
    """A release, and what it knows."""

    name: str
    cmdlets: bool = True
    """It has Get-SmbSession and Set-SmbServerConfiguration: Windows 8 and Server 2012 and later."""
    update: str = ""
    """What must be installed before it knows SMB1 auditing; "" for nothing."""
    signing_update: bool = True
    """KB5066913 (September 2025) is for it: not for Windows 7, 8 and 8.1."""
    switches: bool = False
    """Set-SmbServerConfiguration has -AuditClientDoesNotSupportSigning and its like: 24H2 and 2025."""


RELEASES: Final = {
    "7": Windows("Windows 7", cmdlets=False, update="the monthly update of May 2018", signing_update=False),
    "8": Windows("Windows 8", update="the monthly update of July 2017", signing_update=False),
    "8.1": Windows("Windows 8.1", update="the monthly update of July 2017", signing_update=False),
    "10": Windows("Windows 10"),
    "11": Windows("Windows 11 before 24H2"),
    "11-24h2": Windows("Windows 11 24H2 and later", switches=True),
    "server-2008-r2": Windows(
        "Windows Server 2008 R2", cmdlets=False, update="the monthly update of May 2018"
    ),
    "server-2012": Windows("Windows Server 2012", update="the monthly update of July 2017"),
    "server-2012-r2": Windows("Windows Server 2012 R2", update="the monthly update of July 2017"),
    "server-2016": Windows("Windows Server 2016"),
    "server-2019": Windows("Windows Server 2019"),
    "server-2022": Windows("Windows Server 2022"),
    "server-2025": Windows("Windows Server 2025", switches=True),
}
_SWITCHES: Final = (
    "AuditClientDoesNotSupportSigning",
    "AuditClientDoesNotSupportEncryption",
    "AuditInsecureGuestLogon",
)
_BY_UPDATE: Final = ("AuditClientDoesNotSupportSigning", "AuditClientSpnSupport")


def audit(release: Windows, days: int = USUAL_DAYS) -> Audit:
    """For a Windows of that release."""
    return Audit(
        release.name,
        "powershell",
        days,
        (
            _before(release),
            *_smb_on(release),
            *_logons_on(),
            _larger(_LARGE_LOG),
            *_snapshots_on(release, days),
        ),
        tuple(_exports(release)),
        tuple(_off(release)),
        _cannot(release),
    )


def _before(release: Windows) -> Step:
    commands = [f"New-Item -ItemType Directory -Force {FOLDER}"]
    if release.cmdlets:
        commands.append(f"Get-SmbServerConfiguration | Out-File {FOLDER}\\before-smb.txt")
    commands.append(f"Get-ItemProperty {SERVER_KEY}, {DOMAIN_KEY} | Out-File {FOLDER}\\before-registry.txt")
    commands.append(f"auditpol /backup /file:{FOLDER}\\before-auditpol.csv")
    return Step("Write down what is set now", tuple(commands))


def _smb_on(release: Windows) -> list[Step]:
    update = f"It needs {release.update}. " if release.update else ""
    steps = [
        Step(
            "Have each use of SMB1 logged (event 3000)",
            (_switch(release, "AuditSmb1Access", on=True),),
            f"{update}It changes nothing for clients.",
        )
    ]
    if release.switches:
        steps.append(
            Step(
                "Have clients logged that do not support signing or encryption, and guests (events 3021 to "
                "3023)",
                tuple(_switch(release, name, on=True) for name in _SWITCHES),
            )
        )
    if not release.signing_update:
        return steps
    steps.append(
        Step(
            "Have clients logged that send no server name with their logon (events 3024 to 3026)"
            if release.switches
            else "Have clients logged that do not support signing (events 3021, 3027) or send no server name "
            "(events 3024 to 3026)",
            tuple(
                _registry(SERVER_KEY, name, 1)
                for name in _BY_UPDATE
                if not (release.switches and name in _SWITCHES)
            ),
            "It needs the update of September 2025 or later (KB5066913). Microsoft's article names one value "
            "for both; that the other is for signing is inferred from the policy's name, so look whether "
            "events come.",
        )
    )
    return steps


def _switch(release: Windows, name: str, *, on: bool) -> str:
    if release.cmdlets:
        return f"Set-SmbServerConfiguration -{name} ${str(on).lower()} -Force"
    return _registry(SERVER_KEY, name, 1) if on else _no_registry(SERVER_KEY, name)


def _registry(key: str, name: str, value: int) -> str:
    return f"New-ItemProperty -Path {key} -Name {name} -PropertyType DWord -Value {value} -Force"


def _no_registry(key: str, name: str) -> str:
    return f"Remove-ItemProperty -Path {key} -Name {name} -ErrorAction SilentlyContinue"


def _logons_on() -> list[Step]:
    return [
        Step(
            "Have each logon logged with its package (events 4624, 4625)",
            (f'auditpol /set "/subcategory:{LOGON}" /success:enable /failure:enable',),
            "The Security log turns over soon on a busy server: export it more often, or make it larger. A "
            "group policy that sets the same wins over this.",
        ),
        Step(
            "On domain controllers alone: have NTLM in the domain logged (event 8004)",
            (_registry(DOMAIN_KEY, "AuditNTLMInDomain", 7),),
            "It names the workstation, and not which version of NTLM.",
        ),
    ]


def _larger(size: int) -> Step:
    return Step(
        "Give the logs of SMB and NTLM room for a month"
        if size > _USUAL_LOG
        else "Give the logs their usual size",
        (f"wevtutil sl {SMB_LOG} /e:true /ms:{size}", f"wevtutil sl {NTLM_LOG} /e:true /ms:{size}"),
    )


def _snapshots_on(release: Windows, days: int) -> list[Step]:
    if not release.cmdlets:
        return []
    command = (
        "Get-SmbSession | Select-Object ClientComputerName, Dialect | "
        f"Export-Csv {FOLDER}\\sessions.csv -NoTypeInformation -Append"
    )
    return [
        Step(
            "Write down who is connected, and with which dialect, each quarter of an hour",
            (
                "$action = New-ScheduledTaskAction -Execute powershell.exe -Argument "
                f"'-NoProfile -Command \"{command}\"'",
                "$trigger = New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval "
                f"(New-TimeSpan -Minutes 15) -RepetitionDuration (New-TimeSpan -Days {days})",
                f"Register-ScheduledTask -TaskName {_TASK} -User SYSTEM -Action $action -Trigger $trigger",
            ),
            "Events have no dialect but SMB1: this has.",
        )
    ]


_TASK = "RehearseFleetAudit"


def _exports(release: Windows) -> list[Export]:
    more = ", no signing" if release.signing_update else ""
    more += ", no encryption, guest" if release.switches else ""
    network = "*[System[(EventID=4624 or EventID=4625)] and EventData[Data[@Name='LogonType']='3']]"
    found = [
        Export(
            Step("Events of SMB", (f"wevtutil qe {SMB_LOG} /f:xml > {FOLDER}\\smb.xml",)),
            "windows-events",
            f"SMB1{more}, last seen",
        ),
        Export(
            Step("Events of NTLM", (f"wevtutil qe {NTLM_LOG} /f:xml > {FOLDER}\\ntlm.xml",)),
            "windows-events",
            "NTLM and which version, last seen",
        ),
        Export(
            Step(
                "Logons over the network",
                (f'wevtutil qe Security "/q:{network}" /f:xml > {FOLDER}\\logons.xml',),
                "They are logons to all that listens on this machine, not to its shares alone.",
            ),
            "windows-events",
            "NTLMv1, NTLMv2, Kerberos or anonymous, last seen",
        ),
    ]
    if release.cmdlets:
        now = ASK_SESSIONS.replace("Export-Csv sessions.csv", f"Export-Csv {FOLDER}\\now.csv")
        found.append(
            Export(
                Step(
                    "Who is connected now",
                    (now.replace(", ClientUserName", ""),),
                    f"Beside {FOLDER}\\sessions.csv, which the task has written.",
                ),
                "windows-sessions",
                "dialect",
            )
        )
    return found


def _off(release: Windows) -> list[Step]:
    switches = ("AuditSmb1Access", *(_SWITCHES if release.switches else ()))
    values = [
        name for name in _BY_UPDATE if release.signing_update and not (release.switches and name in _SWITCHES)
    ]
    steps = [
        Step(
            "Turn the auditing of SMB off",
            (
                *(_switch(release, name, on=False) for name in switches),
                *(_no_registry(SERVER_KEY, name) for name in values),
                _no_registry(DOMAIN_KEY, "AuditNTLMInDomain"),
            ),
            f"Unless it was on before: {FOLDER}\\before-smb.txt and before-registry.txt tell.",
        ),
        Step("Put the audit policy back", (f"auditpol /restore /file:{FOLDER}\\before-auditpol.csv",)),
        _larger(_USUAL_LOG),
    ]
    if release.cmdlets:
        steps.append(
            Step("Stop the snapshots", (f"Unregister-ScheduledTask -TaskName {_TASK} -Confirm:$false",))
        )
    steps.append(
        Step(
            "Remove what was collected, once it is imported",
            (f"Remove-Item -Recurse {FOLDER}",),
            "The logons name users.",
        )
    )
    return steps


def _cannot(release: Windows) -> tuple[str, ...]:
    found = []
    if not release.cmdlets:
        found.append("This release has no Get-SmbSession: no dialect is told but SMB1.")
    if not release.signing_update:
        found.append(
            "This release does not log which clients support no signing or encryption: a rehearsal shows it."
        )
    elif not release.switches:
        found.append(
            "This release does not log which clients do not support encryption (Windows 11 24H2 and Server "
            "2025 do)."
        )
    found.append(
        "Event 3000 has an address and no name, and does not say whether the server let the client in: keep "
        "the leases of DHCP, and import them beside it."
    )
    return tuple(found)
