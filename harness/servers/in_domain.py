"""The lab's Active Directory domain: its names, its accounts, and a server's place in it.

All of it is made once, in a template (``harness.labs.domain``); here is what the template must hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REALM: Final = "LAB.TEST"
"""The Kerberos realm. "test" is reserved: nobody's domain is called so (RFC 6761)."""
DNS: Final = REALM.lower()
WORKGROUP: Final = "LAB"
"""The domain's NetBIOS name."""
IMAGE: Final = "trixie-domain"
"""The image that the domain controller runs from."""
CONTROLLER: Final = "dc1"
"""The host name of the domain controller."""
USER: Final = "alice"
"""As whom clients come, and who shows that a server serves."""


@dataclass(frozen=True, slots=True)
class DomainAccount:
    """A user of the domain."""

    name: str
    what: str
    """In words."""
    enctypes: int = 0
    """msDS-SupportedEncryptionTypes ([MS-KILE] 2.2.7): 0x4 is RC4, 0x18 both AES; 0: nothing is said."""
    group: str = ""
    """A group of the domain that it is in besides Domain Users."""
    must_change: bool = False
    """Its password must be changed at the next logon."""
    disabled: bool = False


RC4: Final = 0x4
AES: Final = 0x18

ACCOUNTS: Final = (
    DomainAccount(USER, "an ordinary user"),
    DomainAccount("aes-only", "a user whose account says AES alone", AES),
    DomainAccount("rc4-only", "a user whose account says RC4 alone", RC4),
    DomainAccount("protected", "a member of Protected Users", group="Protected Users"),
    DomainAccount("must-change", "a user who must change the password first", must_change=True),
    DomainAccount("disabled", "a user whose account is disabled", disabled=True),
)


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


DC: Final = InDomain(CONTROLLER)
MEMBERS: Final = (
    InDomain("files"),
    InDomain("files417"),
    InDomain("files425"),
    InDomain("filesrc4", RC4),
)
"""The machines that are joined in the template, each with a secret of its own."""
