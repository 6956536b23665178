"""SMB1 removed from a Windows server altogether: the feature with its drivers, client and server."""

from __future__ import annotations

from harness.mitigations.base import Expectation, NotApplicableError
from harness.mitigations.dialects import MinimumDialect
from harness.model import Dialect
from harness.servers.base import Server, ServerState


class Smb1Removed(MinimumDialect):
    def on_server(self, state: ServerState, server: Server) -> ServerState:
        raise NotApplicableError(f"{server.name} has no SMB1 feature to remove: see smb1-server-off")


MITIGATIONS = (
    Smb1Removed(
        "smb1-removed",
        "SMB1 removed from a Windows server (feature SMB1Protocol), reboot",
        Dialect.SMB2_02,
        Expectation(
            "clients that speak only SMB1 are refused, nor does the server itself reach one",
            "Microsoft, 'Detect, enable, and disable SMBv1, SMBv2, and SMBv3'",
        ),
    ),
)
