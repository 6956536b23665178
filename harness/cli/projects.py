"""The project that a command runs in: found, and its defaults put where the command line says nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from harness.errors import UsageError
from harness.projects import finding

_SINGLE = ("lab", "evidence", "workers", "reuse")
"""Defaults that are one word; each is an option of the same name."""
_FILES = ("personas", "exposures", "require", "known")
"""Defaults that are files or folders of the project, likewise."""
_GATES = ("require", "known")


def options_of(parser: argparse.ArgumentParser) -> None:
    """``--project FOLDER`` and ``--no-project``, of every verb that knows what there is to rehearse."""
    parser.add_argument(
        "--project",
        type=Path,
        metavar="FOLDER",
        help="the project folder to use (default: the nearest folder upwards with a rehearsal.toml)",
    )
    parser.add_argument("--no-project", action="store_true", help="ignore the project that you are in")


def settled(
    options: argparse.Namespace, parser: argparse.ArgumentParser, again: Callable[[], argparse.Namespace]
) -> argparse.Namespace:
    """The words of a verb in its project: ``options.place`` (or None), and what is meant by its defaults.

    ``parser`` is the verb's; ``again`` reads the words once more. Raises UsageError like ``finding.of``.
    """
    if not hasattr(options, "no_project"):
        return options
    if options.project and options.no_project:
        raise UsageError("--project and --no-project are both there", "leave one of them off")
    place = None if options.no_project else finding.of(options.project)
    if place is not None:
        defaults = place.file.defaults
        known = {action.dest for action in parser._actions}
        parser.set_defaults(
            **{
                name: value
                for name in _SINGLE
                if name in known and (value := getattr(defaults, name)) is not None
            }
        )
        options = again()
        for name in _FILES:
            # One shard says nothing of what all must hold.
            fits = name in known and not (name in _GATES and getattr(options, "shard", None))
            if fits and getattr(options, name) is None and getattr(defaults, name):
                setattr(options, name, [place.folder / path for path in getattr(defaults, name)])
    options.place = place
    return options
