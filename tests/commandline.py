"""The command line as a user runs it: a process of its own; and what is left of it in the process table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import prepared

from harness.system import environment
from harness.system.deadline import wait_for
from harness.system.process import Result, run, start

REHEARSE = (sys.executable, "-m", "harness")
MARK = environment.RUN
"""In the environment of a started rehearsal and of all it starts."""
PLAIN = {"COLUMNS": "100", "TERM": "dumb"}


def users(**more: str) -> dict[str, str]:
    """What a user's shell gives a verb: all that is set here, on a plain terminal, and ``more``."""
    return {**os.environ, **PLAIN, **more}


def rehearse(*words: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> Result:
    """Run one verb to its end: a process of its own, loaded beforehand where that makes no difference."""
    around = users(**(env or {}))
    if prepared.can(around):
        return prepared.rehearse([str(word) for word in words], around, 180, cwd)
    return run([*REHEARSE, *words], timeout=180, env=around, cwd=cwd)


def begin(
    output: Path, mark: str, *words: str | Path, env: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start one verb; all its output goes to a file."""
    return start([*REHEARSE, *words], output=output, env=users(**{MARK: mark, **(env or {})}))


class Terminal:
    """A verb on a terminal of its own, which is its controlling terminal: Ctrl-C reaches all of it."""

    def __init__(self, mark: str, *words: str | Path, env: dict[str, str] | None = None) -> None:
        self._ours, theirs = os.openpty()
        # A session leader that opens a terminal gets it as its own (tty_ioctl(4), TIOCSCTTY).
        shell = ["sh", "-c", 'tty=$0; exec "$@" <"$tty" >"$tty" 2>&1', os.ttyname(theirs)]
        self.process = start(
            [*shell, *REHEARSE, *words],
            output=Path(os.devnull),
            env=users(**{"TERM": "xterm", MARK: mark, **(env or {})}),
        )
        self._theirs = theirs

    def type(self, keys: bytes) -> None:
        """Press keys; b"\\x03" is Ctrl-C."""
        os.write(self._ours, keys)

    def rest(self, seconds: float = 120.0) -> str:
        """All that it shows until it ends, which it must within so many seconds."""
        shown = b""
        # The other end stays open here so that nothing is lost; it is closed when the verb has ended.
        with ThreadPoolExecutor(1) as aside:
            aside.submit(self._hang_up, seconds)
            with suppress(OSError):
                while data := os.read(self._ours, 65536):
                    shown += data
        os.close(self._ours)
        # Ctrl-C discards what is not shown yet, be it the rest of a character: termios(3), NOFLSH.
        return shown.decode(errors="replace")

    def _hang_up(self, seconds: float) -> None:
        try:
            self.process.wait(seconds)
        finally:
            os.close(self._theirs)


def on_terminal(*words: str | Path, env: dict[str, str] | None = None) -> tuple[str, int]:
    """What a verb shows on a terminal, and its exit status."""
    terminal = Terminal("", *words, env=env)
    return terminal.rest(), terminal.process.wait(120)


def left_of(mark: str) -> list[str]:
    """The command lines of all living processes that descend from ``begin`` with that mark."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in os.scandir("/proc"):
        with suppress(OSError):
            if entry.name.isdigit() and wanted in Path(entry.path, "environ").read_bytes().split(b"\0"):
                found.append(Path(entry.path, "cmdline").read_text().replace("\0", " "))
    return found


def wait_until_gone(mark: str) -> None:
    """Raises LabFault when a process is still there after a while."""
    wait_for("the end of every process", lambda: not left_of(mark), 10.0)


def only_run(runs: Path) -> Path:
    """The one run folder there is; waits for its plan."""
    return wait_for("the plan", lambda: next((path.parent for path in runs.glob("*/plan.json")), None), 30.0)


def entries(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The facts of a kind in the journal of a run, as far as they are whole."""
    try:
        lines = (folder / "journal.jsonl").read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    return [fact for fact in map(json.loads, lines) if fact["kind"] == kind]


def times_measured(folder: Path) -> Counter[tuple[str, str, int]]:
    """How often each cell was attempted in each phase of each round."""
    return Counter(
        (":".join(fact["cell"].values()), fact["phase"], fact["round"]) for fact in entries(folder, "attempt")
    )
