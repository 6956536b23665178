"""Images that servers and clients run from: a root file system for each Samba release, one of clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from harness.errors import LabFault
from harness.labs.images import helpers
from harness.labs.images.build import MODULES, PACKAGES, ROOM, build
from harness.labs.images.build import Image as Image
from harness.labs.images.storage import ImageStatus as ImageStatus
from harness.labs.images.storage import Progress, Store
from harness.system import process
from harness.system.paths import cache_dir

CLIENTS = Image(
    "clients",
    "trixie",
    True,
    "Client programs of Debian 13: Java with jcifs, Node.js, rclone, libsmb2, Python",
    (
        "base-files",
        "python3",
        "python3-smbc",
        "default-jre-headless",
        "libjcifs-java",
        "rclone",
        "nodejs",
        "libsmb2-6",
        "util-linux",
    ),
    helpers=True,
    rooms=2,
)

_WITH_MODULES = (*PACKAGES, MODULES)

IMAGES: Mapping[str, Image] = {
    image.name: image
    for image in (
        Image("bullseye", "bullseye", False, "Samba 4.13, Debian 11 as released", _WITH_MODULES),
        Image(
            "bullseye-security",
            "bullseye",
            True,
            "Samba 4.13, Debian 11 with its security updates",
            _WITH_MODULES,
        ),
        Image("bookworm", "bookworm", True, "Samba 4.17, Debian 12", _WITH_MODULES),
        Image("trixie", "trixie", True, "Samba 4.22, Debian 13"),
        Image("forky", "forky", True, "Samba 4.25, Debian 14 in the making"),
        CLIENTS,
    )
}


def store() -> Store[Image]:
    """This user's images. Raises LabFault when the cache directory cannot be used."""
    return Store(cache_dir() / "images", IMAGES, build, ROOM)


def ensure(names: Sequence[str], progress: Progress) -> dict[str, Path]:
    """See ``Store.ensure``."""
    return store().ensure(names, progress)


def status() -> list[ImageStatus]:
    """All images as they are on this machine."""
    mine = store()
    return [mine.status(name) for name in IMAGES]


def has(name: str, path: str) -> bool:
    """Whether an image has a file that npm brings; of one that is not built, whether it will have it."""
    found = store()
    if found.manifest(name) is None:
        return helpers.npm() is not None
    return (found.root(name) / path.lstrip("/")).is_file()


def version(name: str) -> str:
    """The version of the samba package in an image. Raises LabFault when the image is not built."""
    manifest = store().manifest(name)
    if manifest is None:
        raise LabFault(f"the image {name} is not built", "see: rehearse doctor")
    return manifest.samba


@cache
def host_samba() -> str | None:
    """The version of this machine's own smbd (``smbd -V``), or None; no image depends on it."""
    smbd = Path("/usr/sbin/smbd")
    if not smbd.exists():
        return None
    result = process.run([smbd, "-V"], timeout=10)
    return result.stdout.strip().removeprefix("Version ") if result.ok else None
