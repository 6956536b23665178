"""``rehearse fleet``: files that somebody collected become machines; a later sample is compared with them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.fleet import intake, opening, store, watching
from harness.fleet.machine import Fleet
from harness.fleet.merging import machines
from harness.fleet.placing import Placing
from harness.fleet.privacy import hasher
from harness.fleet.records import Record
from harness.fleet.store import Stored
from harness.learn import matching
from harness.report import fleet as report
from harness.report import fleet_document as documents
from harness.report.page import console_for
from harness.system import entry
from harness.system.paths import fleets_dir
from harness.system.plain import say

DEFAULT = "fleet"
"""What a fleet is called that nobody named."""
OK, WORSE = 0, 1


def fleet(options: argparse.Namespace) -> int:
    """Do what the operation says; without one, say what there is."""
    if options.operation is None:
        for line in options.shown().splitlines():
            say(line, sys.stdout)
        return entry.USAGE
    return {"import": _import, "show": _show, "watch": _watch}[options.operation](options)


def file_of(options: argparse.Namespace, name: str) -> Path:
    """Where a fleet is kept: in the project that somebody is in, else among the user's own."""
    place = getattr(options, "place", None)
    usual = (place.file.defaults.fleet if place else None) or DEFAULT
    folder = place.folder / "fleet" if place else fleets_dir()
    return Path(folder) / f"{store.checked(name or usual)}.json"


def placed(catalogue: Catalogue, stored: Stored) -> Fleet:
    """The machines of a stored fleet, placed among the clients that there are."""
    return Placing(catalogue.clients).fleet(machines(stored.records), stored.name)


def _import(options: argparse.Namespace) -> int:
    file = file_of(options, options.fleet)
    _check_kind(options.kind)
    done: list[intake.Read] = []
    with store.updating(file, hashed=options.hash_addresses) as stored:
        before = sum(one.count for one in machines(stored.records))
        known = matching.personas()
        for path in options.files:
            try:
                done.append(intake.take(stored, path, options.kind, known))
            except UsageError as error:
                # The others are read all the same.
                done.append(intake.Read(str(path), failed=str(error)))
        if all(one.failed for one in done):
            raise UsageError(*_first(done))
    found = placed(options.catalogue, store.load(file))
    if options.json:
        print(documents.import_json(found, done, before, str(file), hashed=stored.hashed))
    else:
        report.render_import(found, done, before, str(file), console_for(sys.stdout), hashed=stored.hashed)
    return WORSE if any(one.failed for one in done) else OK


def _first(done: list[intake.Read]) -> tuple[str, str]:
    for one in done[1:]:
        say(f"rehearse: {one.failed}")
    return done[0].failed, ""


def _check_kind(kind: str) -> None:
    """Raises UsageError, with all kinds, for one that there is not."""
    kinds = opening.kinds()
    if kind and kind not in kinds:
        for name, title in kinds.items():
            say(f"{name}: {title}")
        raise UsageError(f"--as {kind}: no kind of source is called so", "those above can be read")


def existing(file: Path) -> Stored:
    """A stored fleet that is there. Raises UsageError where it is not."""
    if not file.exists():
        raise UsageError(
            f"there is no fleet called {file.stem!r} in {file.parent}",
            "begin one: rehearse fleet import FILE...",
        )
    return store.load(file)


def _show(options: argparse.Namespace) -> int:
    stored = existing(file_of(options, options.fleet))
    found = placed(options.catalogue, stored)
    if options.json:
        print(documents.show_json(found, stored))
    else:
        report.render_show(found, stored, console_for(sys.stdout), every=options.machines)
    return OK


def _watch(options: argparse.Namespace) -> int:
    file = file_of(options, options.fleet)
    _check_kind(options.kind)
    stored = existing(file)
    done: list[intake.Read] = []
    now = [record for path in options.files for record in _sample(options, path, done)]
    if stored.hashed:
        hiding = hasher(file.with_suffix(".key"))
        for record in now:
            hiding.hide(record)
    changes = watching.compared(stored.records, now, Placing(options.catalogue.clients), stored.name)
    if options.json:
        print(documents.watch_json(stored.name, changes, done))
    else:
        report.render_watch(stored, changes, done, console_for(sys.stdout))
    return WORSE if any(one.news.bad for one in changes) else OK


def _sample(options: argparse.Namespace, path: Path, done: list[intake.Read]) -> Iterator[Record]:
    read, records = intake.records_of(path, options.kind, matching.personas())
    done.append(read)
    yield from records


def meant(options: argparse.Namespace, catalogue: Catalogue, word: str) -> Fleet:
    """The fleet of ``--fleet NAME|FILE``: a stored one by its name or file, or what a sample says.

    Raises UsageError where there is none.
    """
    path = Path(word)
    if word and path.is_file():
        if store.is_stored(path):
            return placed(catalogue, store.load(path))
        _, records = intake.records_of(path, "", matching.personas())
        return placed(catalogue, Stored(path.stem, records=records))
    return placed(catalogue, existing(file_of(options, word)))
