"""What a server under change is: software, base configuration, and the upgrades its vendor offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from harness.model import EVERY_LAB, Dialect, Evidence, Fidelity, Tier
from harness.servers.in_domain import Directory, InDomain
from harness.servers.parameters import parameter_key as parameter_key
from harness.servers.parameters import with_all
from harness.servers.platform import Change, Doing, Platform, Say
from harness.servers.platforms import named
from harness.servers.quic import Quic

HOST = "host"
"""The image name that stands for the Samba installed on this very machine."""

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Conf:
    """The part of smb.conf(5) that a base configuration or a mitigation decides; the lab adds its paths."""

    # Python 3.11 refuses a mapping proxy as a plain default: it has no hash there.
    globals: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    share: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Of the lab's one share; where there are ``sections``, of every share on a disk, over what they say."""
    sections: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    """The shares of a configuration that was brought along, by name, in its order."""

    def with_globals(self, **settings: str) -> Conf:
        """The same configuration with [global] parameters set; ``_`` in a name stands for a blank."""
        return replace(self, globals=_with(self.globals, settings))

    def with_share(self, **settings: str) -> Conf:
        """The same configuration with parameters of the share set; ``_`` in a name stands for a blank."""
        return replace(self, share=_with(self.share, settings))

    def lines(self) -> tuple[list[str], list[str]]:
        """The ``name = value`` lines of [global] and of the share."""
        return (
            [f"{name} = {value}" for name, value in self.globals.items()],
            [f"{name} = {value}" for name, value in self.share.items()],
        )


def _with(settings: Mapping[str, str], more: Mapping[str, str]) -> Mapping[str, str]:
    return with_all(settings, {name.replace("_", " "): value for name, value in more.items()})


@dataclass(frozen=True, slots=True)
class ServerState:
    """Everything about a server that a mitigation can change, and a rollback must bring back."""

    image: str
    """Which packages are installed: the name of an image, or ``host``."""
    conf: Conf
    running: bool = True
    ws_discovery: bool = False
    """It answers WS-Discovery, by which Windows without SMB1 finds servers: wsdd runs beside Samba."""
    mdns: bool = False
    """It answers mDNS, by which Macs find servers: Avahi runs beside Samba."""
    quic: Quic | None = None
    """It is reached by SMB over QUIC, through a relay of the lab; None: by TCP alone."""
    controller: Conf = field(default_factory=Conf)
    """Of a member of a domain: what is set on the domain controller that it has beside it."""
    directory: Directory = field(default_factory=Directory)
    """Of a server in a domain: what is changed in the domain's directory."""
    changes: tuple[str, ...] = ()
    """Windows: the mitigations that were made, in order; their scripts say what that is."""


@dataclass(frozen=True, slots=True)
class Server:
    """A real SMB server of a named kind and version with its base configuration."""

    name: str
    title: str
    image: str
    conf: Conf
    fidelity: Fidelity = Fidelity.REAL
    controller: Conf = field(default_factory=Conf)
    """Of a member of a domain: what is set on its domain controller from the start."""
    emulates: str = ""
    """What it stands for when its fidelity is ``configured``."""
    stands_for: Platform | None = None
    """The platform of what it stands for, where that is another one than its own."""
    highest: Dialect = Dialect.SMB3_11
    """The newest dialect that this software, or what it emulates, can speak at all."""
    unknown_user: bool = False
    """True: nobody has an account here; clients come with a name that the server does not know."""
    upgrades: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """What its vendor offers: mitigation name -> image with those packages."""
    no_upgrade: str = ""
    """Why its vendor offers nothing."""
    evidence: tuple[Evidence, ...] = ()
    laxer: str = ""
    """The server that differs in nothing but that it still lets in what this one refuses by default."""
    platform: Platform = field(default_factory=lambda: named("samba"))
    in_domain: InDomain | None = None
    """Its place in the domain of the lab; None where it stands alone."""
    labs: frozenset[Tier] = EVERY_LAB
    """The labs that can serve it at all."""
    on_network: bool = False
    """It is to be found by those who look for servers: the local lab gives it a network for that."""
    prints: bool = False
    """It has a printer: the local lab gives it a queue whose jobs stay in a folder."""
    browsed: bool = False
    """And somebody looks for it by NetBIOS: the local lab has its nmbd become the master browser there."""
    user_share: bool = False
    """The share that clients come to is one that a user made, by ``net usershare add``."""
    role: str = ""
    """As whom clients come (``harness.servers.brought.Role``); "" where nothing tells them apart."""

    @property
    def told_as(self) -> Platform:
        """The platform in whose words its administrator is spoken to."""
        return self.stands_for or self.platform

    @property
    def called(self) -> str:
        """What people call it, where an id cannot hold that; "" where it is its name."""
        return ""

    @property
    def seldom(self) -> bool:
        """A pattern means it only where it fits nothing else: it takes long, or answers one question."""
        return self.in_domain is not None or self.user_share

    @property
    def whole(self) -> object:
        """What is equal of servers that one running server can be at once; None: it can be this one alone."""
        return None

    def doings(self, change: Change, before: ServerState, after: ServerState, say: Say) -> Iterable[Doing]:
        """The change from one state to the other as an administrator makes and undoes it."""
        return self.platform.doings(change, before, after, self, say)

    def details(self) -> Mapping[str, Sequence[str]]:
        """What else there is to tell of it on its own page: the name of a row -> its lines."""
        return {}

    @property
    def instead(self) -> tuple[str, ...]:
        """What of it cannot be had in the lab, and what was done instead: a sentence each."""
        return ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else is to be known of how it stands for another one: a sentence each."""
        return ()

    @property
    def state(self) -> ServerState:
        """The state before any change."""
        return ServerState(self.image, self.conf, controller=self.controller)
