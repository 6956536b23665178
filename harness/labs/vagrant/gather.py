"""What a lab of virtual machines needs before it starts, outside of its namespace: boxes and acceleration."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.errors import LabFault
from harness.labs import boxes, guests
from harness.labs.boxes import acceleration, fetch, plugin
from harness.labs.guests import BuiltBox, Guest
from harness.labs.images.storage import Progress
from harness.labs.vagrant import libvirt
from harness.labs.vagrant.driver import Driver
from harness.labs.vagrant.remote_lab import Link

DISK = 300
"""MB that a guest's disk takes beside its snapshot: 60 are written until it is up, and 170 are a copy of its
box, where that is on another file system (measured, Debian 12)."""


class Means(BaseModel):
    """What a lab of virtual machines is made with; handed over to the process inside the namespace."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    boxes: Path
    """Vagrant's own folder (VAGRANT_HOME), with the boxes in it."""
    accelerated: bool
    """False: software emulation."""
    memory: int
    """MB that all running guests may take together."""
    clients: tuple[str, ...] = ()
    """The guests whose clients are wanted."""
    link: Link | None = None
    """The remote libvirt that the machines live in; None for one of the lab's own."""


def gather(
    names: Sequence[str],
    clients: Sequence[str],
    memory: int | None,
    progress: Progress,
    note: Callable[[str], None],
    *,
    folder: Path,
    own: bool = True,
    link: Link | None = None,
) -> Means:
    """Build and add the boxes of these guests, find out about acceleration, and settle the budget.

    ``memory``: MB for all guests together; None for half of what is free. ``folder``: where their disks are
    going to be. ``own``: the lab brings its own libvirt, which only root can start. ``link``: they live in
    a remote libvirt, which has been asked already.
    Raises LabFault: a program or plugin is missing, a box is missing, damaged or cannot be built, no room.
    """
    if link is None and own and os.geteuid() != 0:
        raise LabFault("the vagrant lab makes bridges and mounts: it needs root", "use sudo, or --lab local")
    missing = libvirt.lacking() if own and link is None else ""
    if missing:
        raise LabFault(f"{missing} is not installed", "see: rehearse doctor")
    catalogue = guests.load()
    home = fetch.made_vagrant_home()
    driver = Driver({}, home=home, state=home / "no-machines")
    if not plugin.registered():
        driver.check_provider()
    wanted = [guests.find(name, catalogue) for name in dict.fromkeys((*names, *clients))]
    recipes = [guest.box.recipe for guest in wanted if isinstance(guest.box, BuiltBox)]
    for box in boxes.ensure(list(dict.fromkeys(recipes)), progress).values():
        if box.version not in fetch.installed(box.name, home):
            progress(box.name.rpartition("/")[2], 1.0, "adding it to Vagrant")
            _add(box, driver, home)
    for guest in wanted:
        absent = fetch.absent(guest, home)
        if absent is not None:
            raise absent
    budget = memory or (link.memory if link else half_of_the_free())
    if link is not None:
        kvm = link.accelerated
        note(f"virtual machines at {link.where}: {'KVM' if kvm else 'emulated, slow'} ({link.acceleration})")
    else:
        _check_room(wanted, budget, folder)
        found = acceleration.find()
        kvm = found.kvm
        if not kvm:
            note(f"virtual machines will be slow here: {found.why}")
    return Means(boxes=home, accelerated=kvm, memory=budget, clients=tuple(clients), link=link)


def _check_room(wanted: Sequence[Guest], budget: int, folder: Path) -> None:
    """Raises LabFault when the disks and snapshots of these guests may not fit into a folder.

    A snapshot has a guest's memory in it. The guests that run at once fit into ``budget`` MB.
    """
    needed = min(sum(guest.memory for guest in wanted), budget) + DISK * len(wanted)
    free = shutil.disk_usage(folder).free >> 20
    if free < needed:
        raise LabFault(
            f"{free} MB are free in {folder}, and the disks of {len(wanted)} guests may need {needed} MB",
            "make room there, or choose another folder: --runs, or XDG_STATE_HOME",
        )


def _add(box: boxes.BuiltBox, driver: Driver, home: Path) -> None:
    """Give a box that was built here to Vagrant. Raises LabFault."""
    try:
        driver.add_box(box.catalogue)
    except LabFault:
        # Vagrant refuses to add what another run has added meanwhile.
        if box.version not in fetch.installed(box.name, home):
            raise


def half_of_the_free() -> int:
    """MB: half of the memory that programs could have now (proc(5), MemAvailable)."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 2048
    raise LabFault("this kernel does not say how much memory is free", "give it with --memory")
