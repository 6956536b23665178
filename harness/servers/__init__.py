"""The room of servers: one file a kind, each a real server with its base configuration."""

from __future__ import annotations

from functools import cache

from harness.servers.base import Server
from harness.system.registry import collect


@cache
def servers() -> dict[str, Server]:
    """Every server there is, by name."""
    return collect("harness.servers", "SERVERS", Server)
