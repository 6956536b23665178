"""``rehearse init``: a place of one's own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.projects.begin import begin
from harness.system.paths import absolute
from harness.system.plain import say, word


def init(options: argparse.Namespace) -> int:
    """Begin a project, and say what may be done in it."""
    folder: Path = absolute(options.folder)
    done = begin(folder)
    for name in done.kept:
        say(f"kept as it is: {folder / name}", sys.stdout)
    for name in done.made:
        say(f"written: {folder / name}", sys.stdout)
    if not done.made:
        say("nothing was written: it is a project already", sys.stdout)
        return 0
    there = "" if folder == Path.cwd() else f"cd {word(str(options.folder))} && "
    say(f"next: {there}rehearse run", sys.stdout)
    return 0
