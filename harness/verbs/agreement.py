"""Do emulated clients behave as the real ones of their kind? Measured, cell by cell."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace

from harness.catalogue import Catalogue
from harness.clients.base import Client
from harness.errors import LabFault
from harness.model import Attempt, CellId, Check, Outcome, Phase, Tier
from harness.planning import planner
from harness.report import listing
from harness.report.page import console_for
from harness.result import CellResult, RunResult
from harness.system.plain import say
from harness.verbs.ending import OK, UNEXPECTED
from harness.verbs.run import measure, new_folder

SERVERS = {
    Tier.LOCAL: "sles11-like,consumer-nas,samba-4.13,samba-4.22,samba-4.22-smb1",
    # One guest serves both.
    Tier.VAGRANT: "sles11-like,samba-4.13",
}
CHANGES = "none,nt-pipe-support-off,signing-required,encryption-required,smb311-only,ntlmv2-only"
AGREE = "agree"
HEADERS = ("cell", "emulated", "real", "agreement")


def pairs(known: Mapping[str, Client], lab: Tier) -> dict[str, str]:
    """Every emulated client that has a real counterpart in that lab, with its name."""
    return {
        name: client.counterpart
        for name, client in known.items()
        if client.counterpart in known
        and lab in known[client.counterpart].labs
        # What lives in every lab was compared in the one that takes seconds.
        and (lab is Tier.LOCAL or Tier.LOCAL not in known[client.counterpart].labs)
    }


def agreement(options: argparse.Namespace) -> int:
    """Measure every pair on the same servers under the same changes, and compare; 1 when they disagree."""
    lab = Tier(options.lab)
    catalogue: Catalogue = options.catalogue
    known = catalogue.clients
    wanted = pairs(known, lab)
    selectors = [
        f"{CHANGES}:{SERVERS[lab]}:{emulated},{real}:{','.join(_common(known[emulated], known[real]))}"
        for emulated, real in wanted.items()
    ]
    made = replace(planner.from_selectors(catalogue, selectors, lab), name="agreement")
    status, result = measure(catalogue, new_folder(catalogue, options.runs, made), options)
    if status:
        return status
    rows = compare(result, wanted)
    wrong = [row for row in rows if row[-1] != AGREE]
    if options.json:
        print(listing.Table(HEADERS, tuple(rows)).as_json())
    elif wrong:
        listing.Table(HEADERS, tuple(wrong)).render(console_for(sys.stdout))
    say(f"{len(rows)} cells of {len(wanted)} pairs compared, {len(wrong)} disagree")
    return UNEXPECTED if wrong else OK


def _common(emulated: Client, real: Client) -> list[Check]:
    return [check for check in Check if check in emulated.checks & real.checks]


def compare(result: RunResult, wanted: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """One row a cell of an emulated client and its counterpart.

    Raises LabFault when a cell is a fault or missing: then nothing was compared.
    """
    measured = {found.cell: found for found in result.cells}
    rows = []
    for cell, found in measured.items():
        if cell.client not in wanted:
            continue
        other = measured.get(CellId(cell.mitigation, cell.server, wanted[cell.client], cell.check))
        if other is None:
            raise LabFault(f"{cell}: its counterpart {wanted[cell.client]} was not measured")
        mine, theirs = _told(found), _told(other)
        rows.append((str(cell), mine, theirs, AGREE if mine == theirs else "DISAGREE"))
    return rows


def _told(found: CellResult) -> str:
    """What counts: how it ended, where, over which dialect, logged on how."""
    attempt = found.phases.get(Phase.APPLIED) or found.phases[Phase.BASELINE]
    if attempt.outcome is Outcome.FAULT:
        raise LabFault(f"{found.cell}: {attempt.note}")
    return " ".join(word for word in _words(attempt) if word)


def _words(attempt: Attempt) -> tuple[str | None, ...]:
    if attempt.outcome is Outcome.REFUSED:
        return ("refused at", attempt.step, attempt.status)
    return (attempt.outcome, attempt.dialect, attempt.auth)
