"""aiosmb in a domain: Kerberos alone, by a ticket cache that holds the server's ticket."""

from __future__ import annotations

import base64
from typing import Any

from harness.clients import _kerberos as kerberos
from harness.clients.aiosmb_client import Aiosmb
from harness.clients.base import Client
from harness.clients.impacket_kerberos import TICKET_IN_HAND, TicketInHand
from harness.model import ClientPolicy, Dialect, Target


class AiosmbKerberos(TicketInHand, Aiosmb):
    """The ticket is asked for before it connects: its own would be asked for after NEGOTIATE."""

    name = "aiosmb-kerberos"
    title = "aiosmb in a domain: Kerberos alone, with a ticket that is fetched for it"
    evidence = (*Aiosmb.evidence, TICKET_IN_HAND)
    policy = ClientPolicy(
        smb1=False, min_dialect=Dialect.SMB2_02, require_signing=True, ntlmv2_only=True, ntlm=False
    )
    modules = (*Aiosmb.modules, "asyauth.common.credentials.kerberos", "minikerberos.common.target")

    def made(self, target: Target, address: str, port: int, dialects: str) -> Any:
        from aiosmb.commons.connection.factory import SMBConnectionFactory
        from aiosmb.commons.connection.target import SMBConnectionDialect, SMBTarget
        from asyauth.common.constants import asyauthSecret
        from asyauth.common.credentials.kerberos import KerberosCredential
        from minikerberos.common.target import KerberosTarget

        domain = kerberos.domain_of(target)
        there = SMBTarget(address, port, target.called, dc_ip=domain.controller, domain=domain.realm)
        there.update_dialect(SMBConnectionDialect(dialects))
        kdc = KerberosTarget(domain.controller)
        kdc.dc_ip = domain.controller
        cache = base64.b64encode(self.ticket(target).file()).decode()
        credential = KerberosCredential(cache, target.user, domain.realm, asyauthSecret.CCACHEB64, target=kdc)
        return SMBConnectionFactory(credential, there).get_connection()


CLIENTS: tuple[Client, ...] = (AiosmbKerberos(),)
