"""How the root file system of an image is made: Debian packages, extracted but not installed.

No maintainer script runs and nothing is mounted, so that an ordinary user can build one; a build takes
about 7 s and 340 MB at its peak, of which 150 to 260 MB stay (measured, two cores, mmdebstrap 1.3). The
image of client programs takes 30 s and 770 MB, of which 500 MB stay.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from urllib.parse import unquote

from harness.labs.images import steps
from harness.labs.images.settle import settle
from harness.labs.roots import debian
from harness.labs.roots.debian import MIRROR, Tell
from harness.system.image import Image

ROOM = 400 * 1024 * 1024
"""Bytes that the build of a Samba image needs at its peak (measured 340 MB: bullseye and its archives)."""

_RECIPE = 1
"""Raise it whenever ``build`` makes something else: every image is then built again."""

_STAGES = (
    ("running apt-get update", "reading the package lists", 0.02),
    ("downloading packages", "downloading packages", 0.25),
    ("extracting archives", "unpacking", 0.60),
    ("success", "tidying", 0.95),
)
# What a running system needs, or what tells of the machine that built the image.
_DROP = (
    "etc/resolv.conf",
    "etc/hostname",
    "var/cache/apt",
    "var/lib/apt",
    "usr/share/man",
    "usr/share/locale",
)
_KEEP_DOCS = ("changelog.Debian.gz", "copyright")


def recipe(image: Image) -> str:
    """A digest of everything that decides what is built; of one that the user added, what it was made of."""
    if image.added:
        return image.added
    parts = [str(_RECIPE), image.suite, str(image.security), *image.packages, os.environ.get(MIRROR, "")]
    parts += image.archive
    if image.steps:
        parts.append(steps.recipe(image.steps))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def build(image: Image, root: Path, tell: Tell) -> tuple[str, ...]:
    """Build ``image`` in the directory ``root`` (made here); its packages as "name version".

    Raises LabFault: no mmdebstrap, no keyring, no network, no space.
    """
    named = f"the archive that the image names: {'; '.join(image.archive)}"
    come_from = named if image.archive else debian.MIRRORS
    debian.mmdebstrap(f"the image {image.name}", command(image, root), _STAGES, tell, come_from)
    packages = _packages(root)
    _finish(root)
    if image.steps:
        tell("adding helper programs", 0.97)
        steps.add(root, image.steps)
    return packages


def command(image: Image, root: Path) -> list[str]:
    """The mmdebstrap(1) command line. Without an archive it knows Debian's own mirrors."""
    words = [
        "mmdebstrap",
        "--mode=chrootless",
        "--variant=extract",
        *debian.OPTIONS,
        # The archives' names are read for the list of packages; _finish removes them. And from 1.5 on
        # mmdebstrap refuses this mode to root, for maintainer scripts would run: of extracted ones none does.
        "--skip=cleanup/apt,check/chrootless",
        f"--include={','.join(image.packages)}",
    ]
    if image.archive:
        return [*words, image.suite, str(root), *image.archive]
    if not image.security:
        words.append(debian.AS_RELEASED)
    return [*words, image.suite, str(root), *debian.sources(image.suite, security=image.security)]


def _packages(root: Path) -> tuple[str, ...]:
    """The packages by their archives: name_version_architecture.deb, with ':' as %3a."""
    archives = sorted(path.stem for path in (root / "var/cache/apt/archives").glob("*.deb"))
    return tuple(" ".join(unquote(name).split("_")[:2]) for name in archives)


def _finish(root: Path) -> None:
    """Make the extracted packages a root file system that servers run in, without what they never read."""
    for name in _DROP:
        _remove(root / name)
    for folder in (root / "usr/share/doc").iterdir():
        if folder.name != "samba":
            _remove(folder)
    for document in (root / "usr/share/doc/samba").glob("*"):
        if document.name not in _KEEP_DOCS:
            _remove(document)
    settle(root)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
