"""A server of a domain that does not offer Kerberos, as it says itself when a connection is opened."""

from __future__ import annotations

from harness.exposures._logons import outside
from harness.exposures.base import Exposure, Subject, closed, opened, unknown
from harness.model import Sighting
from harness.smb.negotiation import Smb2Chosen
from harness.smb.tap.kerberos import KRB5

_KERBEROS = {KRB5, "MS-KRB5"}


class KerberosNotOffered(Exposure):
    name = "kerberos-not-offered"
    title = "a server of a domain does not offer Kerberos: everybody logs on by NTLM"
    sends = "an SMB2 NEGOTIATE; the mechanisms in its answer are read"
    safe = "it is how every client opens a connection; nothing follows"
    source = "[MS-SMB2] 2.2.4 (SecurityBuffer); [MS-SPNG] 2.2.1 (NegTokenInit2)"

    def probe(self, subject: Subject) -> Sighting:
        if subject.alone:
            return outside(subject)
        best = subject.look.best
        if not isinstance(best.value, Smb2Chosen):
            return unknown(best.text if not best.ok else "it speaks SMB1 only, whose answer is not read")
        listed = best.value.mechanisms
        if not listed:
            return unknown("its answer to NEGOTIATE lists no mechanisms")
        said = f"its answer to NEGOTIATE lists {', '.join(listed)}"
        if _KERBEROS & set(listed):
            return closed(said)
        return opened(said) if subject.target.domain is not None else outside(subject)


EXPOSURES = (KerberosNotOffered(),)
