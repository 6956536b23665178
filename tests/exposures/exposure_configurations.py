"""The servers that the probes are shown on: those of the lab, with settings that open or close holes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from known import CATALOGUE

from harness.exposures.survey import Survey, survey
from harness.labs.local import LocalLab
from harness.model import Sighting, Tier
from harness.servers.base import HOST, Server
from harness.servers.live import How, LiveServer

TODAY = date(2026, 11, 25)
"""The day for ends of support, so that the table does not change by itself."""


@dataclass(frozen=True)
class Configuration:
    """A server of the lab with more settings in [global] and in its share."""

    server: str
    globals: dict[str, str] = field(default_factory=dict)
    share: dict[str, str] = field(default_factory=dict)
    wire: bool = False
    """Only the wire is known, and no account."""
    stopped: bool = False

    @property
    def name(self) -> str:
        parts = [f"{key.replace('_', ' ')} = {value}" for key, value in (self.globals | self.share).items()]
        ways = {"from the wire alone": self.wire, "stopped": self.stopped}
        return ", ".join([self.server, *parts, *(way for way, is_so in ways.items() if is_so)])

    def made(self) -> Server:
        base = CATALOGUE.servers[self.server]
        return replace(base, conf=base.conf.with_globals(**self.globals).with_share(**self.share))


SMB1 = "samba-4.22-smb1"
PLAIN = [
    Configuration(server.name)
    for server in CATALOGUE.servers.values()
    if server.image != HOST
    and Tier.LOCAL in server.labs
    # Those of a domain, tests/labs/test_domain_lab.py, and tests/servers/test_user_shares.py.
    and not server.seldom
    # One release with SMB1 allowed stands for all: the others differ from it as they do without.
    and (server.name == SMB1 or not server.name.endswith("-smb1"))
]
CHANGED = [
    Configuration(SMB1, {"server_signing": "mandatory"}),
    Configuration(SMB1, {"lanman_auth": "yes"}),
    Configuration(SMB1, {"nt_pipe_support": "no"}),
    Configuration(SMB1, {"restrict_anonymous": "2"}),
    Configuration(SMB1, {"smb_encrypt": "required"}),
    Configuration("samba-4.22", {"server_min_protocol": "SMB3_00"}),
    Configuration("samba-4.22", {"server_max_protocol": "SMB3_00"}),
    Configuration("samba-4.22", {"server_signing": "mandatory"}),
    Configuration("samba-4.22", {"ntlm_auth": "disabled"}),
    Configuration("samba-4.22", {"server_smb3_encryption_algorithms": "AES-256-GCM, AES-256-CCM"}),
    Configuration("samba-4.22", {"server_smb3_encryption_algorithms": "AES-128-CCM"}),
    Configuration("guest-share", {"server_signing": "mandatory"}),
    Configuration("guest-share", {"smb_encrypt": "required"}),
    Configuration("guest-share", share={"read_only": "yes"}),
    Configuration("samba-4.13", {"map_to_guest": "Bad Password"}),
    Configuration("samba-4.13", {"server_min_protocol": "NT1", "unix_extensions": "yes"}),
    Configuration("samba-4.13", {"server_min_protocol": "LANMAN1"}),
    Configuration("samba-4.13", share={"vfs_objects": "streams_xattr"}),
    Configuration("samba-4.13", share={"print_command": "/bin/true %J"}),
    Configuration("samba-4.13", {"check_password_script": "/bin/true %u"}),
    Configuration("sles11-like", {"nt_pipe_support": "no"}),
    Configuration(SMB1, stopped=True),
    Configuration(SMB1, wire=True),
    Configuration("consumer-nas", wire=True),
    Configuration("samba-4.13", share={"read_only": "yes"}),
    Configuration("samba-4.13", share={"vfs_objects": "worm"}),
    Configuration("samba-4.13", share={"spotlight": "yes"}),
]
CONFIGURATIONS = PLAIN + CHANGED


def look(configuration: Configuration, live: LiveServer, *, together: bool = False) -> dict[str, Sighting]:
    """All probes on one started server; ``together``: over as few connections as in a rehearsal."""
    if configuration.stopped:
        live.become(replace(live.state, running=False), How.RESTART)
        return dict(survey(CATALOGUE.exposures, Survey(live.target, TODAY, down=True)).seen)
    account = not live.server.unknown_user and not configuration.wire
    inside = None if configuration.wire else live.internals()
    target = replace(live.target, share="") if configuration.wire else live.target
    alone = not configuration.wire
    order = Survey(target, TODAY, inside, account=account, together=together, alone=alone)
    return dict(survey(CATALOGUE.exposures, order).seen)


def measure(
    lab: LocalLab, configurations: Iterable[Configuration]
) -> Iterator[tuple[str, dict[str, Sighting]]]:
    """Start each server, probe it, stop it."""
    for name, seen, _ in measure_twice(lab, configurations):
        yield name, seen


def measure_twice(
    lab: LocalLab, configurations: Iterable[Configuration]
) -> Iterator[tuple[str, dict[str, Sighting], dict[str, Sighting]]]:
    """The same, and what the probes see over as few connections as in a rehearsal."""
    for configuration in configurations:
        with lab.serve(configuration.made()) as live:
            together = look(configuration, live, together=True)
            yield configuration.name, look(configuration, live), together
