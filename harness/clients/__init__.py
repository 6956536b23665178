"""The room of clients: one file an implementation; personas are data with their evidence."""

from __future__ import annotations

from functools import cache

from harness.clients.base import Client
from harness.registry import collect


@cache
def clients() -> dict[str, Client]:
    """Every client there is, by name."""
    return collect("harness.clients", "CLIENTS", Client)
