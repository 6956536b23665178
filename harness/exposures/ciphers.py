"""Ciphers: nothing better than SMB 3.0's, and whether AES-128 is still taken."""

from __future__ import annotations

from harness.exposures.base import Exposure, Subject, closed, not_exposed, opened, unknown
from harness.model import Dialect, Sighting
from harness.smb.negotiation import Smb2Chosen
from harness.smb.offer import Cipher

_SAFE = "it is how every client opens a connection; nothing follows"
_STRONGER = (Cipher.AES_256_GCM, Cipher.AES_256_CCM, Cipher.AES_128_GCM)
_AES_128 = (Cipher.AES_128_GCM, Cipher.AES_128_CCM)
_NO_SMB3 = "no dialect of SMB 3 is spoken, so nothing is encrypted at all: {}"


def _speaks_smb3(subject: Subject) -> Sighting | None:
    """None when it does; else what that means for every probe of ciphers."""
    best = subject.look.best
    if not best.ok or best.value is None:
        return unknown(best.text)
    if best.value.dialect.revision < Dialect.SMB3_00.revision:
        return not_exposed(_NO_SMB3.format(best.value.dialect))
    return None


class WeakCiphersOnly(Exposure):
    name = "weak-ciphers-only"
    title = "no cipher but AES-128-CCM, that of SMB 3.0"
    sends = "an SMB2 NEGOTIATE at 3.1.1 that offers AES-256-GCM, AES-256-CCM and AES-128-GCM"
    safe = _SAFE
    source = "[MS-SMB2] 2.2.3.1.2; Microsoft, SMB security enhancements"

    def probe(self, subject: Subject) -> Sighting:
        without = _speaks_smb3(subject)
        if without is not None:
            return without
        said = subject.look.best
        if not isinstance(said.value, Smb2Chosen) or said.value.cipher not in _STRONGER:
            said = subject.look.negotiated((Dialect.SMB3_11,), _STRONGER)
        if isinstance(said.value, Smb2Chosen):
            if said.value.cipher is not None:
                return closed(f"at SMB {said.value.dialect} {said.value.cipher.title} is agreed on")
            return opened("at SMB 3.1.1 none of AES-256-GCM, AES-256-CCM, AES-128-GCM is agreed on")
        if said.refused:
            return opened(f"SMB 3.1.1 is not spoken ({said.text}); SMB 3.0 knows AES-128-CCM alone")
        return unknown(said.text)


class Aes128Accepted(Exposure):
    name = "aes128-accepted"
    title = "AES-128 ciphers are still taken"
    sends = "an SMB2 NEGOTIATE at 3.1.1 that offers AES-128 ciphers alone, and one at 3.0"
    safe = _SAFE
    source = "smb.conf(5), server smb3 encryption algorithms; [MS-SMB2] 2.2.3.1.2"

    def probe(self, subject: Subject) -> Sighting:
        without = _speaks_smb3(subject)
        if without is not None:
            return without
        best = subject.look.best.value
        if isinstance(best, Smb2Chosen) and best.cipher in _AES_128:
            return opened(f"at SMB {best.dialect} {best.cipher.title} is agreed on")
        said = {
            "3.1.1": subject.look.negotiated((Dialect.SMB3_11,), _AES_128),
            "3.0": subject.look.negotiated((Dialect.SMB3_00,)),
        }
        for dialect, one in said.items():
            if isinstance(one.value, Smb2Chosen) and one.value.cipher is not None:
                return opened(f"at SMB {dialect} {one.value.cipher.title} is agreed on")
        if all(one.ok or one.refused for one in said.values()):
            told = [f"{d}: {'no cipher' if one.ok else one.text}" for d, one in said.items()]
            return closed(f"AES-128 offered alone at {'; at '.join(told)}")
        return unknown("; ".join(f"{dialect}: {one.text}" for dialect, one in said.items()))


EXPOSURES = (WeakCiphersOnly(), Aes128Accepted())
