"""Everything this program raises on purpose, and who should read it.

    RehearsalError                  one line first, then what to do; never a traceback
    +-- UsageError                  the user's words: unknown name, mistake in a scenario      exit 64
    +-- LabFault                    the lab: no Samba, no namespace, disk full, server died    exit 2
        +-- ClientFailed            inside an attempt: the client's own software failed, for its own reasons
        +-- RunStopped              somebody stops the run: what is waited for is given up
    +-- Refused                     inside an attempt: somebody's policy said no
        +-- Torn                    the connection ended inside a message: half an answer is none
    +-- Unsupported                 inside an attempt: this client cannot do this check at all

Anything else that escapes is our bug and shows its traceback.
"""

from __future__ import annotations

from harness.model import Side, StepName


class RehearsalError(Exception):
    """Base of all errors with an audience. ``hint`` says what to do next."""

    exit_status = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(RehearsalError):
    """The user's words were not understood."""

    exit_status = 64


class LabFault(RehearsalError):
    """The lab broke; whatever was being measured is a fault, never a refusal."""


class ClientFailed(LabFault):
    """The client's own software gave up, crashed or muddled what the server had answered well.

    One failure alone may be the lab's doing, so it is a fault until the client was tried again
    (``harness.clients.tries``). ``step`` is the step behind which it went no further, where that is known.
    """

    def __init__(self, message: str, step: StepName | None = None) -> None:
        super().__init__(message)
        self.step = step


class OutOfTime(LabFault):
    """A client had done too little to be judged when its time was over: the limit is ours."""


class RunStopped(LabFault):
    """The run is being stopped: nothing new begins, and long waits end."""

    def __init__(self) -> None:
        super().__init__("the run was stopped", "continue with: rehearse run --resume")


class Refused(Exception):
    """A protocol step was refused.

    ``status`` is the NTSTATUS name of [MS-ERREF], or CLOSED, RESET, TIMEOUT, NO_DIALECT, NO_ANSWER.
    ``step`` is the step that was refused; None until the refusal leaves that step (``Log.step``).
    """

    def __init__(
        self, status: str, side: Side = Side.SERVER, detail: str = "", step: StepName | None = None
    ) -> None:
        super().__init__(f"{status} ({side} side)" + (f": {detail}" if detail else ""))
        self.status = status
        self.side = side
        self.detail = detail
        self.step = step


class Torn(Refused):
    """The server closed or reset the connection in the middle of a message: no policy ends a talk so."""


class Unsupported(Exception):
    """The client cannot do this check at all; the text says why."""
