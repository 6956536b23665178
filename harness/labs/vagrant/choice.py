"""Which guest serves which server, and why one cannot: asked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import LabFault
from harness.labs.guests import Guest
from harness.servers.base import Server, ServerState


def guest_for(server: Server, catalogue: Mapping[str, Guest]) -> Guest:
    """The guest of a server. Raises LabFault when the catalogue has none."""
    found = _find(server, catalogue)
    if found is None:
        raise LabFault(f"no guest serves {server.name}", "see guests.yaml")
    return found


def why_not(server: Server, state: ServerState, catalogue: Mapping[str, Guest]) -> str:
    """Why a server cannot be in a state in this lab; "" when it can."""
    guest = _find(server, catalogue)
    if guest is None:
        return f"no guest of guests.yaml runs {server.image or server.name}"
    if not server.platform.has_packages(guest, state.image):
        return f"the guest {guest.name} has no packages of {state.image}"
    if state.ws_discovery or state.mdns:
        return "only the local lab has a network where servers are looked for"
    if state.quic:
        return "only the local lab has the relay that speaks QUIC for a server"
    return ""


def _find(server: Server, catalogue: Mapping[str, Guest]) -> Guest | None:
    platform = server.platform
    able = (guest for guest in catalogue.values() if platform.ability in guest.can)
    return next((guest for guest in able if platform.served_by(guest, server)), None)
