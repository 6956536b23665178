"""Libraries in our own process write to nobody's terminal: what they print goes into the log."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from harness.system.process import redact

_log = logging.getLogger(__name__)
_KEPT = 4096
"""Characters of what one call prints that the log gets."""


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Keep what is printed in the block from our stdout and stderr, by whichever thread of this process.

    Tracebacks that a library prints (aiosmb does for each answer that it cannot read) and records of loggers
    that have no handler are printed, too.
    """
    printed = io.StringIO()
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            yield
    finally:
        if text := printed.getvalue().strip():
            _log.debug("%s printed: %s", name, redact(text[-_KEPT:]))
