"""What kind of thing a server, client or lab is: how true it is, and where it lives."""

from __future__ import annotations

from enum import StrEnum


class Fidelity(StrEnum):
    """How true a client or server is. Everything that is not REAL is emulated and is labelled so."""

    REAL = "real"
    """That very software runs."""
    RECORDED = "recorded"
    """Its offer is rebuilt from a capture of the real thing."""
    DOCUMENTED = "documented"
    """Its offer comes from the vendor's documentation."""
    CONFIGURED = "configured"
    """A server: real software of another version, configured to behave so on the wire."""

    @property
    def emulated(self) -> bool:
        """True for everything but the very software itself."""
        return self is not Fidelity.REAL


class Tier(StrEnum):
    """The kind of lab that servers and clients live in."""

    LOCAL = "local"
    """Real Samba in a private network namespace: seconds, no virtual machine."""
    VAGRANT = "vagrant"
    """Real virtual machines that Vagrant starts."""


EVERY_LAB = frozenset(Tier)
