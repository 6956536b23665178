"""Servers and clients in the result document: what each was in the run, and whether it is emulated."""

from __future__ import annotations

from pydantic import computed_field

from harness.model import Fidelity
from harness.report.documents.part import Part, Words
from harness.report.explain import emulated


class EvidencePart(Part):
    """Where a fact about a client comes from."""

    what: Words
    source: Words


class Actor(Part):
    """What servers and clients have in common."""

    title: Words
    software: Words
    """What runs and speaks on the wire, with its version."""
    fidelity: Fidelity

    @computed_field  # type: ignore[prop-decorator]
    @property
    def emulated(self) -> bool:
        """True for everything that is not the very software itself."""
        return emulated(self.fidelity)


class ServerPart(Actor):
    """What a server was in this run."""

    emulates: Words
    """What it stands for; empty when it is real."""
    packages: tuple[Words, ...]
    laxer: Words = ""
    """The server that differs in nothing but that it still lets in what this one refuses; empty for none."""
    reached: Words = ""
    """How clients that are not in guests of the lab reached it; empty for directly."""
    instead: tuple[Words, ...] = ()
    """Of a configuration that was brought along: what cannot be had in the lab, and what was done instead."""
    remarks: tuple[Words, ...] = ()
    """What else is to be known of such a configuration."""
    role: Words = ""
    """As whom clients came to it: user, outsider, guest, admin; empty where nothing tells them apart."""
    called: Words = ""
    """What people call it, where an id cannot hold that; empty where it is its name."""


class ClientPart(Actor):
    """What a client was in this run."""

    evidence: tuple[EvidencePart, ...]
