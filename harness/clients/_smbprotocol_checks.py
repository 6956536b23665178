"""What the smbprotocol library does for each check, on a connection that is logged on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from smbprotocol.file_info import FileRenameInformation, InfoType
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    DirectoryAccessMask,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    LockFlags,
    Open,
    SMB2LockElement,
    SMB2QueryInfoRequest,
    SMB2QueryInfoResponse,
    SMB2SetInfoRequest,
    SMB2SetInfoResponse,
)
from smbprotocol.tree import TreeConnect

from harness.checks import Check, StepName
from harness.clients._smbprotocol import READ_WRITE, SHARE_ALL, Attempt
from harness.clients.base import printer
from harness.model import Copied
from harness.smb import security, trial
from harness.smb.checks import large
from harness.smb.checks.lock import kept_out, second_person
from harness.smb.pipes import lsarpc

_PIECE: Final = 1 << 16
"""Bytes of one request, which takes one credit: as large as the library's own files have it by default."""


def opened(tree: TreeConnect, name: str, disposition: int, options: int = 0) -> Open:
    """A file to read, write and delete; what the library raises passes through."""
    file = Open(tree, name)
    file.create(
        ImpersonationLevel.Impersonation,
        READ_WRITE | FilePipePrinterAccessMask.DELETE,
        0,
        SHARE_ALL,
        disposition,
        CreateOptions.FILE_NON_DIRECTORY_FILE | options,
    )
    return file


def _rename(attempt: Attempt) -> None:
    name, new = trial.new_name(), trial.new_name()
    with attempt.step(StepName.TREE_CONNECT):
        tree = attempt.tree(attempt.target.share)
    with attempt.step(StepName.CREATE):
        # Deleted by its last close, so nothing stays behind even when the connection breaks.
        file = opened(tree, name, CreateDisposition.FILE_CREATE, CreateOptions.FILE_DELETE_ON_CLOSE)
    with attempt.step(StepName.WRITE):
        file.write(trial.CONTENT)
    with attempt.step(StepName.RENAME):
        _set_name(file, new)
    with attempt.step(StepName.READ):
        again = opened(tree, new, CreateDisposition.FILE_OPEN)
        content = again.read(0, len(trial.CONTENT))
        again.close()
    with attempt.step(StepName.DELETE):
        file.close()
    trial.compare(new, content)


def _set_name(file: Open, new: str) -> None:
    """SET_INFO with FileRenameInformation, as the library's ``smbclient.rename`` does it."""
    information = FileRenameInformation()
    information["file_name"] = new.encode("utf-16-le")
    request = SMB2SetInfoRequest()
    request["info_type"] = information.INFO_TYPE
    request["file_info_class"] = information.INFO_CLASS
    request["file_id"] = file.file_id
    request["buffer"] = information.pack()
    tree = file.tree_connect
    sent = file.connection.send(request, tree.session.session_id, tree.tree_connect_id)
    SMB2SetInfoResponse().unpack(file.connection.receive(sent)["data"].get_value())


def _lock(attempt: Attempt) -> None:
    name = trial.new_name()
    everything = SMB2LockElement()
    everything["length"] = len(trial.CONTENT)
    everything["flags"] = LockFlags.SMB2_LOCKFLAG_EXCLUSIVE_LOCK | LockFlags.SMB2_LOCKFLAG_FAIL_IMMEDIATELY
    nothing = SMB2LockElement()
    nothing["length"], nothing["flags"] = len(trial.CONTENT), LockFlags.SMB2_LOCKFLAG_UNLOCK
    with attempt.step(StepName.TREE_CONNECT):
        tree = attempt.tree(attempt.target.share)
    with attempt.step(StepName.CREATE):
        file = opened(tree, name, CreateDisposition.FILE_CREATE)
    with attempt.step(StepName.WRITE):
        file.write(trial.CONTENT)
    with attempt.step(StepName.LOCK):
        file.lock([everything])

    def beside(second: Attempt) -> None:
        with second.step(StepName.TREE_CONNECT):
            tree = second.tree(second.target.share)
        with second.step(StepName.CREATE):
            # Deleted by its last close, so nothing stays behind even when the connections break.
            again = opened(tree, name, CreateDisposition.FILE_OPEN, CreateOptions.FILE_DELETE_ON_CLOSE)
        with second.step(StepName.LOCK_CONFLICT):
            kept_out(lambda: second.refused(lambda: again.lock([everything])), "lock")
            kept_out(lambda: second.refused(lambda: again.write(trial.CONTENT)), "overwrite")
        with attempt.step(StepName.UNLOCK):
            file.lock([nothing])
        with second.step(StepName.UNLOCK):
            again.lock([everything])
            again.lock([nothing])
        with second.step(StepName.READ):
            trial.compare(name, again.read(0, len(trial.CONTENT)))
            again.close()

    with second_person(attempt.log) as theirs:
        attempt.another(theirs).run(beside)
    with attempt.step(StepName.DELETE):
        file.close()


def _large(attempt: Attempt) -> None:
    with attempt.step(StepName.TREE_CONNECT):
        tree = attempt.tree(attempt.target.share)
    with attempt.step(StepName.CREATE):
        # Deleted by its close, so nothing stays behind even when the connection breaks.
        file = opened(
            tree, trial.new_name(), CreateDisposition.FILE_CREATE, CreateOptions.FILE_DELETE_ON_CLOSE
        )
    with attempt.step(StepName.WRITE):
        wrote = large.write(file.write, _PIECE)
    with attempt.step(StepName.READ):
        read = large.read_back(lambda length, at: bytes(file.read(at, length)), _PIECE)
    with attempt.step(StepName.DELETE):
        file.close()
    attempt.log.copied = Copied(large.SIZE, wrote, read, _PIECE, _PIECE)


def _print(attempt: Attempt) -> None:
    name = printer(attempt.target)
    with attempt.step(StepName.TREE_CONNECT):
        tree = attempt.tree(name)
    with attempt.step(StepName.CREATE):
        job = opened(tree, trial.new_name(), CreateDisposition.FILE_CREATE)
    with attempt.step(StepName.WRITE):
        job.write(trial.CONTENT)
        job.close()


def _permissions(attempt: Attempt) -> None:
    with attempt.step(StepName.TREE_CONNECT):
        tree = attempt.tree(attempt.target.share)
    with attempt.step(StepName.QUERY_SECURITY):
        folder = Open(tree, "")
        folder.create(
            ImpersonationLevel.Impersonation,
            DirectoryAccessMask.READ_CONTROL,
            0,
            SHARE_ALL,
            CreateDisposition.FILE_OPEN,
            CreateOptions.FILE_DIRECTORY_FILE,
        )
        sid = security.owner(_descriptor(folder))
        folder.close()
    attempt.call(lsarpc.PIPE, StepName.LOOKUP_SIDS, lsarpc.name_of, sid)


def _descriptor(folder: Open) -> bytes:
    request = SMB2QueryInfoRequest()
    request["info_type"] = InfoType.SMB2_0_INFO_SECURITY
    request["output_buffer_length"] = 0xFFFF
    request["additional_information"] = security.OWNER_GROUP_DACL
    request["file_id"] = folder.file_id
    tree = folder.tree_connect
    sent = folder.connection.send(request, tree.session.session_id, tree.tree_connect_id)
    answer = SMB2QueryInfoResponse()
    answer.unpack(folder.connection.receive(sent)["data"].get_value())
    return bytes(answer["buffer"].get_value())


DOES: Final[Mapping[Check, Callable[[Attempt], None]]] = {
    Check.BROWSE: Attempt.browse,
    Check.OPEN: Attempt.open,
    Check.WRITE: Attempt.write,
    Check.RENAME: _rename,
    Check.PERMISSIONS: _permissions,
    Check.LOCK: _lock,
    Check.LARGE: _large,
    Check.PRINT: _print,
}
