"""``rehearse up``, ``halt``, ``destroy`` and ``shell``: machines that stay up between commands."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from harness import process
from harness.errors import LabFault, UsageError
from harness.labs import guests
from harness.labs.boxes import acceleration
from harness.labs.vagrant import kept
from harness.labs.vagrant.gather import gather
from harness.model import GuestRoute
from harness.report.page import console_for
from harness.report.progress import Progress


def up(options: argparse.Namespace) -> int:
    """Start machines; on stdout, how to reach each."""
    names = _known(options.names)
    home = kept.folder()
    found: list[GuestRoute] = []
    try:
        with Progress(console_for(sys.stderr), quiet=options.quiet, kind="box") as progress:
            own = kept.is_own()
            means = gather(names, (), None, progress.image, progress.note, folder=home, own=own)
            for name in names:
                progress.note(f"starting {name}")
                found.append(kept.up(home, name, accelerated=means.accelerated))
    finally:
        # Also when a later one fails: those that are up stay up, and must be known.
        if options.json and found:
            print(json.dumps([asdict(one) for one in found], indent=1))
        elif not options.json:
            for one in found:
                print(f"{one.name}: {one.address}, as {one.user}; rehearse shell {one.name}")
    return 0


def halt(options: argparse.Namespace) -> int:
    """Shut machines down."""
    return _each("halt", _known(options.names))


def destroy(options: argparse.Namespace) -> int:
    """Remove machines; the lab that is kept for them ends with the last."""
    if bool(options.names) == options.all:
        raise UsageError("name machines, or say --all", "See: rehearse list guests")
    home = kept.folder()
    if options.all and kept.is_own():
        kept.end(home)
        return 0
    status = _each("destroy", _known(options.names) or kept.started(home))
    if not kept.started(home):
        kept.end(home)
    return status


def shell(options: argparse.Namespace) -> int:
    """A shell in a machine, on our own terminal."""
    (name,) = _known([options.name])
    home = kept.folder()
    way = kept.route(home, name)
    if not way.key:
        raise LabFault(f"{name} has no key to log in with", "see its own console")
    words = ["ssh", "-q", *([] if options.command else ["-t"]), "-i", way.key, "-p", str(way.port)]
    # The lab's own list of host keys; nothing of the user's is read or written.
    words += ["-F", "none", "-o", f"UserKnownHostsFile={home / 'known_hosts'}", "-o", "IdentitiesOnly=yes"]
    words += ["-o", "StrictHostKeyChecking=accept-new", f"{way.user}@{way.address}"]
    # As ssh(1) does it: the words are joined, and a shell there reads them.
    words += [" ".join(options.command)] if options.command else []
    return process.attach(kept.command(home, words)).wait()


def _each(action: str, names: Sequence[str]) -> int:
    home = kept.folder()
    for name in names:
        kept.ask(home, action, name, accelerated=_accelerated())
        print(f"{name}: {action} done", file=sys.stderr)
    return 0


def _accelerated() -> bool:
    known = acceleration.remembered()
    return known is not None and known.kvm


def _known(names: Sequence[str]) -> list[str]:
    catalogue = guests.load()
    return [guests.find(name, catalogue).name for name in names]
