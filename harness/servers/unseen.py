"""Parameters that the lab lets a change set although nobody there can see what they do to a network."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from harness.servers.base import parameter_key
from harness.servers.parameters import meant

_HOSTS: Final = (
    "the lab's clients come from loopback, which Samba lets in whatever is allowed, unless hosts deny names "
    "it (smb.conf(5)): which computers of yours it keeps out does not show here"
)
_UNSEEN: Final = MappingProxyType(
    {
        parameter_key(name): why
        for name, why in {
            "hosts allow": _HOSTS,
            "hosts deny": _HOSTS,
            "multicast dns register": "there is no D-Bus in the lab, by which smbd registers itself with "
            "Avahi: that Macs find the server no more in Finder, or find it again, does not show here",
        }.items()
    }
)


def unseen(parameters: Iterable[str]) -> list[str]:
    """A sentence for each of these parameters whose effect does not show in the lab."""
    found = dict.fromkeys((name, meant(name)) for name in parameters)
    return [f"{name}: {_UNSEEN[key]}" for name, key in found if key in _UNSEEN]
