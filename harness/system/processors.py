"""The processors that this process may use, and how many worker processes keep them busy."""

from __future__ import annotations

import os


def available() -> int:
    """As many as it may run on (sched_getaffinity(2)): in a container fewer than the machine has."""
    return len(os.sched_getaffinity(0))


def default_workers() -> int:
    """Workers for this machine: one more than it has cores.

    Measured on two cores: a sweep of the personas is faster with three than with four or six, and the
    article, whose client programs wait more, takes as long with three as with four, in less memory.
    """
    return available() + 1
