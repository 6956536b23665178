"""What an image is made of: the root file system of a Samba release, or of client programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PACKAGES: Final = ("samba", "smbclient", "curl", "base-files")
"""What an image of a Samba release is made of. base-files has the links of a merged /usr."""
WITH_MODULES: Final = (*PACKAGES, "samba-vfs-modules")
"""With the VFS modules that shares ask for (fruit, recycle ...); from Debian 13 on `samba` has them."""


@dataclass(frozen=True, slots=True)
class BuildStep:
    """Something that is made in an image beside its packages: a program is compiled, a library fetched."""

    title: str
    """What a person is told: "the Java helper"."""
    folder: str
    """Where it is made, as seen in the image: "/opt/NAME". The sources are put there first."""
    command: tuple[str, ...]
    """What makes it: a program of the image with whole paths, for it starts in its root; or one of this
    machine, which starts in ``folder``."""
    files: tuple[Path, ...] = ()
    """Sources on this machine."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Sources that are written right here: name -> text."""
    env: Mapping[str, str] = field(default_factory=dict)
    """The environment of a command that runs in the image; there is nothing else in it."""
    on_this_machine: bool = False
    """The command is one of the building machine, not of the image: the image has no network."""
    optional: bool = False
    """Where it cannot be made (no such command, no network), the image is built without it."""
    revision: int = 0
    """Raise it when the command changes: an image is built again when its sources or this change."""


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
    steps: tuple[BuildStep, ...] = ()
    """What is made in it after its packages were extracted, in this order."""
    rooms: int = 1
    """How many times the room of a Samba image its build takes."""
    archive: tuple[str, ...] = ()
    """Where its packages are, in lines of sources.list(5); empty: where this machine's Debian has them.

    Then ``security`` decides nothing: these lines name all there is.
    """
    added: str = ""
    """A digest of what the user made it of (``rehearse images add``); "" for one that is built when wanted.

    Nothing but the user's own command makes such an image, and nothing else removes it.
    """
    version: str = ""
    """Of the Samba in one that was added, as its smbd says."""
