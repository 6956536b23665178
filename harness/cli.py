"""The verbs of the command line; thin: it reads the words, ``harness.verbs`` does the work."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence

from harness import environment
from harness.errors import RehearsalError, UsageError
from harness.grammar import build
from harness.grammar.base import Verb
from harness.paths import absolute, runs_dir
from harness.registry import nearest

BUG = 70
"""Exit status of a fault of ours (sysexits.h, EX_SOFTWARE)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns its exit status. Only our own bugs show a traceback."""
    try:
        environment.settle()
        options = parse(list(sys.argv[1:] if argv is None else argv))
        logging.basicConfig(
            level=logging.DEBUG if options.verbose else logging.WARNING,
            format="%(asctime)s %(name)s %(message)s",
            stream=sys.stderr,
        )
        options.runs = absolute(options.runs) if options.runs else runs_dir()
        verb: Verb = options.verb
        status = verb(options)
        # Now, while what goes wrong with it can still be said.
        sys.stdout.flush()
        return status
    except RehearsalError as error:
        print(f"rehearse: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("rehearse: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output went away (| head): nothing is left to say, least of all that all is well.
        _drop_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        if error.filename is not None:
            return _bug()
        _drop_output()
        print(f"rehearse: the output cannot be written: {error.strerror}", file=sys.stderr)
        return RehearsalError.exit_status
    except Exception:
        return _bug()


def _bug() -> int:
    traceback.print_exc()
    print("rehearse: this is a bug in smb-rehearsal, not in your change or the lab", file=sys.stderr)
    return BUG


def _drop_output() -> None:
    """What is still in the buffer goes nowhere, and Python does not stumble over it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parse(argv: list[str]) -> argparse.Namespace:
    """What the words of a command line ask for. Raises UsageError; other mistakes exit as argparse does."""
    parser = build()
    verbs = next(iter(parser._subparsers._group_actions)).choices  # type: ignore[union-attr]
    first = next((word for word in argv if not word.startswith("-")), None)
    if first is not None and verbs is not None and first not in verbs:
        near = nearest(first, verbs)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(f"no verb is called {first!r}", f"{meant}See: rehearse --help")
    # argparse gives the words behind options to a list of words only where no option is before them.
    at = argv.index("--") if first == "shell" and "--" in argv else len(argv)
    options = parser.parse_args(argv[:at])
    if argv[at:]:
        options.command += argv[at + 1 :]
    return options
