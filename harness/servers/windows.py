"""Windows as the server under change: the releases of ``harness.windows.releases``, each in its guest."""

from __future__ import annotations

from harness.model import Evidence, Tier
from harness.servers.base import Conf, Server
from harness.servers.platforms import named
from harness.windows import NEVER_RUN
from harness.windows.releases import RELEASES, SCRIPTED, Release

_UNTRIED = Evidence(
    "its commands are Microsoft's documents', checked as far as that goes without a Windows; " + NEVER_RUN,
    "docs/windows.md",
)
_UNSCRIPTED = Evidence(
    "it cannot have PowerShell 3.0: nothing can be run in it, so it is refused as the server under change",
    "Microsoft, 'Windows Management Framework 3.0': Windows 7 SP1 and Server 2008 R2 SP1 and later",
)


def _server(release: Release) -> Server:
    by_hand = () if release in SCRIPTED else (_UNSCRIPTED,)
    return Server(
        release.name,
        f"{release.title} in a virtual machine, SMB as installed ({NEVER_RUN})",
        image=release.guest,
        conf=Conf(),
        highest=release.highest,
        no_upgrade="a rehearsal downloads no update: bring a patched box",
        evidence=(_UNTRIED, *by_hand),
        platform=named("windows"),
        labs=frozenset({Tier.VAGRANT}),
    )


SERVERS = tuple(map(_server, RELEASES))
