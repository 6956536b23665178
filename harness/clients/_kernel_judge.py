"""From what the kernel told of a mount to protocol steps, and to who refused what.

A command's exit status decides only whether something is to be explained; what is said about it comes from
the NTSTATUS that the kernel saw, from the errno that it made of it, or from the reason that it logged.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from harness.clients import _ticketless
from harness.clients._kernel_log import Kind, Report, Told, complaints
from harness.clients.base import Log
from harness.errors import LabFault, Refused
from harness.model import CLOSED, NO_DIALECT, RESET, STATUS_OK, TIMEOUT, Dialect, Side, Step, StepName
from harness.smb import status
from harness.smb.kerberos.names import KERBEROS, kind_of
from harness.smb.tap.kdc_trace import Tickets

# [MS-SMB2] 2.2.1.1 and [MS-CIFS] 2.2.2.1.
_SMB2: Final = {0: StepName.NEGOTIATE, 1: StepName.SESSION_SETUP, 3: StepName.TREE_CONNECT}
_SMB1: Final = {0x72: StepName.NEGOTIATE, 0x73: StepName.SESSION_SETUP, 0x75: StepName.TREE_CONNECT}
_PHASES: Final = {
    "list": (StepName.LIST,),
    "create": (StepName.CREATE, StepName.WRITE),
    "read": (StepName.READ,),
    "delete": (StepName.DELETE,),
}
_WRITE_COMMANDS: Final = {False: (9,), True: (0x2F,)}
# errno(3) of Linux: what the kernel gives where no NTSTATUS came.
_ERRNO: Final = {104: RESET, 111: RESET, 103: CLOSED, 112: CLOSED, 110: TIMEOUT, 11: TIMEOUT}
_HARMLESS: Final = {0, status.NO_MORE_FILES, status.BUFFER_OVERFLOW}
"""Statuses of an answer that refuses nothing."""
_UNTOLD: Final = "errno "
_TIMED_OUT: Final = 124
"""timeout(1): its program did not end in time."""
# Reasons of its own for which the kernel gives up: fs/smb/client/connect.c, smb2pdu.c, sess.c.
_OWN: Final = (
    (r"signing required but server lacks|does not support signing", status.SIGNING_NOT_POSSIBLE),
    (r"[Ee]ncryption (?:is )?not supported|required for encryption|without encryption|no encryption",
     status.ENCRYPTION_NOT_POSSIBLE),
)  # fmt: skip


_ETYPES: Final = {
    "aes128-cts-hmac-sha1-96": 17,
    "aes256-cts-hmac-sha1-96": 18,
    "aes128-cts-hmac-sha256-128": 19,
    "aes256-cts-hmac-sha384-192": 20,
    "arcfour-hmac": 23,
}
"""Encryption types as MIT's klist(1) calls them, by their numbers in IANA's registry."""
_NOBODY: Final = Tickets()


def judge(report: Report, check: str, content: str, log: Log, asked: Tickets = _NOBODY) -> None:
    """Note the steps in ``log``; return when the check was done. ``asked``: what its domain's KDC was asked.

    Raises Refused at the step that stopped it, LabFault where the kernel gives no reason or failed itself.
    """
    if report.died:
        raise LabFault("the kernel of the client's guest has failed (an oops)", "see its console in evidence")
    _note_facts(report, log)
    _mounting(report, log, asked)
    _use(report, "list", log)
    if not report.said["list"].strip():
        raise LabFault("the share was mounted, but its listing is empty: the welcome file is missing")
    if check == "write":
        for phase in ("create", "read", "delete"):
            _use(report, phase, log)
            if phase == "read" and report.said["read"].strip() != content:
                raise LabFault("the kernel read back something else than it wrote")


def _note_facts(report: Report, log: Log) -> None:
    seen = report.facts
    if seen.dialect is None:
        return
    log.dialect = str(Dialect.NT1 if seen.dialect == 0 else _dialect(seen.dialect))
    log.signed = seen.signed
    log.encrypted = seen.encrypted
    # Since Linux 5.15 it knows no older answer than NTLMv2; before, sec=ntlmssp meant it too.
    log.auth = "guest" if seen.guest else _ticket(report) if seen.kerberos else "NTLMv2"


def _ticket(report: Report) -> str:
    """How it logged on with a ticket; with what that is encrypted, where klist(1) says types that we know."""
    held = next((one for one in report.tickets if one.service.startswith("cifs/")), None)
    if held is None or not {held.ticket, held.session} <= _ETYPES.keys():
        return KERBEROS
    return kind_of(_ETYPES[held.ticket], _ETYPES[held.session])


def _dialect(revision: int) -> str:
    try:
        return str(Dialect.from_revision(revision))
    except KeyError:
        return f"0x{revision:04x}"


def _mounting(report: Report, log: Log, asked: Tickets) -> None:
    """The steps up to the tree connect. Raises as ``judge``."""
    begun = {step.name: step for step in _mount_steps(report)}
    log.steps.extend(begun.values())
    _ticketless.note(log, asked)
    if report.ends.get("mount") == 0:
        return
    words = _words(report, "mount")
    log.said = _printed(report, "mount")
    if asked.unreachable:
        raise LabFault(f"the domain's KDC did not answer ({asked.unreachable}); {words}")
    errno = _mount_errno(report)
    failed = next((step for step in reversed(log.steps) if not step.ok), None)
    own = _own_reason(report)
    if own and failed is not None and failed.status == NO_DIALECT:
        # It gave up over a reply that it did not like, which its log tells apart.
        log.steps.remove(failed)
        _fail(log, failed.name, own, Side.CLIENT, words)
    if failed is not None and failed.name is not StepName.TREE_CONNECT_IPC:
        if failed.status.startswith(_UNTOLD):
            # No network, no memory, or a line that the kernel log lost: nobody is known to have said no.
            raise LabFault(
                f"{failed.name} failed with {failed.status} and the kernel names no status: {words}"
            )
        raise Refused(failed.status, detail=words)
    where = _next_step(log)
    if own:
        _fail(log, where, own, Side.CLIENT, words)
    _must_have_ended(report, "mount")
    if errno in _ERRNO:
        _fail(log, where, _ERRNO[errno], Side.SERVER, words)
    raise LabFault(f"mount failed and the kernel names no status: {words}")


def _mount_steps(report: Report) -> list[Step]:
    """The steps that the kernel told of while it mounted; of each, the answer that counts."""
    told = [one for one in report.told if one.phase == "mount"]
    found: list[Step] = []
    before = told[0].at if told else 0.0
    trees = [one.name for one in told if one.kind is Kind.TREE]
    connects = [one for one in told if one.kind is Kind.CONNECT]
    if connects:
        # It tries port 445, then 139.
        best = next((one for one in connects if one.errno == 0), connects[0])
        found.append(_step(StepName.CONNECT, best, before))
        before = best.at
    tree = 0
    for one in told:
        name = (_SMB1 if one.smb1 else _SMB2).get(one.command) if one.kind is Kind.COMMAND else None
        if name is None or one.status == status.MORE_PROCESSING_REQUIRED:
            continue
        if name is StepName.TREE_CONNECT:
            # IPC$ comes first, for DFS and for the reconnect; its refusal stops no mount.
            ipc = trees[tree].upper() == "IPC$" if tree < len(trees) else tree == 0
            name = StepName.TREE_CONNECT_IPC if ipc else name
            tree += 1
        found.append(_step(name, one, before))
        before = one.at
    return found


def _step(name: StepName, told: Told, before: float) -> Step:
    """A step as told; its status begins with ``_UNTOLD`` where the kernel names none."""
    ms = max(0.0, (told.at - before) * 1000)
    if told.errno and not told.status:
        said = f"{_UNTOLD}{told.errno}"
        if name is StepName.CONNECT:
            said = _ERRNO.get(told.errno, said)
        elif name is StepName.NEGOTIATE:
            # The server of SMB1 that chooses no dialect sends 0xFFFF and no NTSTATUS ([MS-CIFS] 2.2.4.52.2).
            said = NO_DIALECT
        return Step(name, said, ms, f"errno {told.errno}")
    return Step(name, status.name(told.status) if told.status else STATUS_OK, ms)


def _use(report: Report, phase: str, log: Log) -> None:
    """One use of the mounted share. Raises as ``judge``."""
    names = _PHASES[phase]
    told = [one for one in report.told if one.phase == phase and one.kind is Kind.COMMAND]
    ms = max(0.0, (told[-1].at - told[0].at) * 1000) if len(told) > 1 else 0.0
    end = report.ends.get(phase)
    if end == 0:
        log.steps.extend(Step(name, STATUS_OK, ms / len(names)) for name in names)
        return
    words = _words(report, phase)
    log.said = _printed(report, phase)
    bad = next((one for one in reversed(told) if one.status not in _HARMLESS and one.errno), None)
    at = names[-1] if bad is not None and bad.command in _WRITE_COMMANDS[bad.smb1] else names[0]
    if bad is not None:
        _fail(log, at, status.name(bad.status), Side.SERVER, words)
    _must_have_ended(report, phase)
    raise LabFault(f"{phase} failed and the kernel names no status: {words or 'it said nothing'}")


def _must_have_ended(report: Report, phase: str) -> None:
    """Raises LabFault for a program that was ended: a guest that is slow or hangs was refused by no server.

    A server that keeps silent is told by the kernel itself, as ETIMEDOUT.
    """
    if report.ends.get(phase) == _TIMED_OUT:
        raise LabFault(f"{phase} did not end in time and the kernel names no status", "is the guest busy?")


def _fail(log: Log, name: StepName, said: str, side: Side, detail: str) -> NoReturn:
    log.steps.append(Step(name, said, 0.0, detail))
    raise Refused(said, side, detail)


def _next_step(log: Log) -> StepName:
    """The first step of a mount that the kernel told nothing of."""
    order = (StepName.CONNECT, StepName.NEGOTIATE, StepName.SESSION_SETUP, StepName.TREE_CONNECT)
    passed = {step.name for step in log.steps if step.ok}
    last = max((order.index(name) for name in passed if name in order), default=-1)
    return order[min(last + 1, len(order) - 1)]


def _mount_errno(report: Report) -> int:
    """The errno of mount(2), as mount.cifs(8) or the kernel log says it; 0 for none."""
    for pattern, text in (
        (r"mount error\((\d{1,5})\)", report.said.get("mount", "")),
        (r"cifs_mount failed w/return code = -(\d{1,5})", report.log),
    ):
        found = re.search(pattern, text)
        if found:
            return int(found[1])
    return 0


def _own_reason(report: Report) -> str:
    """The status that stands for a reason of the client's own; "" for none."""
    said = "\n".join(complaints(report.log))
    return next((name for pattern, name in _OWN if re.search(pattern, said)), "")


def _words(report: Report, phase: str) -> str:
    """What the program said, and what the kernel complained of, in one line."""
    kernel = [one for one in complaints(report.log) if not one.startswith("cifs_mount failed")]
    return "; ".join(filter(None, [_printed(report, phase), *kernel[-1:]]))[:300]


def _printed(report: Report, phase: str) -> str:
    """What the program said, without where to read more."""
    lines = [line for line in report.said.get(phase, "").splitlines() if "manual page" not in line]
    return next(iter(lines), "")[:200]
