"""Where results are kept to be reused: one SQLite file in the cache folder, for all runs of a user.

Rows are text: lines of a journal (``harness.record.journal``), and compressed files of evidence. Nothing that
is read from it is executed or loaded. Several runs may use it at once (WAL: readers wait for nobody, writers
for each other), and what a killed one had half written is not there: it writes in one transaction.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from harness.errors import LabFault
from harness.result.reuse import MeasuredBefore
from harness.system import locks

SCHEMA: Final = 1
"""Of the tables and of what is in the rows; a file of another one is put aside."""
NAME: Final = "results.sqlite"
MOST: Final = 2**28
"""Bytes of the file; what was not used for the longest time goes first."""
_LEAVES: Final = 0.8
"""How much of that is left when something goes."""
_ASIDE: Final = f"{NAME}.damaged-"
_WAITS: Final = 30.0
"""Seconds for another run to end its transaction; it writes for milliseconds."""
_AT_ONCE: Final = 500
"""Keys in one question: SQLite takes 999 variables in old versions."""
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_MISMATCH}
_TABLES: Final = f"""
CREATE TABLE IF NOT EXISTS result (
    key TEXT PRIMARY KEY, name TEXT NOT NULL, run TEXT NOT NULL, at REAL NOT NULL, used REAL NOT NULL,
    lines BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS evidence (
    key TEXT NOT NULL REFERENCES result(key) ON DELETE CASCADE, name TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (key, name)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS of_content ON evidence(content);
CREATE TABLE IF NOT EXISTS content (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
PRAGMA user_version = {SCHEMA};
"""


class CannotBeUsedError(Exception):
    """The store cannot be read or written here, with why: nothing is reused then, and nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is kept of a cell, or of a job."""

    key: str
    name: str
    """The cell's id, or ``mitigation:server``."""
    before: MeasuredBefore
    lines: tuple[bytes, ...]
    """Of a journal."""
    evidence: Mapping[str, bytes] = field(default_factory=dict)
    """File name -> its content; read from the store by ``evidence_of`` alone."""


class Store:
    """The results that are kept. Use ``opened``."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._db = connection

    def get(self, keys: Iterable[str]) -> dict[str, Row]:
        """What is kept under these keys; its evidence is not read. Counts as used."""
        found: dict[str, Row] = {}
        wanted = list(keys)
        with _sound():
            for some in _portions(wanted):
                marks = ",".join("?" * len(some))
                rows = self._db.execute(
                    f"SELECT key, name, run, at, lines FROM result WHERE key IN ({marks})", some
                )
                # All at once: a question that is not answered to its end keeps the file open.
                for key, name, run, at, lines in rows.fetchall():
                    found[key] = Row(key, name, _before(run, at), tuple(_unpacked(lines).splitlines()))
        return found

    def evidence_of(self, key: str) -> dict[str, bytes]:
        """The files that are kept of a cell."""
        with _sound():
            rows = self._db.execute(
                "SELECT name, data FROM evidence JOIN content ON sha256 = content WHERE key = ?", (key,)
            )
            return {str(name): _unpacked_of_many(data) for name, data in rows.fetchall()}

    def has_evidence(self, key: str) -> bool:
        """Whether any file is kept of a cell."""
        with _sound():
            return bool(self._db.execute("SELECT 1 FROM evidence WHERE key = ? LIMIT 1", (key,)).fetchone())

    def used(self, keys: Iterable[str]) -> None:
        """Note that these were of use, so that they stay."""
        now = time.time()
        with self._written():
            self._db.executemany("UPDATE result SET used = ? WHERE key = ?", ((now, key) for key in keys))

    def put(self, rows: Iterable[Row]) -> None:
        """Keep these, in place of what was there under the same keys: all of them, or none."""
        now = time.time()
        with self._written():
            for row in rows:
                self._db.execute("DELETE FROM result WHERE key = ?", (row.key,))
                lines = zlib.compress(b"\n".join(row.lines))
                at = row.before.at.timestamp()
                self._db.execute(
                    "INSERT INTO result VALUES (?, ?, ?, ?, ?, ?)",
                    (row.key, row.name, row.before.run, at, now, lines),
                )
                for name, data in row.evidence.items():
                    content = hashlib.sha256(data).hexdigest()
                    packed = (content, zlib.compress(data))
                    self._db.execute("INSERT OR IGNORE INTO content VALUES (?, ?)", packed)
                    self._db.execute("INSERT INTO evidence VALUES (?, ?, ?)", (row.key, name, content))
            self._forget_content()
        self.bound()

    def count(self) -> int:
        """How many results are kept."""
        with _sound():
            (found,) = self._db.execute("SELECT count(*) FROM result").fetchone()
        return int(found)

    def size(self) -> int:
        """Bytes that it takes, without what was freed and not given back yet."""
        with _sound():
            pages, free, page = (
                int(self._db.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_count", "freelist_count", "page_size")
            )
        return (pages - free) * page

    def discard(self) -> int:
        """Forget everything; how many results that were."""
        many = self.count()
        with self._written():
            for table in ("evidence", "result", "content"):
                self._db.execute(f"DELETE FROM {table}")
        self._give_back()
        return many

    def bound(self, most: int = MOST, unused: float | None = None) -> int:
        """Forget what was not used for the longest time, until no more than ``most`` bytes are taken.

        ``unused``: and whatever was not used for so many seconds. Returns how many results went.
        """
        many = self.count()
        if unused is not None:
            with self._written():
                self._db.execute("DELETE FROM result WHERE used < ?", (time.time() - unused,))
                self._forget_content()
        if self.size() > most:
            while self.size() > most * _LEAVES and (left := self.count()):
                with self._written():
                    self._db.execute(
                        "DELETE FROM result WHERE key IN (SELECT key FROM result ORDER BY used, key LIMIT ?)",
                        (max(1, left // 10),),
                    )
                    self._forget_content()
        gone = many - self.count()
        if gone:
            self._give_back()
        return gone

    def _forget_content(self) -> None:
        self._db.execute("DELETE FROM content WHERE sha256 NOT IN (SELECT content FROM evidence)")

    def _give_back(self) -> None:
        """Give the room back to the disk, unless somebody else is at work: then it is used again later."""
        with suppress(sqlite3.OperationalError):
            self._db.execute("PRAGMA busy_timeout = 0")
            self._db.execute("VACUUM")
        self._db.execute(f"PRAGMA busy_timeout = {int(_WAITS * 1000)}")

    @contextmanager
    def _written(self) -> Iterator[None]:
        """One transaction: at its end all of it is there, or nothing."""
        with _sound():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise


class _DamagedError(Exception):
    """The file is no store, or a part of it cannot be read."""


@contextmanager
def _sound() -> Iterator[None]:
    """Tells a damaged file from one that cannot be used now."""
    try:
        yield
    except zlib.error as error:
        raise _DamagedError(str(error)) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        # Python says that of bytes that are no text, without a code.
        words = ("no such", "Could not decode")
        if code in _DAMAGED or (
            code in (0, sqlite3.SQLITE_ERROR) and any(one in str(error) for one in words)
        ):
            raise _DamagedError(str(error)) from error
        raise CannotBeUsedError(str(error)) from error


@contextmanager
def opened(folder: Path, told: list[str]) -> Iterator[Store]:
    """The store in a folder, made where there is none. A damaged one is put aside, and ``told`` says so.

    So is one that turns out to be damaged while it is used: whoever used it gets CannotBeUsedError then, and
    the next one a new store. Raises CannotBeUsedError.
    """
    path = folder / NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder):
            connection = _whole(path, told)
            number = path.stat().st_ino
    except OSError as error:
        raise CannotBeUsedError(f"{error.filename or folder}: {error.strerror}") from error
    try:
        yield Store(connection, path)
    except _DamagedError as error:
        # Before it has another name: SQLite removes its log by the name that it had, which is the next one's.
        connection.close()
        with suppress(OSError), _alone(folder):
            # Unless another run did so meanwhile.
            if path.stat().st_ino == number:
                told.append(_put_aside(path, str(error)))
        raise CannotBeUsedError(f"{path} was damaged") from error
    finally:
        with suppress(sqlite3.Error):
            # One file alone is left: that is what a cache of a CI system takes along. Nobody else's work is
            # waited for: whoever closes the store last does the same.
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While nobody else opens the store of a folder: two at once would put it aside twice."""
    with (folder / f"{NAME}.lock").open("a") as lock:
        locks.take(lock, wait=True)
        yield


def _whole(path: Path, told: list[str]) -> sqlite3.Connection:
    """A connection to a store that can be read; a new one where that is damaged."""
    try:
        return _connection(path)
    except _DamagedError as error:
        told.append(_put_aside(path, str(error)))
    try:
        return _connection(path)
    except _DamagedError as again:
        raise CannotBeUsedError(f"{path}: {again}") from again


def _connection(path: Path) -> sqlite3.Connection:
    """Raises _DamagedError, CannotBeUsedError."""
    with _sound():
        connection = sqlite3.connect(path, timeout=_WAITS, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # The end of a transaction may be lost with the power, never half of it: it is a cache.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if schema != SCHEMA and tables:
                raise _DamagedError(f"it has schema {schema}, and this smb-rehearsal knows {SCHEMA}")
            if schema != SCHEMA:
                connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")
                path.chmod(0o600)
            connection.execute("SELECT key, name, run, at, used, lines FROM result LIMIT 1").fetchone()
            connection.execute("SELECT key, name, content FROM evidence LIMIT 1").fetchone()
            connection.execute("SELECT sha256, data FROM content LIMIT 1").fetchone()
        except BaseException:
            connection.close()
            raise
    return connection


def _put_aside(path: Path, why: str) -> str:
    """Give a damaged store another name; what is told of it."""
    aside = path.with_name(f"{_ASIDE}{time.time_ns()}")
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(f"{path.name}{end}").rename(f"{aside}{end}")
    return f"{path} cannot be read ({why}): it is kept as {aside.name}, and a new one is begun"


def put_aside(folder: Path) -> list[Path]:
    """The damaged ones of a folder."""
    return sorted(folder.glob(f"{_ASIDE}*"))


def remove(folder: Path) -> bool:
    """Remove the store with all that belongs to it. False when there was none. Raises LabFault."""
    found = sorted(folder.glob(f"{NAME}*"))
    try:
        for path in found:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise LabFault(
            f"cannot remove {error.filename}: {error.strerror}", "remove it as its owner"
        ) from error
    return bool(found)


def _before(run: object, at: object) -> MeasuredBefore:
    """SQLite keeps whatever somebody wrote, of whatever type."""
    if not isinstance(run, str) or not isinstance(at, int | float):
        raise _DamagedError("a row is not of a run")
    try:
        return MeasuredBefore(run, datetime.fromtimestamp(at, UTC))
    except (OverflowError, OSError, ValueError) as error:
        raise _DamagedError(f"a row is of no time: {error}") from error


def _unpacked(data: object) -> bytes:
    if not isinstance(data, bytes):
        raise _DamagedError("a row is no text")
    return zlib.decompress(data)


_unpacked_of_many = lru_cache(16)(_unpacked)
"""What cells of one job share, as the configuration of its server, follows cell after cell."""


def _portions(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(keys), _AT_ONCE):
        yield keys[begin : begin + _AT_ONCE]
