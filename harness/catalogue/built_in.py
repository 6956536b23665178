"""What this project brings along: each room is asked once for what its modules offer.

One new file in a room is all that a new thing takes (docs/adding-a-mitigation.md and its neighbours). Asking
loads the room: of the clients, half a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from harness.clients.base import Client
from harness.exposures.base import Exposure
from harness.mitigations.base import Mitigation
from harness.servers.base import Server
from harness.system import resources
from harness.system.client_image import CLIENTS
from harness.system.image import Image
from harness.system.registry import Found, collect, left_out

SCENARIOS = resources.top("scenarios")
"""Where the scenario scripts of this project are."""
_NO_SCRIPTS = ("__init__", "conftest")


@cache
def servers() -> Found[Server]:
    """By name."""
    return collect("harness.servers", "SERVERS", Server)


@cache
def mitigations() -> Found[Mitigation]:
    """By name; without ``none`` and combinations."""
    return collect("harness.mitigations", "MITIGATIONS", Mitigation)


@cache
def clients() -> Found[Client]:
    """By name."""
    return collect("harness.clients", "CLIENTS", Client)


@cache
def exposures() -> Found[Exposure]:
    """By name."""
    return collect("harness.exposures", "EXPOSURES", Exposure)


@cache
def images() -> Found[Image]:
    """By name: that of client programs, and what servers and clients bring along."""
    found, gone = {CLIENTS.name: CLIENTS}, dict[str, str]()
    for room in ("harness.servers", "harness.clients"):
        more = collect(room, "IMAGES", Image)
        found |= more
        gone |= left_out(more)
    return Found(found, gone)


def scenarios() -> Mapping[str, Path]:
    """The scripts, by the names of the scenarios; they are read where one is wanted."""
    found = sorted(SCENARIOS.glob("*.py"))
    return {path.stem.replace("_", "-"): path for path in found if path.stem not in _NO_SCRIPTS}


def forget() -> None:
    """Ask all rooms anew: a test has put a file into one."""
    for room in (servers, mitigations, clients, exposures, images):
        room.cache_clear()
