"""An image with smbtorture(1), for tests alone: its package would start winbind if it were installed.

``python tests/exposures/torture_image.py`` builds it outside the lab, for inside there is no network.
"""

from __future__ import annotations

import sys
from pathlib import Path

from harness.errors import RehearsalError
from harness.labs import namespace
from harness.labs.images.build import ROOM, build, recipe
from harness.labs.images.storage import Store
from harness.system.image import Image
from harness.system.paths import cache_dir

IMAGE = Image(
    "smbtorture", "bookworm", True, "smbtorture of Samba 4.17, for tests", ("base-files", "samba-testsuite")
)


def store() -> Store[Image]:
    """Beside the images of the lab."""
    return Store(cache_dir() / "images", {IMAGE.name: IMAGE}, build, recipe, ROOM)


def root() -> Path | None:
    """Its root file system; None when it is not built."""
    built = store()
    return built.root(IMAGE.name) if built.status(IMAGE.name).state == "present" else None


def command(at: Path, words: list[str]) -> list[str]:
    """The command line of smbtorture in the mounted image; all that it writes goes to the image's /tmp."""
    places = [f"--option={name} directory=/tmp" for name in ("lock", "state", "cache", "pid")]
    argv = ["smbtorture", "--basedir=/tmp", "-s", "/dev/null", "--option=private dir=/tmp", *places]
    return namespace.in_image(at, [*argv, *words])


def main() -> int:
    """Build it unless it is there."""
    try:
        store().ensure((IMAGE.name,), _tell)
    except RehearsalError as error:
        # The test that needs it is skipped, and says so.
        sys.stderr.write(f"{error}\n")
    return 0


def _tell(name: str, done: float, text: str) -> None:
    sys.stderr.write(f"image {name}: {done:4.0%} {text}\n")


if __name__ == "__main__":
    sys.exit(main())
