"""The store: what is kept comes back, whoever else uses it, and however a run that writes to it ends."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.result.reuse import MeasuredBefore
from harness.reuse import store as of_store
from harness.reuse.store import NAME, CannotBeUsedError, Row, opened, put_aside, remove

THEN = MeasuredBefore("a-run", datetime(2026, 11, 30, 2, 0, tzinfo=UTC))
AT_WORK = """
import sys
from pathlib import Path
from tests_reuse_rows import row
from harness.reuse.store import opened

def rows():
    yield row("half")
    print("half", flush=True)
    sys.stdin.readline()
    yield row("whole")

with opened(Path(sys.argv[1]), []) as store:
    store.put(rows())
"""
ROWS = """
from datetime import UTC, datetime
from harness.result.reuse import MeasuredBefore
from harness.reuse.store import Row

def row(key):
    before = MeasuredBefore("a-run", datetime(2026, 11, 30, tzinfo=UTC))
    return Row(key, key, before, (b"{}",), {"log": b"said"})
"""
MANY = """
import sys
from pathlib import Path
from tests_reuse_rows import row
from harness.reuse.store import opened

sys.stdin.readline()
for number in range(50):
    with opened(Path(sys.argv[1]), []) as store:
        store.put([row(f"{sys.argv[2]}-{number}")])
"""


def row(key: str, data: bytes = b"") -> Row:
    return Row(key, f"of {key}", THEN, (b'{"kind":"x"}', b"second"), {"packets": data} if data else {})


def begin(folder: Path, code: str, *words: str) -> subprocess.Popen[str]:
    """Another process of ours that uses the store in a folder."""
    beside = folder.parent / "rows"
    beside.mkdir(exist_ok=True)
    (beside / "tests_reuse_rows.py").write_text(ROWS)
    path = os.pathsep.join([str(beside), *filter(None, sys.path)])
    argv = [sys.executable, "-c", code, str(folder), *words]
    pipes = subprocess.PIPE
    return subprocess.Popen(
        argv, stdin=pipes, stdout=pipes, text=True, env={**os.environ, "PYTHONPATH": path}
    )


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    told: list[str] = []
    with opened(tmp_path / "new", told) as store:
        store.put([row("a", b"bytes"), row("b")])
    with opened(tmp_path / "new", told) as store:
        found = store.get(["a", "b", "c"])
        assert found == {"a": Row("a", "of a", THEN, row("a").lines), "b": row("b")}
        assert store.evidence_of("a") == {"packets": b"bytes"}
        assert (store.has_evidence("a"), store.has_evidence("b")) == (True, False)
        # In place of what was there, with its evidence.
        store.put([row("a")])
        assert store.evidence_of("a") == {}
        assert store.discard() == 2
        assert (store.get(["a", "b"]), store.count()) == ({}, 0)
    assert told == []
    # One file alone, for whoever takes it along; and nobody else's.
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [NAME, f"{NAME}.lock"]
    assert (tmp_path / "new" / NAME).stat().st_mode & 0o077 == 0


def test_what_cells_share_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, []) as store:
        store.put([row(name, b"the configuration that cells share") for name in "abc"])
        unpacked: list[bytes] = []

        def counted(data: bytes) -> bytes:
            unpacked.append(data)
            return zlib.decompress(data)

        monkeypatch.setattr(of_store, "zlib", SimpleNamespace(decompress=counted, error=zlib.error))
        found = [store.evidence_of(name)["packets"] for name in "abc"]
    assert found == [b"the configuration that cells share"] * 3
    assert len(unpacked) == 1


def test_a_run_killed_in_the_middle_of_a_write_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    with opened(folder, []) as store:
        store.put([row("before")])
    other = begin(folder, AT_WORK)
    assert other.stdout is not None
    assert other.stdout.readline() == "half\n"
    # It is in its transaction, and others read meanwhile.
    told: list[str] = []
    with opened(folder, told) as store:
        assert set(store.get(["before", "half"])) == {"before"}
    other.kill()
    assert other.wait(30) == -signal.SIGKILL
    with opened(folder, told) as store:
        assert set(store.get(["before", "half", "whole"])) == {"before"}
        store.put([row("after")])
        assert store.count() == 2
    assert told == []
    other.communicate()


def test_two_at_once_both_keep_theirs(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    told: list[str] = []
    # Neither finds a store: one of them makes it.
    others = [begin(folder, MANY, name) for name in ("one", "two")]
    for one in others:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in others:
        one.communicate(timeout=60)
    assert [one.returncode for one in others] == [0, 0]
    with opened(folder, told) as store:
        assert store.count() == 100
    # A writer waits for another's transaction.
    other = begin(folder, AT_WORK)
    assert other.stdout is not None
    assert other.stdout.readline() == "half\n"
    assert other.stdin is not None
    other.stdin.write("\n")
    other.stdin.flush()
    with opened(folder, told) as store:
        store.put([row("mine")])
    other.communicate(timeout=60)
    assert other.returncode == 0
    with opened(folder, told) as store:
        assert set(store.get(["mine", "half", "whole"])) == {"mine", "half", "whole"}
    assert told == []


WRITTEN = {
    "another schema": "PRAGMA user_version = 7",
    "no tables": "DROP TABLE content",
    "no time": "UPDATE result SET at = 1e300",
    "no number": "UPDATE result SET at = 'then'",
    "no run": "UPDATE result SET run = x'00'",
    "no text": "UPDATE result SET name = CAST(x'ff' AS TEXT)",
    "no lines": "UPDATE result SET lines = 'text'",
}
"""What somebody does to one with SQL."""


@pytest.mark.parametrize("damage", ["no database", "cut off", "a page", *WRITTEN])
def test_a_damaged_one_is_put_aside_and_begun_anew(tmp_path: Path, damage: str) -> None:
    chance = random.Random(1)
    path = tmp_path / NAME
    with opened(tmp_path, []) as store:
        store.put([row(f"{number}", chance.randbytes(3000)) for number in range(50)])
    if damage == "no database":
        path.write_bytes(b"not a database " * 1000)
    elif damage == "cut off":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif damage == "a page":
        data = path.read_bytes()
        path.write_bytes(data[:4096] + chance.randbytes(len(data) - 4096))
    else:
        with sqlite3.connect(path) as database:
            database.execute(WRITTEN[damage])
        database.close()
    told: list[str] = []
    for _ in range(2):
        # What is found only when it is used is put aside then.
        with suppress(CannotBeUsedError), opened(tmp_path, told) as store:
            store.get(map(str, range(50)))
            store.evidence_of("1")
            store.put([row("new")])
    (line,) = told
    assert str(path) in line
    assert "a new one is begun" in line
    assert len(put_aside(tmp_path)) == 1
    with opened(tmp_path, told) as store:
        assert store.count() == 1
    assert remove(tmp_path)
    assert not remove(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_be_used_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotBeUsedError, match="file"), opened(tmp_path / "file" / "store", []):
        pass
    (tmp_path / NAME).mkdir()
    told: list[str] = []
    with pytest.raises(CannotBeUsedError), opened(tmp_path, told):
        pass
    assert told == []
    assert (tmp_path / NAME).is_dir()


def test_it_has_a_bound_and_what_was_not_used_goes_first(tmp_path: Path) -> None:
    chance = random.Random(2)
    with opened(tmp_path, []) as store:
        store.put([row(f"{number:02}", chance.randbytes(20_000)) for number in range(40)])
        whole = store.size()
        store.used(["00", "01"])
        assert store.bound(whole // 2) > 10
        assert store.size() <= whole // 2
        assert set(store.get(["00", "01"])) == {"00", "01"}
        assert (tmp_path / NAME).stat().st_size > 0
        # All the same files are there once.
        store.put([row(f"same-{number}", b"x" * 50_000) for number in range(50)])
        assert store.size() < whole
        assert store.bound(unused=3600.0) == 0
        store.bound(unused=-1.0)
        assert store.count() == 0
