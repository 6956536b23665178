"""Where processes of ours begin: what signals and crashes come to, from the first import to the last line.

``begin`` runs the ``main`` of a module: ``python -m harness`` that of the command line, and
``python -m harness.system.entry harness.conduct.namespace_entry`` what measures inside the lab.
"""

from __future__ import annotations

import importlib
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from harness.system import environment, garbage
from harness.system.plain import say

if TYPE_CHECKING:
    # Whoever begins here answers signals before anything else is loaded.
    from harness.errors import RehearsalError

_MISLEADING = re.compile(r"PYTHON[A-Z0-9_]+|LD_[A-Z0-9_]*")
"""Variables by which a user changes their own Python and programs; they would change ours."""

FAULT, USAGE, BUG, STOPPED = 2, 64, 70, 130
"""Exit statuses: of a lab that broke; of words that were not understood; of a fault of ours (sysexits.h,
EX_SOFTWARE); of whoever was stopped (128 + SIGINT, as shells say it)."""
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that ask for an orderly end."""


def begin(module: str, argv: Sequence[str]) -> int:
    """Load a module and run its ``main``; the exit status. Nothing but a bug of ours shows a traceback."""
    try:
        with loading():
            main = importlib.import_module(module).main
        with stoppable():
            return int(main(argv))
    except KeyboardInterrupt:
        return stopped()
    except Exception as error:
        return crashed(error)
    finally:
        # What is left is Python's own end, which answers a signal with a traceback.
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)
        garbage.never_again()
        # ``python -m`` ends by SIGINT, whatever its status, once a KeyboardInterrupt went through an ``exec``
        # of text, as dataclasses make them; the next one forgets it (pythonrun.c,
        # unhandled_keyboard_interrupt).
        exec("")


def command() -> int:
    """The installed command ``rehearse``: begins as the script of a checkout does, which asks a shell for it.

    Variables that change what any Python does are not for ours, so with one of them it begins once more.
    """
    kept = {name: value for name, value in os.environ.items() if not _MISLEADING.fullmatch(name)}
    if len(kept) < len(os.environ):
        argv = [sys.executable, "-m", "harness", *sys.argv[1:]]
        os.execve(sys.executable, argv, {**kept, **environment.python()})
    return begin("harness.cli.main", sys.argv[1:])


def stopped() -> int:
    """Say that a signal ended this; the exit status."""
    say("rehearse: stopped")
    return STOPPED


def ended(error: RehearsalError | KeyboardInterrupt) -> int:
    """Say what ended a program of ours inside the lab: a signal, or what went wrong; the exit status."""
    if isinstance(error, KeyboardInterrupt):
        return stopped()
    say(f"rehearse: {error}")
    return error.exit_status


def crashed(error: BaseException) -> int:
    """Say whose mistake an exception is, or of what there was too little; the exit status.

    One that comes from a file that people add (``harness.system.mistakes``) is told as that file's.
    """
    from harness.system import lacks, mistakes

    if why := mistakes.blame(error):
        say(f"rehearse: {why}; if that file is yours, mend it there; else {_OURS}")
        return USAGE
    if why := lacks.lack(error):
        say(f"rehearse: {why}")
        return FAULT
    for line in "".join(traceback.format_exception(error)).splitlines():
        say(line)
    say(f"rehearse: {_OURS}, not in your change or the lab")
    return BUG


_OURS = "this is a bug in smb-rehearsal"


@contextmanager
def loading() -> Iterator[None]:
    """While modules are loaded a signal ends this process at once: there is nothing to clean up yet.

    An exception instead would come up in the middle of somebody's import, which may well swallow it.
    """
    with _answering(_end_at_once), garbage.not_searched():
        yield
        garbage.never_again()


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does, by a KeyboardInterrupt: all that is open is closed."""
    with _answering(_interrupt):
        yield


@contextmanager
def held_back() -> Iterator[None]:
    """While this process forks, signals wait: the last thing that the block does is to answer them.

    An exception that one raises amid what Python itself does around a fork (os.register_at_fork; logging
    has it) is dropped, and the signal with it. The child has to let them through (``let_through``).
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_through() -> None:
    """Undo in a child what ``held_back`` did."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


@contextmanager
def _answering(answer: signal.Handlers | object) -> Iterator[None]:
    """Who ignores a signal (nohup) goes on ignoring it. Signals are answered in the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in STOPS}
    try:
        for number, known in before.items():
            if known is not signal.SIG_IGN:
                signal.signal(number, answer)  # type: ignore[arg-type]
        # In the lab they have been blocked till now (``labs.shepherd``): what was sent comes here.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*STOPS, signal.SIGCHLD})
        yield
    finally:
        for number, known in before.items():
            if known is not None:
                signal.signal(number, known)


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"rehearse: stopped\n")
    os._exit(STOPPED)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def of_the_lab(status: int, passed_on: Sequence[int] = ()) -> int:
    """The documented exit status for what ``namespace.enter`` answered: 128 + n for signal n.

    ``passed_on``: the signals that this process was sent meanwhile. Whoever stopped us was obeyed, though it
    took a kill in the end. Where nobody did, the lab was killed: that is a fault, which is said.
    """
    if status <= 128 or status == STOPPED:
        return status
    if passed_on or status - 128 in STOPS:
        return STOPPED
    say(
        f"rehearse: the lab was killed from outside ({_name_of(status - 128)}); what was measured is kept; "
        "if nobody did it, memory ran out (see dmesg); go on with: rehearse run --resume"
    )
    return FAULT


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


if __name__ == "__main__":
    sys.exit(begin(sys.argv[1], sys.argv[2:]))
