"""At which TCP port a Samba serves SMB: "smb ports" of smb.conf(5)."""

from __future__ import annotations

from typing import Final

from harness.servers.base import Conf

USUAL: Final = 445
"""Of SMB over TCP ([MS-SMB2] 2.1)."""
ALTERNATIVE: Final = 8445
"""Where a server is moved to that leaves it; nobody else is there in the lab."""
NONE_LEFT: Final = "one change moves the server to another TCP port, and the other closes TCP to its clients"
"""Why both are not made on one server."""


def of(conf: Conf) -> int:
    """The port that a configuration of the lab's own says; the lab serves at one alone."""
    return int(conf.globals.get("smb ports", USUAL))
