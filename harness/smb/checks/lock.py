"""Two people, one document: the second one is kept out of what the first one locked, and gets in afterwards.

The first connection writes a file, with all leave to cache it that the server grants (a lease or an oplock),
and locks its bytes. The second one opens the file: the first is told to give the caching up (OPLOCK_BREAK),
and does. Then the second must be refused the lock and the write, until the first one unlocks: there a refusal
is what works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from harness.checks import NOT_KEPT_OUT, StepName
from harness.errors import LabFault, Refused
from harness.smb import trial
from harness.smb.attempting import Log
from harness.smb.prober import Connection
from harness.smb.session import Opened

INFERRED = (
    "that it locks bytes with LOCK or LOCKING_ANDX, over SMB2 with a lease or a batch oplock, over SMB1 "
    "without [inferred: no capture of two of this kind of client on one document was found]"
)
_LENGTH: Final = len(trial.CONTENT)
KEPT_OUT: Final = ("STATUS_LOCK_NOT_GRANTED", "STATUS_FILE_LOCK_CONFLICT")
"""How a server says that another one has the bytes: [MS-SMB2] 3.3.5.14.2, 3.3.5.13; [MS-CIFS] 2.2.4.32.2."""
SECOND: Final = "the second person"


def do(connection: Connection, log: Log) -> None:
    """Raises Refused at the step that is stopped, LabFault when the document comes back changed."""
    log.inferred = log.inferred or INFERRED
    first = connection.session
    name = trial.new_name()
    tree = connection.reach_share(log)
    with log.step(StepName.CREATE):
        file, cached = first.create_cached(tree, name)
    try:
        with log.step(StepName.WRITE):
            first.write(file, trial.CONTENT)
        with log.step(StepName.LOCK):
            first.lock(file, _LENGTH)
        with second_person(log) as theirs:
            other = connection.another(theirs)
        try:
            content = _beside(connection, other, (file, name, cached), log)
        finally:
            other.close()
    except (Refused, LabFault):
        connection.discard(tree, name)
        raise
    with log.step(StepName.DELETE):
        first.delete(file, name)
    trial.compare(name, content)


@contextmanager
def second_person(log: Log) -> Iterator[Log]:
    """A record of what the second one does, which is added to the first one's and marked."""
    theirs = Log()
    try:
        yield theirs
    finally:
        log.steps += [replace(step, detail=step.detail or SECOND) for step in theirs.steps]
        log.at = theirs.at or log.at


def kept_out(act: Callable[[], object], what: str) -> None:
    """Raises Refused where the second one is not refused, or by another status than a lock's."""
    try:
        act()
    except Refused as refusal:
        if refusal.status not in KEPT_OUT:
            raise
        return
    raise Refused(NOT_KEPT_OUT, detail=f"the second person may {what} what the first one locked")


def _beside(connection: Connection, other: Connection, held: tuple[Opened, str, str], log: Log) -> bytes:
    file, name, cached = held
    first, second = connection.session, other.session
    with second_person(log) as theirs:
        tree = other.reach_share(theirs)
    with second_person(log) as theirs, theirs.step(StepName.OPLOCK_BREAK if cached else StepName.CREATE):
        again, broken = second.open_beside(first, file, tree, name)
    if cached:
        told = "given up when the second person came" if broken else "and the server did not ask for it back"
        log.steps[-1] = replace(log.steps[-1], detail=f"{cached}, {told}")
    with log.step(StepName.LOCK_CONFLICT):
        kept_out(lambda: second.lock(again, _LENGTH), "lock")
        kept_out(lambda: second.write(again, trial.CONTENT), "overwrite")
    with log.step(StepName.UNLOCK):
        first.unlock(file, _LENGTH)
        second.lock(again, _LENGTH)
        second.unlock(again, _LENGTH)
    with log.step(StepName.READ):
        content = second.read(again, _LENGTH)
        second.close(again)
    return content
