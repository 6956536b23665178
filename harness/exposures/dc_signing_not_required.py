"""The domain controller's SMB need not be signed: what everybody's computer runs comes from its SYSVOL."""

from __future__ import annotations

from harness.exposures._logons import at_controller
from harness.exposures.base import Exposure, Subject, closed, opened, unknown
from harness.model import Sighting
from harness.smb.negotiation import Smb2Chosen


class DcSigningNotRequired(Exposure):
    name = "dc-signing-not-required"
    title = "the domain controller need not sign: policies and scripts in SYSVOL can be changed on their way"
    sends = "an SMB2 NEGOTIATE to the domain controller"
    safe = "it is how every client opens a connection; nothing follows"
    source = (
        "[MS-SMB2] 2.2.4, SMB2_NEGOTIATE_SIGNING_REQUIRED; smb.conf(5), server signing: required by default "
        "on a domain controller; Windows: Default Domain Controllers Policy, the same (documented)"
    )

    def probe(self, subject: Subject) -> Sighting:
        look = at_controller(subject)
        if isinstance(look, Sighting):
            return look
        best = look.best
        if not isinstance(best.value, Smb2Chosen):
            return unknown(f"the domain controller speaks no SMB2: {best.text}")
        mode = f"the domain controller's answer at SMB {best.value.dialect} has SecurityMode "
        mode += f"{best.value.security_mode:#04x}"
        return closed(mode) if best.value.signing_required else opened(mode)


EXPOSURES = (DcSigningNotRequired(),)
