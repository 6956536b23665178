"""Residents: client software that is slow to start runs in one helper process for each of our processes.

A resident is started at its first use. It reads one JSON object a line (all values are strings), does one
check at a time, and answers each with one line: ``{"id": ..., "ok": true|false, "said": "..."}``. One that
does not answer in time is killed, and the next request starts another. It ends when its standard input
does, and is killed when we are: none survives the worker process that started it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import selectors
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import IO, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import LabFault
from harness.system import ended
from harness.system.deadline import Deadline
from harness.system.process import Result, converse, finish, kill_group, redact, run

_START: Final = 20.0
"""Seconds for a helper to say that it is ready: a JVM takes 0.3 s alone, and some beside busy others."""
_MAX_LINE: Final = 1 << 20
_TAIL: Final = 4096


class Answer(BaseModel):
    """One line that a helper wrote."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: str
    ok: bool
    said: str


@dataclass(frozen=True, slots=True)
class Helper:
    """How to start a helper process. ``env`` is added to our environment."""

    name: str
    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()


class Resident:
    """A running helper. Raises LabFault when it cannot be started."""

    def __init__(self, helper: Helper) -> None:
        self.helper = helper
        self._numbers = itertools.count(1)
        self._turn = threading.Lock()
        self._buffer = bytearray()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by ``stop``)
        try:
            self._child = converse(helper.argv, errors=self._errors, env=dict(helper.env))
        except LabFault:
            self._errors.close()
            raise
        self.software = self._hello()
        """The client that it runs, with its version."""

    def ask(self, request: Mapping[str, str], seconds: float) -> Answer | None:
        """Its answer; None when none came within ``seconds``, and it was killed then.

        Raises LabFault when it ended, or said what is no answer.
        """
        number = str(next(self._numbers))
        with self._turn:
            line = self._exchange({**request, "id": number}, seconds)
        if line is None:
            self.stop()
            return None
        answer = self._parse(line)
        if answer.id != number:
            self.stop()
            raise LabFault(f"{self.helper.name} answered {answer.id} when asked {number}")
        return answer

    @property
    def alive(self) -> bool:
        """True while it runs."""
        return self._child.poll() is None

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._child.pid

    def stop(self) -> None:
        """Kill it. May be called twice."""
        kill_group(self._child.pid)
        self._child.wait()
        for stream in (self._child.stdin, self._child.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _hello(self) -> str:
        line = self._read(Deadline(_START))
        if line is None:
            self.stop()
            raise LabFault(f"{self.helper.name} did not start within {_START:g} s")
        return self._parse(line).said

    def _exchange(self, request: Mapping[str, str], seconds: float) -> bytes | None:
        deadline = Deadline(seconds)
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(_line(request))
            self._child.stdin.flush()
        except OSError as error:
            raise self._ended() from error
        return self._read(deadline)

    def _read(self, deadline: Deadline) -> bytes | None:
        """The next line of its output; None when the deadline passed first."""
        assert self._child.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._child.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if deadline.expired or not selector.select(deadline.remaining):
                    return None
                chunk = os.read(self._child.stdout.fileno(), 65536)
                if not chunk or len(self._buffer) > _MAX_LINE:
                    raise self._ended()
                self._buffer += chunk
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer[:] = rest
        return line

    def _parse(self, line: bytes) -> Answer:
        try:
            return Answer.model_validate_json(line)
        except ValidationError as error:
            self.stop()
            shown = redact(line[:200].decode("utf-8", "replace"))
            raise LabFault(f"{self.helper.name} answered no JSON: {shown}") from error

    def _ended(self) -> LabFault:
        finish(self._child, 1.0)
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _TAIL))
        lines = redact(self._errors.read().decode("utf-8", "replace")).strip().splitlines()
        self.stop()
        if ended.by_others(self._child.returncode):
            return LabFault(f"{self.helper.name} {ended.how(self._child.returncode)}")
        said = f": {lines[-1][:200]}" if lines else ""
        return LabFault(f"{self.helper.name} ended by itself ({self._child.returncode}){said}")


def _line(request: Mapping[str, str]) -> bytes:
    return json.dumps(dict(request)).encode() + b"\n"


_running: dict[Helper, Resident] = {}
_lock = threading.Lock()


def ensure(helper: Helper) -> Resident:
    """The running helper of that description; started when there is none. Raises LabFault."""
    with _lock:
        found = _running.get(helper)
        if found is None or not found.alive:
            if found is not None:
                found.stop()
            found = _running[helper] = Resident(helper)
        return found


def ask(helper: Helper, request: Mapping[str, str], seconds: float) -> Result:
    """Let a resident do one check; what it said, in the shape of a program's result.

    ``status`` is 0 when it reports success, 1 when it reports failure, None when it had to be killed after
    ``seconds``. Raises LabFault when it cannot be started or ended by itself.
    """
    running = ensure(helper)
    begun = time.monotonic()
    answer = running.ask(request, seconds)
    took = time.monotonic() - begun
    if answer is None:
        return Result(helper.name, None, "", "", took)
    said = redact(answer.said)
    return Result(helper.name, 0, said, "", took) if answer.ok else Result(helper.name, 1, "", said, took)


@cache
def software(helper: Helper) -> str:
    """What a helper says that it is. It ends at once. Raises LabFault when it does not run."""
    told = run(helper.argv, timeout=_START, env=dict(helper.env)).check(helper.name).stdout
    return Answer.model_validate_json(told.partition("\n")[0]).said


def stop_all() -> None:
    """Kill every resident of this process."""
    with _lock:
        for running in _running.values():
            running.stop()
        _running.clear()
