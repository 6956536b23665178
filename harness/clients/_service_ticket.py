"""A ticket for a server, as impacket gets it, but for one thing: its request to the KDC has a checksum.

impacket 0.13.1 and minikerberos 0.4.9 (aiosmb's) send TGS-REQs whose authenticator has none: Samba's KDC
answers KRB_AP_ERR_INAPP_CKSUM (measured, 4.22). The request is that of the emulated clients
(``harness.smb.kerberos.tickets``), asking what impacket asks. The first ticket is impacket's own doing, with
the user's password.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from harness.smb.kerberos import tickets
from harness.smb.kerberos.manner import KerberosManner
from harness.system.later import Later

asn1: Any = Later("impacket.krb5.asn1")
ccache: Any = Later("impacket.krb5.ccache")
crypto: Any = Later("impacket.krb5.crypto")
kerberosv5: Any = Later("impacket.krb5.kerberosv5")
types: Any = Later("impacket.krb5.types")
decoder: Any = Later("pyasn1.codec.der.decoder")

_NT_PRINCIPAL: Final = 1
_ASKS: Final = KerberosManner(
    tgs_options=0x40010000, tgs_etypes=(18, 17, 23), tgs_padata=(1,), till="", renew=False
)
"""What is said of a TGS-REQ: forwardable and canonicalize (RFC 4120 5.4.1, RFC 6806 3), for a day."""


@dataclass(frozen=True, slots=True)
class ServiceTicket:
    """A ticket, and what it takes to show it."""

    reply: bytes = field(repr=False)
    """The TGS-REP."""
    session_key: Any = field(repr=False)
    own_key: Any = field(repr=False)
    """What the reply is encrypted with."""

    @property
    def for_impacket(self) -> dict[str, Any]:
        """As ``SMBConnection.kerberosLogin`` takes it."""
        return {
            "KDC_REP": self.reply,
            "cipher": crypto._enctype_table[self.session_key.enctype],
            "sessionKey": self.session_key,
        }

    def file(self) -> bytes:
        """The same as a ticket cache: a file of MIT's format."""
        cache = ccache.CCache()
        cache.fromTGS(self.reply, self.own_key, self.session_key)
        return bytes(cache.getData())


def fetch(user: str, password: str, realm: str, host: str, kdc: str) -> ServiceTicket:
    """Ask the KDC at an address, on its port, for a ticket to ``cifs/host``.

    Raises impacket's KerberosError for what the KDC says no to, OSError where it does not answer.
    """
    client = types.Principal(user, type=_NT_PRINCIPAL)
    given, _, _, key = kerberosv5.getKerberosTGT(client, password, realm, "", "", kdcHost=kdc)
    own = tickets.ticket_in(decoder.decode(given, asn1Spec=asn1.AS_REP())[0], key)
    answer = kerberosv5.sendReceive(request(own, host), realm, kdc)
    return ServiceTicket(answer, tickets.granted(answer, own).key, key)


def request(own: tickets.Ticket, host: str) -> bytes:
    """The TGS-REQ: RFC 4120 3.3.1."""
    return tickets.tgs_req(_ASKS, own, host)
