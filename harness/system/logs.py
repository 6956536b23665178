"""The log of a process: which programs it ran, one line each."""

from __future__ import annotations

import logging

from harness.system.plain import clean


class _Formatter(logging.Formatter):
    """One line of a log, with its time: what was run may have any name, and may be given any words."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line, unable to steer the terminal of who reads the log."""
        return clean(super().format(record))


def log_to(level: int, *handlers: logging.Handler) -> None:
    """Send the log of this process there."""
    for handler in handlers:
        handler.setFormatter(_Formatter())
    logging.basicConfig(level=level, handlers=handlers)
