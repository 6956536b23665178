"""The name of the server in an NTLMv2 logon is not looked at: a logon that is meant for another server is
taken, as one that was relayed is."""

from __future__ import annotations

from harness.exposures._logons import NO_ACCOUNT
from harness.exposures.base import Exposure, Subject, closed, not_exposed, opened, unknown
from harness.model import Sighting
from harness.smb.control import OTHER_SERVER
from harness.smb.status import NTLM_BLOCKED


class SpnNotValidated(Exposure):
    name = "spn-not-validated"
    title = "a logon by NTLM that is meant for another server is taken (no validation of the SPN)"
    sends = (
        f"a logon with NTLMv2 whose target name is cifs/{OTHER_SERVER}, which no server has, and one with "
        "the server's own for comparison"
    )
    safe = "it is an ordinary logon of the account that was given; the session is closed at once"
    source = (
        "[MS-NLMP] 2.2.2.1 (MsvAvTargetName); Microsoft, Server SPN target name validation level, and "
        "KB5066913; Samba has no such setting (smb.conf(5))"
    )

    def probe(self, subject: Subject) -> Sighting:
        if not subject.account:
            return (
                unknown(NO_ACCOUNT) if subject.inside is None else not_exposed("nobody has an account there")
            )
        right = subject.look.newest_logon
        if right.status == NTLM_BLOCKED:
            return not_exposed(f"no logon with NTLMv2 is taken: {right.text}")
        if not right.ok or right.value:
            how = "makes it a guest" if right.value else right.text
            return unknown(f"the account does not get in with NTLMv2: {how}")
        wrong = subject.look.logon("other server")
        text = f"a logon with NTLMv2 for cifs/{OTHER_SERVER}: {wrong.text}"
        if wrong.ok:
            return opened(text)
        return closed(f"{text}; for its own name: {right.text}") if wrong.refused else unknown(text)


EXPOSURES = (SpnNotValidated(),)
