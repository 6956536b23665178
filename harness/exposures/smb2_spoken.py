"""SMB 2.0.2 or 2.1 is spoken: no encryption, and no protection of the negotiation."""

from __future__ import annotations

from harness.exposures.base import Exposure, Subject, closed, not_exposed, opened, unknown
from harness.model import NO_DIALECT, Dialect, Sighting
from harness.smb.negotiation import Smb1Chosen

OLD = (Dialect.SMB2_02, Dialect.SMB2_10)


class Smb2Spoken(Exposure):
    name = "smb2-spoken"
    title = "SMB 2.0.2 or 2.1 is spoken, which know no encryption"
    sends = "an SMB2 NEGOTIATE with 2.0.2 and 2.1 alone"
    safe = "it is how every client of that dialect opens a connection; nothing follows"
    source = "[MS-SMB2] 2.2.3 and 3.3.5.4; Microsoft, Security best practices for SMB (minimum dialects)"
    last = 1

    def probe(self, subject: Subject) -> Sighting:
        said = subject.look.negotiated(OLD)
        text = f"2.0.2 and 2.1 offered alone: {said.text}"
        if said.value is not None:
            return opened(f"of 2.0.2 and 2.1, offered alone, {said.value.dialect} is taken")
        if said.refused or said.status == NO_DIALECT:
            return closed(text)
        if said.hung_up and isinstance(subject.look.best.value, Smb1Chosen):
            # A server of SMB1 alone knows no SMB2 frame; asked in SMB1's frame it says what it speaks.
            return not_exposed("the server chooses NT LM 0.12 although SMB 2 is offered beside it")
        return unknown(text)


EXPOSURES = (Smb2Spoken(),)
