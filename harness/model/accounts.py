"""The users of the lab's Active Directory domain, as which clients come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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
    before_aes: bool = False
    """Its password is older than the domain's AES keys: of it there is a key for RC4, and no other."""
    group: str = ""
    """A group of the domain that it is in besides Domain Users."""
    must_change: bool = False
    """Its password must be changed at the next logon."""
    disabled: bool = False


RC4: Final = 0x4
AES: Final = 0x18
PROTECTED_USERS: Final = "Protected Users"
SERVICE: Final = "service"
"""Whose account is locked where accounts are."""

ACCOUNTS: Final = (
    DomainAccount(USER, "an ordinary user"),
    DomainAccount("aes-only", "a user whose account says AES alone", AES),
    DomainAccount(
        "rc4-only",
        "a user whose password is older than AES in the domain: its one key is RC4",
        before_aes=True,
    ),
    DomainAccount("protected", "a member of Protected Users", group=PROTECTED_USERS),
    DomainAccount(SERVICE, "a user whose old password is still in the settings of some service"),
    DomainAccount("must-change", "a user who must change the password first", must_change=True),
    DomainAccount("disabled", "a user whose account is disabled", disabled=True),
)
