"""What several formats say of a run in the same words: versions, holes left open, cells that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.model import CellId, Dialect
from harness.report.explain import told
from harness.report.labels import Labels
from harness.report.language import DEFAULT, language
from harness.result import WHEN, CellResult, RunResult, decisive


def versions(result: RunResult) -> Mapping[str, str]:
    """With what a run was measured: what -> its version, in an order that stays."""
    found = {"run": result.run, "lab": result.lab}
    if result.began is not None:
        found["measured"] = result.began.isoformat(timespec="seconds")
    if (by := result.circumstances) is not None:
        found |= {"smb-rehearsal": by.version, "commit": by.commit, "host": by.host, "system": by.system}
        found |= {"kernel": by.kernel, "python": by.python, **by.tools}
    labels = Labels(result)
    found |= {
        f"not built in, {whose}": ", ".join(
            labels.added(one.name) for one in result.added if one.whose == whose
        )
        for whose in dict.fromkeys(one.whose for one in result.added)
    }
    found |= {f"server {labels.marked(name)}": fact.software for name, fact in result.servers.items()}
    found |= {f"client {labels.client(name)}": fact.software for name, fact in result.clients.items()}
    return {name: value for name, value in found.items() if value}


def missing(result: RunResult) -> tuple[CellId, ...]:
    """The planned cells that were not measured, as far as the run says which these are."""
    there = {cell.cell for cell in result.cells}
    return tuple(dict.fromkeys(cell for row in result.rows for cell in row.cells if cell not in there))


def why(cell: CellResult) -> str:
    """Why a cell is what it is, in one line; never empty."""
    decided = decisive(cell.phases, cell.effect)
    note = decided.note if decided else ""
    back = "" if cell.restored is not False else "not as before after the rollback"
    return "; ".join(filter(None, [back, cell.cause or note, cell.claim])) or f"{cell.effect}"


def phases(cell: CellResult) -> Iterable[str]:
    """A line for each phase: how the attempt ended."""
    for phase, attempt in cell.phases.items():
        spoken = f", {dialect_in_words(attempt.dialect)}" if attempt.dialect else ""
        who = f", {attempt.auth}" if attempt.auth else ""
        yield f"{WHEN[phase]}: {told(attempt, language(DEFAULT))}{spoken}{who}"


def dialect_in_words(dialect: str) -> str:
    """SMB1, SMB 2.1; one that nobody knows as it was recorded."""
    return Dialect(dialect).in_words if dialect in set(Dialect) else dialect
