"""Whether the software of a client is on this machine: asked before anything is started."""

from __future__ import annotations

from importlib import metadata

from harness.clients.base import Client
from harness.labs import images


def missing(client: Client) -> str:
    """Why a client cannot run here, and what mends it; "" when what it needs is here, or will be built."""
    if client.package:
        try:
            metadata.version(client.package)
        except metadata.PackageNotFoundError:
            return f"its library {client.package} is not installed: see rehearse doctor"
    if client.fetched and not images.has(client.image, client.fetched):
        return f"its library is not in the image {client.image}, which has no npm: see rehearse doctor"
    return ""
