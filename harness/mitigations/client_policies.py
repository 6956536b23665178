"""Policies of Windows and other clients: signing required by the client, guests refused by the client."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

from harness.clients.base import Client, ClientSetting, attempt
from harness.errors import LabFault
from harness.mitigations.base import (
    Expectation,
    Mitigation,
    NotApplicableError,
    dialect_of,
    session_of,
)
from harness.mitigations.encryption_required import cannot_encrypt
from harness.model import (
    Attempt,
    Check,
    ClientPolicy,
    Dialect,
    Finding,
    Outcome,
    Side,
    StepName,
    Target,
)
from harness.servers.base import Server, ServerState
from harness.smb.out_of_time import once_more
from harness.system.deadline import pace


class OnClients(Mitigation):
    """One setting of a client. It is in force when a real session shows it, not when it is set."""

    sides = frozenset({Side.CLIENT})
    at = frozenset({StepName.SESSION_SETUP, StepName.TREE_CONNECT, StepName.TREE_CONNECT_IPC})

    def __init__(
        self,
        name: str,
        title: str,
        expectation: Expectation,
        setting: ClientSetting,
        client_side_of: str,
    ) -> None:
        self.name = name
        self.title = title
        self.expectation = expectation
        self.setting = setting
        self.client_side_of = client_side_of

    def on_client(self, policy: ClientPolicy, client: Client) -> ClientPolicy:
        """The policy with the setting made. Raises NotApplicableError where there is none, or it is made."""
        if self.setting not in client.has:
            raise NotApplicableError(f"{client.name} is not known to have such a setting")
        changed = self.made(policy)
        if changed == policy:
            raise NotApplicableError(f"{client.name} does so by itself already")
        return changed

    def verify_client(self, client: Client, policy: ClientPolicy, target: Target) -> Finding:
        """Looked for in a session with the server."""

        def opens(times: float) -> Attempt:
            there = replace(target, seconds=target.seconds * times)
            return attempt(client, Check.OPEN, there, policy)

        seen = once_more(opens(pace()), opens)
        if seen.timed_out:
            raise LabFault(f"{client.name} ran out of time at {seen.step}, twice: {seen.note}")
        said = seen.status or ("signed" if seen.signed else "encrypted" if seen.encrypted else "not signed")
        who = f" as {seen.auth}" if seen.auth else ""
        evidence = f"{client.name} opens the share{who}: {seen.outcome}, {said}"
        if seen.outcome is not Outcome.REFUSED:
            return Finding(self.shows(seen), evidence)
        by = "by itself" if seen.side is Side.CLIENT else "by the server, before the setting could show"
        return Finding(seen.auth != "guest" or seen.side is Side.CLIENT, f"{evidence}, {by}")

    @abstractmethod
    def made(self, policy: ClientPolicy) -> ClientPolicy:
        """The policy with the setting."""

    @abstractmethod
    def shows(self, seen: Attempt) -> bool:
        """Whether a session that nobody stopped obeys the setting."""


class SigningClientRequired(OnClients):
    def stops(self, seen: Attempt) -> str:
        if seen.keyless:
            return f"the client accepts only what is signed, and {session_of(seen)} has no key to sign with"
        if seen.server_signing == "none":
            return "the client accepts only what is signed, and this server does not sign over SMB1"
        return ""

    def made(self, policy: ClientPolicy) -> ClientPolicy:
        return replace(policy, require_signing=True)

    def shows(self, seen: Attempt) -> bool:
        """Signed, or encrypted, which protects no less."""
        return bool(seen.signed or seen.encrypted)


class GuestClientOff(OnClients):
    def stops(self, seen: Attempt) -> str:
        if seen.auth == "guest" and dialect_of(seen) is not Dialect.NT1:
            return "the client refuses to be a guest (AllowInsecureGuestAuth = 0)"
        return ""

    def made(self, policy: ClientPolicy) -> ClientPolicy:
        return replace(policy, guest=False)

    def shows(self, seen: Attempt) -> bool:
        """It is no guest; over SMB1 the setting does not count."""
        return seen.auth != "guest" or seen.dialect == Dialect.NT1

    def changed(self, state: ServerState, server: Server) -> ServerState:
        """Nothing on the server. It is seen only where clients are guests over SMB2 and newer."""
        if not server.unknown_user:
            raise NotApplicableError("nobody is a guest there")
        if server.highest is Dialect.NT1:
            raise NotApplicableError("Windows refuses guests over SMB2 and newer only, and it speaks SMB1")
        return state


class NtlmBlockedByClient(OnClients):
    """The client sends no NTLM: who gets no Kerberos ticket for the name that he was given stays outside."""

    at = frozenset({StepName.KERBEROS_AS, StepName.KERBEROS_TGS, StepName.SESSION_SETUP})
    looks = Check.OPEN_BY_ADDRESS
    """How the server is called to see it: there is no ticket for that name, and NTLM is what is left."""

    def stops(self, seen: Attempt) -> str:
        if not (seen.auth or "").startswith(("NTLM", "LM")):
            return ""
        asked = next((step for step in seen.steps if step.name is StepName.KERBEROS_TGS), None)
        why = f"gets no ticket for the name that it was given ({asked.status})" if asked else ""
        return f"the client may log on by Kerberos alone, and {why or 'asks for no ticket for an address'}"

    def made(self, policy: ClientPolicy) -> ClientPolicy:
        return replace(policy, ntlm=False)

    def shows(self, seen: Attempt) -> bool:
        """It did not log on by NTLM where that is what it would do."""
        return seen.outcome is not Outcome.OK or not (seen.auth or "").startswith(("NTLM", "LM"))

    def verify_client(self, client: Client, policy: ClientPolicy, target: Target) -> Finding:
        """Looked for by a name of the server that the KDC knows nothing of."""

        def opens(times: float) -> Attempt:
            there = replace(target, seconds=target.seconds * times)
            return attempt(client, self.looks, there, policy)

        seen = once_more(opens(pace()), opens)
        if seen.timed_out:
            raise LabFault(f"{client.name} ran out of time at {seen.step}, twice: {seen.note}")
        if seen.outcome is Outcome.FAULT:
            raise LabFault(f"{client.name} could not be looked at: {seen.note}")
        who = f" as {seen.auth}" if seen.auth else ""
        said = seen.status or "let in"
        by_itself = seen.side is Side.CLIENT or seen.step in (StepName.KERBEROS_AS, StepName.KERBEROS_TGS)
        evidence = f"{client.name} opens the share ({self.looks}){who}: {seen.outcome}, {said}"
        if seen.outcome is Outcome.REFUSED:
            return Finding(by_itself, f"{evidence}, {'before it logs on' if by_itself else 'by the server'}")
        return Finding(self.shows(seen), evidence)

    def changed(self, state: ServerState, server: Server) -> ServerState:
        """Nothing on the server. Without a domain nobody would be left."""
        if server.in_domain is None:
            raise NotApplicableError("it is in no domain: without NTLM nobody with an account is left")
        return state


class NtlmBlockedButForAddress(NtlmBlockedByClient):
    """The same with the server's IP address on the client's list of exceptions."""

    looks = Check.OPEN_BY_ALIAS

    def stops(self, seen: Attempt) -> str:
        asked = any(step.name is StepName.KERBEROS_TGS for step in seen.steps)
        return super().stops(seen) if asked else ""

    def made(self, policy: ClientPolicy) -> ClientPolicy:
        return replace(super().made(policy), ntlm_by_address=True)


class EncryptionClientRequired(OnClients):
    at = frozenset({StepName.NEGOTIATE, StepName.SESSION_SETUP, *OnClients.at})

    def stops(self, seen: Attempt) -> str:
        return cannot_encrypt("the client", seen)

    def made(self, policy: ClientPolicy) -> ClientPolicy:
        return replace(policy, require_encryption=True)

    def shows(self, seen: Attempt) -> bool:
        return bool(seen.encrypted)


class Ntlmv1SsoBlocked(OnClients):
    at = frozenset({StepName.SESSION_SETUP})

    def made(self, policy: ClientPolicy) -> ClientPolicy:
        return replace(policy, ntlmv1_sso=False)

    def shows(self, seen: Attempt) -> bool:
        """It does not log on by NTLMv1, which these Windows do in no case: in force before, too."""
        return seen.auth != "NTLMv1"


MITIGATIONS = (
    SigningClientRequired(
        "signing-client-required",
        "signing required by the client (RequireSecuritySignature = 1)",
        Expectation(
            "whoever is a guest on the server is stopped by his own computer, and so is whoever reaches a "
            "server over SMB1 that does not sign there (Samba's default for SMB1); other accounts stay",
            "Microsoft, 'Overview of SMB signing', and 'Enable insecure guest logons in SMB2 and SMB3'; "
            "SMB1: smb.conf(5), server signing, and measured on Samba 4.22",
        ),
        ClientSetting.REQUIRE_SIGNING,
        client_side_of="signing-required",
    ),
    GuestClientOff(
        "guest-client-off",
        "guest logons refused by the client (AllowInsecureGuestAuth = 0)",
        Expectation(
            "whoever is a guest over SMB2 and newer is stopped by his own computer; over SMB1 he stays",
            "Microsoft, KB4046019: guest access in SMB2 and SMB3 is disabled by default",
        ),
        ClientSetting.REFUSE_GUESTS,
        client_side_of="guest-off",
    ),
    NtlmBlockedByClient(
        "ntlm-blocked-by-client",
        "NTLM blocked by the client (BlockNTLM = 1; client use kerberos = required)",
        Expectation(
            "servers that are called by their name stay; by an IP address, or by an alias without a service "
            "principal (SPN), there is no Kerberos ticket, and the client stays outside. A server on its "
            "list of exceptions would stay (BlockNTLMServerExceptionList; Samba's clients have no such list)",
            "Microsoft, 'Block NTLM connections on SMB'; smb.conf(5), client use kerberos; measured on 4.22",
        ),
        ClientSetting.BLOCK_NTLM,
        client_side_of="",
    ),
    NtlmBlockedButForAddress(
        "ntlm-blocked-but-for-address",
        "NTLM blocked by the client, the server's IP address excepted (BlockNTLMServerExceptionList)",
        Expectation(
            "whoever calls the server by that address stays, with NTLM; an alias without a service principal "
            "(SPN) is not on the list, and is lost: the list is of the names that servers are called by",
            "Microsoft, 'Block NTLM connections on SMB'; documented only: Samba's clients have no such list",
        ),
        ClientSetting.EXCEPT_FROM_BLOCK,
        client_side_of="",
    ),
    Ntlmv1SsoBlocked(
        "ntlmv1-sso-blocked",
        "no single sign-on with what NTLMv1's cryptography makes (BlockNtlmv1SSO = 1)",
        Expectation(
            "nobody loses a server over SMB: Windows 11 24H2 and Server 2025 speak no NTLMv1 there, with or "
            "without it. Lost is single sign-on by MS-CHAPv2 (VPN, WLAN, 802.1X) where Credential Guard is "
            "off. Audited till October 2026 (event 4024), the default from then on (event 4025)",
            "Microsoft, KB5066470: Upcoming changes to NTLMv1 in Windows 11, version 24H2 and Server 2025",
        ),
        ClientSetting.BLOCK_NTLMV1_SSO,
        client_side_of="",
    ),
    EncryptionClientRequired(
        "encryption-client-required",
        "SMB encryption required by the client (RequireEncryption = 1; client smb encrypt = required)",
        Expectation(
            "servers of SMB 3 stay; whoever reaches a server that speaks SMB 2.1 or SMB1 at most, that has "
            "encryption off, or that makes him a guest is stopped by his own computer",
            "Microsoft, 'Configure the SMB client to require encryption'; smb.conf(5), client smb encrypt",
        ),
        ClientSetting.REQUIRE_ENCRYPTION,
        client_side_of="encryption-required",
    ),
)
