"""NTLM and RC4 switched off in an Active Directory domain: at a member, and on the domain controller.

A member asks its domain controller about the domain's users, so what is set on the member decides of its own
accounts alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.errors import LabFault
from harness.mitigations._asked import try_session
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.model import Attempt, Dialect, Finding, Outcome, StepName
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer, OwnAccounts
from harness.smb.kerberos import kdc
from harness.smb.status import NTLM_BLOCKED
from harness.system.deadline import pace

_AES_ALONE = "aes128-cts-hmac-sha1-96 aes256-cts-hmac-sha1-96"
_SECONDS = 10.0


class NtlmOffMember(Mitigation):
    name = "ntlm-off-member"
    aims = ("ntlm-accepted-own-accounts",)
    title = "NTLM switched off at a member of a domain (ntlm auth = disabled)"
    expectation = Expectation(
        "nothing changes for the domain's users: of them the domain controller decides; the member's own "
        "accounts can log on no more",
        "measured: Samba 4.17, 4.22 and 4.25; smb.conf(5), ntlm auth",
    )

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        if server.in_domain is None or server.in_domain.is_controller:
            raise NotApplicableError("it is no member of a domain")
        return replace(state, conf=state.conf.with_globals(ntlm_auth="disabled"))

    def verify(self, live: LiveServer) -> Finding:
        if not isinstance(live, OwnAccounts):
            raise LabFault(f"{live.server.name} has no account of its own to log on with")
        return _blocked(
            try_session(live.own_target, dialects=tuple(Dialect), auth="NTLMv2"), "a local account"
        )


class NtlmOffDomain(Mitigation):
    name = "ntlm-off-domain"
    aims = ("ntlm-accepted", "ntlm-accepted-by-dc")
    title = "NTLM switched off in a domain (ntlm auth = disabled on its domain controller)"
    expectation = Expectation(
        "whoever logs on by NTLM is kept out of the whole domain; who has a Kerberos ticket stays",
        "measured: Samba 4.13 to 4.25 as members; smb.conf(5), ntlm auth",
    )
    at = frozenset({StepName.SESSION_SETUP})

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        return _on_controller(state, server, {"ntlm_auth": "disabled"})

    def stops(self, seen: Attempt) -> str:
        if (seen.auth or "").startswith(("NTLM", "LM")):
            return (
                "the domain controller accepts no NTLM (ntlm auth = disabled), and the client came without a "
                "Kerberos ticket"
            )
        return ""

    def verify(self, live: LiveServer) -> Finding:
        made = try_session(live.target, dialects=tuple(Dialect), auth="NTLMv2")
        return _blocked(made, "a user of the domain")


class Rc4Off(Mitigation):
    name = "rc4-off"
    aims = ("rc4-tickets", "rc4-service-ticket")
    title = "no RC4 in a domain's Kerberos (kdc supported enctypes of its domain controller: AES)"
    expectation = Expectation(
        "who has AES keys stays; a server whose machine account has RC4 keys alone gets no Kerberos client "
        "any more, and a client that knows RC4 alone gets no ticket",
        "measured: Samba 4.22; smb.conf(5), kdc supported enctypes; for Windows: Microsoft, KB5073381",
    )
    at = frozenset({StepName.KERBEROS_AS, StepName.KERBEROS_TGS, StepName.SESSION_SETUP})

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        return _on_controller(state, server, {"kdc_supported_enctypes": _AES_ALONE})

    def stops(self, seen: Attempt) -> str:
        if "RC4" in (seen.auth or ""):
            return "the domain's KDC issues no RC4 tickets any more (kdc supported enctypes)"
        if any(step.name is StepName.KERBEROS_AS and ": RC4" in step.detail for step in seen.steps):
            return "the KDC takes no RC4 any more (kdc supported enctypes), and the user has no other key"
        return ""

    def verify(self, live: LiveServer) -> Finding:
        domain = live.target.domain
        if domain is None:
            raise LabFault(f"{live.server.name} is in no domain: there is no KDC to ask")
        asked = {
            what: kdc.first_answer(
                domain.controller, domain.realm, live.target.user, etypes, _SECONDS * pace()
            )
            for what, etypes in (("RC4", kdc.RC4), ("AES", kdc.AES))
        }
        said = ", ".join(
            f"AS-REQ with {what} alone: {answer or 'a ticket'}" for what, answer in asked.items()
        )
        return Finding(
            asked["RC4"] == "KDC_ERR_ETYPE_NOSUPP" and asked["AES"] != "KDC_ERR_ETYPE_NOSUPP", said
        )


def _on_controller(state: ServerState, server: Server, settings: Mapping[str, str]) -> ServerState:
    """The settings in [global] of the domain controller, which is the server itself or beside it."""
    if server.in_domain is None:
        raise NotApplicableError("it is in no domain")
    if server.in_domain.is_controller:
        return replace(state, conf=state.conf.with_globals(**settings))
    return replace(state, controller=state.controller.with_globals(**settings))


def _blocked(made: Attempt, who: str) -> Finding:
    return Finding(
        made.outcome is Outcome.REFUSED and made.status == NTLM_BLOCKED,
        f"logon of {who} with NTLMv2: {made.status or made.outcome}",
    )


MITIGATIONS = (NtlmOffMember(), NtlmOffDomain(), Rc4Off())
