"""What verbs do with ``--connect URI``: another libvirt for the virtual machines.

What connects is loaded where it is used alone: it would cost a run in the local lab memory.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.catalogue import Catalogue
from harness.errors import LabFault, UsageError
from harness.labs import guests
from harness.labs.finding import DoctorFinding, optional
from harness.labs.vagrant import uri
from harness.model import Tier
from harness.planning import reach
from harness.planning.plan import Plan
from harness.system.plain import say

if TYPE_CHECKING:
    from harness.labs.vagrant.remote_lab import Link


def wanted(options: argparse.Namespace) -> uri.LibvirtUri | None:
    """The libvirt that the options or the environment name; None for the lab's own. Raises UsageError."""
    return uri.wanted(getattr(options, "connect", None))


@contextmanager
def for_run(options: argparse.Namespace, made: Plan) -> Iterator[Link | None]:
    """Where the machines of a plan live while the context lasts; None for here. Raises LabFault."""
    given = _of(options, made)
    if given is None:
        yield None
        return
    from harness.labs.vagrant.remote_lab import opened

    def cleaned(what: str) -> None:
        say(f"cleaned: {what}")

    with opened(given, guests.load(), cleaned) as there:
        yield there.link


def within_reach(options: argparse.Namespace, catalogue: Catalogue, made: Plan) -> Plan:
    """``reach.within_reach`` for the libvirt that the options name. Raises UsageError."""
    given = _of(options, made)
    tunnel = given is not None and given.over_ssh
    return reach.within_reach(catalogue, made, tunnel=tunnel, remote=given is not None)


def _of(options: argparse.Namespace, made: Plan) -> uri.LibvirtUri | None:
    if made.lab is Tier.VAGRANT:
        return wanted(options)
    if getattr(options, "connect", None) is not None:
        raise UsageError("--connect is for virtual machines", "add: --lab vagrant")
    return None


def clean(options: argparse.Namespace) -> list[str]:
    """Remove what killed runs left in the libvirt that is named, and say where else something is left."""
    from harness.labs.vagrant.ownership import left
    from harness.labs.vagrant.remote_lab import connected, sweep

    given = wanted(options)
    removed = []
    if given is not None:
        with connected(given) as (libvirt, _):
            removed = sweep(given, libvirt)
    for other in left():
        say(f"left at another libvirt: rehearse clean --connect '{other}'")
    return removed


def findings(options: argparse.Namespace) -> list[DoctorFinding]:
    """What ``rehearse doctor`` says about the libvirt that is named; nothing where none is."""
    from harness.labs.vagrant.ownership import left
    from harness.labs.vagrant.remote_lab import connected, offer

    given = wanted(options)
    gives = "the room that killed runs still take there"
    rest = [
        optional("left at another libvirt", other, gives, f"rehearse clean --connect '{other}'")
        for other in left()
    ]
    if given is None:
        return rest
    name = f"libvirt of {given.where}"
    try:
        with connected(given) as (libvirt, _):
            said = offer(libvirt.kvm())
            detail = f"{libvirt.version()}, {libvirt.free_memory()} MB free; {said}"
    except LabFault as fault:
        return [DoctorFinding(name, False, fault.message, fault.hint), *rest]
    return [DoctorFinding(name, True, detail), *rest]
