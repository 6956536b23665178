"""What the messages of one connection tell together: which tree a request is in, whether all are signed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from harness.smb.tap.events import Command, Request, Response

IPC: Final = "IPC$"
_RELATED: Final = 0xFFFFFFFF
"""The TreeId of a related operation in a compound: that of the one before ([MS-SMB2] 2.2.1.2)."""
_MOST: Final = 4096
_TELL_SIGNING: Final = frozenset(
    {
        Command.CREATE, Command.LIST, Command.READ, Command.WRITE, Command.DELETE, Command.PIPE, Command.RAP,
    }
)  # fmt: skip
"""Not the tree connect: SMB 3.1.1 signs it in every session that has a key."""


@dataclass(slots=True)
class Trees:
    """The trees of one connection that are IPC$, and the signing of what was asked in any of them."""

    _current: int = 0
    _ipc: set[int] = field(default_factory=set)
    _asked: set[tuple[int, int]] = field(default_factory=set)
    """Tree connects to IPC$ that were not answered yet, by header and message id."""
    signed: bool | None = None
    """Whether all were signed; None when nothing was asked whose signing tells."""

    @property
    def in_ipc(self) -> bool:
        """The last request is in a tree that is IPC$."""
        return self._current in self._ipc

    def request(self, request: Request) -> str:
        """A request passed by. The share that it connects, as the client wrote it; "" if it connects none."""
        if request.tree != _RELATED:
            self._current = request.tree
        if request.command in _TELL_SIGNING:
            self.signed = request.signed and self.signed is not False
        # SMB1's session setup may carry the tree connect with it (AndX, [MS-CIFS] 2.2.3.4).
        if request.command is not Command.TREE_CONNECT and not (request.session and request.path):
            return ""
        share = request.path.rstrip("\\").rpartition("\\")[2]
        # A server that never answers must not make us keep every request of a hostile client.
        if share.upper() == IPC and len(self._asked) < _MOST:
            self._asked.add((request.protocol, request.mid))
        return share

    def response(self, response: Response) -> None:
        """A response passed by."""
        key = (response.protocol, response.mid)
        if key not in self._asked or response.status == "STATUS_PENDING":
            return
        self._asked.remove(key)
        if not response.failed and len(self._ipc) < _MOST:
            self._ipc.add(response.tree)
