"""How a program ended, in words, and whether what it said last can be the reason."""

from __future__ import annotations

import signal

_FROM_OUTSIDE = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}


def how(status: int) -> str:
    """Such as "ended with status 3"; of a signal also who may have sent it.

    ``status`` is as ``subprocess`` gives it: negative for a signal.
    """
    if status >= 0:
        return f"ended with status {status}"
    if -status == signal.SIGKILL:
        return "ended by signal 9: killed by somebody or for want of memory (see dmesg)"
    if -status in _FROM_OUTSIDE:
        return f"ended by signal {-status}: somebody ended it"
    return f"crashed with signal {-status}"


def by_others(status: int) -> bool:
    """Whether somebody else ended it: nothing that it said before is why."""
    return -status == signal.SIGKILL or -status in _FROM_OUTSIDE
