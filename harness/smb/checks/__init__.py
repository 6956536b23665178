"""How an emulated client does each check: one file a check, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from harness.checks import Check
from harness.model import Target
from harness.smb.attempting import Log
from harness.smb.checks import discover, large, lock, permissions, printing, rename, write
from harness.smb.ntlm import Account
from harness.smb.prober import Connection, Speaker


def _browse(connection: Connection, log: Log) -> None:
    connection.browse(connection.connect_ipc(log), log)


DOES: Final[Mapping[Check, Callable[[Connection, Log], object]]] = {
    Check.BROWSE: _browse,
    Check.BROWSE_CONNECTED: _browse,
    Check.OPEN: Connection.open,
    Check.WRITE: write.do,
    Check.RENAME: rename.do,
    Check.PERMISSIONS: permissions.do,
    Check.LOCK: lock.do,
    Check.LARGE: large.do,
    Check.PRINT: printing.do,
    # Whoever comes only now has no file open from before the change.
    Check.CONNECTED: write.do,
}
"""What is done on a connection that is logged on; raises Refused or LabFault. ``discover`` needs none."""


def perform(check: Check, speaker: Speaker, target: Target, account: Account, log: Log) -> None:
    """Do one check on one new connection. Raises Refused or LabFault; Unsupported where it cannot be done."""
    if check is Check.DISCOVER:
        discover.do(speaker, target, account, log)
        return
    connection = Connection(speaker, target, account, log)
    try:
        DOES[check](connection, log)
    except BaseException:
        connection.drop()
        raise
    connection.close()
