"""How long a run was measured."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from harness.record.entries import Begun, Ended, entry_of
from harness.record.journal import LONGEST_LINE, MOST_OF_A_JOURNAL, Recorded
from harness.result.spent import TimeSpent
from harness.system import files

_BEGUN = b'"kind":"begun"'
"""In the line of a ``Begun``, and in no other: in a text a quotation mark has a backslash before it."""


def seconds_of(recorded: Recorded) -> float | None:
    """How long a run was measured in all its stretches; None where that is not known of one."""
    total = 0.0
    for begun, ended in recorded.stretches:
        taken = _of_stretch(begun, ended) if ended is not None else None
        if taken is None:
            return None
        total += taken
    return total if recorded.stretches else None


def _of_stretch(begun: Begun, ended: Ended) -> float | None:
    """The seconds between the two.

    They are in the account of where the time went, by a clock that nobody sets. Without one it is what lies
    between two times of day; None where the machine's clock was set back meanwhile.
    """
    if ended.spent is not None and ended.spent.workers:
        return ended.spent.seconds
    if begun.at is None or ended.at < begun.at:
        return None
    return (ended.at - begun.at).total_seconds()


def spent_of(recorded: Recorded) -> TimeSpent | None:
    """Where the time of a run went in all its stretches; None where that is not known of one."""
    each = [ended.spent for _, ended in recorded.stretches if ended is not None and ended.spent is not None]
    known = each and len(each) == len(recorded.stretches)
    return sum(each, TimeSpent()) if known else None


def whole_stretch(folder: Path) -> tuple[float, TimeSpent | None] | None:
    """The seconds that a run took which measured its whole plan in one go, and where they went if it says so.

    None for any other.

    Understands the first line of the journal and the last, and only looks for another one of the first's kind
    between them: of journals of 140 MB, too, many are asked before a run begins.
    Raises UsageError for one that is no regular file.
    """
    path = folder / "journal.jsonl"
    try:
        files.check(path)
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not 0 < size <= MOST_OF_A_JOURNAL:
                return None
            with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as text:
                last = text.rfind(b"\n", 0, size - 1) + 1
                ends = [text[: text.find(b"\n") + 1], text[last:]]
                if max(map(len, ends)) > LONGEST_LINE or text.find(_BEGUN, len(ends[0])) >= 0:
                    return None
        match [entry_of(line) for line in ends]:
            case [Begun() as begun, Ended(whole=True) as ended]:
                taken = _of_stretch(begun, ended)
                return None if taken is None else (taken, ended.spent)
    except (FileNotFoundError, ValueError):
        return None
    return None
