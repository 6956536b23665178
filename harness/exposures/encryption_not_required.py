"""Encryption is not required."""

from __future__ import annotations

from harness.exposures.base import Exposure, Subject, closed, opened, unknown
from harness.model import Dialect, Sighting

_WITHOUT = (Dialect.NT1, Dialect.SMB2_02, Dialect.SMB2_10)


class EncryptionNotRequired(Exposure):
    name = "encryption-not-required"
    title = "a share is served without encryption"
    sends = (
        "a share is listed by a client that offers no cipher; where that is refused, by one that has only "
        "older dialects, and once encrypted for comparison"
    )
    safe = "it only lists the root of a share with the account that was given"
    of_share = True
    source = "smb.conf(5), server smb encrypt; Microsoft, SMB security enhancements (RejectUnencryptedAccess)"

    def probe(self, subject: Subject) -> Sighting:
        look = subject.look
        plain = look.plain
        if plain.ok:
            return opened(f"a share was listed: {plain.value}")
        if not plain.refused:
            return unknown(f"without a cipher: {plain.text}")
        older = look.listed(_WITHOUT)
        if older.ok:
            return opened(f"a share was listed: {older.value}")
        sealed = look.listed(encrypt=True)
        text = f"without a cipher: {plain.text}; with older dialects: {older.status}; encrypted: "
        if sealed.ok:
            return closed(f"{text}{sealed.value}")
        return _by_setting(subject, f"{text}{sealed.text}")


def _by_setting(subject: Subject, why: str) -> Sighting:
    """Nobody gets in to see; what the server says of itself, where that is known."""
    value = subject.setting("server smb encrypt", "smb encrypt")
    if value is None:
        return unknown(why)
    evidence = f"{why}; the server's own configuration: smb encrypt = {value}"
    return closed(evidence) if value.lower() in ("required", "mandatory") else opened(evidence)


EXPOSURES = (EncryptionNotRequired(),)
