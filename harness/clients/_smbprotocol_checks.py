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
    Open,
    SMB2QueryInfoRequest,
    SMB2QueryInfoResponse,
    SMB2SetInfoRequest,
    SMB2SetInfoResponse,
)
from smbprotocol.tree import TreeConnect

from harness.checks import Check, StepName
from harness.clients._smbprotocol import READ_WRITE, SHARE_ALL, Attempt
from harness.smb import lsarpc, security, trial


def _opened(tree: TreeConnect, name: str, disposition: int, options: int = 0) -> Open:
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
        file = _opened(tree, name, CreateDisposition.FILE_CREATE, CreateOptions.FILE_DELETE_ON_CLOSE)
    with attempt.step(StepName.WRITE):
        file.write(trial.CONTENT)
    with attempt.step(StepName.RENAME):
        _set_name(file, new)
    with attempt.step(StepName.READ):
        again = _opened(tree, new, CreateDisposition.FILE_OPEN)
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
}
