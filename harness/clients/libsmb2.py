"""libsmb2: the small C library of VLC, Kodi and embedded players; SMB 2.0.2 to 3.1.1, no SMB1."""

from __future__ import annotations

import re
from typing import Final

from harness.clients import _process as process
from harness.clients._process import Goal, Reported
from harness.clients._resident_client import LISTS_FILES, LISTS_SHARES, RENAMES, WRITES, ResidentClient
from harness.clients.base import Log
from harness.errors import Unsupported
from harness.model import Check, ClientPolicy, Dialect, Evidence, StepName, Target
from harness.system import client_image as programs
from harness.system.process import Result

# enum smb2_negotiate_version, smb2/libsmb2.h
_VERSIONS: Final = {
    (Dialect.SMB2_02, Dialect.SMB3_11): 0,
    (Dialect.SMB2_02, Dialect.SMB2_10): 2,
    (Dialect.SMB3_00, Dialect.SMB3_11): 3,
}


def _reported(*failures: tuple[str, StepName]) -> Reported:
    """How to read its words: libsmb2 names the NTSTATUS that a server answered with in its error."""
    words = tuple((re.compile(rf"^{said}: .*?\b(STATUS_\w+)", re.MULTILINE), step) for said, step in failures)
    return Reported(_succeeded, words)


def _succeeded(result: Result) -> bool:
    return result.status == 0 and result.stdout not in {"", "0 shares"}


_WRITING: Final = _reported(
    ("connect", StepName.TREE_CONNECT),
    ("create", StepName.CREATE),
    ("write", StepName.WRITE),
    ("rename", StepName.RENAME),
    ("open", StepName.READ),
    ("read", StepName.READ),
    ("delete", StepName.DELETE),
)


class Libsmb2(ResidentClient):
    """``smb2_share_enum`` to browse, ``smb2_opendir`` to open; ``smb2_write``, ``smb2_unlink`` to write."""

    name = "libsmb2"
    title = "libsmb2, the SMB library of media players and embedded devices"
    evidence = (
        Evidence("no SMB1", "smb2/libsmb2.h, enum smb2_negotiate_version"),
        Evidence("NTLMv2 only", "libsmb2, lib/ntlmssp.c; measured on the wire"),
    )
    checks = frozenset({Check.BROWSE, Check.OPEN, Check.WRITE, Check.RENAME})
    cannot = {  # noqa: RUF012 (read only)
        Check.PERMISSIONS: "libsmb2 has no call for security descriptors",
        Check.LARGE: "it can, and this lab does not ask it to",
        Check.LOCK: "libsmb2 has no call for it",
    }
    policy = ClientPolicy(smb1=False, min_dialect=Dialect.SMB2_02, ntlmv2_only=True)
    smb1_removable = "libsmb2 has no SMB1"
    goals = {  # noqa: RUF012 (read only)
        Check.BROWSE: Goal(
            LISTS_SHARES,
            _reported(("connect", StepName.TREE_CONNECT_IPC), ("share list", StepName.CREATE_PIPE)),
        ),
        Check.OPEN: Goal(
            LISTS_FILES, _reported(("connect", StepName.TREE_CONNECT), ("opendir", StepName.LIST))
        ),
        Check.WRITE: Goal(WRITES, _WRITING),
        Check.RENAME: Goal(RENAMES, _WRITING),
    }
    sees = {  # noqa: RUF012 (read only)
        "connect:RESET": "smb2_service failed with : Socket connect failed with 111",
        "*:TIMEOUT": "nothing: it waits on",
    }
    patience = 8.0

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        try:
            super().perform(check, target, policy, log)
        finally:
            # Our helper says first what it was doing; the rest are the library's words.
            log.said = log.said.partition(": ")[2]

    def command(self) -> tuple[str, ...]:
        return ("/usr/bin/python3", "-I", "-c", programs.source("libsmb2.py"))

    def settings(self, policy: ClientPolicy) -> dict[str, str]:
        process.has_settings(
            self.name,
            self.policy,
            policy,
            "min_dialect",
            "max_dialect",
            "require_signing",
            "require_encryption",
        )
        wanted = (policy.min_dialect, policy.max_dialect)
        version = wanted[0].revision if wanted[0] is wanted[1] else _VERSIONS.get(wanted)
        if version is None:
            raise Unsupported(f"libsmb2 cannot offer just {wanted[0]} to {wanted[1]}")
        return {
            "version": f"{version:x}",
            "sign": str(int(policy.require_signing)),
            "seal": str(int(policy.require_encryption)),
        }


CLIENTS = (Libsmb2(),)
