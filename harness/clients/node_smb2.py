"""A Node.js client: @awo00/smb2 from the npm registry, SMB 2.x with NTLMv1 in JavaScript alone.

One Node.js process for each worker process: 0.55 s to start, 68 MB. Its socket stays half open when the
server hangs up, and requests wait for their own timeout of 5 s then (measured; Client.js, allowHalfOpen).
"""

from __future__ import annotations

from harness.clients import _process as process
from harness.clients._process import Goal
from harness.clients._resident_client import LISTS_FILES, RENAMES, WRITES, ResidentClient
from harness.model import Check, ClientPolicy, Dialect, Evidence
from harness.system import client_image as programs


class NodeSmb2(ResidentClient):
    """``readDirectory`` to open; ``createFile``, ``readFile`` and ``removeFile`` to write."""

    name = "node-smb2"
    title = "@awo00/smb2, an SMB 2 library of Node.js applications"
    evidence = (
        Evidence("it neither signs nor encrypts, and lists no shares", "@awo00/smb2 1.1.1, dist/client"),
        Evidence("it answers with NTLMv1", "measured on the wire"),
        Evidence(
            "it takes an interim answer for the content of a file and reads zeros then; which answers are"
            " interim is chance, so a write is tried several times",
            "@awo00/smb2 1.1.1, Client.js: STATUS_PENDING counts as success; measured: 4 of 36 files",
        ),
        Evidence("it waits 5 s for a server that hung up", "@awo00/smb2 1.1.1, requestTimeout; measured"),
    )
    checks = frozenset({Check.OPEN, Check.WRITE, Check.RENAME})
    cannot = {  # noqa: RUF012 (read only)
        Check.PERMISSIONS: "@awo00/smb2 has no call for security descriptors",
        Check.LARGE: "it can, and this lab does not ask it to",
        Check.LOCK: "@awo00/smb2 has no call for it",
    }
    policy = ClientPolicy(smb1=False, min_dialect=Dialect.SMB2_02, max_dialect=Dialect.SMB2_10)
    smb1_removable = "@awo00/smb2 has no SMB1"
    sees = {  # noqa: RUF012 (read only)
        "connect:RESET": "connect ECONNREFUSED …",
        "*:TIMEOUT": "request_timeout: … (after 5 s)",
    }
    goals = {  # noqa: RUF012 (read only)
        Check.OPEN: Goal(LISTS_FILES),
        Check.WRITE: Goal(WRITES),
        Check.RENAME: Goal(RENAMES),
    }
    patience = 8.0

    wavers = frozenset({Check.WRITE, Check.RENAME})
    fetched = programs.NODE_CLIENT

    def command(self) -> tuple[str, ...]:
        return ("/usr/bin/node", "-e", programs.source("node_smb2.js"), programs.NODE_MODULES)

    def settings(self, policy: ClientPolicy) -> dict[str, str]:
        process.has_settings(self.name, self.policy, policy)
        return {}


CLIENTS = (NodeSmb2(),)
