"""What is said of a domain's accounts: a user in Protected Users, a server's machine with AES alone."""

from __future__ import annotations

from dataclasses import replace

from harness.errors import LabFault
from harness.mitigations._asked import try_session
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.model import Attempt, Dialect, Domain, Finding, Outcome, StepName
from harness.model.accounts import AES, SERVICE, USER
from harness.servers.base import Server, ServerState
from harness.servers.in_domain import Directory
from harness.servers.live import LiveServer
from harness.smb.kerberos import kdc
from harness.system.deadline import pace

_RESTRICTED = "STATUS_ACCOUNT_RESTRICTION"
_LOCKED = "STATUS_ACCOUNT_LOCKED_OUT"
_TRIES = 10
"""Wrong passwords that are too many: what Microsoft's baseline recommends. With 3 the lab's own user was
locked out (measured): probes of holes log on in ways that are refused."""
_SECONDS = 10.0


class ProtectedUsers(Mitigation):
    name = "protected-users"
    title = f"the user {USER} put into Protected Users of the domain"
    expectation = Expectation(
        "who has a Kerberos ticket stays; NTLM is refused to that user everywhere, so also by an IP address "
        "or by an alias without a service principal. Accounts that are not in the group notice nothing",
        "Microsoft, 'Protected Users security group'; measured with Samba 4.22 as domain controller",
    )
    at = frozenset({StepName.KERBEROS_AS, StepName.SESSION_SETUP})

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        return _with(state, server, replace(state.directory, protected=True))

    def stops(self, seen: Attempt) -> str:
        if (seen.auth or "").startswith(("NTLM", "LM")):
            return "the domain refuses NTLM to members of Protected Users, and the client came with no ticket"
        if any(step.name is StepName.KERBEROS_AS and ": RC4" in step.detail for step in seen.steps):
            return "the KDC takes no RC4 from members of Protected Users"
        return ""

    def cause(self, before: Attempt, refused: Attempt) -> str:
        if refused.step is StepName.KERBEROS_AS and refused.status == "KDC_ERR_POLICY":
            return (
                "the KDC gives members of Protected Users no ticket that somebody else may use for them "
                "(proxiable), and the client asks for one"
            )
        return super().cause(before, refused)

    def verify(self, live: LiveServer) -> Finding:
        made = try_session(live.target, dialects=tuple(Dialect), auth="NTLMv2")
        return Finding(
            made.outcome is Outcome.REFUSED and made.status == _RESTRICTED,
            f"logon of {USER} with NTLMv2: {made.status or made.outcome}",
        )


class AesMachine(Mitigation):
    name = "aes-machine-account"
    aims = ("rc4-service-ticket",)
    title = "a server's account says AES alone (msDS-SupportedEncryptionTypes = 24)"
    expectation = Expectation(
        "whoever asks for a ticket with AES stays; a client that knows RC4 alone gets no ticket for this "
        "server. A server whose account said RC4 alone gets AES tickets from then on, and RC4 can be "
        "switched off in the domain",
        "[MS-KILE] 2.2.7 and 3.3.5.7; measured with Samba 4.22",
    )
    at = frozenset({StepName.KERBEROS_TGS, StepName.SESSION_SETUP})

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        if server.in_domain is not None and server.in_domain.is_controller:
            # Measured with Samba 4.22: the ticket and its key stay as they are.
            raise NotApplicableError("its KDC heeds no such word of a domain controller's own account")
        return _with(state, server, replace(state.directory, machine_enctypes=AES))

    def stops(self, seen: Attempt) -> str:
        if "RC4" in (seen.auth or ""):
            return "the KDC issues no RC4 tickets for this server any more (msDS-SupportedEncryptionTypes)"
        return ""

    def verify(self, live: LiveServer) -> Finding:
        domain = live.target.domain
        if domain is None:
            raise LabFault(f"{live.server.name} is in no domain: there is no KDC to ask")
        asked = {what: _ticket(live, domain, types) for what, types in (("RC4", kdc.RC4), ("AES", kdc.AES))}
        said = ", ".join(f"TGS-REQ with {what} alone: {answer}" for what, answer in asked.items())
        return Finding(asked["RC4"] == "KDC_ERR_ETYPE_NOSUPP" and asked["AES"].startswith("AES"), said)


class AccountLockout(Mitigation):
    name = "account-lockout"
    title = "accounts of the domain are locked after wrong passwords (account lockout threshold = 10)"
    expectation = Expectation(
        "an account whose old password is still in the settings of a service is locked by that service, and "
        "its user is kept out everywhere, with the right password too; others notice nothing",
        "Microsoft, 'Account lockout threshold'; measured with Samba 4.22 as domain controller",
    )
    at = frozenset({StepName.KERBEROS_AS, StepName.SESSION_SETUP})
    foretold = False

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        return _with(state, server, replace(state.directory, lockout=_TRIES))

    def cause(self, before: Attempt, refused: Attempt) -> str:
        if refused.status in (_LOCKED, "KDC_ERR_CLIENT_REVOKED"):
            return "the account is locked: something came with a wrong password for it too often"
        return ""

    def verify(self, live: LiveServer) -> Finding:
        """What a service does that still has the old password, and what the user gets then."""
        service = live.target.as_user(SERVICE)
        stale = [
            try_session(service, dialects=tuple(Dialect), auth="wrong password") for _ in range(_TRIES + 1)
        ]
        right = try_session(service, dialects=tuple(Dialect))
        said = ", ".join(dict.fromkeys(made.status or str(made.outcome) for made in stale))
        return Finding(
            right.status == _LOCKED,
            f"{SERVICE} with wrong passwords: {said}; with the right one: {right.status or right.outcome}",
        )


def _with(state: ServerState, server: Server, directory: Directory) -> ServerState:
    """The state with that in the domain's directory. Raises NotApplicableError where there is no domain."""
    if server.in_domain is None:
        raise NotApplicableError("it is in no domain")
    return replace(state, directory=directory)


def _ticket(live: LiveServer, domain: Domain, etypes: tuple[int, ...]) -> str:
    """What a TGS-REQ for the server's name comes to: what the ticket is encrypted with, or the error."""
    who = (live.target.user, live.target.password)
    return kdc.service_answer(domain, who, etypes, _SECONDS * pace())


MITIGATIONS = (ProtectedUsers(), AesMachine(), AccountLockout())
