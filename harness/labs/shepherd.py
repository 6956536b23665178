"""Waiting for one child while passing signals on to it: the same at both ends of the lab's wall."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

from harness.system.deadline import Deadline

PASSED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
WATCHED = frozenset((*PASSED, signal.SIGCHLD))

# siginfo si_code: the terminal sent it, to everyone in the foreground process group (sigaction(2)).
_SI_KERNEL = 0x80
# Seconds. Were SIGCHLD delivered to another thread of ours, we would look again this much later.
_LOOK_AGAIN = 1.0


def shepherd(
    begin: Callable[[], subprocess.Popen[bytes]],
    pass_on: Callable[[subprocess.Popen[bytes], int], None],
    grace: float,
) -> int:
    """Begin a child and wait for it; returns its exit status, 128+n for signal n.

    SIGTERM, SIGINT and SIGHUP go to ``pass_on``; ``grace`` seconds after the first of them the child is
    killed. All of them are blocked in the child, which must unblock them. As process 1 of a namespace
    we also reap the dead that nobody else waits for.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    try:
        child = begin()
        deadline: Deadline | None = None
        while (status := child.poll()) is None:
            if deadline is not None and deadline.expired:
                child.kill()
                status = child.wait()
                break
            patience = _LOOK_AGAIN if deadline is None else min(_LOOK_AGAIN, deadline.remaining)
            got = signal.sigtimedwait(WATCHED, patience)
            if got is None:
                continue
            if got.si_signo == signal.SIGCHLD:
                _reap(child)
            elif got.si_signo == signal.SIGHUP and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
                # nohup(1): it is blocked here, so it comes although it is ignored.
                continue
            elif got.si_code != _SI_KERNEL:
                # What the terminal sent has reached the program already, and it may well go on.
                pass_on(child, got.si_signo)
                deadline = deadline or Deadline(grace)
        return status if status >= 0 else 128 - status
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def unblock() -> None:
    """Undo in a child what ``shepherd`` blocked: ``harness.system.entry`` does the same."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)


def _reap(child: subprocess.Popen[bytes]) -> None:
    """Bury orphans; ``child`` itself is left to its Popen."""
    if os.getpid() != 1:
        return
    while True:
        try:
            dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if dead is None or dead.si_pid == child.pid:
            return
        os.waitpid(dead.si_pid, 0)
