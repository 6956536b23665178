"""Which guest serves which server, and why one cannot: asked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import LabFault
from harness.labs.guests import Guest
from harness.model import Platform
from harness.servers.base import Server, ServerState

PATCH = "-security"
"""An image of this suffix is the guest's release with the updates that lie in its box."""


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
    if server.platform is Platform.SAMBA and state.image not in (guest.image, f"{guest.image}{PATCH}"):
        return f"the guest {guest.name} has no packages of {state.image}"
    if state.image != guest.image and server.platform is Platform.SAMBA and "vendor-patch" not in guest.can:
        return f"the guest {guest.name} has no packages of {state.image}"
    return ""


_ABILITY = {
    Platform.SAMBA: "serve-samba",
    Platform.KSMBD: "serve-ksmbd",
    Platform.WINDOWS: "serve-windows",
}


def _find(server: Server, catalogue: Mapping[str, Guest]) -> Guest | None:
    for guest in catalogue.values():
        if _ABILITY[server.platform] not in guest.can:
            continue
        if server.platform is Platform.SAMBA and guest.image != server.image:
            continue
        if server.platform is Platform.WINDOWS and guest.name != server.image:
            continue
        return guest
    return None
