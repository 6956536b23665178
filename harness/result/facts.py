"""What the servers, clients and changes of a run were, and what of them is not built in."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model import Evidence


@dataclass(frozen=True, slots=True)
class ServerFact:
    """What a server was in this run."""

    name: str
    title: str
    software: str
    """As the running software itself says, e.g. "Samba 4.17.12-Debian"."""
    fidelity: str
    emulates: str = ""
    """What it stands for when it is emulated by configuration."""
    packages: tuple[str, ...] = ()
    laxer: str = ""
    """The server that differs in nothing but that it still lets in what this one refuses; "" for none."""
    reached: str = ""
    """How clients that are not in guests of the lab reached it; "" for directly."""
    instead: tuple[str, ...] = ()
    """Of a configuration that was brought along: what cannot be had in the lab, and what was done instead."""
    remarks: tuple[str, ...] = ()
    """What else is to be known of such a configuration."""
    role: str = ""
    """As whom clients came to it: user, outsider, guest, admin; "" where nothing tells them apart."""


@dataclass(frozen=True, slots=True)
class ClientFact:
    """What a client was in this run."""

    name: str
    title: str
    fidelity: str
    software: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class MitigationFact:
    """What a mitigation is, and what was expected of it."""

    name: str
    title: str
    side: str
    expectation: str
    source: str
    aims: tuple[str, ...] = ()
    """The exposures that it is made for, by name."""


@dataclass(frozen=True, slots=True)
class Added:
    """Something of a run that is not built in."""

    kind: str
    """mitigation, server, client or exposure."""
    name: str
    whose: str
    """"yours", or the package that it is of, with its version."""


@dataclass(frozen=True, slots=True)
class FileSince:
    """A file of the user's own that is not any more what a run was made with."""

    kind: str
    """scenario, persona, exposures, mitigation, configuration, Python, package or image."""
    path: str
    became: str
    """changed, gone or unreadable."""
    why: str = ""
    """Why it cannot be read."""
