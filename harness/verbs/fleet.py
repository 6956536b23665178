"""``rehearse fleet``: files that somebody collected become machines; a later sample is compared with them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.fleet import intake, opening, planned, store, watching
from harness.fleet.auditing.asked import audit_of
from harness.fleet.machine import DEFAULT, Fleet
from harness.fleet.merging import machines, number
from harness.fleet.placing import Placing
from harness.fleet.privacy import hasher
from harness.fleet.records import Record, together
from harness.fleet.store import Stored
from harness.model import Check
from harness.report import fleet as report
from harness.report import fleet_audit
from harness.report.documents import fleet as documents
from harness.report.language import of_reader
from harness.report.page import console_for
from harness.result import FleetFact
from harness.system import entry
from harness.system.paths import fleets_dir
from harness.system.plain import say

if TYPE_CHECKING:
    from harness.learn.matching import KnownPersona

OK, WORSE = 0, 1


def fleet(options: argparse.Namespace) -> int:
    """Do what the operation says; without one, say what there is."""
    if options.operation is None:
        for line in options.shown().splitlines():
            say(line, sys.stdout)
        return entry.USAGE
    operations = {"audit": _audit, "import": _import, "show": _show, "watch": _watch}
    return operations[options.operation](options)


def file_of(options: argparse.Namespace, name: str) -> Path:
    """Where a fleet is kept: in the project that somebody is in, else among the user's own."""
    place = getattr(options, "place", None)
    usual = (place.file.defaults.fleet if place else None) or DEFAULT
    folder = place.folder / "fleet" if place else fleets_dir()
    return Path(folder) / f"{store.checked(name or usual)}.json"


def placed(catalogue: Catalogue, stored: Stored) -> Fleet:
    """The machines of a stored fleet, placed among the clients that there are."""
    return Placing(catalogue.clients).fleet(machines(stored.records), stored.name)


def _audit(options: argparse.Namespace) -> int:
    found = [audit_of(word, options.days, options.conf, options.logs) for word in options.servers]
    if options.json or options.format == "json":
        print(fleet_audit.as_json(found))
        return OK
    text = fleet_audit.as_markdown(found) if options.format == "markdown" else fleet_audit.as_text(found)
    for line in text.split("\n"):
        say(line, sys.stdout)
    return OK


def _import(options: argparse.Namespace) -> int:
    file = file_of(options, options.fleet)
    _check_kind(options.kind)
    done: list[intake.Read] = []
    with store.updating(file, hashed=options.hash_addresses) as stored:
        before = number(stored.records)
        for path in options.files:
            try:
                done.append(intake.take(stored, path, options.kind, _personas))
            except UsageError as error:
                # The others are read all the same.
                done.append(intake.Read(str(path), failed=str(error)))
        if all(one.failed for one in done):
            raise UsageError(*_first(done))
    found = placed(options.catalogue, stored)
    imported = intake.Imported(found, done, before, str(file), stored.hashed)
    if options.json:
        print(documents.import_json(imported))
    else:
        report.render_import(
            imported, console_for(sys.stdout), lang=of_reader(options.lang), named=bool(options.fleet)
        )
    return WORSE if any(one.failed for one in done) else OK


def _first(done: list[intake.Read]) -> tuple[str, str]:
    for one in done[1:]:
        say(f"rehearse: {one.failed}")
    return done[0].failed, ""


def _personas() -> Sequence[KnownPersona]:
    """Loaded for a capture alone: they are some seventy files."""
    from harness.learn import matching

    return matching.personas()


def _check_kind(kind: str) -> None:
    """Raises UsageError, with all kinds, for one that there is not."""
    kinds = opening.kinds()
    if kind and kind not in kinds:
        for name, title in kinds.items():
            say(f"{name}: {title}")
        raise UsageError(f"--as {kind}: no kind of source is called so", "those above can be read")


def kinds_in_words() -> str:
    """What can be read, a line a kind: for the help."""
    found = opening.kinds()
    width = max(map(len, found))
    return "\n".join(f"  {name:{width}}  {title}" for name, title in found.items())


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
        report.render_show(
            found, stored, console_for(sys.stdout), every=options.machines, lang=of_reader(options.lang)
        )
    return OK


def _watch(options: argparse.Namespace) -> int:
    file = file_of(options, options.fleet)
    _check_kind(options.kind)
    stored = existing(file)
    done: list[intake.Read] = []
    now = [record for path in options.files for record in _sample(options, path, done)]
    if stored.hashed:
        hiding = hasher(file.with_suffix(".key"), new=False)
        for record in now:
            hiding.hide(record)
    placing = Placing(options.catalogue.clients)
    changes = watching.compared(stored.records, now, placing, stored.name)
    beyond: tuple[planned.More, ...] = ()
    if options.plan:
        both = machines(together([*stored.records, *now]))
        beyond = planned.more(planned.read(options.plan), placing.fleet(both, stored.name).fact.groups)
    if options.json:
        print(documents.watch_json(stored.name, changes, done, beyond))
    else:
        report.render_watch(
            stored, changes, done, console_for(sys.stdout), beyond, lang=of_reader(options.lang)
        )
    return WORSE if beyond or any(one.news.bad for one in changes) else OK


def _sample(options: argparse.Namespace, path: Path, done: list[intake.Read]) -> Iterator[Record]:
    read, records = intake.records_of(path, options.kind, _personas)
    done.append(read)
    yield from records


def fact_of(options: argparse.Namespace, catalogue: Catalogue, word: str | None) -> FleetFact | None:
    """The machines of ``--fleet``; for None of the project's own fleet, or None where it has none yet.

    Raises UsageError where a fleet is named that is not there.
    """
    if word is None:
        file = file_of(options, "")
        if not file.exists():
            say(f"note: fleet {file.stem} of rehearsal.toml has no machines: rehearse fleet import FILE")
            return None
    found = _meant(options, catalogue, word or "")
    fact = found.fact
    if not fact.size:
        raise UsageError(f"fleet {found.name} has no machine that connects", "See: rehearse fleet show")
    can = {name: catalogue.clients[name].checks for name in fact.clients if name in catalogue.clients}
    unable = ((name, check.value) for name, its in can.items() for check in Check if check not in its)
    return replace(fact, cannot=tuple(unable))


def _meant(options: argparse.Namespace, catalogue: Catalogue, word: str) -> Fleet:
    """A stored fleet by its name or file, or what a file that was collected says."""
    path = Path(word)
    if word and path.is_file():
        if store.is_stored(path):
            return placed(catalogue, store.load(path))
        read, records = intake.records_of(path, "", _personas)
        if read.tally.answers_nothing:
            raise UsageError(f"{path}: says nothing of any machine: {read.tally.answers_nothing}")
        return placed(catalogue, Stored(path.stem, records=records))
    try:
        return placed(catalogue, existing(file_of(options, word)))
    except UsageError as error:
        if word:
            raise UsageError(
                f"--fleet {word}: {error.message}", error.hint or "the name stands behind --fleet, or nothing"
            ) from error
        raise
