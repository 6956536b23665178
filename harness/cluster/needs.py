"""What a group of cells needs of a worker, and what a worker has: resources of Dask, by name and amount.

Dask gives a group only to a worker that has all that it needs, and takes it off what the worker has while the
group is measured. Since every group needs the one ``lab`` of a worker, a worker measures one group at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from harness.catalogue import Catalogue
from harness.cluster.identity import Identity
from harness.errors import LabFault, RehearsalError
from harness.labs import guests, images
from harness.labs.boxes import fetch
from harness.labs.finding import DoctorFinding
from harness.model import Tier
from harness.planning.plan import Plan
from harness.servers.base import HOST

# No group needs the last three today: they tell which worker will have virtual machines.
LAB, MEMORY, NAMESPACES, KVM, VAGRANT, WINDOWS = "lab", "memory", "namespaces", "kvm", "vagrant", "windows"
IMAGE = "image "
"""Before the name of an image that is built there."""
_FILES = "files "
"""Before the digest of its smb-rehearsal: no group goes to another one."""
OF_A_LAB = 300
"""MB that a lab with one server takes, its clients included: the whole article, two at a time, took 176."""


def of_group(catalogue: Catalogue, plan: Plan, identity: Identity) -> dict[str, float]:
    """What a group needs. Raises LabFault for one that no worker measures."""
    if plan.lab is not Tier.LOCAL:
        raise LabFault(f"a cluster measures in local labs, and this plan is for the lab {plan.lab}")
    needed = {LAB: 1.0, NAMESPACES: 1.0, MEMORY: float(OF_A_LAB), f"{_FILES}{identity.data}": 1.0}
    return needed | {f"{IMAGE}{name}": 1.0 for name in plan.images(catalogue)}


def check(findings: Iterable[DoctorFinding]) -> None:
    """Raises LabFault, in one line, where the doctor found what keeps this machine from rehearsing."""
    for one in findings:
        if not one.ok:
            raise LabFault(f"this machine cannot rehearse: {one.name}: {one.detail}", one.mend)


def of_machine(
    catalogue: Catalogue, findings: Iterable[DoctorFinding], memory: int, identity: Identity
) -> dict[str, float]:
    """What this machine has, by what the doctor found; ``memory`` in MB. Raises LabFault without an image."""
    works = {one.name for one in findings if one.ok and not one.gives and not one.note}
    built = [one.name for one in images.status(catalogue.images) if one.state == "present"]
    if not built:
        raise LabFault(
            "no image is built on this machine, so it could measure nothing",
            "rehearse worker ADDRESS --build trixie --build clients, or --build all",
        )
    there = [LAB, f"{_FILES}{identity.data}", *(f"{IMAGE}{name}" for name in built)]
    there += [NAMESPACES] if "private lab" in works else []
    there += [f"{IMAGE}{HOST}"] if images.host_samba() else []
    there += [KVM] if "vagrant lab: acceleration" in works else []
    there += [VAGRANT] if {"vagrant lab: programs", "vagrant lab: providers"} <= works else []
    there += [WINDOWS] if _has_windows() else []
    return {MEMORY: float(memory), **dict.fromkeys(there, 1.0)}


def _has_windows() -> bool:
    """The disk of a guest with Windows is here."""
    with suppress(RehearsalError):
        known = guests.load()
        home = fetch.vagrant_home()
        return any(fetch.installed(known[name].box.name, home) for name in guests.windows(known))
    return False


def lacking(needed: Mapping[str, float], there: Mapping[str, float]) -> list[str]:
    """What a worker has not enough of, in words."""
    return [_words(name, amount, there) for name, amount in needed.items() if there.get(name, 0.0) < amount]


def _words(name: str, amount: float, there: Mapping[str, float]) -> str:
    if name == MEMORY:
        return f"{amount:.0f} MB of memory (it has {there.get(name, 0.0):.0f})"
    return "the same smb-rehearsal" if name.startswith(_FILES) else name
