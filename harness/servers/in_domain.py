"""The lab's Active Directory domain: its names, and a server's place in it; its accounts are nouns.

All of it is made once, in a template (``harness.labs.domain``); here is what the template must hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.model.accounts import RC4

REALM: Final = "LAB.TEST"
"""The Kerberos realm. "test" is reserved: nobody's domain is called so (RFC 6761)."""
DNS: Final = REALM.lower()
WORKGROUP: Final = "LAB"
"""The domain's NetBIOS name."""
IMAGE: Final = "trixie-domain"
"""The image that the domain controller runs from."""
CONTROLLER: Final = "dc1"
"""The host name of the domain controller."""


@dataclass(frozen=True, slots=True)
class InDomain:
    """A server's place in the lab's domain."""

    host: str
    """Its host name; the account of its machine is that in capitals, with a dollar."""
    enctypes: int = 0
    """msDS-SupportedEncryptionTypes of its machine's account; 0: what its Samba wrote when it joined."""

    @property
    def is_controller(self) -> bool:
        return self.host == CONTROLLER

    @property
    def name(self) -> str:
        """Its DNS name; the KDC knows its service principals."""
        return f"{self.host}.{DNS}"

    @property
    def alias(self) -> str:
        """A DNS name that leads to it and has no service principal."""
        return f"{self.host}-alias.{DNS}"

    @property
    def alias_with_spn(self) -> str:
        """A DNS name that leads to it and has a service principal (cifs) of its machine's account."""
        return f"{self.host}-service.{DNS}"

    @property
    def netbios(self) -> str:
        return self.host.upper()


@dataclass(frozen=True, slots=True)
class Directory:
    """What a change can change in the domain's directory; as it is here the template has it."""

    protected: bool = False
    """``USER`` is in Protected Users."""
    lockout: int = 0
    """An account is locked after so many wrong passwords; 0: never."""
    machine_enctypes: int = 0
    """msDS-SupportedEncryptionTypes of the account of the server's machine; 0: as it was."""


DC: Final = InDomain(CONTROLLER)
MEMBERS: Final = (
    InDomain("files"),
    InDomain("files417"),
    InDomain("files425"),
    InDomain("filesrc4", RC4),
)
"""The machines that are joined in the template, each with a secret of its own."""
