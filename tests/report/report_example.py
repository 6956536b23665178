"""A run as it could have been: several rows, every effect, emulated things, unicode, and hostile bytes."""

from __future__ import annotations

import io

from rich.cells import cell_len
from rich.console import Console

from harness.model import Attempt, CellId, Effect, Evidence, Outcome, Phase, Row, Side, Step, StepName
from harness.report.page import console_for
from harness.result import (
    Applied,
    CellResult,
    ClientFact,
    MitigationFact,
    NotApplicable,
    RunResult,
    ServerFact,
)

DENIED = "STATUS_ACCESS_DENIED"
PIPES = "the server refuses every named pipe (nt pipe support = no); share listing needs srvsvc"


def too_wide(text: str, width: int) -> list[str]:
    """Lines that are wider than a console and hold no command: these are never broken, to be pasted."""
    return [
        line
        for line in text.split("\n")
        if cell_len(line) > width and not line.lstrip().startswith("rehearse ")
    ]


def printed(width: int = 80, encoding: str = "utf-8") -> tuple[Console, io.BytesIO]:
    """A console on a stream that is no terminal, and what arrives there."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="", write_through=True)
    return console_for(stream, {"COLUMNS": str(width)}), raw


def ok(ms: float = 21.4, dialect: str = "2.1") -> Attempt:
    """An attempt that went well."""
    steps = (
        Step(StepName.CONNECT, "STATUS_SUCCESS", 0.21),
        Step(StepName.NEGOTIATE, "STATUS_SUCCESS", 1.9),
        Step(StepName.SESSION_SETUP, "STATUS_SUCCESS", 8.4),
        Step(StepName.TREE_CONNECT_IPC, "STATUS_SUCCESS", 1.1),
        Step(StepName.CREATE_PIPE, "STATUS_SUCCESS", 2.2),
    )
    return Attempt(Outcome.OK, steps, ms, dialect=dialect, signed=False, encrypted=False, auth="NTLMv2")


def refused(step: StepName, status: str, side: Side = Side.SERVER, detail: str = "") -> Attempt:
    """An attempt that was stopped at a step."""
    steps = (Step(StepName.CONNECT, "STATUS_SUCCESS", 0.21), Step(step, status, 0.7, detail))
    return Attempt(Outcome.REFUSED, steps, 4.5, step=step, status=status, side=side, note=detail)


def cell(
    name: str,
    effect: Effect = Effect.KEPT,
    *,
    before: Attempt | None = None,
    applied: Attempt | None = None,
    after: Attempt | None = None,
    expected: bool = True,
    restored: bool | None = True,
    cause: str = "",
    user_sees: str = "",
    owner: Side | None = None,
    claim: str = "",
) -> CellResult:
    """One cell; phases that are not given went well."""
    phases = {
        Phase.BASELINE: before or ok(),
        Phase.APPLIED: applied or ok(),
        Phase.ROLLED_BACK: after or ok(),
    }
    return CellResult(CellId.parse(name), effect, expected, restored, cause, user_sees, owner, claim, phases)


def _pipes_off(client: str, sees: str) -> list[CellResult]:
    place = f"nt-pipe-support-off:samba-4.17:{client}"
    said = "the article says lost, measured kept: opening a share by its path needs no named pipe"
    return [
        cell(
            f"{place}:browse",
            Effect.LOST,
            applied=refused(StepName.CREATE_PIPE, DENIED),
            cause=PIPES,
            user_sees=sees,
            owner=Side.SERVER,
        ),
        cell(f"{place}:open", claim=said),
        cell(f"{place}:write", claim=said),
    ]


def _smb1_off(client: str) -> list[CellResult]:
    stopped = refused(StepName.NEGOTIATE, "CLOSED", detail="\x1b[2Jgone\x07\u202e")
    return [
        cell(
            f"smb1-client-off:sles11-like:{client}:{check}",
            Effect.LOST,
            applied=stopped,
            cause="the server hung up without an answer",
            user_sees="The specified network name is no longer available (error 64)",
            owner=Side.SERVER,
        )
        for check in ("browse", "open", "write")
    ]


def _others() -> list[CellResult]:
    nobody = refused(StepName.SESSION_SETUP, "STATUS_LOGON_FAILURE")
    broken = Attempt.fault("smbd died: Dateisystem voll – 空き容量がありません\r\n\x1b]0;owned\x07")
    back = refused(StepName.TREE_CONNECT, "STATUS_BAD_NETWORK_NAME")
    return [
        cell(
            "vendor-patch:samba-4.17:office-scanner:open",
            Effect.NEVER,
            before=nobody,
            applied=nobody,
            after=nobody,
            restored=None,
            cause="the server does not accept this user, password or kind of authentication",
        ),
        cell("vendor-patch:samba-4.17:windows-7:open", expected=False, after=back, restored=False, cause="x"),
        cell("vendor-patch:samba-4.17:linux-smbclient:open", Effect.GAINED, before=nobody, restored=None),
        cell(
            "vendor-patch:samba-4.17:büro-scanner-日本語:open",
            Effect.FAULT,
            applied=broken,
            expected=False,
            cause=broken.note,
        ),
    ]


def example() -> RunResult:
    """The run."""
    pipes = [
        *_pipes_off("windows-xp", "You might not have permission to use this network resource"),
        *_pipes_off("windows-7", "Access is denied (error 5)"),
        *_pipes_off("windows-10-1703", "Access is denied (error 5)"),
        *_pipes_off("linux-smbclient", "NT_STATUS_ACCESS_DENIED"),
    ]
    smb1 = [*_smb1_off("windows-7"), *_smb1_off("windows-10-1703")]
    others = _others()
    unmeasured = CellId.parse("vendor-patch:samba-4.17:windows-xp:open")
    return RunResult(
        run="2026-11-22T19-02-11-article",
        lab="local",
        complete=False,
        scenarios=("article",),
        servers={
            "samba-4.17": ServerFact(
                "samba-4.17",
                "Samba 4.17 of Debian 12",
                "Samba 4.17.12-Debian",
                "real",
                packages=("samba 2:4.17.12+dfsg-0+deb12u2",),
            ),
            "sles11-like": ServerFact(
                "sles11-like",
                "SMB1 only, NTLMv1 allowed",
                "Samba 4.13.13-Debian",
                "configured",
                "SUSE Linux Enterprise Server 11, Samba 3.6.3",
            ),
        },
        clients={
            "windows-xp": ClientFact("windows-xp", "Windows XP SP3", "recorded", "impacket 0.13.1"),
            "windows-7": ClientFact(
                "windows-7",
                "Windows 7 SP1",
                "recorded",
                "impacket 0.13.1",
                (Evidence("offers 2.0.2 and 2.1", "capture of a Windows 7 client, “peter”"),),
            ),
            "windows-10-1703": ClientFact(
                "windows-10-1703", "Windows 10 1703", "recorded", "impacket 0.13.1"
            ),
            "office-scanner": ClientFact("office-scanner", "SMB1 scanner", "documented", "impacket 0.13.1"),
            "linux-smbclient": ClientFact("linux-smbclient", "smbclient", "real", "smbclient 4.17.12-Debian"),
        },
        mitigations={
            "nt-pipe-support-off": MitigationFact(
                "nt-pipe-support-off", "nt pipe support = no", "server", "nobody lists shares", "smb.conf(5)"
            )
        },
        cells=(*smb1, *pipes, *others),
        applied=(
            Applied(
                "smb1-client-off",
                "sles11-like",
                "the NEGOTIATE of windows-7 and windows-10-1703 no longer offers NT LM 0.12",
                "it offers NT LM 0.12 again",
            ),
            Applied(
                "nt-pipe-support-off",
                "samba-4.17",
                "opening the pipe srvsvc on a new connection: STATUS_ACCESS_DENIED",
                "opening the pipe srvsvc on a new connection: ok",
            ),
            Applied("vendor-patch", "samba-4.17", "the running smbd is that of 2:4.17.12+dfsg-0+deb12u2"),
        ),
        not_applicable=(
            NotApplicable("vendor-patch", "consumer-nas", "no patch to be had: its vendor publishes none"),
        ),
        planned=len(smb1) + len(pipes) + len(others) + 1,
        rows=(
            Row("row-1", "SMB 1.0/CIFS removed on the clients", tuple(c.cell for c in smb1)),
            Row("row-2", "nt pipe support = no, Samba restarted", tuple(c.cell for c in pipes)),
            Row("row-3", "the vendor's patch", (*(c.cell for c in others[:2]), unmeasured)),
        ),
    )
