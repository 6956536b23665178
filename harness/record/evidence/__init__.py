"""The evidence of single cells: what is kept, where, and how much of it at the most.

    <run>/evidence/cells/<cell>/manifest.json     what is there with its SHA-256, what is not, and why
    <run>/evidence/cells/<cell>/cell.json         verdict, steps with times, versions, how to repeat it
    <run>/evidence/cells/<cell>/packets.pcapng    the packets, secrets zeroed
    <run>/evidence/cells/<cell>/server.log        of the server's log what was written meanwhile
    <run>/evidence/cells/<cell>/configuration*    as the server itself reads it, and what differs
    <run>/evidence/cells/<cell>/client.txt        what the client's own software said

A folder appears at once with all that is in it: of a run that was killed, a cell's evidence is whole or not
there. Nothing in it is ever executed or loaded.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import Final

from harness.model import CellId, Effect, Outcome
from harness.result import CellResult

PLACE: Final = "evidence/cells"
"""In the run folder."""
MANIFEST: Final = "manifest.json"
PACKETS: Final = "packets.pcapng"
LOG: Final = "server.log"
CLIENT: Final = "client.txt"
CELL: Final = "cell.json"
DIFFERENCE: Final = "configuration.diff"
MOST_OF_PACKETS, MOST_OF_TEXT, MOST_OF_A_RUN = 8 * 2**20, 2**20, 2**28
"""Bytes of a cell's packets, of each of its text files, and of all cells of a run together."""


class Wanted(StrEnum):
    """Of which cells evidence is kept."""

    NONE = "none"
    LOST = "lost"
    """All that is not kept, and what is kept and was not expected to be."""
    ALL = "all"

    def of(self, found: CellResult) -> bool:
        """Whether it is wanted of this cell. Of one that no attempt was made for, there is none."""
        made = [one for one in found.phases.values() if one.outcome is not Outcome.UNSUPPORTED]
        if self is Wanted.NONE or not made:
            return False
        return self is Wanted.ALL or found.effect is not Effect.KEPT or not found.expected


def folder_of(cell: CellId) -> str:
    """The name of a cell's folder: safe whatever the cell is called, and never that of another cell."""
    text = str(cell)
    short = re.sub(r"[^A-Za-z0-9._+-]", "_", text.replace(":", "__"))[:120].lstrip(".-")
    return f"{short}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"
