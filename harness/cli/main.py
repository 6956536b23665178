"""The verbs of the command line; thin: it reads the words, ``harness.verbs`` does the work."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from harness.cli import mistaken, projects
from harness.cli.base import Verb
from harness.cli.parser import build
from harness.errors import RehearsalError
from harness.system import entry, environment, garbage
from harness.system.entry import crashed
from harness.system.logs import log_to
from harness.system.mistakes import blame
from harness.system.paths import absolute, runs_dir
from harness.system.plain import say
from harness.verbs import completion


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns its exit status. Only our own bugs show a traceback."""
    with ExitStack() as last:
        return _run(argv, last)


def _left_out(options: argparse.Namespace) -> None:
    """Say what the verb did without."""
    for why in options.catalogue.missed if "catalogue" in options else ():
        say(f"rehearse: left out: {why}")


def _run(argv: Sequence[str] | None, last: ExitStack) -> int:
    try:
        environment.settle()
        if completion.ASKED in os.environ:
            completion.answer(build())
        words = list(sys.argv[1:] if argv is None else argv)
        if not words:
            # Nothing was done: no script that lost its words takes that for a success.
            for line in mistaken.START.splitlines():
                say(line, sys.stdout)
            return entry.USAGE
        with garbage.not_searched():
            options = in_project(words)
        last.callback(_left_out, options)
        log_to(logging.DEBUG if options.verbose else logging.WARNING, logging.StreamHandler())
        if options.runs:
            options.runs = absolute(options.runs)
        else:
            options.runs = runs_dir()
        verb: Verb = options.verb
        try:
            status = verb(options)
        except SystemExit as error:
            # Ours end by their answer; somebody's file that ends the program is a mistake in it.
            return crashed(error)
        # Now, while what goes wrong with it can still be said.
        sys.stdout.flush()
        return status
    except RehearsalError as error:
        say(f"rehearse: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        return entry.stopped()
    except BrokenPipeError:
        # The reader of our output went away (| head): nothing is left to say, least of all that all is well.
        _drop_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        if error.filename is not None or error.errno not in _OF_OUTPUT or blame(error):
            return crashed(error)
        _drop_output()
        say(f"rehearse: the output cannot be written: {error.strerror}")
        return RehearsalError.exit_status
    except Exception as error:
        return crashed(error)


_OF_OUTPUT: Final = frozenset(
    (
        errno.EBADF,
        errno.EIO,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EAGAIN,
        errno.ENXIO,
        errno.ECONNRESET,
    )
)
"""What ends a write to a stream that was redirected, write(2); any other error comes from somewhere else."""


def _drop_output() -> None:
    """What is still in the buffer goes nowhere, and Python does not stumble over it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def in_project(argv: list[str]) -> argparse.Namespace:
    """What the words of a command line ask for in the project that somebody is in, or that they name.

    Raises UsageError as ``parse``, and for a project that cannot be used.
    """
    parser = build()
    options = parse(argv, parser)
    return projects.settled(options, _verbs(parser)[options.word], lambda: parse(argv, parser))


def _verbs(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return dict(next(iter(parser._subparsers._group_actions)).choices or {})  # type: ignore[union-attr]


def parse(argv: list[str], parser: argparse.ArgumentParser | None = None) -> argparse.Namespace:
    """What the words of a command line ask for. Raises UsageError; ``--help`` exits as argparse does."""
    parser = parser or build()
    verbs = _verbs(parser)
    argv = mistaken.settled(argv, verbs)
    first = next((word for word in argv if not word.startswith("-")), "")
    # argparse gives the words behind options to a list of words only where no option is before them.
    at = argv.index("--") if first == "shell" and "--" in argv else len(argv)
    options, extra = parser.parse_known_args(argv[:at])
    if extra:
        raise mistaken.unknown(first, extra, options, verbs)
    if argv[at:]:
        options.command += argv[at + 1 :]
    return options
