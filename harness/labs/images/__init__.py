"""Images that servers and clients run from: which of them are on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from harness.errors import LabFault
from harness.labs.images import own, steps
from harness.labs.images.build import ROOM, build, recipe
from harness.labs.images.storage import ImageStatus as ImageStatus
from harness.labs.images.storage import Progress, Store
from harness.system import process
from harness.system.image import Image
from harness.system.paths import cache_dir


def store(images: Mapping[str, Image]) -> Store[Image]:
    """Where this user has these images; nothing need be there."""
    return Store(cache_dir() / "images", images, build, recipe, ROOM)


def ensure(images: Mapping[str, Image], names: Sequence[str], progress: Progress) -> dict[str, Path]:
    """The root directories of these images; see ``Store.ensure``, and of the user's own ``own.ensure``.

    Those are looked at first: where one is gone, nothing is built in vain.
    """
    mine = own.ensure({name: images[name] for name in names if _is_mine(images, name)}, progress)
    return mine | store(images).ensure([name for name in names if name not in mine], progress)


def _is_mine(images: Mapping[str, Image], name: str) -> bool:
    return name in images and bool(images[name].added)


def status(images: Mapping[str, Image]) -> list[ImageStatus]:
    """These images as they are on this machine."""
    built = store(images)
    mine = own.status({name: one for name, one in images.items() if one.added})
    return [*(built.status(name) for name, one in images.items() if not one.added), *mine]


def drop() -> list[str]:
    """Remove all images that the lab built, also those that nobody knows any more; not the user's own.

    Returns their names. Raises LabFault.
    """
    mine = store({})
    return [name for name in mine.names() if mine.drop(name)]


def sweep() -> list[str]:
    """See ``Store.sweep`` and ``own.sweep``."""
    return store({}).sweep() + own.sweep()


def has(name: str, path: str) -> bool:
    """Whether an image has a file that npm brings; of one that is not built, whether it will have it."""
    found = store({})
    if found.manifest(name) is None:
        return steps.here("npm") is not None
    return (found.root(name) / path.lstrip("/")).is_file()


def version(name: str) -> str:
    """The version of the samba package in an image. Raises LabFault when the image is not built."""
    manifest = store({}).manifest(name)
    if manifest is None:
        raise LabFault(f"the image {name} is not built", "see: rehearse doctor")
    return manifest.samba


def digest(images: Mapping[str, Image], name: str) -> str:
    """A digest of all files of an image, as it was when it was made; "" where it is not here.

    By names, sizes and times, which are looked at before each use (``ensure``).
    """
    manifest = own.manifest(images, name) if _is_mine(images, name) else store(images).manifest(name)
    return manifest.tree if manifest else ""


@cache
def host_samba() -> str | None:
    """The version of this machine's own smbd (``smbd -V``), or None; no image depends on it."""
    smbd = Path("/usr/sbin/smbd")
    if not smbd.exists():
        return None
    result = process.run([smbd, "-V"], timeout=10)
    return result.stdout.strip().removeprefix("Version ") if result.ok else None
