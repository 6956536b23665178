"""Which server of the catalogue is nearest to the Samba that somebody has."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.errors import UsageError
from harness.servers.base import HOST, Server

_VERSION = re.compile(r"(?<![\d.])(\d+)\.(\d+)(?:\.(\d+))?")
_PLAIN = re.compile(r"samba-(\d+)\.(\d+)")


def nearest(said: str, servers: Mapping[str, Server]) -> tuple[Server, str]:
    """The server with the nearest release, and how it differs: a sentence for people, "" where it does not.

    ``said``: the name of a server of the catalogue (``samba-4.17``), or what ``smbd -V`` prints ("Version
    4.17.12-Debian"), or "" where nobody said. Of two that are as near it is the older one. Raises UsageError
    where no release can be read from it.
    """
    releases = _releases(servers)
    if not releases:
        raise UsageError("there is no Samba in this catalogue to rehearse a configuration with")
    text = said.strip()
    if not text:
        newest = releases[max(releases)]
        return newest, f"nobody said which Samba your server runs: it is rehearsed with {newest.name}"
    if (named := servers.get(text)) is not None and named.image != HOST:
        return named, ""
    found = _VERSION.search(text)
    if found is None:
        raise UsageError(
            f"no release of Samba can be read from {text[:80]!r}",
            'give what "smbd -V" prints on your server, or the name of a server: rehearse list servers',
        )
    wanted = (int(found[1]), int(found[2]))
    best = min(releases, key=lambda release: (_apart(release, wanted), release))
    if best == wanted:
        return releases[best], ""
    return releases[best], (
        f"your server runs Samba {found[0]}, and is rehearsed with {releases[best].name}, the nearest that "
        "is there: what was changed between the two is not seen"
    )


def _releases(servers: Mapping[str, Server]) -> Mapping[tuple[int, int], Server]:
    found = ((match, server) for server in servers.values() if (match := _PLAIN.fullmatch(server.name)))
    return {(int(match[1]), int(match[2])): server for match, server in found}


def _apart(one: tuple[int, int], other: tuple[int, int]) -> int:
    return abs(1000 * (one[0] - other[0]) + one[1] - other[1])
