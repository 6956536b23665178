"""The pysmb library (Python): SMB1 and SMB 2.0.2, as its ``SMBConnection`` comes.

What it connects with is the NetBIOS name of the server, which it does not check over direct TCP.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.clients import _library as library
from harness.clients._library import LibraryClient, Place
from harness.clients.base import Client
from harness.errors import Unsupported
from harness.model import Check, ClientPolicy, Dialect, Evidence, StepName, Target
from harness.smb import trial

_MY_NAME = "REHEARSAL"
_switch = threading.Lock()
"""Whether pysmb offers SMB2 is one variable for the whole process."""


class Pysmb(LibraryClient):
    """Lists shares, lists the share's root, stores, fetches and deletes a file."""

    name = "pysmb"
    title = "pysmb, a Python library: SMB1 and SMB 2.0.2, falls back to SMB1"
    package = "pysmb"
    evidence = (
        Evidence("it is that library itself", "the package pysmb"),
        Evidence("use_ntlm_v2 = True", "smb/SMBConnection.py, SMBConnection.__init__"),
    )
    checks = LibraryClient.checks | {Check.RENAME}
    cannot = {  # noqa: RUF012 (read only)
        Check.PERMISSIONS: "pysmb reads a descriptor, and has no call for the owner's name",
        Check.LARGE: "it can, and this lab does not ask it to",
        Check.LOCK: "pysmb has no call for it",
    }
    policy = ClientPolicy(max_dialect=Dialect.SMB2_02, ntlmv2_only=True)
    smb1_removable = "pysmb always offers SMB1; it has a switch for SMB2 alone (smb_structs.SUPPORT_SMB2)"
    modules = ("smb.SMBConnection",)
    sees = {  # noqa: RUF012 (read only)
        "connect:RESET": "ConnectionRefusedError: [Errno 111] Connection refused",
        "*:TIMEOUT": "SMBTimeout",
    }

    def settings(self, policy: ClientPolicy) -> bool:
        """Whether SMB2 is to be offered."""
        library.only(policy, "pysmb")
        if not policy.smb1 or policy.min_dialect is not Dialect.NT1:
            raise Unsupported(self.smb1_removable)
        return policy.max_dialect is not Dialect.NT1

    def greet(self, settings: bool, target: Target, address: str, port: int) -> None:
        with _connected(target, address, port, settings):
            pass

    def do(self, check: Check, settings: bool, target: Target, port: int, place: Place) -> None:
        with _connected(target, "127.0.0.1", port, settings) as connection:
            _do(check, connection, target, place)


@contextmanager
def _connected(target: Target, address: str, port: int, smb2: bool) -> Iterator[Any]:
    import smb.smb_structs as smb_structs
    from smb.SMBConnection import SMBConnection

    connection = SMBConnection(
        target.user,
        target.password,
        _MY_NAME,
        target.address,
        domain=target.workgroup,
        use_ntlm_v2=True,
        is_direct_tcp=True,
    )
    try:
        with _switch:
            before, smb_structs.SUPPORT_SMB2 = smb_structs.SUPPORT_SMB2, smb2
            try:
                accepted = connection.connect(address, port, timeout=target.seconds)
            finally:
                smb_structs.SUPPORT_SMB2 = before
        if not accepted:
            raise PermissionError("connect() returned False")
        yield connection
    finally:
        connection.close()


def _do(check: Check, connection: Any, target: Target, place: Place) -> None:
    share, seconds = target.share, target.seconds
    match check:
        case Check.BROWSE:
            place.step = StepName.CREATE_PIPE
            names = [entry.name for entry in connection.listShares(timeout=seconds)]
            library.expect(bool(names), "the list of shares is empty")
        case Check.OPEN:
            place.step = StepName.LIST
            names = [entry.filename for entry in connection.listPath(share, "/", timeout=seconds)]
            library.expect("." in names, "the list of the root is empty")
        case _:
            name = trial.new_name()
            back = io.BytesIO()
            place.step = StepName.CREATE
            connection.storeFile(share, name, io.BytesIO(trial.CONTENT), timeout=seconds)
            if check is Check.RENAME:
                place.step, old, name = StepName.RENAME, name, trial.new_name()
                connection.rename(share, old, name, timeout=seconds)
            place.step = StepName.READ
            connection.retrieveFile(share, name, back, timeout=seconds)
            place.step = StepName.DELETE
            connection.deleteFiles(share, name, timeout=seconds)
            trial.compare(name, back.getvalue())


CLIENTS: tuple[Client, ...] = (Pysmb(),)
