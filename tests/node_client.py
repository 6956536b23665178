"""The one client that not every machine has: npm fetches it when the image of client programs is built."""

from __future__ import annotations

import pytest
from known import CATALOGUE

from harness.planning.installed import missing

NAME = "node-smb2"
WHY = "the image clients was built without npm, so it has no Node client: see rehearse doctor"


def lacks(name: str) -> bool:
    """Whether this client cannot run here."""
    return name == NAME and bool(missing(CATALOGUE.clients[name]))


def need(name: str) -> None:
    """Skip what needs a client that cannot run here."""
    if lacks(name):
        pytest.skip(WHY)
