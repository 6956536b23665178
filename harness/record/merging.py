"""One run folder of several that measured shards of a plan: nothing is measured, and nothing executed."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import LabFault
from harness.record.journal import LONGEST_LINE, MOST_OF_A_JOURNAL, Recorded
from harness.system import files

MOST_OF_EVIDENCE = 2**29
"""Bytes of one shard's evidence that are copied; that of 100 servers has 20 MB."""


def in_order(parts: Sequence[Recorded]) -> list[Recorded]:
    """In which order they were begun, so that what is said of the whole is said of the first and the last."""
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(parts, key=lambda one: (one.begun and one.begun.at) or never)


def fill(folder: Path, parts: Sequence[Recorded]) -> list[str]:
    """Put what the parts recorded into a new run folder that has its plan; what could not be taken along.

    Raises LabFault where it cannot be written, UsageError for a journal that is no regular file.
    """
    left: list[str] = []
    try:
        with (folder / "journal.jsonl").open("ab") as journal:
            for one in in_order(parts):
                path = one.folder / "journal.jsonl"
                for line in files.lines(path, LONGEST_LINE, MOST_OF_A_JOURNAL):
                    journal.write(line + b"\n")
        for one in parts:
            shard = one.plan.shard
            if shard is not None and (one.folder / "evidence").is_dir():
                here = folder / "evidence" / f"shard-{shard.number}-of-{shard.of}"
                left += _copy(one.folder / "evidence", here)
    except OSError as error:
        raise LabFault(f"{folder}: {error.strerror or error}", "make room, or choose --runs") from error
    return left


def _copy(source: Path, target: Path) -> Iterator[str]:
    """Regular files alone: a link in somebody's folder may lead to anything."""
    room = MOST_OF_EVIDENCE
    for above, _, names in os.walk(source):
        for name in sorted(names):
            path = Path(above, name)
            info = path.lstat()
            if not stat.S_ISREG(info.st_mode):
                yield f"{path}: is no regular file, and was left out"
                continue
            room -= info.st_size
            if room < 0:
                yield f"{source}: only the first {MOST_OF_EVIDENCE // 2**20} MiB of it were taken along"
                return
            into = target / path.relative_to(source)
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, into, follow_symlinks=False)
