"""A server's configuration that was brought along: what a user's own smb.conf(5) became for the lab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from harness.model import Dialect
from harness.servers.base import Conf


class Role(StrEnum):
    """As whom a share is used: one client run each, where the share tells them apart."""

    USER = "user"
    """Somebody whom the share lets in."""
    OUTSIDER = "outsider"
    """Somebody with an account whom the share's lists leave out."""
    GUEST = "guest"
    """Somebody without an account."""
    ADMIN = "admin"
    """One of ``admin users``."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody whom the configuration names; the password is the lab's own."""

    name: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Instead:
    """Something of a configuration that cannot be had in the lab, and what was done instead."""

    section: str
    """"global", or the name of the share."""
    parameter: str
    """As the file has it."""
    value: str
    done: str
    """What was done instead, and why: a sentence for people."""


@dataclass(frozen=True, slots=True)
class Emulated:
    """What a configuration stands for where it is not that of a Samba."""

    what: str
    """For people: "Windows Server 2019, configured as fileserver.json says"."""
    platform: str
    """Of ``harness.servers.platforms``: in whose words its administrator is told what to do."""
    highest: Dialect = Dialect.SMB3_11
    """The newest dialect that it can speak at all."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A configuration that was brought along, with nothing in it but parameters that are allowed."""

    name: str
    """What the server is called: letters, digits, dots, hyphens."""
    files: tuple[str, ...]
    """Where it was read from; for people alone, nothing opens them again."""
    image: str
    """The image of the release that it is rehearsed with."""
    conf: Conf
    """[global], and each share as one of ``sections``; without paths, which the lab decides."""
    accounts: tuple[Account, ...] = ()
    modes: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Share -> the permission bits of its folder, where known; the lab's own otherwise."""
    instead: tuple[Instead, ...] = ()
    remarks: tuple[str, ...] = ()
    """What testparm of that release and the importer said of it; sentences for people."""
    emulates: Emulated | None = None
    """None: it is a Samba's own configuration."""
    appearing: tuple[str, ...] = ()
    """Sections of shares that are not available until a change; clients come to them before it too."""
