"""impacket in a domain: Kerberos alone, by a ticket that is in its hand when it logs on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.clients import _kerberos as kerberos
from harness.clients import _library as library
from harness.clients import _service_ticket as service_ticket
from harness.clients._library import LibraryClient, Place
from harness.clients.base import Client, Log
from harness.clients.impacket_client import Impacket
from harness.model import BY_NAMES, Check, ClientPolicy, Evidence, Target

TICKET_IN_HAND = Evidence(
    "its ticket is fetched for it: what it sends to a KDC itself has no checksum in the authenticator, and "
    "Samba's KDC answers that with KRB_AP_ERR_INAPP_CKSUM",
    "measured with impacket 0.13.1, minikerberos 0.4.9 and Samba 4.22",
)


class TicketInHand(LibraryClient):
    """A library that logs on by Kerberos alone; the KDC is asked through a relay that reads along."""

    in_domain_alone = True

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        settings = self.settings(replace(policy, ntlm=True))
        self._load()
        with kerberos.relayed(target) as (there, kdc):

            def act(port: int, place: Place) -> None:
                self.do(check, settings, there, port, place)

            ran = library.through_tap(self.package, act, there, patience=self.patience, needs_ticket=True)
        library.judge(replace(ran, tickets=kdc.asked), check, policy, log)

    def ticket(self, target: Target) -> service_ticket.ServiceTicket:
        """The ticket for the name that the server is called by."""
        domain = kerberos.domain_of(target)
        return service_ticket.fetch(
            target.user, target.password, domain.realm, target.called, domain.controller
        )


class ImpacketKerberos(TicketInHand, Impacket):
    """It has no fallback: without a ticket it does not log on."""

    name = "impacket-kerberos"
    title = "impacket in a domain: Kerberos alone, with a ticket that is fetched for it"
    evidence = (*Impacket.evidence, TICKET_IN_HAND)
    checks = LibraryClient.checks | {Check.RENAME, Check.PERMISSIONS} | BY_NAMES
    cannot = {  # noqa: RUF012 (read only)
        **Impacket.cannot,
        Check.PRINT: "a domain's servers have no printer in this lab",
    }
    policy = ClientPolicy(ntlm=False)
    sees = {  # noqa: RUF012 (read only)
        **Impacket.sees,
        "kerberos-tgs:KDC_ERR_S_PRINCIPAL_UNKNOWN": "Kerberos SessionError: KDC_ERR_S_PRINCIPAL_UNKNOWN("
        "Server not found in Kerberos database)",
    }

    def log_on(self, connection: Any, target: Target, *, fallback: bool) -> None:  # noqa: ARG002
        """The connection is there: its user had negotiated before a ticket was asked for."""
        tgs = self.ticket(target).for_impacket
        realm = kerberos.domain_of(target).realm
        connection.kerberosLogin(target.user, "", realm, TGS=tgs, useCache=False)


CLIENTS: tuple[Client, ...] = (ImpacketKerberos(),)
