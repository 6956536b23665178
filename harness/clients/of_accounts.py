"""Clients that come as certain accounts of a domain: RC4 alone, AES alone, a member of Protected Users.

One of the other clients, as it is; only the account is another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from harness.clients import kernel_cifs, persona, smbclient, smbclient_kerberos
from harness.clients.base import Client, Log, Offer
from harness.errors import Unsupported
from harness.model import OVER_PHASES, Check, ClientPolicy, Evidence, Target
from harness.model.accounts import ACCOUNTS, SERVICE, DomainAccount

_BY_NAME: Final = {one.name: one for one in ACCOUNTS}


class ComingAs(Client):
    """Another client, as an account of the domain."""

    in_domain_alone = True

    def __init__(self, inner: Client, account: DomainAccount) -> None:
        self.inner = inner
        self.account = account.name
        self.name = f"{inner.name}-as-{account.name}"
        self.title = f"{inner.title}; it comes as {account.what}"
        self.fidelity = inner.fidelity
        self.evidence = (*inner.evidence, Evidence(f"it is {account.what}", "docs/domain.md"))
        self.image = inner.image
        self.package = inner.package
        self.guest = inner.guest
        self.one_at_a_time = inner.one_at_a_time
        self.labs = inner.labs
        self.checks = inner.checks - set(OVER_PHASES)
        self.cannot = inner.cannot
        self.policy = inner.policy
        self.smb1_removable = inner.smb1_removable
        self.has = inner.has
        self.sees = inner.sees
        self.connects_again = inner.connects_again

    def software(self, target: Target | None = None) -> str:
        return self.inner.software(target)

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        self.inner.perform(check, self._its(target), policy, log)

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        return self.inner.offer(policy, self._its(target))

    def _its(self, target: Target) -> Target:
        try:
            return target.as_user(self.account)
        except KeyError as none:
            raise Unsupported(f"the server is in no domain that has an account {self.account}") from none


def _found(clients: Iterable[Client], name: str) -> Client:
    return next(one for one in clients if one.name == name)


_COMES: Final = (
    *(
        (_found(smbclient_kerberos.CLIENTS, "smbclient-kerberos"), one)
        for one in ("aes-only", "rc4-only", "protected")
    ),
    (_found(smbclient_kerberos.CLIENTS, "smbclient-kerberos-required"), "rc4-only"),
    (_found(smbclient_kerberos.CLIENTS, "smbclient-kerberos"), SERVICE),
    (_found(smbclient.CLIENTS, "smbclient"), SERVICE),
    (_found(kernel_cifs.CLIENTS, "linux-cifs-kernel-kerberos"), "rc4-only"),
    (_found(persona.CLIENTS, "windows-10-22h2"), "rc4-only"),
    (_found(persona.CLIENTS, "windows-11-24h2"), "protected"),
)

CLIENTS: tuple[Client, ...] = tuple(ComingAs(client, _BY_NAME[account]) for client, account in _COMES)
