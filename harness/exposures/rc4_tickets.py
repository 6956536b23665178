"""A domain's KDC gives tickets with RC4: to whoever offers that alone, and for a server whose account has it.

The first weakens what a client may ask for (a session key, an answer encrypted with the password's NT hash);
the second gives everybody with an account something to guess the server's password from.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.exposures._logons import NO_ACCOUNT, outside
from harness.exposures._response import Response, ask
from harness.exposures.base import Exposure, Subject, closed, opened, unknown
from harness.model import Domain, Sighting
from harness.smb.kerberos import kdc
from harness.smb.kerberos.kdc import Issued
from harness.smb.kerberos.names import OF_ETYPES

_SAFE = "they are ordinary requests of the account that was given; its password is right, so none is counted"


def _domain_of(subject: Subject) -> Domain | Sighting:
    """Whose KDC is asked; what is to be said where there is none, or nobody to ask as."""
    domain = subject.target.domain
    if domain is None:
        return outside(subject)
    return domain if subject.account else unknown(NO_ACCOUNT)


def _got(
    subject: Subject, domain: Domain, *, first: Sequence[int] = kdc.AES, then: Sequence[int] = ()
) -> Response[Issued]:
    """As ``kdc.issued``."""
    target = subject.target
    who = (target.user, target.password)
    return ask(lambda: kdc.issued(domain, who, target.seconds, first=first, then=then))


class Rc4Tickets(Exposure):
    name = "rc4-tickets"
    title = "the domain's KDC takes RC4: whoever offers that alone gets tickets"
    sends = (
        "to the KDC: an AS-REQ that offers RC4 alone, with the account's password; an AS-REQ with AES, and a "
        "TGS-REQ for the server that offers RC4 alone"
    )
    safe = _SAFE
    source = (
        "RFC 8429; Microsoft, Detect and remediate RC4 usage in Kerberos; smb.conf(5), kdc supported enctypes"
    )

    def probe(self, subject: Subject) -> Sighting:
        domain = _domain_of(subject)
        if isinstance(domain, Sighting):
            return domain
        asked = {
            f"AS-REQ of {subject.target.user} with RC4 alone": _got(subject, domain, first=kdc.RC4),
            f"TGS-REQ for cifs/{domain.host} with RC4 alone": _got(subject, domain, then=kdc.RC4),
        }
        text = "; ".join(f"{what}: {said.value or said.text}" for what, said in asked.items())
        if any(said.ok for said in asked.values()):
            return opened(text)
        return closed(text) if all(said.status in OF_ETYPES for said in asked.values()) else unknown(text)


class Rc4ServiceTicket(Exposure):
    name = "rc4-service-ticket"
    title = "tickets for the server are encrypted with RC4: its password can be guessed from them"
    sends = "to the KDC: an AS-REQ of the account, and a TGS-REQ for the server that offers AES and RC4"
    safe = _SAFE
    source = (
        "MITRE ATT&CK T1558.003; [MS-KILE] 2.2.7 (msDS-SupportedEncryptionTypes); for a Windows KDC: "
        "Microsoft, KB5073381 (documented)"
    )

    def probe(self, subject: Subject) -> Sighting:
        domain = _domain_of(subject)
        if isinstance(domain, Sighting):
            return domain
        said = _got(subject, domain, then=(*kdc.AES, *kdc.RC4))
        text = f"TGS-REQ for cifs/{domain.host} with AES and RC4: {said.value or said.text}"
        if said.value is not None:
            return opened(text) if said.value.ticket in kdc.RC4 else closed(text)
        return closed(text) if said.status in OF_ETYPES else unknown(text)


EXPOSURES = (Rc4Tickets(), Rc4ServiceTicket())
