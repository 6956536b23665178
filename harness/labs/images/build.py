"""How the root file system of an image is made: Debian packages, extracted but not installed.

No maintainer script runs and nothing is mounted, so that an ordinary user can build one; a build takes
about 7 s and 340 MB at its peak, of which 150 to 260 MB stay (measured, two cores, mmdebstrap 1.3). The
image of client programs takes 30 s and 770 MB, of which 500 MB stay.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from harness import process
from harness.errors import LabFault
from harness.labs.images import helpers
from harness.labs.rootfs import DEVICES, FILES

PACKAGES = ("samba", "smbclient", "curl", "base-files")
"""What an image of a Samba release is made of. base-files has the links of a merged /usr."""
MIRROR = "SMB_REHEARSAL_MIRROR"
"""Environment variable: another mirror of the Debian archive; its security archive has "-security" added."""

KEYRINGS = tuple(Path("/usr/share/keyrings") / f"debian-archive-keyring.{kind}" for kind in ("gpg", "pgp"))
SECONDS = 1800.0
"""The most that one build may take, for slow lines."""

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
_MOUNTPOINTS = ("mnt", "dev", "proc", "tmp", "run")
_KEEP_DOCS = ("changelog.Debian.gz", "copyright")


@dataclass(frozen=True, slots=True)
class Image:
    """The root file system of one Samba release, or of client programs."""

    name: str
    suite: str
    security: bool
    """With the suite's security and update archives; without them it is the release as it first came."""
    title: str
    packages: tuple[str, ...] = PACKAGES
    helpers: bool = False
    """With what clients need beside packages (``helpers``)."""
    rooms: int = 1
    """How many times the room of a Samba image its build takes (``storage.ROOM``)."""

    def recipe(self) -> str:
        """A digest of everything that decides what is built."""
        parts = [str(_RECIPE), self.suite, str(self.security), *self.packages, os.environ.get(MIRROR, "")]
        if self.helpers:
            parts.append(helpers.recipe())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


Tell = Callable[[str, float], None]
"""Told what is being done, and how much of it is done (0 to 1)."""

Builder = Callable[[Image, Path, Tell], tuple[str, ...]]
"""Makes an image's root file system in a directory, and answers with its packages as "name version"."""


def build(image: Image, root: Path, tell: Tell) -> tuple[str, ...]:
    """Build ``image`` in the directory ``root`` (made here). The ``Builder`` of real images.

    Raises LabFault: no mmdebstrap, no keyring, no network, no space.
    """
    missing = lacking()
    if missing:
        raise LabFault(f"cannot build the image {image.name}: {missing[0]} is not installed", missing[1])

    def heard(line: str) -> None:
        for sign, text, done in _STAGES:
            if line.startswith(f"I: {sign}"):
                tell(text, done)

    result = process.run_streaming(command(image, root), timeout=SECONDS, heard=heard)
    if not result.ok:
        raise LabFault(
            f"cannot build the image {image.name}: {_complaint(result)}",
            f"the packages come from the Debian mirrors: check the network, or set {MIRROR}",
        )
    packages = _packages(root)
    _finish(root)
    if image.helpers:
        tell("adding helper programs", 0.97)
        helpers.add(root)
    return packages


def command(image: Image, root: Path) -> list[str]:
    """The mmdebstrap(1) command line. Without a mirror argument it knows Debian's own mirrors."""
    words = [
        "mmdebstrap",
        "--mode=chrootless",
        "--variant=extract",
        '--aptopt=APT::Install-Recommends "false"',
        # The Release files of a testing suite expire on a mirror that lags; signatures are still checked.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        # The archives' names are read for the list of packages; _finish removes them. And from 1.5 on
        # mmdebstrap refuses this mode to root, for maintainer scripts would run: of extracted ones none does.
        "--skip=cleanup/apt,check/chrootless",
        f"--include={','.join(image.packages)}",
    ]
    if not image.security:
        words.append('--setup-hook=sed -i -e /-security/d -e /-updates/d "$1/etc/apt/sources.list"')
    words += [image.suite, str(root)]
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    if mirror:
        words.append(f"deb {mirror} {image.suite} main")
        if image.security:
            words.append(f"deb {mirror}-security {image.suite}-security main")
    return words


def lacking() -> tuple[str, str] | None:
    """What is not installed but needed to build images, and the command that installs it."""
    for program in ("mmdebstrap", "setpriv"):
        if shutil.which(program) is None:
            package = "util-linux" if program == "setpriv" else program
            return program, f"apt-get install {package}"
    if not any(keyring.exists() for keyring in KEYRINGS):
        return "Debian's archive keyring", "apt-get install debian-archive-keyring"
    return None


def _complaint(result: process.Result) -> str:
    """The line of mmdebstrap's output that says why: the first error, for the later ones follow from it."""
    if result.status is None:
        return f"not done within {SECONDS:g} s"
    lines = [line.strip() for line in result.stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("E: ") for line in lines if line.startswith("E: ")]
    return (errors or lines[-1:] or [f"mmdebstrap ended with status {result.status}"])[0]


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
    for name in _MOUNTPOINTS:
        (root / name).mkdir(exist_ok=True)
    for device in DEVICES:
        target = root / "dev" / device
        target.unlink(missing_ok=True)
        target.touch()
    for name, text in FILES.items():
        (root / name).write_text(text)
    # Reachable for the servers' user, whatever the umask of the caller.
    root.chmod(0o755)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
