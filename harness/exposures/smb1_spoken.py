"""SMB1 is spoken, and which of its dialects."""

from __future__ import annotations

from harness.exposures.base import Exposure, Subject, closed, opened, unknown
from harness.model import Sighting


class Smb1Spoken(Exposure):
    name = "smb1-spoken"
    title = "SMB1 is spoken"
    sends = "an SMB1 NEGOTIATE with NT LM 0.12 alone; where that is taken, one with the older dialects alone"
    safe = "it is how every SMB1 client opens a connection; nothing follows"
    source = "[MS-CIFS] 2.2.4.52; Microsoft, Stop using SMB1"
    # A server of SMB1 alone hangs up on the offer of SMB2: this it answers.
    last = 2

    def probe(self, subject: Subject) -> Sighting:
        look = subject.look
        if look.no_smb1:
            return closed(look.no_smb1)
        if not look.smb1.ok:
            return unknown(f"NT LM 0.12 offered alone: {look.smb1.text}")
        older = look.smb1_older
        also = f"of the older dialects {older.value}" if older.ok else f"older dialects: {older.status}"
        return opened(f"NT LM 0.12 offered alone is taken; {also}")


EXPOSURES = (Smb1Spoken(),)
