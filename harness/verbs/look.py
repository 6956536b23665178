"""The verbs that show what there is of one thing: show, doctor."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.mitigations import inline
from harness.planning import selecting
from harness.record import folders, journal
from harness.report import listing, terminal
from harness.report.answer import draw_language_note
from harness.report.cell import show_cell
from harness.report.holes import show_holes
from harness.report.labels import Labels
from harness.report.language import of_reader
from harness.report.page import Page, console_for
from harness.result import RunResult
from harness.system.plain import word
from harness.system.registry import lookup
from harness.verbs import facts, lists, reporting

T = TypeVar("T")
_LOOKED_AT = 20
"""Runs that are searched for what another one lacks: plans can be long, and a reader means a recent one."""


def show(options: argparse.Namespace) -> int:
    """Everything about one thing: a cell of a run, or a server, client, mitigation, check or scenario."""
    *kind, options.name = options.words
    if len(kind) > 1:
        raise UsageError(f"one thing at a time, not {' '.join(options.words)}", "See: rehearse show --help")
    if not kind and selecting.is_cell(options.name):
        wanted = selecting.cell_of(options.name)
        catalogue, folder = reporting.found(options, options.run)
        result = reporting.read(catalogue, folder)
        one = _in_run("cell", str(wanted), {str(cell.cell): cell for cell in result.cells}, options, folder)
        if options.json:
            _print(replace(result, cells=(one,)))
        else:
            show_cell(
                result,
                wanted,
                console_for(sys.stdout),
                folder,
                of_reader(options.lang),
                folders.lasting(folder),
            )
        return 0
    if not kind and len(selecting.parted(options.name, ":")) > 1:
        return _show_pair(options)
    if not kind and facts.is_kind(options.name):
        lists.list_kind(facts.kind(options.catalogue, options.name), options)
        return 0
    if kind and not facts.is_kind(kind[0]) and facts.is_one(options.catalogue, kind[0]):
        raise UsageError(f"one thing at a time, not {' '.join(options.words)}", "See: rehearse show --help")
    if kind:
        known = facts.of_kind(options.catalogue, facts.kind(options.catalogue, kind[0]), options.runs)
        records = [lookup(kind[0], options.name, {str(one["name"]): one for one in known})]
    else:
        records = facts.named(options.catalogue, options.name, options.runs)
    # A name that several kinds have gets a headed section for each.
    sections = tuple(
        listing.Section(f"as a {record['kind']}" if len(records) > 1 else "", _entries(record))
        for record in records
    )
    lists.out(listing.Sheet(options.name, sections), json=options.json)
    return 0


def _in_run(kind: str, name: str, known: Mapping[str, T], options: argparse.Namespace, folder: Path) -> T:
    """What a run has of that name. Raises UsageError, which names another of the newest runs that has it."""
    if name in known:
        return known[name]
    what = f"{kind} of {folder.name}"
    for other in reversed(folders.by_age(options.runs)[-_LOOKED_AT:]):
        with suppress(UsageError):
            cells = journal.plan_of(other).cells if other != folder else ()
            if any(name in (str(cell), f"{cell.mitigation}:{cell.server}") for cell in cells):
                again = f"rehearse show {word(name)} --run {folders.lasting(other)}"
                break
    else:
        return lookup(what, name, known, f"rehearse report {folders.lasting(folder)} --details")
    raise UsageError(f"no {what} is called {name!r}", f"{other.name} has it: {again}")


def _print(result: RunResult) -> None:
    from harness.report.documents import result as document

    print(document.render_json(result))


def _entries(record: facts.Record) -> tuple[tuple[str, str], ...]:
    return tuple(
        (key, line)
        for key, value in record.items()
        for line in ([value] if isinstance(value, str) else value)
        if line or not isinstance(value, str)
    )


def _show_pair(options: argparse.Namespace) -> int:
    """The exposures of one mitigation on one server of a run."""
    catalogue, folder = reporting.found(options, options.run)
    result = reporting.read(catalogue, folder)
    pairs = {f"{one.mitigation}:{one.server}": None for one in result.exposures}
    change, *rest = selecting.parted(options.name, ":")
    pair = ":".join([inline.canonical(change), *rest])
    _in_run("change on a server", pair, pairs, options, folder)
    found = [one for one in result.exposures if f"{one.mitigation}:{one.server}" == pair]
    if options.json:
        _print(replace(result, cells=(), exposures=tuple(found)))
    else:
        page = Page(console_for(sys.stdout), of_reader(options.lang))
        terminal.render_pair(result, found[0].mitigation, found[0].server, page)
        show_holes(page, pair, Labels(result).server(found[0].server, page.say), found)
        draw_language_note(page)
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Say what is missing and the command that mends it; exit status 2 when a rehearsal cannot run."""
    from harness.labs import doctor as examination
    from harness.verbs import remote_libvirt

    catalogue: Catalogue = options.catalogue
    packages = {name: client.package for name, client in catalogue.clients.items() if client.package}
    findings = [
        *examination.examine(catalogue.images, packages, again=options.again),
        *remote_libvirt.findings(options),
    ]
    if options.json:
        print(listing.findings_json(findings))
    else:
        listing.render_findings(findings, console_for(sys.stdout))
    return 0 if all(finding.ok for finding in findings) else 2
