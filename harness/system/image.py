"""What an image is made of: the root file system of a Samba release, or of client programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PACKAGES: Final = ("samba", "smbclient", "curl", "base-files")
"""What an image of a Samba release is made of. base-files has the links of a merged /usr."""
WITH_MODULES: Final = (*PACKAGES, "samba-vfs-modules")
"""With the VFS modules that shares ask for (fruit, recycle ...); from Debian 13 on `samba` has them."""


@dataclass(frozen=True, slots=True)
class Image:
    """A root file system that is extracted from the packages of an apt archive."""

    name: str
    suite: str
    """The release, as its archive calls it."""
    security: bool
    """With the suite's security and update archives; without them it is the release as it first came."""
    title: str
    packages: tuple[str, ...] = PACKAGES
    helpers: bool = False
    """With what clients need beside packages (``labs.images.helpers``)."""
    rooms: int = 1
    """How many times the room of a Samba image its build takes."""
    archive: tuple[str, ...] = ()
    """Where its packages are, in lines of sources.list(5); empty: where this machine's Debian has them.

    Then ``security`` decides nothing: these lines name all there is.
    """
