"""Images that the user adds: they live with the user's data, and nobody but the user makes or removes one.

added/<name>.json    what it is (``servers.added_image``); written last, and removed last
added/<name>/        the image, kept and checked as those that the lab builds (``labs.images.storage``)
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from pydantic import ValidationError

from harness.errors import LabFault, UsageError
from harness.labs import namespace
from harness.labs.images import dpkg
from harness.labs.images.answers import Asked
from harness.labs.images.build import ROOM, build, recipe
from harness.labs.images.manifest import Manifest
from harness.labs.images.settle import settle
from harness.labs.images.storage import ImageStatus, Progress, Store
from harness.labs.roots.debian import SECONDS, Tell
from harness.servers.added_image import AddedImage
from harness.system import environment, files, process, tempdirs
from harness.system.image import Image
from harness.system.paths import added_images_dir

MOST: Final = 8 * 2**30
"""Bytes that a tar archive may take when it is unpacked."""
_SPARE: Final = 512 * 2**20
"""Bytes that are left free on the disk."""
_ASKING_SECONDS: Final = 180.0
AGAIN: Final = "see: rehearse images --help"


class Origin(Protocol):
    """What an image is made of."""

    how: str
    """For people, the same on every machine."""

    def fill(self, root: Path, tell: Tell) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
        """Make the root file system ``root``: its packages, what smbd is of, and remarks for people.

        The package of smbd is "" where only the root file system itself can tell.
        Raises LabFault, UsageError.
        """

    def digest(self) -> str:
        """SHA-256 of what it was made of, once it is made."""


class Tar:
    """A root file system in a tar archive: as ``docker export`` writes it, or a backup."""

    how = "a tar archive"

    def __init__(self, file: Path) -> None:
        """Raises UsageError when it is no file that can be read."""
        self.file = file.absolute()
        try:
            # A pipe may never begin.
            files.check(self.file, "name a tar archive")
            with self.file.open("rb") as data:
                self._digest = hashlib.file_digest(data, "sha256").hexdigest()
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror}", "name a tar archive") from error

    def fill(self, root: Path, tell: Tell) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
        """See ``Origin.fill``."""
        tell("unpacking", 0.1)
        root.mkdir(mode=0o755)
        room = min(MOST, shutil.disk_usage(root).free - _SPARE)
        found = json.loads(_ours("harness.labs.roots.unpack", self.file, root, room))
        if refused := found.get("refused"):
            raise UsageError(f"{self.file.name}: {refused}", AGAIN)
        settle(root)
        namespace.hand_over(root)
        left = found.get("left_out") or {}
        remarks = tuple(f"left out: {count} x {what}" for what, count in sorted(left.items()))
        return dpkg.packages(root), "", remarks

    def digest(self) -> str:
        """Of the archive."""
        return self._digest


class Suite:
    """A suite of an apt archive: the packages are extracted, as of the images that the lab builds."""

    def __init__(self, wanted: Image, how: str) -> None:
        self.wanted = wanted
        self.how = how
        self._packages: tuple[str, ...] = ()

    def fill(self, root: Path, tell: Tell) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
        """See ``Origin.fill``."""
        self._packages = build(self.wanted, root, tell)
        return self._packages, next((one for one in self._packages if one.startswith("samba ")), ""), ()

    def digest(self) -> str:
        """Of what was asked for, and what came."""
        return hashlib.sha256("\0".join((recipe(self.wanted), *self._packages)).encode()).hexdigest()


def add(name: str, origin: Origin, patched: str, progress: Progress) -> AddedImage:
    """Make an image of that name, which no other image has, and describe it: then it is in every catalogue.

    Raises UsageError where it cannot be used, with the reason, LabFault where this machine cannot make it.
    """
    base = _base()
    if (base / f"{name}.json").exists():
        raise UsageError(f"you have an image called {name} already", f"rehearse images remove {name}")
    asked: list[tuple[Asked, tuple[str, ...]]] = []

    def make(_: Image, root: Path, tell: Tell) -> tuple[str, ...]:
        packages, package, remarks = origin.fill(root, tell)
        tell("asking its Samba what it can do, and starting it", 0.7)
        found = _ask(root, package)
        asked.append((found, remarks))
        if not found.package:
            # Whatever the package's database says of it: this smbd is not of that package.
            packages = tuple(line for line in packages if not line.startswith("samba "))
        return packages

    with_name = Image(name, "", security=False, title=f"your image {name}", packages=())
    store = Store(base, {name: with_name}, make, lambda _: origin.digest(), ROOM)
    # What a command that was killed left of it is none: it has no description.
    store.drop(name)
    store.ensure([name], progress)
    (found, remarks), *_ = asked
    described = AddedImage(
        name=name,
        made_of=origin.digest(),
        how=origin.how,
        version=found.version,
        release=found.release,
        package=found.package,
        highest=found.highest,
        laxer=found.laxer,
        patched=patched,
        remarks=(*found.remarks, *remarks),
    )
    part = base / f".{name}.part"
    part.write_text(described.model_dump_json(indent=1) + "\n")
    part.replace(base / f"{name}.json")
    return described


def remove(name: str) -> None:
    """Remove an image that was added. Raises LabFault when a run uses it."""
    base = _base()
    _store(base, {}).drop(name)
    (base / f"{name}.json").unlink(missing_ok=True)


def status(images: Mapping[str, Image]) -> list[ImageStatus]:
    """These images, all of them added ones, as they are on this machine."""
    mine = _store(added_images_dir(), images)
    return [_status(mine, name) for name in images]


def ensure(images: Mapping[str, Image], progress: Progress) -> dict[str, Path]:
    """The root directories of these images, locked against removal until this process ends.

    Raises LabFault for one that is gone, damaged or another one by now: only the user can make it again.
    """
    if not images:
        return {}
    mine = _store(_base(), images)
    for name in images:
        found = _status(mine, name)
        if found.state != "present":
            raise LabFault(
                f"the image {name} of yours {_WHAT[found.state]}", f"{_MEND}; see: rehearse images list"
            )
    return mine.ensure(list(images), progress)


_WHAT: Final = {
    "missing": "is not on this machine, or not any more",
    "corrupt": "is damaged: its files are not those that were added",
    "outdated": "is another one now than the one that was measured with",
}
_MEND: Final = "add it again: rehearse images add"


def manifest(images: Mapping[str, Image], name: str) -> Manifest | None:
    """What was recorded of an added image; None where there is none."""
    return _store(added_images_dir(), images).manifest(name)


def names() -> list[str]:
    """The images that were added, also those of which the description or the files are gone."""
    base = added_images_dir()
    if not base.is_dir():
        return []
    described = {file.stem for file in base.glob("*.json")}
    return sorted(described | {*_store(base, {}).names()})


def sweep() -> list[str]:
    """Remove what commands that were killed left half made; nothing that was ever whole. Their names."""
    base = added_images_dir()
    return _store(base, {}).sweep() if base.is_dir() else []


def _status(mine: Store[Image], name: str) -> ImageStatus:
    found = mine.status(name)
    version = mine.images[name].version if found.state == "present" else ""
    return ImageStatus(found.name, found.title, found.state, version, found.size, found.why)


def _gone(one: Image, _root: Path, _tell: Tell) -> tuple[str, ...]:
    raise LabFault(f"the image {one.name} of yours {_WHAT['missing']}", _MEND)


def _store(base: Path, images: Mapping[str, Image]) -> Store[Image]:
    return Store(base, images, _gone, recipe, 0)


def _base() -> Path:
    """The folder of the added images, which is made here, closed to others. Raises LabFault."""
    base = added_images_dir()
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LabFault(f"cannot make {base}: {error.strerror}", "set XDG_DATA_HOME") from error
    return base


def _ask(root: Path, package: str) -> Asked:
    """Have the Samba asked in a lab of its own. Raises UsageError where it cannot be used, LabFault."""
    lab = [sys.executable, "-m", "harness.labs.namespace", "--"]
    # Removed out here, where no image is mounted in it.
    with tempdirs.folder("image") as folder:
        said = _ours("harness.labs.images.asking", root, folder, package, around=lab)
    try:
        asked = Asked.model_validate_json(said)
    except ValidationError as error:
        raise LabFault("the lab did not answer what the Samba of the image can do") from error
    if asked.refused:
        raise UsageError(f"this Samba cannot be rehearsed here: {asked.refused}", AGAIN)
    return asked


def _ours(module: str, *words: object, around: list[str] | None = None) -> str:
    """What a module of ours prints, run as a process that ends with us. Raises LabFault."""
    argv = [*(around or []), sys.executable, "-m", module, *map(str, words)]
    env = {**environment.ours(), **environment.tools()}
    limit = _ASKING_SECONDS if around else SECONDS
    result = process.run(process.ends_with_us(argv), timeout=limit, env=env)
    if result.status == LabFault.exit_status and result.stderr.strip():
        raise LabFault(f"the image cannot be made: {result.stderr.strip().splitlines()[-1]}")
    return result.check(f"the image cannot be made: {module}").stdout
