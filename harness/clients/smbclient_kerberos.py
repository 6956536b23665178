"""smbclient in a domain: with tickets, and with NTLM where it gets none, which is Samba's default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.clients import _kerberos as kerberos
from harness.clients._ran import Ran
from harness.clients.base import Client, ClientSetting
from harness.clients.smbclient import Call, Smbclient, with_kerberos
from harness.model import BY_NAMES, Check, ClientPolicy, Evidence, Target


class SmbclientKerberos(Smbclient):
    """It fetches its tickets itself, with the password, in each attempt anew."""

    in_domain_alone = True
    way = "Kerberos, and NTLM where it gets no ticket"
    evidence = (
        *Smbclient.evidence,
        Evidence(
            "it uses Kerberos where it gets a ticket, else NTLM",
            "smb.conf(5), client use kerberos: default desired",
        ),
        Evidence("for an IP address it asks for no ticket", "measured: its KDC is asked nothing"),
    )
    checks = frozenset({Check.BROWSE, Check.OPEN, Check.WRITE, Check.RENAME, Check.PERMISSIONS}) | BY_NAMES
    cannot = {  # noqa: RUF012 (read only)
        **Smbclient.cannot,
        Check.LARGE: "the speed of smbclient is that without Kerberos: smbclient",
        Check.PRINT: "a domain's servers have no printer in this lab",
    }
    has = Smbclient.has | {ClientSetting.BLOCK_NTLM}
    sees = {  # noqa: RUF012 (read only)
        **Smbclient.sees,
        "kerberos-as:*": "session setup failed: NT_STATUS_INVALID_PARAMETER",
        "kerberos-tgs:*": "session setup failed: NT_STATUS_INVALID_PARAMETER",
        "session-setup:STATUS_INVALID_PARAMETER": "session setup failed: NT_STATUS_INVALID_PARAMETER",
        "session-setup:STATUS_NTLM_BLOCKED": "session setup failed: NT_STATUS_NTLM_BLOCKED",
    }

    def __init__(self, name: str, image: str, release: str) -> None:
        super().__init__(name, image, release)
        self.title = f"smbclient of Samba {release} in a domain: {self.way}"

    def _call(self, target: Target, policy: ClientPolicy) -> Call:
        domain = kerberos.domain_of(target)
        plain = super()._call(target, replace(policy, ntlm=True))
        words = [word for word in plain.options if word not in with_kerberos("off", plain.version)]
        words += with_kerberos("desired" if policy.ntlm else "required", plain.version)
        words += [f"--option=realm={domain.realm}", f"--option=workgroup={domain.workgroup}"]
        return replace(plain, options=tuple(words))

    def _run(self, call: Call, target: Target, words: Sequence[str], stdin: str = "") -> Ran:
        with (
            kerberos.kdc_of(target) as kdc,
            kerberos.settings(target, self.image, kdc.port) as env,
        ):
            ran = super()._run(replace(call, env=env), target, words, stdin)
        return replace(ran, tickets=kdc.asked)

    def by_hand(self, check: Check, target: Target, policy: ClientPolicy) -> tuple[str, ...]:  # noqa: ARG002
        # It needs a krb5.conf(5) and a KDC, which a shell of the lab has not.
        return ()


class SmbclientRequired(SmbclientKerberos):
    """With ``--use-kerberos=required``, formerly ``-k``: a ticket or nothing."""

    way = "Kerberos alone (--use-kerberos=required)"
    evidence = (
        *Smbclient.evidence,
        Evidence("it has nothing but Kerberos", "smbclient(1), --use-kerberos=required; formerly -k"),
    )
    policy = replace(SmbclientKerberos.policy, ntlm=False)
    has = SmbclientKerberos.has - {ClientSetting.BLOCK_NTLM}


CLIENTS: tuple[Client, ...] = (
    SmbclientKerberos("smbclient-kerberos", "trixie", "4.22"),
    SmbclientRequired("smbclient-kerberos-required", "trixie", "4.22"),
    SmbclientKerberos("smbclient-4.17-kerberos", "bookworm", "4.17"),
    SmbclientKerberos("smbclient-4.25-kerberos", "forky", "4.25"),
)
