"""``rehearse worker`` and ``rehearse cluster``: the machines that measure for others, and what they need."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from harness.cluster import certificates, identity, link, loop, needs
from harness.labs import doctor, images
from harness.report.page import console_for
from harness.report.progress import Progress
from harness.servers.base import HOST
from harness.system import tempdirs
from harness.system.plain import say

if TYPE_CHECKING:
    from harness.catalogue import Catalogue

EVERY = "all"
"""In the place of an image's name."""


def worker(options: argparse.Namespace) -> int:
    """Be a worker until a signal ends it: that is its orderly end, with status 0.

    Raises LabFault where this machine cannot be one, or the scheduler cannot be used.
    """
    way = link.link(options.address, options.certificates)
    link.quietly(verbose=options.verbose)
    loop.run(link.greet(way))
    catalogue: Catalogue = options.catalogue
    _build(catalogue, options)
    found = doctor.examine(catalogue.images)
    needs.check(found)
    from harness.cluster import worker as workers
    from harness.cluster.bench import Bench
    from harness.labs.vagrant.gather import half_of_the_free

    has = needs.of_machine(catalogue, found, options.memory or half_of_the_free(), identity.mine())
    for name in tempdirs.sweep():
        say(f"cleaned: temporary folder {name}")
    with tempdirs.folder("worker") as home, closing(Bench(home, catalogue, options.workers)) as bench:
        try:
            loop.run(workers.serve(workers.Terms(way, has), bench, _tell))
        except KeyboardInterrupt:
            say("rehearse: the worker has ended")
    return 0


def _build(catalogue: Catalogue, options: argparse.Namespace) -> None:
    """Build the images that are asked for. Raises LabFault."""
    every = [name for name, one in catalogue.images.items() if not one.added and name != HOST]
    names = every if EVERY in options.build else list(dict.fromkeys(options.build))
    if names:
        with Progress(console_for(sys.stderr)) as progress:
            images.ensure(catalogue.images, names, progress.image)


def cluster(options: argparse.Namespace) -> int:
    """Make certificates, or be the scheduler that workers and runs meet at."""
    if options.operation == "certificates":
        folder = options.folder or link.certificates_dir()
        for path in certificates.make(folder, options.days):
            say(f"made {path}", sys.stdout)
        return 0
    way = link.link(options.address, options.certificates)
    link.quietly(verbose=options.verbose)
    from harness.cluster import scheduler

    try:
        loop.run(scheduler.serve(way, _tell))
    except KeyboardInterrupt:
        say("rehearse: the scheduler has ended")
    return 0


def _tell(text: str) -> None:
    say(f"rehearse: {text}")
