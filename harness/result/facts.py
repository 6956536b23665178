"""What a run was made of: servers, clients, changes, exposures and the machine; what is not built in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    called: str = ""
    """What people call it, where an id cannot hold that: "office@[経理部]"; "" where it is its name."""


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


@dataclass(frozen=True, slots=True)
class ExposureFact:
    """What an exposure is, and how it is looked for."""

    name: str
    title: str
    sends: str
    """What the probe puts on the wire, or reads on the server."""
    safe: str
    """Why that harms nobody."""
    source: str
    severity: str = ""
    """critical, high, medium or low; "" where nobody graded it."""
    graded_by: str = ""
    """What the severity rests on."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Where, with what and by which version a run was measured (``harness.record.circumstances``)."""

    host: str
    """The name that somebody asked to have written; else ""."""
    machine: str
    """Its architecture, as uname(2) says it."""
    kernel: str
    system: str
    """The distribution, in its own words."""
    processors: int
    """That the run might use."""
    python: str
    version: str
    """Of smb-rehearsal."""
    commit: str
    """That this version is of; "" where that is not known."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Python package -> version."""
