"""The impacket library (Python, Fortra): SMB1 to 3.1.1, as its ``SMBConnection`` comes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from harness.clients import _library as library
from harness.clients._library import LibraryClient, Place
from harness.clients.base import Client, printer
from harness.errors import Unsupported
from harness.model import BY_NAMES, Check, ClientPolicy, Dialect, Evidence, StepName, Target
from harness.smb import security, trial
from harness.system.later import Later

smb: Any = Later("impacket.smb")
smb3structs: Any = Later("impacket.smb3structs")
smbconnection: Any = Later("impacket.smbconnection")

# impacket's preferredDialect: a number, or the dialect string of SMB1. It knows no 3.0.2.
_PREFERRED: Final[dict[Dialect, int | str]] = {
    Dialect.NT1: "NT LM 0.12",
    Dialect.SMB2_02: 0x0202,
    Dialect.SMB2_10: 0x0210,
    Dialect.SMB3_00: 0x0300,
    Dialect.SMB3_11: 0x0311,
}


class Impacket(LibraryClient):
    """Lists shares, lists the share's root, puts, gets and deletes a file through ``SMBConnection``."""

    name = "impacket"
    title = "impacket, a Python library: SMB1 to 3.1.1, takes whatever the server speaks"
    package = "impacket"
    evidence: tuple[Evidence, ...] = (
        Evidence("it is that library itself", "the package impacket"),
        Evidence(
            "without preferredDialect it offers SMB1 and SMB2, else that dialect alone",
            "impacket/smbconnection.py, negotiateSession",
        ),
    )
    checks = LibraryClient.checks | {Check.RENAME, Check.PERMISSIONS, Check.PRINT} | BY_NAMES
    cannot = {  # noqa: RUF012 (read only)
        Check.LARGE: "impacket signs and encrypts in Python: it would take minutes",
        Check.LOCK: "impacket's SMB3.lock puts text where Python 3 has bytes (impacket/smb3.py)",
    }
    policy = ClientPolicy()
    smb1_removable = "impacket has no setting to leave SMB1 out, only one to offer a single dialect"
    sees = {  # noqa: RUF012 (read only)
        "connect:RESET": "OSError: [Errno Connection error (…)] [Errno 111] Connection refused",
        "*:TIMEOUT": "NetBIOSTimeout: The NETBIOS connection with the remote host timed out.",
    }

    def settings(self, policy: ClientPolicy) -> tuple[int | str | None, bool]:
        """The dialect to offer alone, None for all; and whether NTLMv1 may follow a refused NTLMv2."""
        return _preferred(policy), not policy.ntlmv2_only

    def greet(self, settings: tuple[int | str | None, bool], target: Target, address: str, port: int) -> None:
        with _connected(target, address, port, settings[0]):
            pass

    def do(
        self,
        check: Check,
        settings: tuple[int | str | None, bool],
        target: Target,
        port: int,
        place: Place,
    ) -> None:
        preferred, fallback = settings
        with _connected(target, "127.0.0.1", port, preferred) as connection:
            self.log_on(connection, target, fallback=fallback)
            _do(check, connection, target, place)

    def log_on(self, connection: Any, target: Target, *, fallback: bool) -> None:
        """As it is told to: here by NTLM."""
        domain = target.workgroup
        connection.login(target.user, target.password, domain, ntlmFallback=fallback)


def _preferred(policy: ClientPolicy) -> int | str | None:
    """The dialect to offer alone, None for all. Raises Unsupported for what impacket cannot be told."""
    library.only(policy, "impacket")
    lowest, highest = library.span(policy)
    if (lowest, highest) == (Dialect.NT1, Dialect.SMB3_11):
        return None
    if lowest is not highest or highest not in _PREFERRED:
        raise Unsupported(f"impacket offers every dialect or a single one, not {lowest} to {highest}")
    return _PREFERRED[highest]


@contextmanager
def _connected(target: Target, address: str, port: int, preferred: int | str | None) -> Iterator[Any]:
    connection = smbconnection.SMBConnection(
        target.called,
        address,
        sess_port=port,
        timeout=target.seconds,
        preferredDialect=preferred,
        manualNegotiate=True,
    )
    connection.negotiateSession(preferred)
    try:
        yield connection
    finally:
        # Its close() raises for what the server does, as everything of it does.
        with suppress(Exception):
            connection.close()


def _do(check: Check, connection: Any, target: Target, place: Place) -> None:
    share = target.share
    match check:
        case Check.BROWSE:
            # Connected beforehand, as the two calls below would do it, to know which step failed.
            place.step = StepName.TREE_CONNECT_IPC
            connection.connectTree("IPC$")
            place.step = StepName.CREATE_PIPE
            names = [entry["shi1_netname"].rstrip("\0") for entry in connection.listShares()]
            library.expect(bool(names), "the list of shares is empty")
        case Check.OPEN:
            place.step = StepName.TREE_CONNECT
            connection.connectTree(share)
            place.step = StepName.LIST
            names = [entry.get_longname() for entry in connection.listPath(share, "*")]
            library.expect("." in names, "the list of the root is empty")
        case Check.PRINT:
            name = printer(target)
            place.step = StepName.TREE_CONNECT
            tree = connection.connectTree(name)
            place.step = StepName.CREATE
            job = connection.createFile(tree, trial.new_name())
            place.step = StepName.WRITE
            connection.writeFile(tree, job, trial.CONTENT)
            connection.closeFile(tree, job)
        case Check.PERMISSIONS:
            _permissions(connection, share, place)
        case _:
            _write(connection, share, place, trial.new_name() if check is Check.RENAME else "")


def _permissions(connection: Any, share: str, place: Place) -> None:
    # Large: workers have it preloaded.
    from impacket.dcerpc.v5 import lsad, lsat, transport

    place.step = StepName.TREE_CONNECT
    tree = connection.connectTree(share)
    place.step = StepName.QUERY_SECURITY
    folder = connection.openFile(tree, "", security.READ_CONTROL, creationOption=smb.FILE_DIRECTORY_FILE)
    low, what = connection.getSMBServer(), security.OWNER_GROUP_DACL
    if connection.getDialect() == smb.SMB_DIALECT:
        descriptor = low.query_sec_info(tree, folder, what)
    else:
        descriptor = low.queryInfo(tree, folder, "", smb3structs.SMB2_0_INFO_SECURITY, 0, what)
    connection.closeFile(tree, folder)
    place.step = StepName.TREE_CONNECT_IPC
    connection.connectTree("IPC$")
    place.step = StepName.CREATE_PIPE
    remote = transport.SMBTransport(
        connection.getRemoteName(), filename=r"\lsarpc", smb_connection=connection
    ).get_dce_rpc()
    remote.connect()
    place.step = StepName.LOOKUP_SIDS
    remote.bind(lsat.MSRPC_UUID_LSAT)
    policy = lsad.hLsarOpenPolicy2(remote)["PolicyHandle"]
    found = lsat.hLsarLookupSids(remote, policy, [security.owner(bytes(descriptor))])
    library.expect(bool(found["TranslatedNames"]["Names"][0]["Name"]), "the owner has no name")


def _write(connection: Any, share: str, place: Place, new: str) -> None:
    """``new``: what the file is renamed to in between; "" for not at all."""
    name = trial.new_name()
    back = io.BytesIO()
    place.step = StepName.TREE_CONNECT
    connection.connectTree(share)
    place.step = StepName.CREATE
    connection.putFile(share, name, io.BytesIO(trial.CONTENT).read)
    if new:
        place.step = StepName.RENAME
        connection.rename(share, name, new)
        name = new
    place.step = StepName.READ
    connection.getFile(share, name, back.write)
    place.step = StepName.DELETE
    connection.deleteFile(share, name)
    trial.compare(name, back.getvalue())


CLIENTS: tuple[Client, ...] = (Impacket(),)
