"""Locks on files: one holder or many that share, until the file is closed."""

from __future__ import annotations

import threading
from pathlib import Path

from harness.system import locks


def test_one_has_it_alone_until_the_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("a") as other:
        with path.open("a") as holder:
            assert locks.take(holder)
            assert not locks.take(other)
            assert not locks.take(other, shared=True)
        assert locks.take(other)


def test_those_who_share_it_keep_out_who_wants_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("a") as one, path.open("a") as two, path.open("a") as alone:
        assert locks.take(one, shared=True)
        assert locks.take(two.fileno(), shared=True)
        assert not locks.take(alone)
        assert not locks.take(one), "two shares it still"


def test_whoever_waits_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("a") as holder, path.open("a") as waiting:
        assert locks.take(holder)
        taken = threading.Thread(target=locks.take, args=[waiting], kwargs={"wait": True})
        taken.start()
        holder.close()
        taken.join(60)
        assert not taken.is_alive()
