"""From what a Windows client reports to protocol steps: Win32 error codes and events, as data.

Windows tells one code for a whole operation ("connect"), and several statuses become one code. What cannot be
told is said so in the step's detail. A code that is not in the data says nothing about anybody's policy:
whoever meets one must not call it a refusal.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from harness.model import STATUS_OK, Check, Side, Step, StepName
from harness.system import resources
from harness.windows import outputs

if TYPE_CHECKING:
    from harness.windows.scripts import Event, Operation


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Win32Error(_Strict):
    """One error code; the fields are explained in the data file."""

    code: int
    name: str
    status: str
    steps: Annotated[tuple[StepName, ...], Field(min_length=1)]
    side: Side
    sees: str
    source: str


class ClientEvent(_Strict):
    """One event of the SMB client that names the reason of a refusal."""

    id: int
    status: str
    step: StepName
    side: Side
    means: str
    source: str


class _Table(_Strict):
    error: tuple[Win32Error, ...]
    event: tuple[ClientEvent, ...]


@cache
def table() -> _Table:
    """The data file."""
    text = resources.path("windows", "data", "win32.toml").read_text("utf-8")
    return _Table.model_validate(tomllib.loads(text))


@cache
def errors() -> dict[int, Win32Error]:
    """Every known code."""
    return {one.code: one for one in table().error}


def unexplained(operations: Iterable[Operation], events: Iterable[Event]) -> str:
    """What an operation ended with that the data do not explain, in words; "" when they explain everything.

    An event that the data know explains a connect, whatever its code. The probe hands on what .NET throws
    while it uses files: an HRESULT of its own is a mistake in the probe; connect and enumerate answer with
    Windows' own codes ([MS-ERREF] 2.1, 2.2).
    """
    failed = next((operation for operation in operations if operation.code), None)
    if failed is None or failed.code in errors() or (failed.name == "connect" and _reason(events)):
        return ""
    if failed.name not in ("connect", "enumerate") and failed.code > 0xFFFF:
        return f"the probe failed at {failed.name} with 0x{failed.code:08X}"
    return (
        f"{failed.name} ended with {_number(failed.code)}, which {DATA} does not know{_said(failed, events)}"
    )


DATA = "harness/windows/data/win32.toml"

_CONNECT = {
    Check.BROWSE: (StepName.NEGOTIATE, StepName.SESSION_SETUP, StepName.TREE_CONNECT_IPC),
    Check.OPEN: (StepName.NEGOTIATE, StepName.SESSION_SETUP, StepName.TREE_CONNECT),
    Check.WRITE: (StepName.NEGOTIATE, StepName.SESSION_SETUP, StepName.TREE_CONNECT),
}
_OPERATIONS = {
    "tcp": (StepName.CONNECT,),
    "enumerate": (StepName.CREATE_PIPE, StepName.ENUMERATE_SHARES),
    "list": (StepName.LIST,),
    "create": (StepName.CREATE,),
    "write": (StepName.WRITE,),
    "read": (StepName.READ,),
    "delete": (StepName.DELETE,),
}
_REPORTED = "as Windows reported; the wire was not watched"


def steps(
    check: Check, operations: Iterable[Operation], events: Iterable[Event]
) -> tuple[list[Step], Side | None]:
    """The protocol steps of a check's operations, up to the first that failed; whose policy that was.

    An operation's time is on its last step, for Windows tells no more. Of one that is ``unexplained`` nothing
    is told: neither a step nor a side.
    """
    told: list[Step] = []
    for operation in operations:
        names = _CONNECT[check] if operation.name == "connect" else _OPERATIONS[operation.name]
        if operation.code:
            explained = _failed(operation, names, events)
            if explained is None:
                return told, None
            failed, side = explained
            passed = names[: names.index(failed.name)] if len(names) > 1 and failed.name in names else ()
            told += [Step(name, STATUS_OK, 0.0, _REPORTED) for name in passed if _surely_passed(failed)]
            return [*told, failed], side
        told += [Step(name, STATUS_OK, 0.0, _REPORTED) for name in names[:-1]]
        told.append(Step(names[-1], STATUS_OK, operation.ms, _REPORTED))
    return told, None


def _surely_passed(failed: Step) -> bool:
    """Whether the steps before a failed one are known to have passed: not where Windows left that open."""
    return _OPEN_WORDS not in failed.detail


_OPEN_WORDS = "Windows does not say which"


def _failed(
    operation: Operation, names: tuple[StepName, ...], events: Iterable[Event]
) -> tuple[Step, Side] | None:
    """The step that an operation failed at and whose policy that was; None where the data do not know."""
    reason = _reason(events) if operation.name == "connect" else None
    if reason is not None:
        detail = f"{_number(operation.code)}; event {reason.id}: {reason.means}"
        return Step(_there(reason.step, names), reason.status, operation.ms, detail), reason.side
    known = errors().get(operation.code)
    if known is None:
        return None
    possible = names
    if operation.name == "connect":
        possible = tuple(_there(name, names) for name in known.steps)
    detail = f"{known.sees} ({_number(operation.code)}, {known.name})"
    if len(possible) > 1:
        detail += f"; of {_or(possible)}, {_OPEN_WORDS}"
    return Step(possible[0], known.status, operation.ms, detail + _said(operation, events)), known.side


def _reason(events: Iterable[Event]) -> ClientEvent | None:
    """What the first event that the data know says."""
    known = {one.id: one for one in table().event}
    return next((known[event.id] for event in events if event.id in known), None)


def _said(operation: Operation, events: Iterable[Event]) -> str:
    """What the events say beside a connect's code."""
    if operation.name != "connect":
        return ""
    return "".join(f"; event {event.id}: {_words(event)}" for event in events)


def _words(event: Event) -> str:
    """What an event without a row of its own says: its first line, and the fields that name a reason."""
    first = next((line.strip() for line in event.message.splitlines() if line.strip()), "without a text")
    fields = outputs.event_fields(event.message)
    reasons = [f"{name}: {fields[name]}" for name in ("Error", "Status", "Reason") if name in fields]
    return " ".join((first, *reasons))[:200]


def _there(step: StepName, names: tuple[StepName, ...]) -> StepName:
    """The step by its name in this check: a browse connects IPC$."""
    if step is StepName.TREE_CONNECT and StepName.TREE_CONNECT_IPC in names:
        return StepName.TREE_CONNECT_IPC
    return step


def _or(names: Iterable[StepName]) -> str:
    return " or ".join(names)


def _number(code: int) -> str:
    return f"error {code}" + (f" = 0x{code:08X}" if code > 0xFFFF else "")


def sees() -> dict[str, str]:
    """What people read on the screen, by the keys of ``Client.sees``; the first of two codes counts."""
    words: dict[str, str] = {}
    for one in table().error:
        for step in one.steps:
            words.setdefault(f"{step}:{one.status}@{one.side}", f"{one.sees} ({_number(one.code)})")
    return words
