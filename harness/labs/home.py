"""Where a server of the local lab lives: its folder, as we and its own programs see it, and its address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.labs.namespace import in_image
from harness.labs.network.segments import SEGMENT_BITS
from harness.model import Segment

Enter = Callable[[Path, Sequence[str | Path]], list[str]]

INSIDE = Path("/mnt")
"""Where a program in an image sees the state folder of the lab."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where a server of the local lab lives."""

    name: str
    folder: Path
    """The lab's state folder, seen as ``INSIDE`` by the programs of an image."""
    evidence: Path
    address: str
    share: str
    segment: Segment | None = None
    """Where it is found by those who look for servers, if any do."""
    printer: str = ""
    """The queue to print to, if anybody does."""
    controller: str = ""
    """The address of its domain controller, where it is in a domain; it may be that itself."""
    enter: Enter = in_image
    """The command line that runs one of its programs in an image."""

    @property
    def mark(self) -> str:
        """What marks its processes (``labs.marked``): another lab's server may have the same name."""
        return str(self.outside)

    @property
    def outside(self) -> Path:
        """The server's own folder as we see it."""
        return self.folder / self.name

    @property
    def inside(self) -> Path:
        """The server's own folder as smbd sees it."""
        return INSIDE / self.name

    @property
    def interfaces(self) -> str:
        """Its address, in the network of the loopback device, and where it is found, if anywhere."""
        found = f" {self.segment.server}/{SEGMENT_BITS}" if self.segment else ""
        return f"{self.address}/8{found}"

    @property
    def conf(self) -> Path:
        """smb.conf as smbd sees it."""
        return self.inside / "smb.conf"
