"""What ``smbclient -L`` prints: shares of a server, and nothing of clients."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from harness.fleet.reading import Tally
from harness.fleet.sighting import Sighting

_LIST: Final = re.compile(r"^[ \t]*Sharename[ \t]+Type[ \t]+Comment[ \t\r]*$", re.MULTILINE)
_NOISE: Final = re.compile(
    r"Reconnecting with SMB1 for workgroup listing|smbXcli_negprot_smb1_done|no workgroup available",
    re.IGNORECASE,
)
_NOTHING: Final = (
    "smbclient -L lists what a server shares, and nothing of clients: run smbstatus as root on that server"
)
_WORKED: Final = (
    "the list itself worked: the lines about SMB1 below it are smbclient asking for workgroups, which only "
    "SMB1 has"
)
_FAILED: Final = "smbclient could not speak SMB1, and there is no list: the server may refuse SMB1"


class SmbclientList:
    """``smbclient -L``."""

    name = "smbclient-list"
    title = "what smbclient -L SERVER prints: recognised to say that it tells nothing of clients"

    def recognises(self, head: str) -> bool:
        """By the heading of the list, or by what it says of SMB1."""
        return _LIST.search(head) is not None or _NOISE.search(head) is not None

    def read(self, _source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        """Nothing, and why."""
        noise = listed = False
        for line in lines:
            tally.passed_over += 1
            noise |= _NOISE.search(line) is not None
            listed |= _LIST.match(line) is not None
        tally.answers_nothing = _NOTHING
        if noise:
            tally.notice(_WORKED if listed else _FAILED)
        return iter(())


IMPORTER = SmbclientList()
