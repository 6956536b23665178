"""Every mitigation on every kind of server: not there before, in force after, gone after the rollback."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.deadline import wait_for
from harness.labs.base import How, LiveServer
from harness.mitigations import mitigation, mitigations
from harness.mitigations.base import Mitigation, NotApplicableError
from harness.model import Finding, Side
from harness.servers import servers
from harness.servers.base import HOST

COMBINED = ("signing-required+smb3-only", "nt-pipe-support-off+smb1-server-off")
IGNORED = {("aes256-only", "samba-4.13")}
"""What the server does not know: applied, and yet not in force."""
PACKAGED = {"samba-4.13", "samba-4.17", "samba-4.22", "samba-4.25"}
ALREADY = {
    "smb1-server-off": PACKAGED,
    "ntlmv2-only": PACKAGED,
    "guest-off": {*PACKAGED, "samba-4.22-smb1", "sles11-like"},
}
"""What a server's base configuration does by itself."""


def pairs() -> list[tuple[str, str]]:
    """Every server with every mitigation that can be made on it."""
    found = []
    for server in servers().values():
        for name in (*mitigations(), *COMBINED):
            change = mitigation(name)
            if server.image == HOST or Side.SERVER not in change.sides:
                continue
            try:
                change.on_server(server.state, server)
            except NotApplicableError:
                continue
            found.append((server.name, name))
    return found


def seen(change: Mitigation, live: LiveServer, *, in_effect: bool) -> Finding:
    """What verify says; after a reload it may take a moment to say it."""
    if change.how is How.RESTART:
        return change.verify(live)

    def look() -> Finding | None:
        finding = change.verify(live)
        return finding if finding.in_effect is in_effect else None

    return wait_for(f"{change.name} to be {in_effect}", look, 5.0)


@pytest.mark.local_lab
@pytest.mark.parametrize(("server", "name"), pairs())
def test_verify_sees_the_change_come_and_go(
    serve: Callable[[str], LiveServer], server: str, name: str
) -> None:
    live = serve(server)
    change = mitigation(name)
    before = live.state
    found = change.verify(live)
    assert found.in_effect is (server in ALREADY.get(name, ())), found.evidence
    wanted = (name, server) not in IGNORED
    try:
        change.apply(live)
        applied = seen(change, live, in_effect=wanted)
        assert applied.in_effect is wanted, applied.evidence
    finally:
        change.revert(live, before)
    gone = seen(change, live, in_effect=found.in_effect)
    assert gone.in_effect is found.in_effect, gone.evidence
    assert live.state == before
    assert all((found.evidence, applied.evidence, gone.evidence))


def test_every_mitigation_is_applicable_somewhere() -> None:
    made = {name for _, name in pairs()}
    on_clients = {name for name, change in mitigations().items() if Side.SERVER not in change.sides}
    assert made | on_clients == {*mitigations(), *COMBINED}
    assert not made & on_clients
