"""Signing is not required, as the server itself announces it."""

from __future__ import annotations

from harness.exposures.base import Exposure, Subject, closed, not_exposed, opened, unknown
from harness.model import Sighting
from harness.smb.negotiation import Smb1Chosen, Smb2Chosen

_SAFE = "it is how every client opens a connection; nothing follows"


class Smb1SigningNotRequired(Exposure):
    name = "smb1-signing-not-required"
    title = "SMB1 sessions need not be signed"
    sends = "an SMB1 NEGOTIATE"
    safe = _SAFE
    source = "[MS-CIFS] 2.2.4.52.2, NEGOTIATE_SECURITY_SIGNATURES_REQUIRED"

    def probe(self, subject: Subject) -> Sighting:
        look = subject.look
        if look.no_smb1:
            return not_exposed(f"SMB1 is not spoken: {look.no_smb1}")
        if look.smb1.value is None:
            return unknown(look.smb1.text)
        mode = f"the SMB1 answer has SecurityMode {look.smb1.value.security_mode:#04x}"
        return closed(mode) if look.smb1.value.signing_required else opened(mode)


class Smb2SigningNotRequired(Exposure):
    name = "smb2-signing-not-required"
    title = "SMB2 and SMB3 sessions need not be signed"
    sends = "an SMB2 NEGOTIATE"
    safe = _SAFE
    source = "[MS-SMB2] 2.2.4, SMB2_NEGOTIATE_SIGNING_REQUIRED; Microsoft, Control SMB signing behavior"

    def probe(self, subject: Subject) -> Sighting:
        best = subject.look.best
        if isinstance(best.value, Smb1Chosen):
            return not_exposed("the server speaks SMB1 only: it chooses NT LM 0.12 although SMB 2 is offered")
        if not isinstance(best.value, Smb2Chosen):
            from harness.exposures._probe_cache import SMB2_DIALECTS

            best = subject.look.negotiated(SMB2_DIALECTS)
        if not isinstance(best.value, Smb2Chosen):
            return unknown(best.text)
        mode = f"the answer at SMB {best.value.dialect} has SecurityMode {best.value.security_mode:#04x}"
        return closed(mode) if best.value.signing_required else opened(mode)


EXPOSURES = (Smb1SigningNotRequired(), Smb2SigningNotRequired())
