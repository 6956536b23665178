"""NTLM is accepted, NTLMv2 at that: by the server, by the domain controller, of the server's own accounts.

Three holes, for each is closed in another place. Where a server has no Kerberos nothing else would let an
account in: the evidence says so.
"""

from __future__ import annotations

from harness.exposures._logons import (
    NO_ACCOUNT,
    Looked,
    at_controller,
    configured,
    here,
    own_account,
    whose,
)
from harness.exposures.base import Exposure, Subject, closed, opened, unknown
from harness.model import Sighting
from harness.smb.negotiation import Smb2Chosen
from harness.smb.status import NTLM_BLOCKED
from harness.smb.tap.kerberos import NTLMSSP

_ON = {"ntlm auth": ("ntlmv2-only", "no", "ntlmv1-permitted", "yes", "mschapv2-and-ntlmv2-only")}
"""Every value of the parameter but "disabled"."""


class NtlmAccepted(Exposure):
    safe = "it is an ordinary logon of the account; the session is closed at once"
    source = (
        "Microsoft, The evolution of Windows authentication (2023), and Block NTLM connections on SMB; "
        "smb.conf(5), ntlm auth"
    )

    def __init__(self, name: str, title: str, sends: str, looked: Looked) -> None:
        self.name = name
        self.title = title
        self.sends = sends
        self._looked = looked

    def probe(self, subject: Subject) -> Sighting:
        look = self._looked(subject)
        if isinstance(look, Sighting):
            return look
        if not subject.account:
            return configured(subject, NO_ACCOUNT, _ON)
        said = look.newest_logon
        text = f"a logon{whose(subject, look)} with NTLMv2: {said.text}"
        if said.ok and said.value:
            return configured(subject, "the account is made a guest, which proves no password", _ON)
        if said.ok:
            alone = isinstance(look.best.value, Smb2Chosen) and look.best.value.mechanisms == (NTLMSSP,)
            besides = "; it offers nothing else: without NTLM no account would get in" if alone else ""
            return opened(f"{text}{besides}")
        return closed(text) if said.status == NTLM_BLOCKED else unknown(text)


_RELAYED = "its responses can be relayed, and passwords guessed from them"

EXPOSURES = (
    NtlmAccepted(
        "ntlm-accepted",
        f"NTLM (NTLMv2) is accepted: {_RELAYED}",
        "a logon with NTLMv2",
        here,
    ),
    NtlmAccepted(
        "ntlm-accepted-by-dc",
        f"the domain controller accepts NTLM (NTLMv2): {_RELAYED}",
        "a logon of the domain's user with NTLMv2 at the domain controller",
        at_controller,
    ),
    NtlmAccepted(
        "ntlm-accepted-own-accounts",
        f"a member of a domain accepts NTLM (NTLMv2) of its own accounts: {_RELAYED}",
        "a logon of an account of the server's own with NTLMv2",
        own_account,
    ),
)
