"""What a KDC answers who offers it certain encryption types alone: RFC 4120 3.1 and 3.3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.errors import Refused
from harness.model import Domain
from harness.smb.kerberos import tickets
from harness.smb.kerberos.manner import KerberosManner
from harness.smb.kerberos.names import etype_name
from harness.smb.kerberos.wire import Kdc
from harness.smb.tap.kdc_trace import Denied, read
from harness.system.deadline import Deadline

RC4: Final = (23,)
"""RFC 4757."""
AES: Final = (18, 17)
"""RFC 3962."""


@dataclass(frozen=True, slots=True)
class Issued:
    """The encryption types of a ticket."""

    ticket: int
    """By a key of the account that it is for."""
    session: int
    """Of the key that client and server share."""

    def __str__(self) -> str:
        ticket, session = etype_name(self.ticket), etype_name(self.session)
        return ticket if ticket == session else f"{ticket} ticket, {session} session key"


def first_answer(kdc: str, realm: str, user: str, etypes: Sequence[int], seconds: float) -> str:
    """The error that a KDC answers to a first AS-REQ for a user with these encryption types.

    Without a proof of the user, so nothing is guessed and no account is locked. ``KDC_ERR_PREAUTH_REQUIRED``
    where it goes on with one of them; "" where it gives a ticket at once. Raises LabFault where it does not
    answer.
    """
    plainly = KerberosManner(as_options=0, as_etypes=tuple(etypes), as_padata=(), addresses=(), renew=False)
    question = tickets.as_req(plainly, tickets.User(user, "", realm))
    answer = read(Kdc(kdc, "tcp", Deadline(seconds)).ask(question))
    return answer.error if isinstance(answer, Denied) else ""


def issued(
    domain: Domain,
    user: tuple[str, str],
    seconds: float,
    *,
    first: Sequence[int] = AES,
    then: Sequence[int] = (),
) -> Issued:
    """The ticket that a user gets who offers the encryption types ``first`` in the AS-REQ.

    With ``then`` that for ``cifs`` on the domain's server, whose TGS-REQ offers those. ``user``: name and
    password. Raises Refused with the KDC's error, LabFault where it does not answer.
    """
    manner = KerberosManner(
        as_options=0,
        as_etypes=tuple(first),
        as_padata=(2,),
        addresses=(),
        renew=False,
        till="",
        tgs_options=0,
        tgs_etypes=tuple(then),
    )
    kdc = Kdc(domain.controller, "tcp", Deadline(seconds))
    made = tickets.first(kdc, manner, tickets.User(*user, domain.realm))
    if then:
        made = tickets.service(kdc, manner, made, domain.host)
    return Issued(made.etype, made.key.enctype)


def service_answer(domain: Domain, user: tuple[str, str], etypes: Sequence[int], seconds: float) -> str:
    """What a KDC answers to a TGS-REQ for ``cifs`` on the domain's server with these encryption types.

    What the ticket is encrypted with ("AES-256"), with the session's key if that is another one, or the
    error. ``user``: name and password. Raises LabFault where it does not answer.
    """
    try:
        return str(issued(domain, user, seconds, first=(*AES, *RC4), then=etypes))
    except Refused as refusal:
        return refusal.status
