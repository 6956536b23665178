"""Libraries that speak SMB in our own process: run one through a tap, and judge it as a program is judged.

What a library raises is no evidence of what the server said: impacket reports a refused dialect as
``unpack requires a buffer of 1 bytes``. So the wire decides here as well; what the library raised is the
note. Behind encryption, where the wire shows nothing, the library's own NTSTATUS decides and the steps
say so. The tap costs an attempt a few milliseconds (2 to 12, on a busy machine).
"""

from __future__ import annotations

import gc
import re
import time
import warnings
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module, metadata
from typing import Any, Final

from harness.clients import _process as process
from harness.clients._process import Goal, Reported
from harness.clients._quiet import quiet
from harness.clients._ran import Ran
from harness.clients.base import Client, ClientSetting, Log, Offer
from harness.errors import ClientFailed, LabFault, Unsupported
from harness.model import CLOSED, Check, ClientPolicy, Dialect, Fidelity, StepName, Target
from harness.smb import footprint, sink
from harness.smb import status as nt_status
from harness.system.deadline import pace
from harness.system.process import Result, redact

_CODE: Final = re.compile(r"\b0x[Cc8]0[0-9a-fA-F]{6}\b")
_ADDED: Final = re.compile(r" \[(?:NT_STATUS_\w+|CLOSED)\]$")
_NAME: Final = re.compile(r"\bSTATUS_(?!SUCCESS\b)\w+")


@dataclass(slots=True)
class Place:
    """What a library is asked for right now; set before each call, so that a failure has a step."""

    step: StepName = StepName.SESSION_SETUP
    back_at: float = 0.0
    """When the library came back (``time.monotonic``): to search for what it left open takes its time."""


class Missing(LabFault):
    """The library is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(f"{package} is not installed", f"pip install {package}")


@dataclass(frozen=True, slots=True)
class LibraryRan(Ran):
    """A library that came back; its "words" are what it raised."""

    @property
    def complaint(self) -> str:
        """The first line of what it raised; "" when it raised nothing."""
        return self._line[:200]

    @property
    def said(self) -> str:
        """The exception as Python shows it, without the status that ``_words`` adds."""
        return _ADDED.sub("", self._line)[:200].rstrip(": ")

    @property
    def _line(self) -> str:
        lines = self.result.stderr.partition(": ")[2].splitlines() or [""]
        return lines[0].strip()


class LibraryClient(Client):
    """A client that is a Python package. ``settings`` and ``do`` and ``greet`` say how to use it."""

    fidelity = Fidelity.REAL
    checks = frozenset({Check.BROWSE, Check.OPEN, Check.WRITE})
    has = frozenset({ClientSetting.TCP_PORT})
    patience: float | None = None
    """Seconds after which its user gives up where it waits for ever; None where it has limits of its own."""
    modules: tuple[str, ...] = ()
    """What is imported of it at its first attempt: no attempt's time limit begins before."""

    @abstractmethod
    def settings(self, policy: ClientPolicy) -> Any:
        """What the library is told for a policy. Raises Unsupported for what it cannot be told."""

    @abstractmethod
    def greet(self, settings: Any, target: Target, address: str, port: int) -> None:
        """Make it connect, and end the connection. Raises what the library raises."""

    @abstractmethod
    def do(self, check: Check, settings: Any, target: Target, port: int, place: Place) -> None:
        """Do the check against 127.0.0.1:port.

        Returns when the library showed what only the server can have told it. Raises what the library
        raises, and LabFault where it shows nothing.
        """

    def software(self, target: Target | None = None) -> str:  # noqa: ARG002 (the same everywhere)
        try:
            return f"{self.package} {metadata.version(self.package)}"
        except metadata.PackageNotFoundError:
            return ""

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        settings = self.settings(policy)

        def act(port: int, place: Place) -> None:
            self.do(check, settings, target, port, place)

        self._load()
        judge(through_tap(self.package, act, target, patience=self.patience), check, policy, log)

    def _load(self) -> None:
        _call(self.package, lambda: [import_module(name) for name in self.modules], Place())

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        settings = self.settings(policy)
        self._load()
        return _observe(self.package, lambda address, port: self.greet(settings, target, address, port))


def through_tap(
    name: str,
    act: Callable[[int, Place], None],
    target: Target,
    *,
    patience: float | None = None,
    needs_ticket: bool = False,
) -> Ran:
    """Run ``act(port, place)`` against 127.0.0.1:port, which is the target seen through a tap.

    After ``patience`` seconds (the target's, if that is less) the tap hangs up, so that a
    library without limits of its own comes back. One that ``needs_ticket`` need not have connected without.
    Raises LabFault where no connection was made else, or the library is not installed.
    """
    place = Place()
    limit = min(target.seconds, patience * pace() if patience else target.seconds)
    # A library with limits of its own has the target's, and is not hung up on before it says so.
    grace = 0.0 if patience else process.grace()
    begun = time.monotonic()
    from harness.smb.tap.relay import Tap

    def once() -> None:
        try:
            act(tap.port, place)
        finally:
            place.back_at = time.monotonic()

    with Tap(target.address, target.port, limit + grace) as tap:
        words = _call(name, once, place)
    traces = tap.traces()
    took = place.back_at - begun
    # What it raises when the tap has hung up on it is not what it came to by itself.
    status = None if words and took >= limit else int(bool(words))
    result = Result(name, status, "", redact(words), took)
    footprint.said(name, result)
    ran = LibraryRan(name, result, traces, place.back_at)
    if not traces and not needs_ticket:
        raise ran.unproven(f"{name} made no connection" + (f": {words}" if words else ""))
    if (
        words
        and traces
        and traces[-1].encrypted
        and traces[-1].ended_by == "server"
        and not words.endswith("]")
    ):
        # Behind encryption nobody sees which request was not answered: it is the one that failed.
        return replace(ran, result=replace(ran.result, stderr=redact(f"{words} [{CLOSED}]")))
    return ran


def _observe(name: str, start: Callable[[str, int], object]) -> Offer:
    """As ``sink.observe``, for a library. Raises LabFault where it is not installed, too."""
    missing: list[Missing] = []

    def quietly(address: str, port: int) -> None:
        try:
            _call(name, lambda: start(address, port), Place())
        except Missing as fault:
            missing.append(fault)

    try:
        return sink.observe(quietly)
    except LabFault:
        if missing:
            raise missing[0] from None
        raise


def _call(name: str, act: Callable[[], object], place: Place) -> str:
    """What the library raised, "" for nothing; the exception itself, and all that it holds, is gone then."""
    # What they warn of is between them and Python: sockets left to the garbage collector, calls that a
    # newer Python will not have.
    with quiet(name), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        words = _words(name, act, place)
        if words:
            gc.collect()
    return words


def _words(name: str, act: Callable[[], object], place: Place) -> str:
    try:
        act()
    except ImportError as error:
        raise Missing(name) from error
    except (LabFault, Unsupported):
        raise
    except Exception as error:
        found = status_of(error)
        return f"{place.step}: {type(error).__name__}: {error}" + (f" [NT_{found}]" if found else "")
    return ""


def status_of(error: BaseException) -> str:
    """The NTSTATUS name that a library's exception carries, by attribute or in its words; "" for none."""
    for attribute in ("error", "ntstatus"):
        value = getattr(error, attribute, None)
        value = getattr(value, "value", value)
        if isinstance(value, int) and value > 0:
            return nt_status.name(value & 0xFFFFFFFF)
    text = str(error)
    if found := _NAME.search(text):
        return found[0]
    if code := _CODE.search(text):
        return nt_status.name(int(code[0], 16))
    return ""


def _reported(steps: tuple[StepName, ...]) -> Reported:
    failures = tuple(
        (re.compile(rf"^{step}: .*\[(?:NT_)?(STATUS_\w+|{CLOSED})\]$", re.M | re.S), step) for step in steps
    )
    return Reported(lambda result: result.ok, failures)


_BROWSE = (StepName.TREE_CONNECT_IPC, StepName.CREATE_PIPE, StepName.ENUMERATE_SHARES)
_LISTED = (StepName.TREE_CONNECT_IPC, StepName.ENUMERATE_SHARES)
"""Without the pipe: libsmbclient may list the shares of an SMB1 server by RAP."""
_OPEN = (StepName.TREE_CONNECT, StepName.LIST)
_WRITE = (StepName.TREE_CONNECT, StepName.CREATE, StepName.WRITE, StepName.READ, StepName.DELETE)
_PERMISSIONS = (
    StepName.TREE_CONNECT,
    StepName.QUERY_SECURITY,
    StepName.TREE_CONNECT_IPC,
    StepName.CREATE_PIPE,
    StepName.LOOKUP_SIDS,
)
_RENAME = (*_WRITE[:3], StepName.RENAME, *_WRITE[3:])
GOALS: Final = {
    Check.BROWSE: Goal(_LISTED, _reported(_BROWSE)),
    Check.OPEN: Goal(_OPEN, _reported(_OPEN)),
    Check.WRITE: Goal(_WRITE, _reported(_WRITE)),
    Check.RENAME: Goal(_RENAME, _reported(_RENAME)),
    Check.PERMISSIONS: Goal(_PERMISSIONS, _reported(_PERMISSIONS)),
    Check.PRINT: Goal(_WRITE[:3], _reported(_WRITE[:3])),
}
"""What must have been seen on the wire before a library's check counts as done."""


def judge(ran: Ran, check: Check, policy: ClientPolicy, log: Log) -> None:
    """As ``_process.judge``; besides, a library that raised though the wire shows success failed itself."""
    process.judge(ran, GOALS[check], policy, log)
    if not ran.result.ok:
        raise ClientFailed(f"the server refused nothing, but {ran.program} failed: {ran.result.stderr}")


def expect(shown: bool, lack: str) -> None:
    """Raise LabFault with ``lack`` where a library raised nothing and shows nothing."""
    if not shown:
        raise LabFault(lack)


def only(policy: ClientPolicy, name: str, *, signing: bool = False, ntlmv1: bool = False) -> None:
    """Raise Unsupported for the settings that hardly any library has.

    ``signing`` is True for a library that always requires it, ``ntlmv1`` for one that may fall back.
    """
    if not policy.guest:
        raise Unsupported(f"{name} has no setting to refuse guest sessions")
    if not policy.ntlm:
        raise Unsupported(f"{name} logs on by NTLM")
    if policy.require_encryption:
        raise Unsupported(f"{name} has no setting to require encryption")
    if policy.require_signing and not signing:
        raise Unsupported(f"{name} has no setting to require signing")
    if policy.ntlmv2_only and ntlmv1:
        raise Unsupported(f"{name} may answer with NTLMv1")


def span(policy: ClientPolicy) -> tuple[Dialect, Dialect]:
    """The lowest and the highest dialect that a policy leaves. Raises Unsupported when it leaves none."""
    lowest = policy.min_dialect
    if not policy.smb1 and lowest is Dialect.NT1:
        lowest = Dialect.SMB2_02
    if lowest.revision > policy.max_dialect.revision:
        raise Unsupported("this policy leaves the client no dialect")
    return lowest, policy.max_dialect
