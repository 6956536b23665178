"""An office that its run was measured for: one file server, one network disk, old and new clients."""

from __future__ import annotations

from dataclasses import replace

from balance_example import cell, hole, run

from harness.model import Effect
from harness.result import ClientFact, ExposureFact, MitigationFact, RunResult, ServerFact
from harness.result.machines import FleetFact, MachineGroup
from harness.rollout.remedies import Kinship

KEPT, LOST, NEVER = Effect.KEPT, Effect.LOST, Effect.NEVER
SEVERITY = {
    "smb1-spoken": "high",
    "ntlmv1-accepted": "high",
    "unauthenticated-pipes": "medium",
    "smb2-spoken": "low",
}
KIN = Kinship(
    {"windows-10-ntlmv1": "windows-10-22h2"},
    dict.fromkeys(("windows-7", "windows-10-22h2", "windows-10-ntlmv1"), "windows"),
)
FLEET = FleetFact(
    "office",
    (
        MachineGroup(("windows-10-22h2",), 40, sure=True),
        MachineGroup(("windows-7",), 19, sure=True),
        MachineGroup(("office-scanner",), 3, sure=True),
        MachineGroup(("windows-10-ntlmv1",), 2, sure=True),
        MachineGroup(("office-scanner", "windows-7"), 1),
        MachineGroup(("amiga",), 1),
        MachineGroup((), 4),
    ),
    "2026-11-20",
)
_LOST = {
    # On the file server: the clients that a change loses.
    "nt-pipe-support-off": "",
    "ntlmv2-only": "office-scanner windows-10-ntlmv1",
    "smb1-server-off": "office-scanner",
    "nt-pipe-support-off+smb1-server-off": "office-scanner",
    "ntlmv2-only+smb1-server-off": "office-scanner windows-10-ntlmv1",
    "ntlmv2-only+smb3-only": "office-scanner windows-10-ntlmv1 windows-7",
}
_OPEN = {
    "nt-pipe-support-off": "smb1-spoken ntlmv1-accepted smb2-spoken",
    "ntlmv2-only": "smb1-spoken unauthenticated-pipes smb2-spoken",
    "smb1-server-off": "ntlmv1-accepted smb2-spoken",
    "nt-pipe-support-off+smb1-server-off": "ntlmv1-accepted smb2-spoken",
    "ntlmv2-only+smb1-server-off": "smb2-spoken",
    "ntlmv2-only+smb3-only": "",
}
CLIENTS = ("windows-10-22h2", "windows-7", "office-scanner", "windows-10-ntlmv1")


def office() -> RunResult:
    """Its run: the file server with three changes and combinations, the disk with one."""
    cells = [
        cell(f"{change}:samba-4.22-smb1:{client}:write", LOST if client in lost.split() else KEPT)
        for change, lost in _LOST.items()
        for client in CLIENTS
    ]
    cells += [cell(f"guest-off:consumer-nas:{client}:write", KEPT) for client in CLIENTS[:2]]
    cells.append(cell("guest-off:consumer-nas:office-scanner:write", NEVER))
    holes = [
        hole(f"{change}:samba-4.22-smb1:{name}", "o" + ("o" if name in left.split() else "c") + "o")
        for change, left in _OPEN.items()
        for name in SEVERITY
    ]
    holes.append(hole("guest-off:consumer-nas:smb1-spoken", "ooo"))
    real = {"windows-10-22h2": "real"}
    return replace(
        run({}, {}),
        cells=tuple(cells),
        exposures=tuple(holes),
        exposure_facts={
            name: ExposureFact(name, name, "", "", "", grade) for name, grade in SEVERITY.items()
        },
        clients={name: ClientFact(name, name, real.get(name, "recorded"), "itself") for name in CLIENTS},
        servers={
            "samba-4.22-smb1": ServerFact("samba-4.22-smb1", "the files", "Samba 4.22", "real"),
            "consumer-nas": ServerFact("consumer-nas", "a disk", "Samba 4.13", "configured", "a disk"),
        },
        mitigations={
            name: MitigationFact(name, f"title of {name}", "server", "", "") for name in (*_LOST, "guest-off")
        },
        planned=len(cells),
    )
