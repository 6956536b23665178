"""SMB over QUIC as a server offers it: beside TCP or alone, and which certificate it shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

HOST: Final = "files.example.test"
"""By which clients call a server of the lab that has no name of its own: certificates are for names."""
OTHER: Final = "another-server.example.test"
"""What the certificate of a server is for that shows another one's."""


class Certificate(StrEnum):
    """What a server shows. All but the first are mistakes that people make."""

    TRUSTED = "trusted"
    """For its name, by the authority that its clients trust."""
    UNTRUSTED = "untrusted"
    """By an authority that its clients do not know."""
    OTHER_NAME = "other-name"
    """For the name of another server."""
    EXPIRED = "expired"
    """Its time is over."""


@dataclass(frozen=True, slots=True)
class Quic:
    """What a server offers besides TCP port 445, or instead of it."""

    alone: bool = False
    """TCP port 445 is closed to clients."""
    certificate: Certificate = Certificate.TRUSTED
