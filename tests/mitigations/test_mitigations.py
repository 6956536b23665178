"""Every mitigation on every kind of server: not there before, in force after, gone after the rollback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from foretold import Foretold
from known import CATALOGUE

from harness.errors import LabFault, UsageError
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.mitigations.base import Mitigation, NotApplicableError
from harness.model import Dialect, Finding, Side, Tier
from harness.servers import platforms
from harness.servers.base import HOST
from harness.servers.live import How, LiveServer
from harness.system.deadline import wait_for

COMBINED = (
    "signing-required+smb3-only",
    "nt-pipe-support-off+smb1-server-off",
    "nt-pipe-support-off+guest-off",
    "nt-pipe-support-off+ntlmv2-only+signing-required",
    "nt-pipe-support-off+ntlmv2-only+encryption-required",
)
OLDEST = ("samba-4.13", "samba-4.13-smb1")
IGNORED = {
    *(("aes256-only", server) for server in OLDEST),
    *(("rpc-helpers-off", server) for server in (*OLDEST, "sles11-like", "consumer-nas")),
}
"""What the server does not know: applied, and yet not in force."""
UNSEEN = {("nt-pipe-support-off+ntlmv2-only+encryption-required", "guest-share")}
"""Nobody gets as far as a pipe: a guest's session has no key to encrypt with."""
PACKAGED = {"samba-4.13", "samba-4.17", "samba-4.22", "samba-4.25"}
ALREADY = {
    "smb1-server-off": {*PACKAGED, "guest-share"},
    "ntlmv2-only": PACKAGED,
    "guest-off": {*PACKAGED, *(f"{name}-smb1" for name in PACKAGED), "sles11-like"},
}
"""What a server's base configuration does by itself."""


WATCHED = ("samba-4.22-smb1", "guest-share")
"""One server with accounts and all dialects, and one that takes everybody for a guest: here clients show whom
each change loses, and why."""

ONLY_WINDOWS = {"smb1-removed", "spn-validation"}
"""What needs a Windows: tests/windows and tests/labs/test_windows_server.py."""

ON_NETWORK = {name for name, change in CATALOGUE.mitigations.items() if change.on_network}
"""What is seen only on a network where servers are looked for: tests/labs/test_discover_lab.py."""


IN_DOMAIN = {
    "ntlm-off-member",
    "ntlm-off-domain",
    "rc4-off",
    "protected-users",
    "aes-machine-account",
    "account-lockout",
    "netlogon-sealed",
}
"""What is made in a domain alone: tests/labs/test_domain_lab.py."""


def made_on() -> dict[str, list[str]]:
    """Every server with the mitigations that can be made on it."""
    found: dict[str, list[str]] = {}
    for server in CATALOGUE.servers.values():
        for name in (*CATALOGUE.mitigations, *COMBINED):
            change = CATALOGUE.mitigation(name)
            if (
                name in ON_NETWORK
                or server.image == HOST
                # Those of a domain, tests/labs/test_domain_lab.py, and tests/servers/test_user_shares.py.
                or server.seldom
                or Tier.LOCAL not in server.labs
                or Side.SERVER not in change.sides
                # A relay is the same before any of them.
                or (change.offers_quic and server.name != "samba-4.22")
            ):
                continue
            try:
                change.changed(server.state, server)
            except NotApplicableError:
                continue
            found.setdefault(server.name, []).append(name)
    return found


def seen(change: Mitigation, live: LiveServer, *, in_effect: bool) -> Finding:
    """What verify says; after a reload it may take a moment to say it."""
    if change.how is How.RESTART:
        return change.verify(live)

    def look() -> Finding | None:
        finding = change.verify(live)
        return finding if finding.in_effect is in_effect else None

    return wait_for(f"{change.name} to be {in_effect}", look, 5.0)


def wrong_applied(change: Mitigation, live: LiveServer) -> str:
    """What verify should not have said of a change that was made; "" when all is well."""
    at = (change.name, live.server.name)
    wanted = at not in IGNORED
    if bool(change.ignored_by(live.server)) is wanted:
        return f"{change.name} is said to be heeded, or not, and is not"
    applied = seen(change, live, in_effect=wanted)
    well = (applied.visible, applied.in_effect) == (at not in UNSEEN, wanted and at not in UNSEEN)
    return "" if well and applied.evidence else f"{change.name} applied: {applied}"


def wrong_without(change: Mitigation, live: LiveServer) -> str:
    """What verify should not have said of a change that was not made, or taken back."""
    already = live.server.name in ALREADY.get(change.name, ())
    finding = seen(change, live, in_effect=already)
    well = finding.in_effect is already and finding.evidence
    return "" if well else f"{change.name} not made: {finding}"


@pytest.mark.local_lab
@pytest.mark.parametrize("server", made_on())
def test_verify_sees_each_change_come_and_go(serve: Callable[[str], LiveServer], server: str) -> None:
    """Where a change takes a restart, the same restart takes back the one before: half as many of them.

    On some servers clients try, too: each change loses whom it is expected to, and the cause says why.
    """
    live = serve(server)
    before = live.state
    changes = [CATALOGUE.mitigation(name).within(live.server) for name in made_on()[server]]
    wrong = [wrong_without(change, live) for change in changes]
    foretold = Foretold(live) if server in WATCHED else None

    def made(change: Mitigation) -> None:
        wrong.append(wrong_applied(change, live))
        if foretold and change.name in CATALOGUE.mitigations:
            wrong.extend(foretold.wrong(change))

    try:
        for change in changes:
            if change.how is How.RELOAD:
                change.apply(live)
                made(change)
                change.revert(live, before)
                wrong.append(wrong_without(change, live))
        for change in changes:
            if change.how is How.RESTART:
                live.become(change.changed(before, live.server), How.RESTART)
                made(change)
    finally:
        changes[-1].revert(live, before)
    assert live.state == before
    wrong += [wrong_without(change, live) for change in changes]
    if foretold:
        for change in only_on_clients(live):
            wrong.extend(foretold.wrong(change))
        assert foretold.lost > 10
    assert not list(filter(None, wrong))


def only_on_clients(live: LiveServer) -> Iterator[Mitigation]:
    """The changes that are made on clients alone, and go with this server."""
    for change in CATALOGUE.mitigations.values():
        if Side.SERVER not in change.sides:
            with suppress(NotApplicableError):
                change.changed(live.state, live.server)
                yield change


def test_every_mitigation_is_applicable_somewhere() -> None:
    made = {name for names in made_on().values() for name in names} | ONLY_WINDOWS | ON_NETWORK | IN_DOMAIN
    on_clients = {name for name, change in CATALOGUE.mitigations.items() if Side.SERVER not in change.sides}
    assert made | on_clients == {*CATALOGUE.mitigations, *COMBINED}
    assert not made & on_clients


@pytest.mark.local_lab
@pytest.mark.parametrize("server", ["consumer-nas", "guest-share"])
def test_pipes_are_seen_as_anonymous_where_no_user_gets_in(
    serve: Callable[[str], LiveServer], server: str
) -> None:
    """With guests off nobody has an account there; IPC$ still lets anonymous in, which decides."""
    live = serve(server)
    before = live.state
    pipes, guests = CATALOGUE.mitigation("nt-pipe-support-off"), CATALOGUE.mitigation("guest-off")
    try:
        guests.apply(live)
        without = pipes.verify(live)
        assert (without.in_effect, without.visible) == (False, True), without.evidence
        assert "as anonymous (the user gets STATUS_LOGON_FAILURE at session-setup): ok" in without.evidence
        pipes.apply(live)
        both = pipes.verify(live)
        assert both.in_effect, both.evidence
        assert "as anonymous" in both.evidence
        # Where anonymous is kept out too nobody can tell, and nobody says that it is not in force.
        live.become(
            replace(live.state, conf=live.state.conf.with_globals(restrict_anonymous="2")), How.RESTART
        )
        blind = pipes.verify(live)
        assert (blind.in_effect, blind.visible) == (False, False), blind.evidence
    finally:
        live.become(before, How.RESTART)


@pytest.mark.local_lab
@pytest.mark.parametrize(
    ("name", "server", "client", "shown"),
    [
        ("signing-client-required", "guest-share", "windows-10-1703", "STATUS_INVALID_SIGNATURE, by itself"),
        ("signing-client-required", "samba-4.22", "windows-10-1703", "ok, signed"),
        ("signing-client-required", "samba-4.22", "smbclient", "ok, signed"),
        ("guest-client-off", "guest-share", "windows-10-1703", "STATUS_SMB_GUEST_LOGON_BLOCKED, by itself"),
        ("encryption-client-required", "samba-4.22", "windows-11-24h2", "ok, encrypted"),
        ("encryption-client-required", "samba-4.22", "smbclient", "ok, encrypted"),
        ("encryption-client-required", "guest-share", "smbclient", "by itself"),
    ],
)
def test_a_setting_of_a_client_shows_in_a_session(
    serve: Callable[[str], LiveServer], name: str, server: str, client: str, shown: str
) -> None:
    change, target = CATALOGUE.mitigation(name), serve(server).target
    one = CATALOGUE.clients[client]
    made = change.verify_client(one, change.on_client(one.policy, one), target)
    assert made.in_effect
    assert shown in made.evidence
    if client.startswith("windows"):
        assert not change.verify_client(one, one.policy, target).in_effect


def test_a_client_that_has_no_such_setting_or_has_it_made_is_left_out() -> None:
    for name, client, why in (
        ("guest-client-off", "windows-7", "not known to have"),
        ("guest-client-off", "smbclient", "not known to have"),
        ("guest-client-off", "windows-11-24h2", "by itself already"),
        ("signing-client-required", "curl", "not known to have"),
        ("signing-client-required", "windows-11-24h2", "by itself already"),
    ):
        one = CATALOGUE.clients[client]
        with pytest.raises(NotApplicableError, match=why):
            CATALOGUE.mitigation(name).on_client(one.policy, one)
    for server, why in (("samba-4.22", "nobody is a guest"), ("consumer-nas", "over SMB2 and newer only")):
        home = CATALOGUE.servers[server]
        with pytest.raises(NotApplicableError, match=why):
            CATALOGUE.mitigation("guest-client-off").changed(home.state, home)


@pytest.mark.local_lab
def test_packages_without_a_restart_are_found_out(lab: LocalLab) -> None:
    """The patch lies on the disk, the old smbd still runs: by the package list all is well."""
    with lab.serve(CATALOGUE.servers["samba-4.13"]) as live:
        change = CATALOGUE.mitigation("vendor-patch")
        before = live.software()
        assert isinstance(live, SambaServer)
        live.state = change.changed(live.state, live.server)
        seen = change.verify(live)
        assert not seen.in_effect
        assert live.software().digest == before.digest
        live.become(live.state, How.RESTART)
        assert change.verify(live).in_effect
        assert live.software().digest != before.digest


@pytest.mark.local_lab
@pytest.mark.parametrize("name", ["signing-required", "encryption-required", "smb3-only", "server-stopped"])
def test_a_change_that_never_reached_the_server_is_found_out(
    serve: Callable[[str], LiveServer], name: str
) -> None:
    """We believe that it was made; whoever asks the server sees that it was not."""
    live = serve("samba-4.22-smb1")
    assert isinstance(live, SambaServer)
    before = live.state
    change = CATALOGUE.mitigation(name)
    live.state = change.changed(before, live.server)
    try:
        if live.state.running:
            assert not change.verify(live).in_effect
        else:
            with pytest.raises(LabFault, match="still has processes although it was stopped"):
                change.verify(live)
    finally:
        live.state = before


@pytest.mark.local_lab
@pytest.mark.parametrize("name", ["windows-7", "windows-10-1703"])
def test_smb1_is_gone_from_what_the_client_sends(serve: Callable[[str], LiveServer], name: str) -> None:
    target = serve("samba-4.22-smb1").target
    change = CATALOGUE.mitigation("smb1-client-off")
    client = CATALOGUE.clients[name]
    assert change.verify_client(client, change.on_client(client.policy, client), target).in_effect
    with_smb1 = replace(client.policy, smb1=True, min_dialect=Dialect.NT1)
    seen = change.verify_client(client, with_smb1, target)
    assert not seen.in_effect
    assert "NT LM 0.12" in seen.evidence


def test_smb1_cannot_be_removed_where_there_is_nothing_else() -> None:
    for name in ("windows-xp", "curl", "smbclient"):
        client = CATALOGUE.clients[name]
        with pytest.raises(NotApplicableError, match="SMB1"):
            CATALOGUE.mitigation("smb1-client-off").on_client(client.policy, client)


def test_a_combination_names_each_part_once() -> None:
    assert CATALOGUE.mitigation("smb3-only+guest-off").name == "smb3-only+guest-off"
    with pytest.raises(UsageError, match="twice"):
        CATALOGUE.mitigation("smb3-only+smb3-only")
    with pytest.raises(UsageError, match="did you mean guest-off"):
        CATALOGUE.mitigation("smb3-only+guest-of")


def test_a_combination_restarts_when_one_of_its_parts_does() -> None:
    assert CATALOGUE.mitigation("nt-pipe-support-off-reload").how is How.RELOAD
    assert CATALOGUE.mitigation("nt-pipe-support-off-reload+smb3-only").how is How.RESTART


@pytest.mark.parametrize("platform", platforms.names())
@pytest.mark.parametrize("name", ["none", "smb1-client-off", "signing-client-required"])
def test_what_clients_change_can_be_rehearsed_with_any_server(name: str, platform: str) -> None:
    server = replace(CATALOGUE.servers["samba-4.22"], platform=platforms.named(platform))
    assert CATALOGUE.mitigation(name).changed(server.state, server) == server.state


@pytest.mark.parametrize("name", ["vendor-patch", "smb3-only", "encryption-required"])
def test_what_a_nas_cannot_have_is_no_fault(name: str) -> None:
    server = CATALOGUE.servers["consumer-nas"]
    with pytest.raises(NotApplicableError, match=r"no patch to be had|speaks at most"):
        CATALOGUE.mitigation(name).changed(server.state, server)
