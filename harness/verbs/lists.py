"""The verb ``list``: what only some kinds take is loaded where one of these is listed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from harness.errors import UsageError
from harness.report import listing
from harness.report.page import console_for

COLUMNS = (
    "name",
    "from",
    "state",
    "verified",
    "fidelity",
    "side",
    "severity",
    "cells",
    "samba",
    "what",
    "verdicts",
)
"""What a list shows of each thing; everything else is on its own page."""


def list_(options: argparse.Namespace) -> int:
    """List the things of a kind, or all kinds."""
    if options.agreement:
        if options.kind != "clients":
            raise UsageError("--agreement is for clients", "rehearse list clients --agreement")
        from harness.verbs import agreement

        return agreement.agreement(options)
    if options.kind in ("run", "runs"):
        from harness.verbs import runs

        show_list(runs.listed(options.make_catalogue, options.runs), COLUMNS, json=options.json)
        return 0
    from harness.verbs import facts

    if options.kind:
        list_kind(facts.kind(options.catalogue, options.kind), options)
        return 0
    kinds = [{"name": kind, "what": f"rehearse list {kind}"} for kind in facts.KINDS]
    show_list(kinds, COLUMNS, json=options.json)
    return 0


def list_kind(kind: str, options: argparse.Namespace) -> None:
    """List the things of a kind, which is given as ``facts.KINDS`` has it."""
    from harness.verbs import facts

    show_list(facts.of_kind(options.catalogue, kind, options.runs), COLUMNS, json=options.json)


def show_list(
    records: Sequence[Mapping[str, str | list[str]]], columns: tuple[str, ...], *, json: bool
) -> None:
    """Things as rows; of the columns those that one of them has something in."""
    shown = tuple(column for column in columns if any(column in record for record in records))
    rows = tuple(tuple(_text(record.get(column, "")) for column in shown) for record in records)
    out(listing.Table(shown, rows), json=json)


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "; ".join(value)


def out(what: listing.Table | listing.Sheet, *, json: bool) -> None:
    """A table or a sheet on standard output."""
    if json:
        print(what.as_json())
    else:
        what.render(console_for(sys.stdout))
