"""A mitigation of one's own that is plain TOML: settings, an expectation, and what to look for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from harness.clients.base import Client
from harness.mitigations import _read, client_policies, described_file
from harness.mitigations._looks import seen
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.mitigations.combination import together
from harness.mitigations.described_file import Described
from harness.mitigations.dialects import MaximumDialect, MinimumDialect
from harness.mitigations.encryption_required import EncryptionRequired, needs_smb3
from harness.mitigations.guest_off import GuestOff
from harness.mitigations.nt_pipe_support_off import NtPipeSupportOff
from harness.mitigations.ntlmv2_only import NtlmV2Only
from harness.mitigations.signing_required import SigningRequired
from harness.mitigations.smb1_client_off import Smb1ClientOff
from harness.model import Attempt, ClientPolicy, Dialect, Finding, Side, Target
from harness.servers.base import Conf, Server, ServerState
from harness.servers.live import How, LiveServer
from harness.servers.parameters import section_key, with_all

_POLICIES = {one.name: one for one in client_policies.MITIGATIONS}
_ON_CLIENTS: Mapping[str, Mitigation] = {
    "smb1": Smb1ClientOff(),
    # Before signing: whoever refuses guests ends such a session for that.
    "guest": _POLICIES["guest-client-off"],
    "require_signing": _POLICIES["signing-client-required"],
}
"""What a setting of [client] is called -> the built-in change that makes it, and sees it."""


class DescribedMitigation(Mitigation):
    """Made, looked for and taken back as its file says."""

    foretold = False

    def __init__(self, file: Described) -> None:
        self.file = file
        self.name = file.name
        self.title = file.title
        self.expectation = file.expectation
        self.how = file.how
        self.aims = file.aims
        self._on_clients = {
            name: made for name, made in _ON_CLIENTS.items() if getattr(file.client, name) is not None
        }
        self.watched = any(one.watched for one in self._on_clients.values())
        both = ((file.on_server, Side.SERVER), (bool(self._on_clients), Side.CLIENT))
        self.sides = frozenset(side for there, side in both if there)

    def changed(self, state: ServerState, server: Server) -> ServerState:
        """As ``Mitigation.changed``; what is for clients alone may concern none of this server's."""
        for one in self._on_clients.values() if not self.file.on_server else ():
            one.changed(state, server)
        return super().changed(state, server)

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        self._possible(server)
        conf, file = state.conf, self.file
        sections = {name: dict(settings) for name, settings in conf.sections.items()}
        for wanted, settings in file.shares.items():
            named = next((name for name in sections if section_key(name) == section_key(wanted)), None)
            if named is None:
                raise NotApplicableError(f"{server.name} has no share {wanted!r}")
            sections[named] = with_all(sections[named], settings)
        return replace(
            state,
            conf=Conf(with_all(conf.globals, file.globals), with_all(conf.share, file.share), sections),
        )

    def _possible(self, server: Server) -> None:
        """Raises NotApplicableError where what is looked for cannot come about."""
        look, what = self.file.look, server.emulates or server.name
        oldest = look.dialect.oldest if look.dialect else None
        if oldest and oldest.revision > server.highest.revision:
            raise NotApplicableError(f"{what} speaks at most SMB {server.highest}")
        if look.encryption == "required":
            needs_smb3(server)
        asked = {*(look.auth.accepted or ()), *(look.auth.refused or ())} if look.auth else set()
        if server.unknown_user and asked and asked <= {"LM", "NTLMv1", "NTLMv2"}:
            raise NotApplicableError("nobody logs on with a password there: every user is a guest")

    def verify(self, live: LiveServer) -> Finding:
        if self.file.look.model_fields_set:
            return together(seen(live, self.file.look))
        file = self.file
        asked = [_read.Asked(name) for name in file.globals]
        asked += [_read.Asked(name, _read.EVERY, each=True) for name in file.share]
        asked += [_read.Asked(name, share) for share, settings in file.shares.items() for name in settings]
        return _read.seen(live, asked, self.on_server)

    def on_client(self, policy: ClientPolicy, client: Client) -> ClientPolicy:
        """The policy with all settings. Raises NotApplicableError where the client has one of them not."""
        made = policy
        for one in self._on_clients.values():
            try:
                made = one.on_client(made, client)
            except NotApplicableError:
                if not self._has_already(one, client):
                    raise
        if self._on_clients and made == policy:
            raise NotApplicableError(f"{client.name} does so by itself already")
        return made

    @staticmethod
    def _has_already(one: Mitigation, client: Client) -> bool:
        """Whether a setting could be made on a client, and is so without."""
        return isinstance(one, client_policies.OnClients) and one.setting in client.has

    def verify_client(self, client: Client, policy: ClientPolicy, target: Target) -> Finding:
        return together(one.verify_client(client, policy, target) for one in self._on_clients.values())

    def cause(self, before: Attempt, refused: Attempt) -> str:
        """What the built-in change that is looked for in the same way says; else the file's own sentence."""
        said = (one.cause(before, refused) for one in self._kin)
        return next(filter(None, said), self.file.stops if refused.side is Side.SERVER else "")

    @cached_property
    def _kin(self) -> tuple[Mitigation, ...]:
        return (*_alike(self.file), *self._on_clients.values())


def _alike(file: Described) -> Iterator[Mitigation]:
    """The built-in changes by which a client is stopped as by this one."""
    look, unsaid = file.look, Expectation("", "")
    if look.dialect and look.dialect.oldest not in (None, Dialect.NT1):
        yield MinimumDialect("", "", look.dialect.oldest, unsaid)
    if look.dialect and look.dialect.newest not in (None, Dialect.SMB3_11):
        yield MaximumDialect("", "", look.dialect.newest, unsaid)
    if look.signing == "required":
        yield SigningRequired()
    if look.encryption == "required":
        yield EncryptionRequired()
    if look.pipe == "refused":
        yield NtPipeSupportOff("", "", How.RESTART)
    refused = {who for whom in (look.auth, look.open) if whom for who in whom.refused or ()}
    if refused & {"LM", "NTLMv1"}:
        yield NtlmV2Only()
    if refused & {"guest", "anonymous"}:
        yield GuestOff()


def load(path: Path) -> DescribedMitigation:
    """The mitigation of a file. Raises UsageError: which line, and what is wrong there."""
    return DescribedMitigation(described_file.read(path))
