"""The initial ram disk of a box: busybox, the drivers of a virtual disk and network card, and ``init``.

Small on purpose: under software emulation the initramfs that a distribution makes costs seconds a boot.
"""

from __future__ import annotations

import lzma
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.errors import LabFault
from harness.system import process, resources

INIT = resources.path("labs", "boxes", "init")
"""What it does in a box."""
PROBE = resources.path("labs", "boxes", "probe")
"""What it does in the guest that shows whether guests run (``acceleration``)."""
DRIVERS = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "ext4", "button", "evdev")
"""What a box needs before systemd starts; one that the kernel has built in, or does not know, is left out."""
_SECONDS = 120.0


def in_order(dependencies: str, drivers: Iterable[str]) -> list[str]:
    """The module files that ``drivers`` need, each behind those that it needs itself.

    ``dependencies``: the text of modules.dep(5). Paths are as they stand there.
    """
    needs: dict[str, list[str]] = {}
    where: dict[str, str] = {}
    for line in dependencies.splitlines():
        file, colon, rest = line.partition(":")
        if colon:
            needs[file] = rest.split()
            where[_name(file)] = file
    found: list[str] = []

    def add(file: str) -> None:
        if file in found:
            return
        # modules.dep lists all that a module needs, the deepest last.
        for need in reversed(needs.get(file, [])):
            if need not in found:
                found.append(need)
        found.append(file)

    for driver in drivers:
        if driver in where:
            add(where[driver])
    return found


def _name(file: str) -> str:
    return re.sub(r"\.ko(\.\w+)?$", "", file.rpartition("/")[2]).replace("-", "_")


def make(
    work: Path,
    target: Path,
    busybox: Path,
    *,
    init: Path,
    modules: Path | None = None,
    drivers: Sequence[str] = (),
) -> None:
    """Write the ram disk ``target``; ``init`` is its first program. ``work`` is a directory not yet made.

    ``busybox``: one that needs no libraries. ``modules``: the directory of one kernel (/lib/modules/VERSION)
    that ``drivers`` are taken from. Raises LabFault when cpio is missing or a module cannot be unpacked.
    """
    for name in ("bin", "dev", "mnt", "modules", "proc", "sys"):
        (work / name).mkdir(parents=True)
    shutil.copy(busybox, work / "bin/busybox")
    shutil.copy(init, work / "init")
    (work / "init").chmod(0o755)
    order: list[str] = []
    if modules is not None:
        for file in in_order((modules / "modules.dep").read_text(), drivers):
            order.append(f"{_name(file)}.ko")
            (work / "modules" / order[-1]).write_bytes(_unpacked(modules / file))
    (work / "modules/order").write_text("".join(f"{name}\n" for name in order))
    names = [".", *sorted(str(path.relative_to(work)) for path in work.rglob("*"))]
    process.run(
        ["cpio", "--quiet", "--create", "--format=newc", "--owner=0:0", "--file", target.absolute()],
        timeout=_SECONDS,
        stdin="".join(f"{name}\n" for name in names),
        cwd=work,
    ).check("the initial ram disk", "apt-get install cpio")


def _unpacked(module: Path) -> bytes:
    """A kernel module without its compression: busybox's insmod knows none."""
    data = module.read_bytes()
    if module.suffix == ".xz":
        return lzma.decompress(data)
    if module.suffix != ".ko":
        raise LabFault(f"{module.name} is packed in a way that is not known here")
    return data
