"""Newer packages: the vendor's patch, and the next release of the distribution.

"Took effect" means that the smbd that is running is the new one; a package that was installed under a
server that nobody restarted changes nothing, and that is found out here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.model import Finding
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer, ReadsState


class Upgrade(Mitigation):
    foretold = False

    def __init__(self, name: str, title: str, expectation: Expectation, aim: str) -> None:
        self.name = name
        self.title = title
        self.expectation = expectation
        self.aims = (aim,)

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        if self.name not in server.upgrades:
            raise NotApplicableError(server.no_upgrade or f"no {self.name} is offered for {server.name}")
        return replace(state, image=server.upgrades[self.name])

    def verify(self, live: LiveServer) -> Finding:
        running = live.software()
        wanted = live.shipped(live.server.upgrades[self.name])
        new = running.digest == wanted.digest
        # The same words before, with and after the change: what runs, not what does not.
        if new or running.package not in ("", wanted.package):
            package = wanted.package if new else running.package
            said = f"what runs is the smbd of {package} (SHA-256 {running.digest[:12]})"
            return Finding(new, said + (_defaults(live) if new else ""))
        return Finding(
            new,
            f"what runs has SHA-256 {running.digest[:12]}; the smbd of {wanted.package} has "
            f"{wanted.digest[:12]}: it is installed, and another one still runs",
        )


def _defaults(live: LiveServer) -> str:
    """What the new packages read otherwise in the same smb.conf: defaults that they changed by themselves.

    As testparm of both releases shows [global]; what only one of them knows is no change of a default.
    """
    if not isinstance(live, ReadsState):
        return ""
    before = live.reads_state(replace(live.state, image=live.server.image)).get("global", {})
    after = live.reads_state(live.state).get("global", {})
    found = [
        f"{name} = {value} (was {before[name]})"
        for name, value in after.items()
        if before.get(name, value) != value and name not in _NOBODYS
    ]
    return f"; with the same smb.conf: {', '.join(found)}" if found else ""


_NOBODYS: Final = frozenset(
    # The version; where winbindd has its socket; what samba(8) starts, which is a domain controller's.
    ("server string", "winbindd socket directory", "dcerpc endpoint servers", "server services")
)
"""Defaults whose change is no news to whoever runs a file server."""

MITIGATIONS = (
    Upgrade(
        "vendor-patch",
        "the vendor's security packages installed, Samba restarted",
        Expectation("access stays for everybody", "SUSE-SU-2017:1391-1; Debian LTS: no change of defaults"),
        "cve-2017-7494",
    ),
    Upgrade(
        "release-upgrade",
        "Samba of the next distribution release, smb.conf kept",
        Expectation(
            "access stays where smb.conf spells out what the clients need", "WHATSNEW of Samba 4.14 to 4.25"
        ),
        "end-of-life",
    ),
)
