"""Vagrant boxes that are made here from Debian packages, and kept like the images of the local lab."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import LabFault
from harness.labs.boxes.build import CATALOGUE, build_box
from harness.labs.boxes.build import vagrant_name as vagrant_name
from harness.labs.boxes.recipe import BOXES as BOXES
from harness.labs.boxes.recipe import Box
from harness.labs.images.storage import ImageStatus, Progress, Store
from harness.labs.roots.debian import Tell
from harness.system.paths import cache_dir

ROOM = 1500 * 1024 * 1024
"""Bytes that the build of a box needs at its peak (measured 1.3 GB: the tree, its disk, and the box)."""


@dataclass(frozen=True, slots=True)
class BuiltBox:
    """A box that is there."""

    name: str
    """As Vagrant calls it: smb-rehearsal/bookworm."""
    version: str
    """Grows with every build, so that Vagrant tells an older build from this one."""
    catalogue: Path
    """For ``vagrant box add``, and for a Vagrantfile's ``vm.box_url``."""
    file: Path
    sha256: str

    @contextmanager
    def opened(self) -> Iterator[tarfile.TarFile]:
        """Its files, to be unpacked nowhere but below the folder that is named."""
        with tarfile.open(self.file) as archive:
            # Python has these filters from 3.11.4 on; Debian 12 has 3.11.2.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            yield archive


def folder() -> Path:
    """Where this user's boxes are; it need not exist."""
    return cache_dir() / "boxes"


def store() -> Store[Box]:
    """This user's boxes."""
    base = folder()

    def make(box: Box, root: Path, tell: Tell) -> tuple[str, ...]:
        return build_box(box, root, tell, base / box.name / "root")

    return Store(base, BOXES, make, Box.recipe, ROOM, kind="box", see="rehearse boxes list")


def ensure(names: Sequence[str], progress: Progress) -> dict[str, BuiltBox]:
    """These boxes; what is missing, damaged or outdated is built. See ``Store.ensure``.

    Raises UsageError for an unknown box, LabFault when one cannot be built.
    """
    return {name: _read(root) for name, root in store().ensure(names, progress).items()}


def status() -> list[ImageStatus]:
    """All boxes as they are on this machine."""
    mine = store()
    return [mine.status(name) for name in BOXES]


def find(name: str) -> BuiltBox | None:
    """A box of ours, or None when it is not built, or not by today's recipe. Raises UsageError."""
    mine = store()
    return _read(mine.root(name)) if mine.status(name).state == "present" else None


def verify(name: str) -> BuiltBox:
    """Read the whole box and compare it with what was recorded when it was built (about 0.5 s).

    Raises UsageError for an unknown box, LabFault when it is missing or differs.
    """
    mine = store()
    found = mine.status(name)
    if found.state != "present":
        why = f": {found.why}" if found.why else ""
        raise LabFault(f"the box {name} is {found.state}{why}", f"rehearse boxes build {name}")
    box = _read(mine.root(name))
    with box.file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    if sha256 != box.sha256:
        raise LabFault(
            f"the box {name} is not what was built: its SHA-256 is {sha256}, not {box.sha256}",
            f"rehearse boxes build --again {name}",
        )
    return box


def _read(root: Path) -> BuiltBox:
    data = json.loads((root / CATALOGUE).read_text())
    (version,) = data["versions"]
    (provider,) = version["providers"]
    recipe = data["name"].partition("/")[2]
    return BuiltBox(
        data["name"], version["version"], root / CATALOGUE, root / f"{recipe}.box", provider["checksum"]
    )
