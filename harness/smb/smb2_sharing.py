"""Opening files that others open too, over SMB2: oplocks, leases and byte-range locks.

[MS-SMB2] 2.2.13 and 2.2.13.2.8 (CREATE, leases), 2.2.23 to 2.2.25 (OPLOCK_BREAK), 2.2.26 (LOCK).
"""

from __future__ import annotations

import os
import struct
from typing import Final

from harness.model import Dialect
from harness.smb import bodies, status
from harness.smb.headers import Command
from harness.smb.parsing import cut, expect, reading
from harness.smb.session import Opened
from harness.smb.smb2_exchange import HEADER, UNSOLICITED, Reply, Smb2Exchange
from harness.smb.wire import first_heard

READ_WRITE_DELETE: Final = 0x0013019F
_CAP_LEASING: Final = 0x2
_NO_OPLOCK, _BATCH, _LEASE = 0x00, 0x09, 0xFF
_EXCLUSIVE_AT_ONCE: Final = 0x12
"""SMB2_LOCKFLAG_EXCLUSIVE_LOCK and ..._FAIL_IMMEDIATELY: [MS-SMB2] 2.2.26.1."""
_UNLOCK: Final = 0x4
_READ_HANDLE_WRITE: Final = 0x7
_OPLOCK_BREAK_SIZE, _LEASE_BREAK_SIZE = 24, 44
_WHAT: Final = "an OPLOCK_BREAK"


class Smb2Sharing(Smb2Exchange):
    """What a session does to a file that is not its alone."""

    def create_cached(self, tree: int, name: str) -> tuple[Opened, str]:
        """CREATE of a new file with all caching that the dialect has; what was granted, "" for nothing."""
        leased = self.dialect is not Dialect.SMB2_02 and bool(self._chosen.capabilities & _CAP_LEASING)
        context = bodies.lease(os.urandom(16), _READ_HANDLE_WRITE, self.dialect.revision) if leased else b""
        level = _LEASE if leased else _BATCH
        body = bodies.create(self._path(tree, name), READ_WRITE_DELETE, 2, 0x40, level, context)
        reply = self._ask(Command.CREATE, body, tree)
        (granted,) = cut(reply.message, HEADER + 2, 1, "the CREATE answer")
        words = {_NO_OPLOCK: "", _LEASE: "a lease"}
        return _opened(tree, reply), words.get(granted, "an oplock")

    def open_beside(self, other: object, held: Opened, tree: int, name: str) -> tuple[Opened, bool]:
        """CREATE of a file that ``other``, a session of SMB2, has open as ``held``: it agrees to its break.

        Whether there was a break. The server answers only when it was acknowledged.
        """
        body = bodies.create(self._path(tree, name), READ_WRITE_DELETE, 1, 0x40)
        message, encrypted = self._secured(Command.CREATE, body, tree)
        self._wire.send(message)
        awaited, broken = self._numbered(), False
        while True:
            if isinstance(other, Smb2Sharing) and first_heard(self._wire, other._wire) is other._wire:
                broken |= other._acknowledge(held.tree)
                continue
            head, reply = self._received()
            if head.status == status.PENDING or head.message_id == UNSOLICITED:
                continue
            expect(head.message_id == awaited, "the CREATE answer", f"message {head.message_id}")
            return _opened(tree, self._judged(reply, encrypted)), broken

    def lock(self, file: Opened, length: int) -> None:
        """LOCK the first bytes of a file for oneself, or fail at once."""
        self._ask(Command.LOCK, bodies.lock(file.handle, length, _EXCLUSIVE_AT_ONCE), file.tree)

    def unlock(self, file: Opened, length: int) -> None:
        """LOCK that unlocks them again."""
        self._ask(Command.LOCK, bodies.lock(file.handle, length, _UNLOCK), file.tree)

    def _acknowledge(self, tree: int) -> bool:
        """Take the notification that has come, and agree to what it says; False where it is none."""
        head, reply = self._received()
        if head.message_id != UNSOLICITED or head.command != Command.OPLOCK_BREAK:
            return False
        with reading(_WHAT):
            (size,) = struct.unpack_from("<H", reply.message, HEADER)
            if size == _LEASE_BREAK_SIZE:
                flags, key, _, state = struct.unpack_from("<L16sLL", reply.message, HEADER + 4)
                answer = struct.pack("<HHL16sLQ", 36, 0, 0, key, state, 0)
            else:
                expect(size == _OPLOCK_BREAK_SIZE, _WHAT, f"size {size}")
                flags = 1
                answer = cut(reply.message, HEADER, size, _WHAT)
        if flags & 1:
            self._ask(Command.OPLOCK_BREAK, answer, tree)
        return True

    def _create(self, tree: int, name: str, access: int, disposition: int, options: int) -> Opened:
        body = bodies.create(self._path(tree, name), access, disposition, options)
        return _opened(tree, self._ask(Command.CREATE, body, tree))

    def _path(self, tree: int, name: str) -> str:
        if tree not in self._dfs_trees:
            return name
        # [MS-SMB2] 3.2.4.3: a whole path, without the backslashes before the server.
        return "\\".join(part for part in (self._dfs_trees[tree], name) if part)


def _opened(tree: int, reply: Reply) -> Opened:
    return Opened(tree, cut(reply.message, HEADER + 64, 16, "the CREATE answer"))
