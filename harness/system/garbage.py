"""Python's search for garbage in cycles, which costs as much as the work where a large tree is made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def never_again() -> None:
    """What there is by now is kept to the end of the process; no search looks at it again, not even the last.

    For what has been loaded, and for a process that ends: that last search was a fifth of the processor time
    of a short command (``python -m benchmarks.commands``).
    """
    gc.freeze()


@contextmanager
def not_searched() -> Iterator[None]:
    """No search meanwhile; also a decorator. For what makes hundreds of thousands of things, and no cycles.

    Each search looks at all of them again (measured: half of the time that a document of 10,000 cells took,
    ``python -m benchmarks.html_report``).
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
