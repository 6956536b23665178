"""Too little of something is told as that, and is no bug of ours."""

from __future__ import annotations

import errno
import os

import pytest

from harness.system import entry

FAULT, BUG = 2, 70


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "(ulimit -n: "),
        (OSError(errno.ENFILE, os.strerror(errno.ENFILE)), "fs.file-max"),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "memory ran out"),
        (MemoryError(), "memory ran out"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/runs/one"), "/runs/one: the disk is full"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS), b"/runs"), "/runs: the file system can only be read"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
    ],
    ids=["files", "all-files", "memory", "python-memory", "disk", "read-only", "threads"],
)
def test_a_lack_is_told_in_one_line(error: Exception, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.crashed(error) == FAULT
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert ";" in lines[0], "and what to do"


def test_another_error_is_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.crashed(RuntimeError("something")) == BUG
    assert "this is a bug" in capsys.readouterr().err
