"""Images and boxes are built once, kept, and checked before each use; two runs at once share them.

images/<name>/root/               the root file system, or the box's files
images/<name>/root/packages.txt   its packages and their versions
images/<name>/complete.json       written last; an image without it, or that differs from it, is rebuilt
images/<name>.lock                shared while the image is used, exclusive while it is built
images/.building.<name>.*         being built; stale when nobody holds the lock
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, Protocol, TypeVar

from harness.errors import LabFault
from harness.labs import namespace
from harness.labs.images.manifest import BAD, Manifest, digest, whole_seconds
from harness.labs.roots.debian import SECONDS, Tell
from harness.system import lacks, locks, process, registry
from harness.system.deadline import wait_for


class Recipe(Protocol):
    """How something that is kept in a ``Store`` is made."""

    @property
    def name(self) -> str: ...
    @property
    def suite(self) -> str:
        """The Debian release."""

    @property
    def title(self) -> str: ...
    @property
    def rooms(self) -> int:
        """How many times the store's room its build takes."""


R = TypeVar("R", bound=Recipe)

Builder = Callable[[R, Path, Tell], tuple[str, ...]]
"""Makes a thing in a directory that is not there yet, and answers with its packages as "name version"."""

Progress = Callable[[str, float, str], None]
"""Told an image's name, how much of it is done (0 to 1), and what is being done."""


def needed_room(builds: Iterable[Recipe], room: int) -> int:
    """Bytes that building these needs: the largest peak, and what the others leave, two thirds of theirs."""
    rooms = sorted(build.rooms for build in builds)
    return rooms[-1] * room + sum(rooms[:-1]) * room * 2 // 3 if rooms else 0


State = Literal["present", "missing", "corrupt", "outdated"]

# The locks of the images that this process uses; held until it ends.
_locks: dict[Path, int] = {}


@dataclass(frozen=True, slots=True)
class ImageStatus:
    """How an image is on this machine."""

    name: str
    title: str
    state: State
    version: str
    """The version of its samba package; "" unless present, and for an image without Samba."""
    size: int
    """Bytes; 0 unless present."""
    why: str = ""
    """What is wrong with a corrupt or outdated one."""


def _discard(folder: Path) -> None:
    """Remove it, even where a build that was killed left files of other users of its user namespace."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and os.geteuid() != 0:
        enter = ["unshare", "--user", "--map-root-user", "--map-auto"]
        process.run([*enter, "rm", "-rf", folder], timeout=SECONDS)


def unusable(folder: Path) -> str:
    """Why programs of images that are kept there cannot be run; "" where they can."""
    return lacks.NOEXEC if os.statvfs(folder).f_flag & os.ST_NOEXEC else ""


def _open(lock: Path) -> int:
    """A lock's file. What is kept where nothing can be written is used, too: flock(2) asks for no more."""
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES):
            raise
        return os.open(lock, os.O_RDONLY | os.O_CLOEXEC)


class Store(Generic[R]):
    """A directory of images, or of boxes, and how to build them.

    ``recipe`` makes a digest of everything that decides what is built; ``room``: bytes that one build needs
    at its peak; ``kind`` and ``see``: how the user is told of them.
    """

    def __init__(
        self,
        base: Path,
        images: Mapping[str, R],
        builder: Builder[R],
        recipe: Callable[[R], str],
        room: int,
        *,
        kind: str = "image",
        see: str = "rehearse list images",
        fetches: bool = True,
    ) -> None:
        self.base = base
        self.images = images
        self.builder = builder
        self.recipe = recipe
        self.room = room
        self.kind = kind
        self.see = see
        self.fetches = fetches
        """Its builds need this machine's network, which a lab has not."""

    def root(self, name: str) -> Path:
        """Where the root file system of an image is, or would be."""
        return self.base / name / "root"

    def manifest(self, name: str) -> Manifest | None:
        """What was recorded when the image was built; None when there is none or it cannot be read."""
        try:
            return Manifest.model_validate_json((self.base / name / "complete.json").read_bytes())
        except BAD:
            return None

    def status(self, name: str) -> ImageStatus:
        """Look at one image: every file's size and time are compared, contents are not read."""
        image = registry.lookup(self.kind, name, self.images, self.see)
        manifest = self.manifest(name)
        if not (self.base / name).exists():
            return ImageStatus(name, image.title, "missing", "", 0)
        if manifest is None:
            return ImageStatus(name, image.title, "corrupt", "", 0, "its manifest is missing or unreadable")
        if manifest.recipe != self.recipe(image):
            return ImageStatus(name, image.title, "outdated", "", 0, "it was built by another recipe")
        tree = digest(self.root(name))
        if tree.digest != manifest.tree:
            why = (
                f"{tree.files} files of {tree.size} bytes, but {manifest.files} of {manifest.size} were built"
            )
            if (tree.files, tree.size) == (manifest.files, manifest.size):
                why = "a file was changed after it was built"
            return ImageStatus(name, image.title, "corrupt", "", 0, why)
        return ImageStatus(name, image.title, "present", manifest.samba, manifest.size)

    def ensure(self, names: Sequence[str], progress: Progress) -> dict[str, Path]:
        """The root directories of these images; what is missing, damaged or outdated is built.

        ``progress`` hears the name of an image that is built, how much of it is done (0 to 1) and what is
        being done. The images stay locked against removal until this process ends.
        Two at once: the second waits for the first and takes what it built.
        Raises UsageError for an unknown image, LabFault when one cannot be built.
        """
        wanted = list(dict.fromkeys(names))
        for name in wanted:
            registry.lookup(self.kind, name, self.images, self.see)
        self._make_base()
        if why := unusable(self.base):
            raise LabFault(f"{self.base}: {why}", "set XDG_CACHE_HOME to a directory elsewhere")
        missing = [name for name in wanted if not self._claim(name, progress)]
        for number, name in enumerate(missing):
            left = [self.images[later] for later in missing[number:]]
            self._build(self.images[name], progress, left)
        return {name: self.root(name) for name in wanted}

    def names(self) -> list[str]:
        """All that are there, whoever knows them."""
        return sorted(path.name for path in self.base.glob("[!.]*") if path.is_dir())

    def drop(self, name: str) -> bool:
        """Remove an image. False when there was none. Raises LabFault when a run uses it."""
        if not (self.base / name).exists():
            return False
        if not self._lock(name):
            raise LabFault(f"the {self.kind} {name} is in use by another run", "wait for it to end")
        self._retire(name)
        self._release(name)
        return True

    def sweep(self) -> list[str]:
        """Remove what builds that were killed left behind. Returns the names of what was removed."""
        removed = []
        for left in sorted(self.base.glob(".building.*")):
            name = left.name.split(".")[2]
            held = self.base / f"{name}.lock" in _locks
            if not held and self._lock(name):
                _discard(left)
                self._release(name)
                removed.append(left.name)
        return removed

    def _make_base(self) -> None:
        try:
            self.base.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LabFault(f"cannot make {self.base}: {error.strerror}", "set XDG_CACHE_HOME") from error

    def _claim(self, name: str, progress: Progress) -> bool:
        """Take the image's lock for use; True when the image is good."""
        self._wait(name, progress, "waiting for another run that builds it", shared=True)
        status = self.status(name)
        if status.why:
            progress(name, 0.0, f"{status.why}; it is built again")
        return status.state == "present"

    def _build(self, image: R, progress: Progress, left: Sequence[R]) -> None:
        if self.fetches and namespace.inside():
            raise LabFault(
                f"the {self.kind} {image.name} is missing or damaged",
                "start again: the lab itself has no network",
            )
        self._wait(image.name, progress, "waiting for another run that uses it")
        if self.status(image.name).state != "present":
            self._check_room(left)
            for stale in self.base.glob(f".building.{image.name}.*"):
                _discard(stale)
            self._make(image, lambda text, done: progress(image.name, done, text))
        self._lock(image.name, shared=True)
        progress(image.name, 1.0, "ready")

    def _wait(self, name: str, progress: Progress, text: str, *, shared: bool = False) -> None:
        if not self._lock(name, shared=shared):
            progress(name, 0.0, text)
            wait_for(f"{self.kind} {name}", lambda: self._lock(name, shared=shared), SECONDS)

    def _make(self, image: R, tell: Tell) -> None:
        """Build in a directory beside, then rename: whoever looks sees a whole image or none."""
        work = Path(tempfile.mkdtemp(prefix=f".building.{image.name}.", dir=self.base))
        try:
            work.chmod(0o755)
            packages = self.builder(image, work / "root", tell)
            (work / "root/packages.txt").write_text("".join(f"{line}\n" for line in packages))
            whole_seconds(work / "root")
            tree = digest(work / "root")
            manifest = Manifest(
                suite=image.suite,
                samba=dict(line.split(" ", 1) for line in packages).get("samba", ""),
                recipe=self.recipe(image),
                tree=tree.digest,
                files=tree.files,
                size=tree.size,
            )
            (work / "complete.json").write_text(manifest.model_dump_json(indent=1) + "\n")
            self._retire(image.name)
            work.rename(self.base / image.name)
        except OSError as error:
            raise LabFault(
                f"cannot write the {self.kind} {image.name}: {error.strerror}: {error.filename}"
            ) from error
        finally:
            _discard(work)

    def _retire(self, name: str) -> None:
        if (self.base / name).exists():
            grave = Path(tempfile.mkdtemp(prefix=f".building.{name}.", dir=self.base))
            (self.base / name).rename(grave / "old")
            shutil.rmtree(grave, ignore_errors=True)

    def _check_room(self, builds: Sequence[R]) -> None:
        free = shutil.disk_usage(self.base).free
        needed = needed_room(builds, self.room)
        if free < needed:
            count = f"{len(builds)} {'images need' if self.kind == 'image' else 'boxes need'}"
            raise LabFault(
                f"{free // 2**20} MB are free in {self.base}, but {count} {needed // 2**20} MB",
                "make room, or set XDG_CACHE_HOME to a directory elsewhere",
            )

    def _lock(self, name: str, *, shared: bool = False) -> bool:
        """Take or change this process's lock on an image; False when somebody else has it."""
        path = self.base / f"{name}.lock"
        if path not in _locks:
            try:
                _locks[path] = _open(path)
            except OSError as error:
                raise LabFault(f"cannot write {path}: {error.strerror}", "set XDG_CACHE_HOME") from error
        return locks.take(_locks[path], shared=shared)

    def _release(self, name: str) -> None:
        os.close(_locks.pop(self.base / f"{name}.lock"))
