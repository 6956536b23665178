"""To whom a test may give a file: as root of a user namespace, only to those that are mapped into it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal


def can_own(kind: Literal["uid", "gid"], number: int) -> bool:
    """Whether this process may make that user or group the owner of its files (user_namespaces(7))."""
    if os.geteuid() != 0:
        return False
    maps = [line.split() for line in Path(f"/proc/self/{kind}_map").read_text().splitlines()]
    return any(int(first) <= number < int(first) + int(count) for first, _, count in maps)
