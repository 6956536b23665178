"""SMB over QUIC in front of a server: beside TCP port 445, or with that closed; and wrong certificates."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.errors import LabFault, Refused
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.model import RESET, TIMEOUT, Attempt, Finding, StepName, Target
from harness.servers import ports
from harness.servers.base import Server, ServerState
from harness.servers.live import How, LiveServer, target_of_clients
from harness.servers.quic import Certificate, Quic
from harness.smb.quic import PORT, ending
from harness.smb.wire import Wire
from harness.system.deadline import Deadline, pace

_SECONDS: Final = 5.0
_MICROSOFT: Final = "Microsoft, SMB over QUIC (Windows Server)"
_HOLDS: Final = {
    Certificate.TRUSTED: None,
    Certificate.UNTRUSTED: ending.NOT_TRUSTED,
    Certificate.OTHER_NAME: ending.OTHER_NAME,
    Certificate.EXPIRED: ending.EXPIRED,
}
"""What a client that looks at the certificate holds against it."""
_WHY: Final = {
    ending.NOT_TRUSTED: "the client does not trust who signed the server's certificate",
    ending.OTHER_NAME: "the server's certificate is not for the name by which the client calls it",
    ending.EXPIRED: "the time of the server's certificate is over",
}


class OverQuic(Mitigation):
    """A relay in front of the server ends QUIC and TLS; smbd answers what comes through it."""

    foretold = False
    offers_quic = True
    at = frozenset({StepName.CONNECT, StepName.QUIC_CONNECT, StepName.TLS})

    def __init__(self, name: str, title: str, quic: Quic, expectation: Expectation) -> None:
        self.name = name
        self.title = title
        self.quic = quic
        self.expectation = expectation
        self.seldom = quic.certificate is not Certificate.TRUSTED
        # Where TCP is closed smbd moves, and all connections end.
        self.how = How.RESTART if quic.alone else How.RELOAD

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        if self.quic.alone and server.in_domain is not None and server.in_domain.is_controller:
            raise NotApplicableError(
                "a domain controller's KDC, DNS and LDAP are at the address where TCP would be closed"
            )
        if self.quic.alone and ports.of(state.conf) != ports.USUAL:
            raise NotApplicableError(ports.NONE_LEFT)
        return replace(state, quic=self.quic)

    def verify(self, live: LiveServer) -> Finding:
        """A QUIC connection as a client makes it, and a NEGOTIATE over it; a TCP connection besides."""
        there = target_of_clients(live)
        if there.quic is None:
            raise LabFault(f"{live.server.name} is in a lab without a relay that speaks QUIC")
        held = _held(there, there.quic.authority) if there.quic.offered else ""
        found, said = _asked(there)
        if held is not None and found:
            said += f"; a client that looks at its certificate: {held}"
        if self.quic.alone:
            closed = _closed(there)
            said += f"; TCP port {there.port} is {'closed' if closed else 'open'}"
            found = found and closed
        return Finding(found and held == _HOLDS[self.quic.certificate], said)

    def cause(self, before: Attempt, refused: Attempt) -> str:
        if refused.step is StepName.TLS:
            return _WHY.get(refused.status or "", "")
        if refused.step is StepName.CONNECT and self.quic.alone and refused.status in (RESET, TIMEOUT):
            return "TCP port 445 is closed, and this client does not come by QUIC"
        return ""


def _held(there: Target, authority: str) -> str | None:
    """What a client with that authority holds against the certificate; None where it takes it."""
    from harness.smb.quic.dialing import dial

    assert there.quic is not None
    try:
        made = dial(there.address, there.quic.port, there.quic.host, authority, Deadline(_SECONDS * pace()))
    except Refused as refusal:
        return _in_time(refusal).status
    made.stream.close()
    return None


def _asked(there: Target) -> tuple[bool, str]:
    """Whether SMB is answered over QUIC, and what was seen, whatever the certificate is."""
    from harness.smb.quic.reaching import asked

    assert there.quic is not None
    where, seconds = f"{there.address} over QUIC", _SECONDS * pace()
    try:
        said, certificate = asked(there.address, there.quic.port, there.quic.host, where, seconds)
    except Refused as refusal:
        return False, f"UDP port {PORT}: {_in_time(refusal).status}"
    return True, f"over QUIC, through the relay of the lab, the server {said} ({certificate})"


def _in_time(refusal: Refused) -> Refused:
    """Raises LabFault where it says no more than that time was over."""
    if refusal.status == TIMEOUT:
        raise LabFault(f"no answer over QUIC in time: {refusal.detail}") from refusal
    return refusal


def _closed(there: Target) -> bool:
    """Whether nothing listens on TCP where clients come to."""
    try:
        Wire.connect(there.address, there.port, Deadline(_SECONDS * pace())).close()
    except Refused as refusal:
        return refusal.status == RESET
    return False


def _only(certificate: Certificate, name: str, title: str, text: str) -> OverQuic:
    return OverQuic(
        f"quic-relay-only-{name}",
        f"SMB over QUIC alone, by a relay of the lab, {title}",
        Quic(alone=True, certificate=certificate),
        Expectation(
            text, f"{_MICROSOFT}, prerequisites: a certificate that clients trust, for the server's name"
        ),
    )


MITIGATIONS = (
    OverQuic(
        "quic-relay",
        "SMB over QUIC beside TCP, by a relay of the lab in front of smbd (UDP port 443, TLS 1.3)",
        Quic(),
        Expectation(
            "nobody loses anything: Windows goes on with TCP while that works; who is told to use QUIC "
            "gets in",
            f"{_MICROSOFT}: clients use TCP by default, and QUIC if TCP fails or if they are told so",
        ),
    ),
    OverQuic(
        "quic-relay-only",
        "SMB over QUIC alone, by a relay of the lab in front of smbd: TCP port 445 closed",
        Quic(alone=True),
        Expectation(
            "Windows 11 and Server 2025 go on over QUIC where they call the server by the name in its "
            "certificate; everybody else is out",
            f"{_MICROSOFT}: Windows 11 and Server 2025 have it as clients, and try it where TCP fails",
        ),
    ),
    _only(Certificate.UNTRUSTED, "untrusted", "with a certificate that no client trusts", "nobody connects"),
    _only(Certificate.OTHER_NAME, "other-name", "with another server's certificate", "nobody connects"),
    _only(Certificate.EXPIRED, "outdated", "with a certificate whose time is over", "nobody connects"),
)
