"""Too little of something is told as that, and is no bug of ours."""

from __future__ import annotations

import errno
import os

import pytest

from harness.system import entry

FAULT, BUG = 2, 70


def _no_utf_8(name: str) -> UnicodeEncodeError:
    """As Python has a name of other bytes (os.fsdecode), and where it is to be written."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        return error
    raise AssertionError(name)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "(ulimit -n: "),
        (OSError(errno.ENFILE, os.strerror(errno.ENFILE)), "fs.file-max"),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "memory ran out"),
        (MemoryError(), "memory ran out"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/runs/one"), "/runs/one: the disk is full"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS), b"/runs"), "/runs: the file system can only be read"),
        (OSError(errno.EACCES, os.strerror(errno.EACCES), "/root/.cache"), "/root/.cache: this user may not"),
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG)), "ulimit -f"),
        (
            ImportError("x.so: failed to map segment from shared object", path="/me/x.so"),
            "/me/x.so: no program",
        ),
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (_no_utf_8("/srv/b\udcfcro"), "no UTF-8 (b'/srv/b\\xfcro')"),
        (_no_utf_8(f"{{{'a' * 999}\udcfc}}"), "is no UTF-8; rename it"),
    ],
    ids=[
        "files",
        "all-files",
        "memory",
        "python-memory",
        "disk",
        "read-only",
        "closed",
        "large",
        "noexec",
        "threads",
        "name",
        "text",
    ],
)
def test_a_lack_is_told_in_one_line(error: Exception, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.crashed(error) == FAULT
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert ";" in lines[0], "and what to do"


def test_the_home_of_somebody_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As with sudo -u nobody, where it keeps the caller's."""
    monkeypatch.setenv("HOME", "/home/anna")
    for name, told in (("/home/anna/.cache", True), ("/home/annabel/.cache", False)):
        assert entry.crashed(PermissionError(errno.EACCES, "Permission denied", name)) == FAULT
        assert ("set HOME to your own directory, for it is /home/anna (" in capsys.readouterr().err) is told


def test_another_error_is_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.crashed(RuntimeError("something")) == BUG
    assert "this is a bug" in capsys.readouterr().err
