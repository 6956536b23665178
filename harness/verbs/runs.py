"""The runs that there are, in short: what ``rehearse list runs`` shows.

What reads a run as a whole is loaded for one of which nothing is kept (``harness.record.outline``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.labs import cleanup
from harness.record import outline
from harness.system import paths

if TYPE_CHECKING:
    from harness.catalogue import Catalogue


def listed(catalogue: Callable[[], Catalogue], home: Path) -> list[dict[str, str | list[str]]]:
    """The runs below ``home``. ``catalogue`` makes what there is, where a run must be read as a whole."""
    known = cache(catalogue)
    found: list[dict[str, str | list[str]]] = []
    for folder in paths.run_folders(home):
        # Asked before it is read: one that ends meanwhile is complete then.
        running = cleanup.is_attended(folder)
        try:
            run = outline.of(partial(_with_kept, known, folder), folder)
        except UsageError as error:
            # One run that cannot be read costs no other its line.
            found.append({"name": folder.name, "state": f"cannot be read: {error}", "verdicts": ""})
            continue
        tally = ", ".join(f"{count} {effect}" for effect, count in run.tally.items() if count)
        state = _state(folder, run, running=running)
        state += f"; {run.damage}" if run.damage else ""
        found.append({"name": folder.name, "state": state, "verdicts": tally})
    return found


def _with_kept(known: Callable[[], Catalogue], folder: Path) -> Catalogue:
    """What there is, with what the run keeps."""
    from harness.record import folders

    kept = folders.of_run(folder)
    return known().adding(*kept)


def _state(folder: Path, run: outline.Outline, *, running: bool) -> str:
    """Whether a run is complete, still runs, or was cut off, and then how to go on."""
    done = f"{run.cells} of {run.planned} cells"
    if running and not run.complete:
        return f"running: {done}"
    return "complete" if run.complete else f"cut off: {done} (rehearse run --resume {folder.name})"
