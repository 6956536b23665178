"""Software that nobody mends any more."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache

from pydantic import BaseModel, ConfigDict, TypeAdapter

from harness.exposures import known_holes
from harness.exposures._versions import parts
from harness.exposures.base import Exposure, Subject, closed, opened, unknown
from harness.model import Sighting
from harness.system import resources

TABLE = resources.path("exposures", "data", "end-of-life.toml")


class Ends(BaseModel):
    """Until when something gets security fixes."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    id: str
    """A release as "debian 11", or a Samba branch as "4.17"."""
    ends: date
    """The last day."""
    source: str


_TABLE = TypeAdapter(Mapping[str, tuple[Ends, ...]], config=ConfigDict(defer_build=True))
_RELEASES = "release"


@cache
def table() -> Mapping[str, tuple[Ends, ...]]:
    """The last days of support: of releases, and by a platform's name of the branches of its software."""
    return _TABLE.validate_python(tomllib.loads(TABLE.read_text(encoding="utf-8")))


class EndOfLife(Exposure):
    name = "end-of-life"
    title = "the software gets no security fixes any more"
    wire = False
    sends = "nothing: reads which release and package are installed"
    safe = "nothing is sent to the server"
    source = "the published ends of support of each distribution, of Windows and of Samba's branches"

    def probe(self, subject: Subject) -> Sighting:
        inside = subject.inside
        if inside is None:
            return unknown("only the wire is known, and a banner is no evidence")
        if inside.emulates:
            return unknown(known_holes.emulated(inside))
        if not inside.packages_read:
            what = " of ".join(filter(None, (f"Samba {inside.version}", inside.release)))
            return unknown(
                f"{what}: its packages cannot be read, and whether its vendor still mends it is not known"
            )
        branches = table().get(inside.platform)
        # A distribution mends the package of its release, whatever upstream does; software without branches
        # of its own is a part of the release.
        if inside.release and (inside.package or branches is None):
            return _judge(inside.release, table()[_RELEASES], subject.today)
        if branches is not None and inside.version:
            branch = ".".join(map(str, parts(inside.version)[:2]))
            return _judge(branch, branches, subject.today)
        return unknown("neither release nor package are known")


def _judge(name: str, rows: tuple[Ends, ...], today: date) -> Sighting:
    row = next((row for row in rows if row.id == name), None)
    if row is None:
        return unknown(f"the end of support of {name!r} is not in the table")
    text = f"{name}: security fixes until {row.ends}, looked at on {today} ({row.source})"
    return opened(text) if today > row.ends else closed(text)


EXPOSURES = (EndOfLife(),)
