"""What an emulated client does over a connection that stays open while the server is changed."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from harness.clients.base import Log
from harness.errors import LabFault, Refused
from harness.model import Target
from harness.smb import trial
from harness.smb.ntlm import Account
from harness.smb.prober import Connection, Speaker
from harness.smb.session import Opened

INFERRED: Final = (
    "that it opens the file without a durable handle, connects again by itself after the server ended its "
    "connection, and opens the file anew [inferred: no capture of this kind of client on a server that is "
    "restarted was found; Samba grants durable handles only where smb.conf turns off kernel oplocks, kernel "
    "share modes and posix locking (smb.conf(5), durable handles), and none outlives a restart]"
)


class HeldPersona:
    """A persona's open connection; implements ``harness.clients.base.Held``."""

    def __init__(self, connection: Connection, tree: int, seconds: float) -> None:
        self._connection = connection
        self._tree = tree
        self._seconds = seconds

    def browse(self, log: Log) -> None:
        """Open the pipe and list the shares again on the connection that is open already."""
        self._connection.renew(self._seconds)
        self._connection.browse(self._tree, log)

    def close(self) -> None:
        """Drop the connection."""
        self._connection.drop()


class PersonaAtWork:
    """Implements ``harness.clients.base.AtWork``."""

    def __init__(self, speaker: Speaker, target: Target, account: Account) -> None:
        self._speaker, self._target, self._account = speaker, target, account
        self._made: Connection | None = None
        self._tree = 0
        self._file: Opened | None = None

    def connect(self, log: Log) -> None:
        """One new connection, with the habits that this client has on its way to a share."""
        if log.stayed is not None:
            # The connection from before ended.
            log.inferred = log.inferred or INFERRED
        self._made = Connection(self._speaker, self._target, self._account, log)
        self._tree = self._made.reach_share(log)

    def reach_share(self, log: Log) -> None:
        """TREE_CONNECT once more."""
        self._tree = self._connection.reach_share(log)

    def create(self, name: str) -> None:
        """CREATE of a new file."""
        self._file = self._connection.session.create(self._tree, name)

    def open(self, name: str) -> None:
        """CREATE of the file that is there."""
        self._file = self._connection.session.open_file(self._tree, name)

    def write(self, data: bytes, offset: int) -> None:
        """WRITE, or WRITE_ANDX."""
        self._connection.session.write(self._opened, data, offset)

    def read(self, length: int) -> bytes:
        """READ, or READ_ANDX."""
        return self._connection.session.read(self._opened, length)

    def open_another(self) -> None:
        """CREATE of another new file, which is deleted again."""
        name = trial.new_name()
        session = self._connection.session
        session.delete(session.create(self._tree, name), name)

    def list_shares(self, log: Log) -> None:
        """As it does when its user opens the server."""
        connection = self._connection
        connection.browse(connection.connect_ipc(log), log)

    def drop(self, name: str = "") -> None:
        """Delete the file if it can be, and disconnect."""
        if self._made is None:
            return
        if name:
            with suppress(Refused, LabFault):
                self._connection.session.delete(self._opened, name)
        self._made.drop()
        self._made = self._file = None

    @property
    def _connection(self) -> Connection:
        if self._made is None:
            raise LabFault("this client is not connected")
        # The time limit is that of one attempt, and the connection outlives several.
        self._made.renew(self._target.seconds)
        return self._made

    @property
    def _opened(self) -> Opened:
        if self._file is None:
            raise LabFault("this client has no file open")
        return self._file
