"""Removing what a killed run left behind, and images and boxes when the user asks for it.

A lab's processes need no cleaning: the kernel ends them with the run (see ``harness.labs.namespace``). What
makes boxes and domains is loaded where they are removed: every list of runs asks here which of them live.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from harness.errors import LabFault, UsageError
from harness.system import locks, tempdirs
from harness.system.paths import machines_dir, runs_dir


def sweep(runs: Path | None = None) -> list[str]:
    """Remove half-built images, domains and boxes, temporary folders, and what labs that are dead have left.

    ``runs`` is the directory of the run folders, by default ``runs_dir()``. Returns what was removed.
    Raises LabFault when something cannot be removed.
    """
    from harness.labs import boxes, images
    from harness.labs.domain import template

    removed = [f"half-built image {name}" for name in images.sweep()]
    removed += [f"half-made domain {name}" for name in template.sweep()]
    removed += [f"half-built box {name}" for name in boxes.store().sweep()]
    removed += [f"temporary folder {name}" for name in tempdirs.sweep()]
    for left in leftovers(runs or runs_dir()):
        try:
            shutil.rmtree(left)
        except OSError as error:
            raise LabFault(f"cannot remove {left}: {error.strerror}", "remove it as its owner") from error
        removed.append(f"lab of the interrupted run {left.parent.name}")
    # The lab of persistent machines removes them itself, unless it was killed (labs.vagrant.persistent).
    disks = machines_dir() / "libvirt"
    if disks.is_dir() and not is_alive(disks.parent):
        shutil.rmtree(disks, ignore_errors=True)
        removed.append("disks of machines whose lab was killed")
    return removed


def leftovers(runs: Path) -> list[Path]:
    """The lab directories of runs that nobody works on: a command removes that of its own run itself."""
    return [lab for lab in sorted(runs.glob("*/lab")) if lab.is_dir() and not is_attended(lab.parent)]


def clear(run: Path) -> None:
    """Remove the lab directory of one run folder. Raises UsageError when the run is alive: it needs it."""
    if is_alive(run):
        raise UsageError(f"{run.name} is being run by another process", "wait for it, or end it")
    shutil.rmtree(run / "lab", ignore_errors=True)


def is_alive(run: Path) -> bool:
    """True while somebody holds the run's lock."""
    return _held(run / "lock")


def is_attended(run: Path) -> bool:
    """True while a command works on the run, also before and after it measures (``journal.attended``)."""
    return is_alive(run) or _held(run / "attended")


def _held(lock: Path) -> bool:
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not locks.take(handle, shared=True)
    finally:
        os.close(handle)


def drop_images() -> list[str]:
    """Remove all images, and the domain's template; the next run builds them again. Returns what was removed.

    Raises LabFault when a run uses one.
    """
    from harness.labs import images
    from harness.labs.domain import template

    return [f"domain {name}" for name in template.drop()] + [f"image {name}" for name in images.drop()]


def drop_boxes() -> list[str]:
    """Remove the boxes that were built here, and what Vagrant keeps of them; those of others stay.

    Returns what was removed. Raises LabFault when a run uses one.
    """
    from harness.labs import boxes
    from harness.labs.boxes import fetch

    mine = boxes.store()
    removed = []
    for name in boxes.BOXES:
        copies = fetch.folder_of(boxes.vagrant_name(name), fetch.vagrant_home())
        if mine.drop(name) or copies.exists():
            shutil.rmtree(copies, ignore_errors=True)
            removed.append(f"box {name}")
    return removed
