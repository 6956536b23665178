"""How a change shows that is about being found: somebody looks for the server on its network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harness.errors import LabFault, Refused
from harness.model import Finding, Segment
from harness.servers.live import LiveServer
from harness.system.deadline import pace

_SECONDS: Final = 1.0


def asked_for(live: LiveServer, by: str, ask: Callable[[Segment, float], str]) -> Finding:
    """In effect where it is found; the evidence is what ``ask`` says then, in its seconds.

    ``by``: what it is asked for by. Raises LabFault where the server is on no network.
    """
    segment = live.target.segment
    if segment is None:
        raise LabFault(f"{live.server.name} is on no network where {by} could be asked for")
    try:
        said = ask(segment, _SECONDS * pace())
    except Refused as refusal:
        return Finding(False, f"asked for by {by}: {refusal.detail}")
    return Finding(True, f"asked for by {by}, {said}")
