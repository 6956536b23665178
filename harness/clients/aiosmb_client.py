"""The aiosmb library (Python, asyncio): SMB2 and newer, through an SMB1-framed NEGOTIATE."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from harness.clients import _library as library
from harness.clients._library import LibraryClient, Place
from harness.clients.base import Client
from harness.errors import Unsupported
from harness.model import BY_NAMES, Check, ClientPolicy, Dialect, Evidence, StepName, Target
from harness.smb import trial
from harness.system.deadline import pace
from harness.system.later import Later

if TYPE_CHECKING:
    import asyncio
else:
    asyncio = Later("asyncio")

# aiosmb's SMBConnectionDialect by the span that it offers; a single dialect is offered as such.
_SPANS: Final = {
    (Dialect.SMB2_02, Dialect.SMB3_11): "SMB",
    (Dialect.SMB2_02, Dialect.SMB2_10): "SMB2",
    (Dialect.SMB3_00, Dialect.SMB3_11): "SMB3",
    (Dialect.SMB2_02, Dialect.SMB2_02): "SMB202",
    (Dialect.SMB2_10, Dialect.SMB2_10): "SMB210",
    (Dialect.SMB3_00, Dialect.SMB3_00): "SMB300",
    (Dialect.SMB3_02, Dialect.SMB3_02): "SMB302",
    (Dialect.SMB3_11, Dialect.SMB3_11): "SMB311",
}
_BAD_NETWORK_NAME: Final = 0xC00000CC
_CLEAN_UP: Final = 2.0
"""Seconds that the library gets to log off and to end its tasks."""


class Aiosmb(LibraryClient):
    """Lists shares, lists the share's root, writes, reads and deletes a file."""

    name = "aiosmb"
    title = "aiosmb, a Python library for asyncio: SMB 2.0.2 to 3.1.1, never SMB1"
    package = "aiosmb"
    evidence: tuple[Evidence, ...] = (
        Evidence("it is that library itself", "the package aiosmb"),
        Evidence("it always announces that it requires signing", "aiosmb/connection.py, ClientSecurityMode"),
    )
    checks = LibraryClient.checks | {Check.PERMISSIONS} | BY_NAMES
    cannot = {  # noqa: RUF012 (read only)
        Check.RENAME: "aiosmb has no call for it",
        Check.LARGE: "aiosmb signs in Python: it would take minutes",
        Check.LOCK: "aiosmb has no call for it",
    }
    policy = ClientPolicy(smb1=False, min_dialect=Dialect.SMB2_02, require_signing=True, ntlmv2_only=True)
    patience = 5.0
    """Seconds: the timeout of its targets (aiosmb/commons/connection/target.py), which it applies to nothing
    but connecting; it would wait for an answer for ever."""
    modules: tuple[str, ...] = (
        "aiosmb.commons.connection.factory",
        "aiosmb.commons.interfaces.machine",
        "aiosmb.commons.interfaces.share",
        "aiosmb.commons.interfaces.file",
        "aiosmb.commons.exceptions",
    )
    smb1_removable = "aiosmb never spoke SMB1: its SMB1-framed NEGOTIATE offers SMB2 alone"
    sees = {  # noqa: RUF012 (read only)
        "connect:RESET": "ConnectionRefusedError: [Errno 111] Connect call failed ('…', …)",
        "*:TIMEOUT": "nothing: it waits on",
    }

    def settings(self, policy: ClientPolicy) -> str:
        """aiosmb's word for the dialects."""
        library.only(policy, "aiosmb", signing=True)
        lowest, highest = library.span(policy)
        if (lowest, highest) not in _SPANS:
            raise Unsupported(f"aiosmb has no setting for {lowest} to {highest}")
        return _SPANS[lowest, highest]

    def greet(self, settings: str, target: Target, address: str, port: int) -> None:
        asyncio.run(_first_words(self.made, target, address, port, settings))

    def do(self, check: Check, settings: str, target: Target, port: int, place: Place) -> None:
        asyncio.run(_attempt(self.made, check, target, port, settings, place))

    def made(self, target: Target, address: str, port: int, dialects: str) -> Any:
        """A connection that is not made yet, and will log on as it is told to: here by NTLM."""
        from aiosmb.commons.connection.factory import SMBConnectionFactory

        domain = target.workgroup or None
        return SMBConnectionFactory.from_components(
            address, target.user, target.password, domain=domain, port=port, dialect=dialects
        ).get_connection()


Made = Callable[[Target, str, int, str], Any]


async def _first_words(made: Made, target: Target, address: str, port: int, dialects: str) -> None:
    async with asyncio.timeout(2.0 * pace()), _connected(made, target, address, port, dialects):
        pass


async def _attempt(made: Made, check: Check, target: Target, port: int, dialects: str, place: Place) -> None:
    # The tap hangs up when the user's patience ends; this limit is for a library that waits even then.
    limit = asyncio.timeout(target.seconds + _CLEAN_UP)
    async with limit, _connected(made, target, "127.0.0.1", port, dialects) as connection:
        await _do(check, connection, target, place)


@asynccontextmanager
async def _connected(
    made: Made, target: Target, address: str, port: int, dialects: str
) -> AsyncIterator[Any]:
    from aiosmb import logger

    # It prints a traceback for every lost connection; here that is a result and not news.
    logger.setLevel(logging.CRITICAL)
    connection = made(target, address, port, dialects)
    try:
        _, error = await connection.login()
        _raise(error)
        yield connection
    finally:
        with suppress(Exception):
            async with asyncio.timeout(_CLEAN_UP):
                await connection.terminate()
        await _end_tasks()


async def _end_tasks() -> None:
    """End what the library left running in our loop: it cancels its tasks, and does not wait for them."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.wait(left, timeout=_CLEAN_UP) if left else None


async def _do(check: Check, connection: Any, target: Target, place: Place) -> None:
    match check:
        case Check.BROWSE:
            from aiosmb.commons.interfaces.machine import SMBMachine

            # Connected beforehand, as the next call would do it, to know which step failed.
            place.step = StepName.TREE_CONNECT_IPC
            _raise((await connection.tree_connect(f"\\\\{target.called}\\IPC$"))[1])
            place.step = StepName.CREATE_PIPE
            names = []
            async for share, error in SMBMachine(connection).list_shares():
                _raise(error)
                names.append(share.name)
            library.expect(bool(names), "the list of shares is empty")
        case Check.OPEN:
            from aiosmb.commons.interfaces.share import SMBShare

            place.step = StepName.TREE_CONNECT
            root = SMBShare(fullpath=_unc(target))
            _raise((await root.connect(connection))[1])
            place.step = StepName.LIST
            names = []
            async for name, _, error in root.subdirs[""].list_gen(connection):
                _raise(error)
                names.append(name)
        case Check.PERMISSIONS:
            await _permissions(connection, target, place)
        case _:
            await _write(connection, target, place)


async def _permissions(connection: Any, target: Target, place: Place) -> None:
    from aiosmb.commons.interfaces.share import SMBShare
    from aiosmb.dcerpc.v5.interfaces.lsatmgr import LSADRPC

    place.step = StepName.TREE_CONNECT
    root = SMBShare(fullpath=_unc(target))
    _raise((await root.connect(connection))[1])
    place.step = StepName.QUERY_SECURITY
    descriptor, error = await root.subdirs[""].get_security_descriptor(connection)
    _raise(error)
    place.step = StepName.TREE_CONNECT_IPC
    _raise((await connection.tree_connect(f"\\\\{target.called}\\IPC$"))[1])
    place.step = StepName.CREATE_PIPE
    service, error = await LSADRPC.from_smbconnection(connection)
    _raise(error)
    place.step = StepName.LOOKUP_SIDS
    policy, error = await service.open_policy2()
    _raise(error)
    names = []
    async for found in service.lookup_sids(policy, [str(descriptor.Owner)]):
        _raise(found[-1])
        names.append(found[1])
    library.expect(any(names), "the owner has no name")


async def _write(connection: Any, target: Target, place: Place) -> None:
    from aiosmb.commons.interfaces.file import SMBFile

    name = trial.new_name()
    path = f"{_unc(target)}\\{name}"
    place.step = StepName.TREE_CONNECT
    _raise((await connection.tree_connect(_unc(target)))[1])
    place.step = StepName.CREATE
    file = SMBFile.from_uncpath(path)
    _raise((await file.open(connection, "w"))[1])
    place.step = StepName.WRITE
    _raise((await file.write(trial.CONTENT))[1])
    await file.close()
    place.step = StepName.READ
    again = SMBFile.from_uncpath(path)
    _raise((await again.open(connection, "r"))[1])
    content, error = await again.read()
    _raise(error)
    await again.close()
    place.step = StepName.DELETE
    _raise((await SMBFile.delete_unc(connection, path))[1])
    trial.compare(name, content)


def _unc(target: Target) -> str:
    return f"\\\\{target.called}\\{target.share}"


def _raise(error: Exception | None) -> None:
    """aiosmb returns its exceptions, each with its NTSTATUS but this one (connection.py, tree_connect)."""
    if error is None:
        return
    from aiosmb.commons.exceptions import SMBIncorrectShareName

    if isinstance(error, SMBIncorrectShareName):
        error.ntstatus = _BAD_NETWORK_NAME
    raise error


CLIENTS: tuple[Client, ...] = (Aiosmb(),)
