"""What a server answers the lab's own client when a change is looked for on it: never "no answer in time".

A time-out is neither "in force" nor "not in force". The server is asked once more, for longer where the
machine is slow, and when nothing comes then either, nothing was seen: that is a fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from harness.errors import LabFault
from harness.model import TIMEOUT, Attempt, Check, Dialect, Target
from harness.smb import control
from harness.smb.control import AuthKind, NegotiateAnswer
from harness.smb.ntlm import TargetName
from harness.smb.status import NTLM_BLOCKED
from harness.system.deadline import measured, pace

P = ParamSpec("P")
Answer = TypeVar("Answer", Attempt, NegotiateAnswer)


def _in_time(ask: Callable[Concatenate[Target, P], Answer]) -> Callable[Concatenate[Target, P], Answer]:
    @wraps(ask)
    def asked(target: Target, /, *words: P.args, **named: P.kwargs) -> Answer:
        answer = ask(replace(target, seconds=target.seconds * pace()), *words, **named)
        if answer.status != TIMEOUT:
            return answer
        speed = measured()
        answer = ask(replace(target, seconds=target.seconds * speed.pace), *words, **named)
        if answer.status == TIMEOUT:
            raise LabFault(
                f"the server left the lab's own client without an answer in time, twice, while {speed}"
            )
        return answer

    return asked


_try_session = _in_time(control.try_session)
negotiate_only = _in_time(control.negotiate_only)
"""As ``control.negotiate_only``. Raises LabFault where no answer comes in time, too."""


def try_session(
    target: Target,
    check: Check = Check.OPEN,
    *,
    dialects: tuple[Dialect, ...],
    auth: AuthKind | None = None,
    sign: bool | None = None,
    encrypt: bool | None = None,
    spn: TargetName = "server",
) -> Attempt:
    """As ``control.try_session``. Raises LabFault where no answer comes in time.

    Without ``auth`` it logs on by NTLMv2, and where the domain takes no NTLM with a ticket: another change
    may have taken that away, and is not what is looked for.
    """

    def tried(kind: AuthKind) -> Attempt:
        return _try_session(target, check, dialects=dialects, auth=kind, sign=sign, encrypt=encrypt, spn=spn)

    made = tried(auth or "NTLMv2")
    if auth is None and made.status == NTLM_BLOCKED and target.domain is not None:
        return tried("Kerberos")
    return made
