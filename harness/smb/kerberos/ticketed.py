"""Whether a kind of client gets a Kerberos ticket for a server, by the name that it was given.

The steps ``kerberos-as`` and ``kerberos-tgs`` of an attempt; without a domain there are none.
"""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address

from harness.errors import Refused
from harness.model import StepName, Target
from harness.smb.attempting import Log
from harness.smb.kerberos import tickets
from harness.smb.kerberos.logon import KerberosLogon
from harness.smb.kerberos.manner import KerberosManner
from harness.smb.kerberos.names import etype_name
from harness.smb.kerberos.wire import Kdc
from harness.smb.ntlm import Account
from harness.system.deadline import Deadline

ANY_ERROR = "*"


def logon(
    target: Target, manner: KerberosManner | None, account: Account, log: Log, *, ntlm: bool
) -> KerberosLogon | None:
    """A logon with a ticket; None where this kind of client asks for none, or goes on without.

    ``ntlm``: it may go on with NTLM. Raises Refused with the KDC's error where the client gives up after it,
    LabFault where the KDC is silent.
    """
    if target.domain is None or manner is None or account.anonymous:
        return None
    if is_address(target.called) and not manner.by_address:
        return None
    kdc = Kdc(target.domain.controller, manner.transport, Deadline(target.seconds))
    user = tickets.User(account.user, account.password, target.domain.realm)
    try:
        with log.step(StepName.KERBEROS_AS) as told:
            own = tickets.first(kdc, manner, user)
            told.append(f"{user.name}: {etype_name(own.user_etype)}, by the user's password")
        with log.step(StepName.KERBEROS_TGS) as told:
            told.append(f"cifs/{target.called}")
            ticket = tickets.service(kdc, manner, own, target.called)
    except Refused as refusal:
        if ntlm and {refusal.status, ANY_ERROR} & set(manner.falls_back):
            return None
        raise
    return KerberosLogon(manner, ticket)


def is_address(name: str) -> bool:
    """Whether a server is called by an IP address."""
    with suppress(ValueError):
        ip_address(name.strip("[]"))
        return True
    return False
