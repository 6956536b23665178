"""Client programs: run one through a tap, and judge by what the server answered on the wire.

A program's exit status and words are no evidence, with one exception: behind encryption the wire
shows nothing, and then the program's words decide and the steps say so.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from harness.clients import _resident, _ticketless
from harness.clients._ran import COMPLAINT, Ran
from harness.clients._resident import Helper
from harness.clients.base import Log
from harness.errors import ClientFailed, LabFault, Refused, Unsupported
from harness.model import (
    CLOSED,
    RESET,
    STATUS_OK,
    TIMEOUT,
    ClientPolicy,
    Dialect,
    Side,
    Step,
    StepName,
    Target,
)
from harness.smb import footprint
from harness.smb import status as nt_status
from harness.system.deadline import pace
from harness.system.process import Result, run

if TYPE_CHECKING:
    from harness.smb.tap.trace import Conversation

REPORTED = "as the client reported (encrypted)"
_GRACE: Final = 2.0
_AT_ONCE = 2.0
"""Seconds within which a program tells that the server hung up (more on a slow machine); its user calls what
comes later a timeout."""

_ANYTHING: Final = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class Invocation:
    """How to start a program. Secrets go into ``stdin`` or ``env``, never into ``argv``."""

    argv: Sequence[str]
    stdin: str = field(default="", repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Reported:
    """How to read a program's words where the wire is encrypted."""

    success: Callable[[Result], bool]
    """True when the program shows the content that it can only have from the server."""
    failures: tuple[tuple[re.Pattern[str], StepName], ...]
    """Words with an NTSTATUS as group 1, or a group ``denied`` for a program that knows no more than that ->
    the step that they are about."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What must have been seen before a check counts as done."""

    steps: tuple[StepName, ...]
    reported: Reported | None = None
    """None for a program that cannot encrypt."""


def program(target: Target, image: str, path: str) -> tuple[str, ...]:
    """The command line of a client program. Raises LabFault when this lab has it not."""
    found = target.program(image, path)
    if found is None:
        raise LabFault(f"this lab has no {path}: the image {image} is not here", "see: rehearse list images")
    return found


@cache
def version_of(command: tuple[str, ...]) -> str:
    """What ``COMMAND --version`` says first. Raises LabFault when it does not run."""
    return run([*command, "--version"], timeout=10).check("client program").stdout.partition("\n")[0].strip()


def grace() -> float:
    """Seconds by which the tap outlives the program, so that the program's timeout is seen by the tap."""
    return _GRACE * pace()


def through_tap(
    program: str,
    invocation: Callable[[int], Invocation],
    target: Target,
    complains: re.Pattern[str] = COMPLAINT,
    gives_up: re.Pattern[str] | None = None,
) -> Ran:
    """Run ``invocation(port)`` against 127.0.0.1:port, which is the target seen through a tap.

    Raises LabFault when the program cannot be started, crashed, or made no connection.
    """
    from harness.smb.tap.relay import Tap

    with Tap(target.address, target.port, target.seconds + grace()) as tap:
        call = invocation(tap.port)
        result = run(call.argv, timeout=target.seconds, stdin=call.stdin, env=call.env)
        ended_at = time.monotonic()
    footprint.said(program, result)
    ran = Ran(program, result, tap.traces(), ended_at, complains, gives_up)
    status = result.status
    # 125-127: chroot(1), env(1) and shells could not start it; 128 + n: a wrapper tells of signal n.
    if status is not None and (status < 0 or 128 < status <= 128 + signal.NSIG):
        number = -status if status < 0 else status - 128
        # Others kill by these: the machine that is out of memory, or whoever stops us.
        kind = LabFault if number in {signal.SIGKILL, signal.SIGTERM} else ClientFailed
        raise kind(f"{program} crashed (signal {number})")
    if status in {125, 126, 127}:
        raise LabFault(f"{program} could not be started: {ran.words.strip()[:200]}")
    connected(ran)
    return ran


def resident_through_tap(
    helper: Helper, request: Callable[[int], Mapping[str, str]], target: Target, patience: float
) -> Ran:
    """As ``through_tap`` for a client that lives in a resident helper: ``request(port)`` is what it is asked.

    It has ``patience`` seconds at most (more on a slow machine), and is killed then; starting it takes none.
    Raises LabFault when it cannot be started, ended by itself, or made no connection.
    """
    _resident.ensure(helper)
    seconds = min(patience * pace(), target.seconds)
    from harness.smb.tap.relay import Tap

    with Tap(target.address, target.port, seconds + grace()) as tap:
        result = _resident.ask(helper, request(tap.port), seconds)
        ended_at = time.monotonic()
    footprint.said(helper.name, result)
    ran = Ran(helper.name, result, tap.traces(), ended_at, _ANYTHING)
    connected(ran)
    return ran


def connected(ran: Ran) -> None:
    """Raises LabFault where it made no connection at all."""
    if not ran.traces:
        last = ran.words.strip().splitlines()
        raise ran.unproven(f"{ran.program} made no connection" + (f": {last[-1][:200]}" if last else ""))


def has_settings(name: str, own: ClientPolicy, policy: ClientPolicy, *settings: str) -> None:
    """Raise Unsupported when ``policy`` asks for more than the client's own and than it has settings for.

    The port is no setting of the policy to a program: it is told one each time.
    """
    for one in fields(ClientPolicy):
        if one.name not in (*settings, "port") and getattr(policy, one.name) != getattr(own, one.name):
            raise Unsupported(f"{name} has no setting for it: {one.name.replace('_', ' ')}")


def judge(ran: Ran, goal: Goal, policy: ClientPolicy, log: Log) -> None:
    """Note the steps in ``log``. Returns when the goal was seen.

    Raises Refused at the first failing step, ClientFailed where the server refused nothing and the client
    went no further, LabFault when there is evidence for nothing.
    """
    try:
        _judge(ran, goal, policy, log)
    finally:
        _ticketless.note(log, ran.tickets)


def _judge(ran: Ran, goal: Goal, policy: ClientPolicy, log: Log) -> None:
    passed: set[StepName] = set()
    log.said = ran.said
    for conversation in ran.traces:
        passed |= {step.name for step in conversation.steps if step.ok}
        # Who was refused and came again as nobody did not do it as whom it was to be done.
        if passed.issuperset(goal.steps) and not _turned_away(conversation):
            _note(log, conversation, conversation.steps)
            return
        refusal = _stopped(conversation, goal)
        if refusal and _gave_up(ran, conversation, refusal):
            _note(log, conversation, [step for step in conversation.steps if step is not refusal])
            raise ClientFailed(f"{ran.program} gave up; {ran.complaint}", refusal.name)
        if refusal:
            lived = _as_lived(ran, conversation, refusal)
            log.waited_on = lived is not refusal
            _note(log, conversation, [lived if step is refusal else step for step in conversation.steps])
            refusal = lived
            if _cut_off(ran, conversation, refusal) or refusal.name is StepName.CONNECT:
                # The tap took a connection that the server refuses, or hung up for it: what the client says
                # of that is not what its user reads.
                log.said = ""
            if refusal.name is StepName.SESSION_SETUP:
                if ran.tickets.unreachable:
                    raise _ticketless.no_kdc(ran)  # it came without the ticket that the lab owed it
                log.auth = conversation.refused_auth or log.auth
            words = (
                (refusal.detail, ran.complaint)
                if refusal.status == TIMEOUT
                else (ran.complaint or refusal.detail,)
            )
            raise Refused(refusal.status, detail="; ".join(filter(None, words)), step=refusal.name)
        if conversation.encrypted and goal.reported:
            _note(log, conversation, conversation.steps)
            _believe(ran, goal, goal.reported, log)
            return
        impossible = _cannot_comply(conversation, policy)
        if impossible and conversation.ended_by == "client":
            _hung_up(ran, conversation, impossible, log)
        _note(log, conversation, conversation.steps)
    _ticketless.judge(ran, policy, log)
    if ran.result.status is not None and ran.complaint:
        raise _went_no_further(ran, goal, log)
    missing = next(name for name in goal.steps if name not in passed)
    how = "did not end" if ran.result.status is None else "ended"
    why = f"no evidence of {missing}: {ran.program} {how} and nothing was refused; {ran.complaint}"
    raise ran.unproven(why)


def muddled(ran: Ran, log: Log) -> ClientFailed:
    """The failure of a client that got a file's content from the server, and gives its user another."""
    errors = replace(ran, result=replace(ran.result, stdout=""))
    log.said = errors.said or f"no error of {ran.program}, and not the content of the file"
    return ClientFailed(f"{ran.program} gives something else than the server sent; {log.said}", StepName.READ)


def _went_no_further(ran: Ran, goal: Goal, log: Log) -> ClientFailed:
    """The failure of a client to whom nobody said no; what it did to clean up is not where it stopped."""
    way = {StepName.CONNECT, StepName.NEGOTIATE, StepName.SESSION_SETUP, *goal.steps}
    last = next((step.name for step in reversed(log.steps) if step.name in way), StepName.CONNECT)
    why = f"{ran.program} went no further than {last}, though the server refused nothing; {ran.complaint}"
    return ClientFailed(why, last)


def _turned_away(conversation: Conversation) -> bool:
    """The user was refused, whoever the client came again as."""
    return any(step.name is StepName.SESSION_SETUP and not step.ok for step in conversation.steps)


def _stopped(conversation: Conversation, goal: Goal) -> Step | None:
    """The first failed step that the goal depends on.

    smbclient asks IPC$ for DFS referrals before it opens a share, and goes on when that is refused.
    """
    needed = StepName.TREE_CONNECT_IPC in goal.steps
    for step in conversation.steps:
        aside = (
            step.name is StepName.LOGOFF
            or (step.name is StepName.TREE_CONNECT_IPC and not needed and step is not conversation.steps[-1])
            # It looked whether a file is there that it had written to, or was about to write.
            or (step.status == "STATUS_OBJECT_NAME_NOT_FOUND" and conversation.passed(StepName.WRITE))
        )
        if not step.ok and not aside:
            return step
    return None


def _gave_up(ran: Ran, conversation: Conversation, step: Step) -> bool:
    """Whether it hung up for a reason of its own; what it had asked last is then without an answer."""
    unanswered = step.status == TIMEOUT and conversation.ended_by == "client"
    return unanswered and ran.gives_up is not None and bool(ran.gives_up.search(ran.complaint))


def _cut_off(ran: Ran, conversation: Conversation, step: Step) -> bool:
    """Whether the tap's end ended its waiting; else the tap only closed what it had left open."""
    ours = step.status == TIMEOUT and not conversation.ended_by
    return ours and (conversation.ended_at is None or conversation.ended_at <= ran.ended_at)


def _as_lived(ran: Ran, conversation: Conversation, step: Step) -> Step:
    """A program that does not notice that the server hung up lets its user wait: to them it is a timeout."""
    if step.name is StepName.CONNECT or conversation.ended_at is None:
        return step  # the tap took the connection that the server refused: only so can it be waited on
    # Not by how long it ran: what it did before it connected, it did not wait.
    waited = ran.ended_at - conversation.ended_at
    if step.status not in {CLOSED, RESET} or (ran.result.status is not None and waited < _AT_ONCE * pace()):
        return step
    detail = f"the server hung up ({step.status}); {ran.program} waited on for {waited:.0f} s"
    return replace(step, status=TIMEOUT, detail=detail)


def _note(log: Log, conversation: Conversation, steps: Sequence[Step]) -> None:
    """Add a conversation to the log; a step that was seen before keeps its first account."""
    known = {step.name for step in log.steps}
    log.steps.extend(step for step in steps if step.name not in known)
    log.dialect = conversation.dialect or log.dialect
    log.auth = conversation.auth or log.auth
    log.cipher = conversation.cipher or log.cipher
    if conversation.dialect:
        log.server_signing, log.agreed_cipher = conversation.server_signing, conversation.agreed_cipher
    if conversation.signed is not None:
        log.signed = conversation.signed
    if conversation.encrypted is not None:
        log.encrypted = conversation.encrypted


def _believe(ran: Ran, goal: Goal, reported: Reported, log: Log) -> None:
    """Behind encryption: the program's words decide."""
    known = {step.name for step in log.steps}
    hidden = [name for name in goal.steps if name not in known]
    for pattern, about in reported.failures:
        if found := pattern.search(ran.words):
            status = (
                "STATUS_ACCESS_DENIED" if "denied" in pattern.groupindex else found[1].removeprefix("NT_")
            )
            for name in hidden[: hidden.index(about)] if about in hidden else ():
                log.steps.append(Step(name, STATUS_OK, 0.0, REPORTED))
            log.steps.append(Step(about, status, 0.0, REPORTED))
            raise Refused(status, detail=f"{ran.complaint}; {REPORTED}", step=about)
    if not reported.success(ran.result):
        if ran.result.status is not None and ran.complaint:
            raise _went_no_further(ran, goal, log)
        raise ran.unproven(
            f"no evidence: the session is encrypted and {ran.program} reports nothing; {ran.complaint}"
        )
    log.steps.extend(Step(name, STATUS_OK, 0.0, REPORTED) for name in hidden)


def _cannot_comply(conversation: Conversation, policy: ClientPolicy) -> str:
    """Why a client with this policy must hang up here though the server said yes; "" when it need not."""
    if not conversation.passed(StepName.SESSION_SETUP):
        return ""
    if policy.require_encryption and conversation.dialect not in _CAN_ENCRYPT:
        return "the client requires encryption and this dialect has none"
    if policy.require_signing and conversation.guest:
        return "the client requires signing and a guest session cannot be signed"
    if not policy.guest and conversation.guest:
        return _NO_GUEST
    return ""


_NO_GUEST: Final = "the client refuses to be a guest"
_OWN_STATUS: Final = {_NO_GUEST: nt_status.GUEST_LOGON_BLOCKED}
"""Where the client's words carry no NTSTATUS: what Windows calls the same."""
_CAN_ENCRYPT = {Dialect.SMB3_00, Dialect.SMB3_02, Dialect.SMB3_11}


def _hung_up(ran: Ran, conversation: Conversation, why: str, log: Log) -> None:
    """The client itself said no after the session setup: that step carries its status."""
    found = re.search(r"NT_(STATUS_(?!OK\b)\w+)", ran.complaint)
    status = found[1] if found else _OWN_STATUS.get(why, "STATUS_NOT_SUPPORTED")
    steps = [
        Step(step.name, status, step.ms, why) if step.name is StepName.SESSION_SETUP else step
        for step in conversation.steps
    ]
    _note(log, conversation, steps)
    raise Refused(status, Side.CLIENT, f"{why}; {ran.complaint}", StepName.SESSION_SETUP)
