"""What came of one request to a server: the one shape for answers, refusals, silence and garbage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

from harness.errors import LabFault, Refused, Torn
from harness.model import CLOSED, RESET, STATUS_OK, Side
from harness.smb.status import TROUBLE

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Response(Generic[T]):
    """What came of one request."""

    status: str
    """STATUS_SUCCESS, the server's NTSTATUS, or CLOSED, RESET, TIMEOUT, NO_DIALECT, GARBAGE, CLIENT."""
    detail: str = ""
    value: T | None = None

    @property
    def ok(self) -> bool:
        """The server did what it was asked."""
        return self.status == STATUS_OK

    @property
    def refused(self) -> bool:
        """The server answered, and the answer is no. That it is in trouble itself is no answer."""
        return not self.ok and self.status.startswith("STATUS_") and self.status not in TROUBLE

    @property
    def hung_up(self) -> bool:
        """The server ended the connection, between two messages."""
        return self.status in (CLOSED, RESET)

    @property
    def text(self) -> str:
        """For evidence."""
        return f"{self.status} ({self.detail})" if self.detail else self.status


GARBAGE = "GARBAGE"
OUR_SIDE = "CLIENT"
"""It was we who could not go on; the server refused nothing."""


def ask(action: Callable[[], T]) -> Response[T]:
    """Do something on the wire and tell what came of it; never raises for what the server does."""
    try:
        return Response(STATUS_OK, value=action())
    except Torn as torn:
        return Response(GARBAGE, torn.detail)
    except Refused as refusal:
        if refusal.side is Side.CLIENT:
            return Response(OUR_SIDE, refusal.detail or refusal.status)
        return Response(refusal.status, refusal.detail)
    except LabFault as fault:
        return Response(GARBAGE, str(fault))


def raising(failure: Exception) -> Callable[[], NoReturn]:
    """An action that failed already, for ``ask``."""

    def again() -> NoReturn:
        raise failure

    return again
