"""What every exposure is: a hole, and a probe for it that harms nobody.

A probe looks at a ``Subject``: the address, and what only the lab knows of the inside of the server. It
answers ``open``, ``closed``, ``not exposed`` or ``unknown``, with the observation that decided it. A banner
never decides.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.exposures._response import Response
from harness.model import Hole, Sighting, Target
from harness.servers.live import ServerInternals

if TYPE_CHECKING:
    from harness.exposures._probe_cache import ProbeCache


@dataclass(eq=False)
class Subject:
    """One server in one state, looked at once: what several probes need is asked for once and kept."""

    target: Target
    """Where it is, and the account to use there."""
    today: date
    inside: ServerInternals | None = None
    """None when only the wire is known."""
    platform: str = ""
    """The name of what it is known to be from elsewhere than the wire; "" when nobody said so."""
    account: bool = True
    """``target.user`` has an account there, with ``target.password``."""
    pause: float = 0.0
    """Seconds between two connections, for servers that people use."""
    together: bool = False
    """See ``Survey``."""
    own: Target | None = None
    """See ``Survey``."""
    alone: bool = False
    """See ``Survey``."""
    look: ProbeCache = field(init=False)
    _looks: list[ProbeCache] = field(init=False, default_factory=list)
    """All that were made, which may be open."""

    def __post_init__(self) -> None:
        self.look = self._look_at(self.target, account=self.account)

    @cached_property
    def own_look(self) -> ProbeCache | None:
        """What is asked as an account of a member's own; None where it has none."""
        if self.own is None:
            return None
        return self._look_at(replace(self.own, seconds=self.target.seconds), account=True)

    @cached_property
    def dc_look(self) -> ProbeCache | None:
        """What is asked of the domain controller over SMB; None where there is none, or nobody said which."""
        domain = self.target.domain
        if domain is None:
            return None
        if domain.controller == self.target.address:
            return self.look
        return self._look_at(replace(self.target, address=domain.controller, share="sysvol"), account=True)

    def _look_at(self, target: Target, *, account: bool) -> ProbeCache:
        # Loaded where something is probed: whoever looks at a run wants the words alone.
        from harness.exposures._probe_cache import ProbeCache

        look = ProbeCache(target, account, self.pause, together=self.together)
        self._looks.append(look)
        return look

    def close(self) -> None:
        """Close what is open to the server and to its domain controller."""
        for look in self._looks:
            look.close()

    @property
    def emulated(self) -> str:
        """What the server stands for while other software runs; "" for the real thing."""
        return self.inside.emulates if self.inside else ""

    def elsewhere(self, platform: str) -> str:
        """The platform that it is known to be, where that is another one than this; "" else."""
        known = self.platform or (self.inside.platform if self.inside else "")
        return known if known != platform else ""

    def setting(self, *names: str) -> str | None:
        """A parameter of [global] as the server itself reports it, under the first name that it knows.

        None when it is not known.
        """
        settings = self.inside.settings if self.inside else {}
        return next((settings[name] for name in names if name in settings), None)


class Exposure(ABC):
    """One hole. Instances are immutable descriptions."""

    name: str
    title: str
    """The hole in one line: what is the case when it is open."""
    sends: str
    """What the probe puts on the wire, or reads on the server."""
    safe: str
    """Why that harms nobody."""
    source: str
    """Who describes the hole and how it shows."""
    wire: bool = True
    """False: it is decided by what the lab knows of the server; nothing is sent."""
    of_share: bool = False
    """What it sees depends on the share that ``Subject.target`` names: each share of a server is asked."""
    last: int = 0
    """Above 0: it sends NEGOTIATEs alone, each on a connection of its own, and is made after all others, in
    the order of these numbers. A server that answers the last of them has survived all before it."""

    @abstractmethod
    def probe(self, subject: Subject) -> Sighting:
        """Look. Raises Refused or LabFault for what the server does wrong, which makes it ``unknown``."""


def opened(evidence: str) -> Sighting:
    """The hole is there."""
    return Sighting(Hole.OPEN, evidence)


def closed(evidence: str) -> Sighting:
    """The hole is shown not to be there."""
    return Sighting(Hole.CLOSED, evidence)


def not_exposed(evidence: str) -> Sighting:
    """What the hole needs is not there; nothing is said about the hole itself."""
    return Sighting(Hole.NOT_EXPOSED, evidence)


def unknown(evidence: str) -> Sighting:
    """It could not be decided; the text says why."""
    return Sighting(Hole.UNKNOWN, evidence)


def by_answer(response: Response[Any], what: str) -> Sighting:
    """Open where the server did what it was asked, closed where it answered with a refusal.

    Silence, garbage, a hang-up and the like are no answer.
    """
    if response.ok:
        return opened(f"{what}: {response.text}")
    if response.refused:
        return closed(f"{what}: {response.text}")
    return unknown(f"{what}: {response.text}")


def first_of(names: Sequence[str]) -> str:
    """The first few names, for people."""
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
