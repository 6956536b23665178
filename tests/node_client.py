"""The one client that not every machine has: npm fetches it when the image of client programs is built."""

from __future__ import annotations

import pytest

from harness.labs import images
from harness.labs.images import helpers

NAME = "node-smb2"
WHY = "the image clients was built without npm, so it has no Node client: see rehearse doctor"


def lacks(name: str) -> bool:
    """Whether this client cannot run here."""
    return name == NAME and not helpers.has_node(images.store().root("clients"))


def need(name: str) -> None:
    """Skip what needs a client that cannot run here."""
    if lacks(name):
        pytest.skip(WHY)
