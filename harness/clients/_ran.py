"""What came of one start of a client program: what it printed, and what was said on the wire meanwhile."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from harness.errors import LabFault, OutOfTime
from harness.smb.tap.kdc_trace import Tickets
from harness.system.process import Result

if TYPE_CHECKING:
    from harness.smb.tap.trace import Conversation

COMPLAINT: Final = re.compile(r"NT_STATUS_(?!OK\b)|^curl: \(|Encryption required")
"""What a line looks like in which Samba's programs and curl complain."""
_WORDS: Final = 1 << 20
"""Characters of its output in which its words are looked for: smbclient at level 10 prints 100,000."""
_DEBUG: Final = re.compile(r"\s*(gensec|Failed to start GENSEC)")
"""Samba's debug lines about authentication that fit COMPLAINT but tell of no refusal."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that has ended, and what was said on the wire meanwhile."""

    program: str
    result: Result
    traces: tuple[Conversation, ...]
    ended_at: float
    """When it had ended (``time.monotonic``, as the times of ``traces``)."""
    complains: re.Pattern[str] = COMPLAINT
    """What a line looks like in which it complains."""
    gives_up: re.Pattern[str] | None = None
    """What it says when it has hung up for a reason of its own, whatever it was waiting for then."""
    tickets: Tickets = field(default_factory=Tickets)
    """What it asked the domain's KDC."""

    @property
    def words(self) -> str:
        """What it printed, errors first; of a file that it printed, the beginning."""
        return f"{self.result.stderr[:_WORDS]}\n{self.result.stdout[:_WORDS]}"

    @property
    def complaint(self) -> str:
        """The first line in which it complains; "" when it does not."""
        for line in self.words.splitlines():
            if self.complains.search(line) and not _DEBUG.match(line):
                return line.strip()[:200]
        return ""

    def unproven(self, why: str) -> LabFault:
        """The fault that nothing shows how it went: for lack of time, where its time was over."""
        if self.result.status is None:
            return OutOfTime(f"{why} (its time was over after {self.result.seconds:.1f} s)")
        return LabFault(why)

    @property
    def said(self) -> str:
        """What its user reads when it fails, in its own words."""
        return self.complaint
