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
from harness.model import TIMEOUT, Attempt, Target
from harness.smb import control
from harness.smb.control import NegotiateAnswer
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


try_session = _in_time(control.try_session)
"""As ``control.try_session``. Raises LabFault where no answer comes in time."""
negotiate_only = _in_time(control.negotiate_only)
"""As ``control.negotiate_only``. Raises LabFault where no answer comes in time, too."""
