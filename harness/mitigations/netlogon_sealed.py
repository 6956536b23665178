"""The secure channel of a domain's members: sealed, and with AES, or not at all (CVE-2022-38023).

Both are on by default in Samba since 4.17. They are switched off for a member that cannot do so, and what
comes of switching them on again is that this member reaches its domain controller no more.
"""

from __future__ import annotations

from dataclasses import replace

from harness.errors import LabFault
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.model import Attempt, Finding, StepName
from harness.servers import ports
from harness.servers.base import Server, ServerState
from harness.servers.in_domain import DC
from harness.servers.live import LiveServer
from harness.smb.pipes import netlogon
from harness.smb.status import NO_LOGON_SERVERS
from harness.system.deadline import pace

_SETTINGS = {
    "server_schannel_require_seal": "yes",
    "reject_md5_clients": "yes",
    "server_reject_md5_schannel": "yes",
}


class NetlogonSealed(Mitigation):
    name = "netlogon-sealed"
    title = "members must seal their secure channel, and with AES (server schannel require seal = yes)"
    expectation = Expectation(
        "members that seal with AES, which is every Samba and Windows of today at its defaults, notice "
        "nothing; one that cannot is cut off: it can ask nobody about NTLM logons; tickets still let in",
        "smb.conf(5), server schannel require seal, reject md5 clients; Microsoft, KB5021130",
    )
    at = frozenset({StepName.SESSION_SETUP})
    foretold = False

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        if server.in_domain is None or server.in_domain.is_controller:
            raise NotApplicableError("it is no member of a domain")
        return replace(state, controller=state.controller.with_globals(**_SETTINGS))

    def cause(self, before: Attempt, refused: Attempt) -> str:
        if refused.status != NO_LOGON_SERVERS or not (before.auth or "").startswith("NTLM"):
            return ""
        return (
            "the domain controller takes no secure channel that is not sealed, and this member's is not: it "
            "can ask nobody whether an NTLM proof is right"
        )

    def verify(self, live: LiveServer) -> Finding:
        domain, place = live.target.domain, live.server.in_domain
        if domain is None or place is None:
            raise LabFault(f"{live.server.name} is in no domain: there is no domain controller to ask")
        there = replace(
            live.target,
            address=domain.controller,
            port=ports.USUAL,
            domain=replace(domain, host=DC.name),
            seconds=live.target.seconds * pace(),
        )
        said = netlogon.without_aes(there, place.netbios)
        return Finding(said == netlogon.DOWNGRADE, f"a secure channel without AES: {said}")


MITIGATIONS = (NetlogonSealed(),)
