"""The servers of a project whose configurations are smb.conf(5) files: brought along once, and kept.

What came of a file is kept in the cache under a name that all of it decides, and the importer too: it is
brought along again when one of them has changed.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from harness.catalogue import Catalogue, Kind, Source
from harness.errors import LabFault, RehearsalError, UsageError
from harness.importing import entry, release
from harness.labs import images
from harness.projects import NAME
from harness.projects.file import HINT, Project, ServerOfFile
from harness.servers.base import Server
from harness.system import files, resources, tempdirs, trust
from harness.system.paths import cache_dir, made_cache_dir
from harness.system.toml_file import line_of
from harness.verbs import bringing

_MOST_BESIDE = 100
"""Files beside a configuration that it may include."""


def sources(place: Project, catalogue: Catalogue, *, build: bool) -> Iterator[Source]:
    """The descriptions of a project's servers. One that cannot be brought along is left out, and named.

    ``build``: an image that is not here is built for it; else a server that needs one is left out.
    """
    toml = place.folder / NAME
    for name, wanted in place.file.servers.items():
        try:
            file = _description(place.folder, name, wanted, catalogue, build=build)
        except RehearsalError as error:
            line = line_of(files.text(toml), ("servers", name))
            wrong = f"{toml}:{line}: servers.{name}: {error}"
            yield Source(Kind.SERVER, toml / "servers" / name, lenient=True, wrong=wrong)
        else:
            yield Source(Kind.SERVER, file, lenient=True)


def _description(folder: Path, name: str, wanted: ServerOfFile, catalogue: Catalogue, *, build: bool) -> Path:
    """Where the description of a server is. Raises UsageError or LabFault where it cannot be made."""
    first, named = folder / wanted.smb_conf, [folder / one for one in wanted.includes]
    base, differs = release.nearest(wanted.release, catalogue.servers)
    others = [*named, *bringing.beside(first)[:_MOST_BESIDE]]
    sound: set[Path] = set()
    if not first.exists():
        raise UsageError(f"{first}: there is no such file", HINT)
    for file in (first, *named):
        trust.check(file, sound)
    kept = cache_dir() / "brought" / f"{_digest(name, base, differs, [first, *others])}.json"
    if not kept.exists():
        made_cache_dir()
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        root = _image(catalogue, base, build=build)
        asked = entry.Asked(
            name=name,
            image=base.image,
            root=root,
            remarks=(differs,) if differs else (),
            files=(entry.Wanted(first=first, others=tuple(others), shown=str(first), into="made.json"),),
        )
        with tempdirs.folder("brought") as made:
            if bringing.in_the_lab(made, asked):
                raise UsageError("its smb.conf could not be brought along, for the reason above", HINT)
            part = kept.with_suffix(".part")
            shutil.copy(made / "made.json", part)
            part.replace(kept)
    return kept


def _digest(name: str, base: Server, differs: str, read: list[Path]) -> str:
    """Of all that decides what comes of a configuration."""
    ours = [one for room in ("importing", "servers") for one in sorted(resources.path(room).glob("*.py"))]
    found = hashlib.sha256(repr((name, base.name, base.image, differs)).encode())
    for file in (*read, *ours):
        found.update(f"\0{file}\0".encode(errors="surrogateescape"))
        found.update(files.read(file))
    return found.hexdigest()


def _image(catalogue: Catalogue, base: Server, *, build: bool) -> Path:
    """The root file system whose testparm judges. Raises LabFault where it is not here, and is not built."""
    there = {one.name: one.state for one in images.status({base.image: catalogue.images[base.image]})}
    if there[base.image] != "present" and not build:
        raise LabFault(f"the image {base.image} is not built yet", "rehearse run builds it")
    return bringing.root_of(catalogue, base, quiet=False)
