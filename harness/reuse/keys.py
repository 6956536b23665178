"""Keys: what must be the same for a result to be the same (docs/reuse.md says it in words).

A cell is measured within a job: its server, new or as new, is changed and changed back, and probes look at it
meanwhile. So there are two kinds of keys. A job's covers all that its cells share, and stands for how the
change took effect and what the probes saw; a cell's is the job's and what its client is and does.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Final

from harness.catalogue import Catalogue, Kind, Source
from harness.errors import UsageError
from harness.exposures.end_of_life import table
from harness.mitigations.base import Mitigation, NotApplicableError
from harness.mitigations.combination import Combination
from harness.model import CellId, Tier
from harness.planning.plan import Job, Plan, served, together
from harness.reuse.plainly import digest
from harness.servers import in_domain
from harness.servers.base import HOST, Server, ServerState, parameter_key
from harness.servers.mdns import IMAGE as AVAHI
from harness.servers.ws_discovery import IMAGE as WSDD
from harness.system import files

ImageDigest = Callable[[str], str]
"""A digest of all files of an image, by its name; "" where it is not here."""

LIMITS: Final = frozenset(map(parameter_key, ("max connections", "max smbd processes", "max open files")))
"""Parameters of smb.conf(5) by which one client can be in another's way."""


_PACKAGE: Final = "__init__.py"
_MOST: Final = 2**28
"""Bytes of a file beside a module."""


@dataclass(frozen=True, slots=True)
class JobKeys:
    """The keys of one job and its cells; none where its results are not to be reused."""

    job: str
    cells: Mapping[CellId, str]
    why_not: str = ""
    """Why nothing of it is reused; "" where it may be."""
    beside: str = ""
    """The server for whose users its running server is probed, where that is another one than its own
    (``Job.beside``)."""


class Keys:
    """Makes the keys of a plan."""

    def __init__(
        self, catalogue: Catalogue, plan: Plan, image: ImageDigest, around: Mapping[str, str]
    ) -> None:
        """``around``: as ``harness.reuse.around`` finds it."""
        self._catalogue = catalogue
        self._plan = plan
        self._image = image
        self._shared = digest(
            dict(sorted(around.items())),
            plan.lab,
            plan.probes,
            list(_own_code(catalogue)),
            _probes(catalogue, plan, _today()),
        )
        self._client = cache(self._of_client)

    def all(self) -> list[JobKeys]:
        """The keys of all jobs of the plan, in its order."""
        found: dict[tuple[str, str], JobKeys] = {}
        for group in together(self._catalogue, self._plan.jobs):
            checks = [cell.check for job in group for cell in job.cells]
            found |= {(job.mitigation, job.server): self._of(job, checks) for job in group}
        return [found[job.mitigation, job.server] for job in self._plan.jobs]

    def _of(self, job: Job, checks: Sequence[str]) -> JobKeys:
        """``checks``: all that are made on its running server, which decide how that is set up."""
        if why := self._why_not(job):
            return JobKeys("", {}, why)
        catalogue = self._catalogue
        server = served(catalogue, job.mitigation, job.server, checks)
        change = catalogue.mitigation(job.mitigation)
        changed = _changed(change, server)
        # What is tried of a combination are its parts.
        states = [server.state, changed, *(_changed(part, server) for part in _parts(change))]
        images = {one.image for one in states} | {WSDD for one in states if one.ws_discovery}
        images |= {AVAHI for one in states if one.mdns}
        images |= {in_domain.IMAGE} if server.in_domain else set()
        found = {name: self._image(name) for name in sorted(images)}
        if missing := [name for name, one in found.items() if not one]:
            return JobKeys("", {}, f"the image {missing[0]} is not built yet")
        key = digest("job", self._shared, change, server, changed, found, job.beside)
        cells = {cell: digest("cell", key, cell.check, self._client(cell.client)) for cell in job.cells}
        return JobKeys(key, cells, beside=job.beside)

    def _of_client(self, name: str) -> str:
        client = self._catalogue.clients[name]
        return digest(client, client.policy, client.image and self._image(client.image))

    def _why_not(self, job: Job) -> str:
        """Why results of a job are always measured anew."""
        if self._plan.lab is not Tier.LOCAL:
            return "what is on the disks of virtual machines is not known by a digest"
        server = self._catalogue.servers[job.server]
        if server.image == HOST:
            return "the Samba of this machine itself is not known by a digest"
        change = self._catalogue.mitigation(job.mitigation)
        for conf in (server.conf, _changed(change, server).conf):
            for settings in (conf.globals, conf.share, *conf.sections.values()):
                if limits := [name for name in settings if parameter_key(name) in LIMITS]:
                    return f"{limits[0]} is set: one client may be in another's way"
        return ""


def _parts(change: Mitigation) -> tuple[Mitigation, ...]:
    return change.parts if isinstance(change, Combination) else ()


def _changed(change: Mitigation, server: Server) -> ServerState:
    """The server's state with the change; as it is where that is made on clients alone, or not made there."""
    try:
        return change.changed(server.state, server)
    except NotApplicableError:
        return server.state


def _own_code(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Python of the user's own, and of other packages: it runs in every process that measures something."""
    for source in catalogue.sources:
        if source.kind in (Kind.CODE, Kind.PACKAGE) and not source.wrong:
            yield f"{source.kind} {source.by} {source.entry}", _files_of(source)


def _files_of(source: Source) -> str:
    """What is in a file of Python, and in the others of its folder, which it may import or read.

    Of a package's module all of the package, however deep in it the module is. Raises UsageError for a file
    of Python that cannot be read.
    """
    found, folder = hashlib.sha256(), source.file.parent
    alone = source.kind is Kind.PACKAGE and not (folder / _PACKAGE).exists()
    while source.kind is Kind.PACKAGE and (folder.parent / _PACKAGE).exists():
        folder = folder.parent
    for path in (source.file,) if alone else sorted(_read(folder)):
        name = path.relative_to(folder).as_posix()
        data = b""
        try:
            data = files.read(path, most=_MOST)
        except UsageError:
            # It reads nothing else that we cannot.
            if path.suffix == ".py":
                raise
        found.update(f"{name}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    return found.hexdigest()


def _read(folder: Path) -> Iterator[Path]:
    """All files below a folder, also through links to folders: Python imports through them, too."""
    seen: set[str] = set()
    for place, below, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        # What was made of the sources beside it is left out; elsewhere Python imports a .pyc without any.
        below[:] = [] if real in seen else sorted({*below} - {"__pycache__"})
        if real not in seen:
            yield from (path for name in names if (path := Path(place, name)).is_file())
        seen.add(real)


def _today() -> date:
    """As probes take it (``harness.conduct.orders``)."""
    return datetime.now(UTC).date()


def _probes(catalogue: Catalogue, plan: Plan, today: date) -> object:
    """What the probes are, where any are made, and what they take the date for."""
    if not plan.probes:
        return None
    own = any(one.kind in (Kind.CODE, Kind.PACKAGE) for one in catalogue.sources)
    # One of ours looks which releases are out of support; what others' look for nobody knows.
    over = today if own else [one.id for rows in table().values() for one in rows if one.ends < today]
    return [dict(catalogue.exposures), over]
