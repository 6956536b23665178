"""Bringing a configuration along for a command: the image that judges it, and the half inside the lab."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.catalogue import Catalogue
from harness.importing import entry
from harness.labs import images, namespace
from harness.report.page import console_for
from harness.report.progress import Progress
from harness.servers.base import Server
from harness.system import environment
from harness.system.entry import of_the_lab


def beside(first: Path) -> tuple[Path, ...]:
    """The files beside a configuration, which it may include."""
    return tuple(sorted(one for one in first.parent.glob("*.conf") if one.is_file() and one != first))


def root_of(catalogue: Catalogue, base: Server, *, quiet: bool) -> Path:
    """The root file system of a release, built where it is not here. Raises LabFault where it cannot be."""
    with Progress(console_for(sys.stderr), quiet=quiet) as progress:
        return images.ensure(catalogue.images, (base.image,), progress.image)[base.image]


def in_the_lab(folder: Path, asked: entry.Asked) -> int:
    """Bring along what is asked for, into descriptions in a folder; the exit status.

    What is wrong is said there. Raises LabFault where no lab can be made.
    """
    (folder / entry.ASKED).write_text(asked.model_dump_json())
    argv = [sys.executable, "-m", "harness.system.entry", "harness.importing.entry", str(folder)]
    heard: list[int] = []
    return of_the_lab(namespace.enter(argv, env=environment.ours(), unblocks=True, passed_on=heard), heard)
