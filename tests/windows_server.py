"""A Windows server as PowerShell tells it, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.importing.windows import export
from harness.servers.brought import Brought

SERVER: dict[str, Any] = {
    "AnnounceComment": "",
    "AuditSmb1Access": False,
    "EnableSMB1Protocol": True,
    "EnableSMB2Protocol": True,
    "EnableSecuritySignature": False,
    "RequireSecuritySignature": False,
    "EncryptData": False,
    "RejectUnencryptedAccess": True,
    "EncryptionCiphers": "AES_128_GCM, AES_128_CCM, AES_256_GCM, AES_256_CCM",
    "NullSessionShares": "",
    "CimClass": {"CimSuperClassName": None},
    "PSComputerName": None,
}
SHARES: list[dict[str, Any]] = [
    {
        "Name": "Data",
        "Description": "経理",
        "ShareType": 0,
        "ShareState": 1,
        "FolderEnumerationMode": 0,
        "CachingMode": 1,
        "EncryptData": False,
        "SecurityDescriptor": "O:SYG:SYD:(A;;FA;;;WD)",
    },
    {
        "Name": "Payroll",
        "ShareType": "FileSystemDirectory",
        "FolderEnumerationMode": "Unrestricted",
        "CachingMode": "None",
        "EncryptData": True,
        "SecurityDescriptor": "O:BAG:DUD:(A;;0x1200a9;;;S-1-5-21-1-2-3-1107)(A;;FA;;;S-1-5-21-1-2-3-1104)",
    },
    {"Name": "IPC$", "ShareType": 3, "Special": True},
    {"Name": "C$", "ShareType": 0, "Special": True},
]
LIST = "\r\n".join(f"{name:30} : {'' if value is None else value}" for name, value in SERVER.items())


def brought(folder: Path, server: object, shares: object = None, *sets: str, windows: str = "") -> Brought:
    """What becomes of two files; text and bytes as they are, anything else as JSON."""
    files = []
    for name, held in (("server.json", server), ("shares.json", shares)):
        if held is not None:
            data = held if isinstance(held, bytes) else text(held).encode()
            (folder / name).write_bytes(data)
            files.append(folder / name)
    told = export.read(*files, release=export.release_of(windows)).changed(sets)
    return told.brought("files", "trixie")


def text(held: object) -> str:
    return held if isinstance(held, str) else json.dumps(held)
