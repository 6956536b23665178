"""``rehearse up``, ``halt``, ``destroy`` and ``shell``: machines that stay up between commands."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import LabFault, UsageError
from harness.labs import guests
from harness.labs.boxes import acceleration
from harness.labs.vagrant import persistent
from harness.labs.vagrant.gather import gather
from harness.labs.vagrant.log_in import by_ssh
from harness.labs.vagrant.remote_lab import Link, RemoteLab, lasting
from harness.model import GuestRoute
from harness.report.page import console_for
from harness.report.progress import Progress
from harness.system import process
from harness.system.plain import say
from harness.verbs import remote_libvirt


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the machines are."""

    home: Path
    """For their state."""
    there: RemoteLab | None
    """The other libvirt that they live in; None for here."""

    @property
    def link(self) -> Link | None:
        return self.there.link if self.there else None

    def end(self) -> None:
        """Nothing is kept here any more."""
        if self.there is None:
            persistent.end(self.home)
        else:
            self.there.remove()
            shutil.rmtree(self.home, ignore_errors=True)


def up(options: argparse.Namespace) -> int:
    """Start machines; on stdout, how to reach each."""
    names = _known(options.names)
    found: list[GuestRoute] = []
    try:
        with (
            _place(options, new=True) as place,
            Progress(console_for(sys.stderr), quiet=options.quiet, kind="box") as progress,
        ):
            home, own, link = place.home, persistent.is_own(), place.link
            means = gather(names, (), None, progress.image, progress.note, folder=home, own=own, link=link)
            for name in names:
                progress.note(f"starting {name}")
                found.append(persistent.up(home, name, accelerated=means.accelerated, link=link))
    finally:
        # Also when a later one fails: those that are up stay up, and must be known.
        if options.json and found:
            print(json.dumps([asdict(one) for one in found], indent=1))
        elif not options.json:
            there = f"--connect {shlex.quote(options.connect)} " if options.connect else ""
            for one in found:
                say(f"{one.name}: {one.address}, as {one.user}; rehearse shell {there}{one.name}", sys.stdout)
    return 0


def halt(options: argparse.Namespace) -> int:
    """Shut machines down."""
    names = _known(options.names)
    with _place(options) as place:
        return _each("halt", names, place)


def destroy(options: argparse.Namespace) -> int:
    """Remove machines; the lab that is kept for them ends with the last."""
    if bool(options.names) == options.all:
        raise UsageError("name machines, or say --all", "See: rehearse list guests")
    names = _known(options.names)
    with _place(options) as place:
        if options.all and (place.there or persistent.is_own()):
            place.end()
            return 0
        status = _each("destroy", names or persistent.started(place.home), place)
        if not persistent.started(place.home):
            place.end()
    return status


def shell(options: argparse.Namespace) -> int:
    """A shell in a machine, on our own terminal."""
    (name,) = _known([options.name])
    with _place(options) as place:
        way = persistent.route(place.home, name, place.link)
        if not way.key:
            raise LabFault(f"{name} has no key to log in with", "see its own console")
        through = ""
        if place.link is not None and place.link.ssh is not None:
            through = f"{place.link.ssh}/bin/ssh -W %h:%p -- {place.link.where}"
        terminal = not options.command
        words = by_ssh(way, place.home / "known_hosts", terminal=terminal, through=through)
        # As ssh(1) does it: the words are joined, and a shell there reads them.
        words += [" ".join(options.command)] if options.command else []
        here = words if place.link else persistent.command(place.home, words)
        return process.attach(here, of_caller=True).wait()


@contextmanager
def _place(options: argparse.Namespace, *, new: bool = False) -> Iterator[_Place]:
    """Where the machines are, while the context lasts; in another libvirt made there where ``new``."""
    given = remote_libvirt.wanted(options)
    if given is None:
        yield _Place(persistent.folder(), None)
        return
    with lasting(given, guests.load(), new=new) as there:
        yield _Place(persistent.folder(there.link.tag), there)


def _each(action: str, names: Sequence[str], place: _Place) -> int:
    for name in names:
        fast = place.link.accelerated if place.link else _accelerated()
        persistent.ask(place.home, action, name, accelerated=fast, link=place.link)
        say(f"{name}: {action} done")
    return 0


def _accelerated() -> bool:
    known = acceleration.remembered()
    return known is not None and known.kvm


def _known(names: Sequence[str]) -> list[str]:
    catalogue = guests.load()
    return [guests.find(name, catalogue).name for name in names]
