"""Python's search for garbage in cycles, which costs as much as the work where a large tree is made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
