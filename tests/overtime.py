"""What is ended by its time limit once it has begun: how long a start takes is the machine's affair."""

from __future__ import annotations

from collections.abc import Callable

from harness.system.process import Result


def cut_off(run: Callable[[float], Result], seconds: float) -> Result:
    """``run`` with a limit of so many seconds; with a longer one while it ends before a word was said."""
    done = run(seconds)
    for longer in (10, 100):
        if done.stdout or done.stderr:
            break
        done = run(longer * seconds)
    return done
