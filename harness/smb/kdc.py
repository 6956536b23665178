"""What a KDC answers who offers it certain encryption types alone: the first AS-REQ of RFC 4120 3.1.1.

Without a proof of the user, so nothing is guessed and no account is locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from harness.errors import Refused
from harness.smb import tickets
from harness.smb.kdc_wire import Kdc
from harness.smb.kerberos import etype_name
from harness.smb.kerberos_manner import KerberosManner
from harness.smb.tap.kdc_trace import Denied, read
from harness.system.deadline import Deadline

RC4: Final = (23,)
"""RFC 4757."""
AES: Final = (18, 17)
"""RFC 3962."""


def first_answer(kdc: str, realm: str, user: str, etypes: Sequence[int], seconds: float) -> str:
    """The error that a KDC answers to a first AS-REQ for a user with these encryption types.

    ``KDC_ERR_PREAUTH_REQUIRED`` where it goes on with one of them; "" where it gives a ticket at once. Raises
    LabFault where it does not answer.
    """
    plainly = KerberosManner(as_options=0, as_etypes=tuple(etypes), as_padata=(), addresses=(), renew=False)
    question = tickets.as_req(plainly, tickets.User(user, "", realm))
    answer = read(Kdc(kdc, "tcp", Deadline(seconds)).ask(question))
    return answer.error if isinstance(answer, Denied) else ""


def service_answer(
    kdc: str, realm: str, user: tuple[str, str], host: str, etypes: Sequence[int], seconds: float
) -> str:
    """What a KDC answers to a TGS-REQ for ``cifs/host`` with these encryption types.

    What the ticket is encrypted with ("AES-256"), with the session's key if that is another one, or the
    error. ``user``: name and password. Raises LabFault where it does not answer.
    """
    manner = KerberosManner(as_options=0, as_padata=(2,), addresses=(), renew=False, till="", tgs_options=0)
    asked = Kdc(kdc, "tcp", Deadline(seconds))
    try:
        own = tickets.first(asked, manner, tickets.User(*user, realm))
        found = tickets.service(asked, replace(manner, tgs_etypes=tuple(etypes)), own, host)
    except Refused as refusal:
        return refusal.status
    ticket, session = etype_name(found.etype), etype_name(found.key.enctype)
    return ticket if ticket == session else f"{ticket} ticket, {session} session key"
