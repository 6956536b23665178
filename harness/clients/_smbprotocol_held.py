"""A connection of the smbprotocol library that stays open, with a file, while the server is changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from smbprotocol.open import CreateDisposition, CreateOptions, Open
from smbprotocol.tree import TreeConnect

from harness.clients._smbprotocol import Attempt
from harness.clients._smbprotocol_checks import opened
from harness.clients.base import Log
from harness.errors import LabFault
from harness.model import ClientPolicy, StepName, Target
from harness.smb import trial

_T = TypeVar("_T")


class SmbprotocolAtWork:
    """Implements ``harness.clients.base.AtWork``."""

    def __init__(self, target: Target, policy: ClientPolicy) -> None:
        self._target, self._policy = target, policy
        self._made: Attempt | None = None
        self._tree: TreeConnect | None = None
        self._file: Open | None = None

    def connect(self, log: Log) -> None:
        """A connection, a session and the share."""
        made = self._made = Attempt(self._target, self._policy, log)
        with made.watched():
            made.arrive()
        self.reach_share(log)

    def reach_share(self, log: Log) -> None:
        """TREE_CONNECT."""
        made = self._connection
        made.log = log
        with made.watched(), made.step(StepName.TREE_CONNECT):
            self._tree = made.tree(self._target.share)

    def create(self, name: str) -> None:
        """CREATE of a new file."""
        self._file = self._open(name, CreateDisposition.FILE_CREATE)

    def open(self, name: str) -> None:
        """CREATE of the file that is there."""
        self._file = self._open(name, CreateDisposition.FILE_OPEN)

    def write(self, data: bytes, offset: int) -> None:
        """WRITE."""
        file = self._opened
        self._do(lambda: file.write(data, offset))

    def read(self, length: int) -> bytes:
        """READ."""
        file = self._opened
        return self._do(lambda: bytes(file.read(0, length)))

    def open_another(self) -> None:
        """CREATE of another new file, which its close deletes."""
        name = trial.new_name()
        file = self._open(name, CreateDisposition.FILE_CREATE, CreateOptions.FILE_DELETE_ON_CLOSE)
        self._do(file.close)

    def list_shares(self, log: Log) -> None:
        """Over srvsvc."""
        made = self._connection
        made.log = log
        with made.watched():
            made.browse()

    def drop(self, name: str = "") -> None:
        """Delete the file if it can be, and disconnect."""
        if self._made is None:
            return
        if name:
            with suppress(Exception):
                self._opened.close()
                self._open(name, CreateDisposition.FILE_OPEN, CreateOptions.FILE_DELETE_ON_CLOSE).close()
        self._made.leave()
        self._made = self._tree = self._file = None

    def _open(self, name: str, disposition: int, options: int = 0) -> Open:
        tree = self._tree
        if tree is None:
            raise LabFault("this client is not connected to the share")
        return self._do(lambda: opened(tree, name, disposition, options))

    def _do(self, act: Callable[[], _T]) -> _T:
        """What the library answers in time; what the server refuses it is a Refused."""
        made = self._connection
        with made.watched():
            return made.refused(act)

    @property
    def _connection(self) -> Attempt:
        if self._made is None:
            raise LabFault("this client is not connected")
        return self._made

    @property
    def _opened(self) -> Open:
        if self._file is None:
            raise LabFault("this client has no file open")
        return self._file
