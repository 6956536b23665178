"""The share list by RAP, which refusing named pipes does not close."""

from __future__ import annotations

from harness.exposures.base import Exposure, Subject, by_answer, first_of, not_exposed, opened, unknown
from harness.model import Sighting


class RapListing(Exposure):
    name = "rap-listing"
    title = "the share list is to be had by RAP over SMB1, whatever is done about pipes"
    sends = "over SMB1: a logon, a TREE_CONNECT of IPC$, and RAP NetShareEnum over \\PIPE\\LANMAN"
    safe = "only reads the list of shares"
    source = "[MS-RAP] 2.5.7; measured: nt pipe support = no does not refuse it on Samba 4.13 to 4.25"

    def probe(self, subject: Subject) -> Sighting:
        look = subject.look
        if look.no_smb1:
            return not_exposed(f"SMB1 is not spoken: {look.no_smb1}")
        if not look.smb1.ok:
            return unknown(look.smb1.text)
        reached = look.smb1_ipc
        said = reached if reached.value is None else reached.value.rap
        if not said.ok:
            what = f"RAP NetShareEnum as {look.smb1_who}"
            # Refused to nobody is not refused to somebody.
            return by_answer(said, what) if subject.account else unknown(f"{what}: {said.text}")
        pipe = look.anonymous.pipes.get("srvsvc")
        although = f", although the pipe srvsvc answers {pipe.status}" if pipe and pipe.refused else ""
        listed = reached.value.rap.value if reached.value else None
        names = f": {first_of(listed)}" if listed else ""
        return opened(f"RAP lists {len(listed or [])} shares to {look.smb1_who}{names}{although}")


EXPOSURES = (RapListing(),)
