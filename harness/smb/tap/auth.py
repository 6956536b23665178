"""Which kind of proof a session setup carries, read from its security blob or password fields."""

from __future__ import annotations

from typing import Final

from harness.smb.kerberos.names import KERBEROS
from harness.smb.tap import kdc_trace

OIDS: Final = (
    bytes.fromhex("06092a864886f712010202"),  # 1.2.840.113554.1.2.2, Kerberos 5
    bytes.fromhex("06092a864882f712010202"),  # 1.2.840.48018.1.2.2, Microsoft's Kerberos 5
)
_SIGNATURE = b"NTLMSSP\x00"
_AUTHENTICATE = 3


def of_blob(blob: bytes) -> str:
    """NTLMv1, NTLMv2, LM, anonymous or Kerberos; "" when this round carries no proof yet.

    [MS-NLMP] 2.2.1.3: an NtChallengeResponse of 24 bytes is NTLMv1 (with extended session security
    too), a longer one NTLMv2.
    """
    at = blob.find(_SIGNATURE)
    if at < 0:
        # An AP-REQ follows its OID directly; a mere list of mechanisms has NTLMSSP's OID beside it.
        return KERBEROS if any(oid + b"\x01\x00" in blob for oid in OIDS) else ""
    message = blob[at:]
    if len(message) < 44 or int.from_bytes(message[8:12], "little") != _AUTHENTICATE:
        return ""
    lm = int.from_bytes(message[12:14], "little")
    nt = int.from_bytes(message[20:22], "little")
    return of_lengths(lm, nt)


def of_lengths(lm: int, nt: int) -> str:
    """The kind of proof by the lengths (bytes) of the LM and NT responses."""
    if nt == 24:
        return "NTLMv1"
    if nt > 24:
        return "NTLMv2"
    if lm == 24:
        return "LM"
    # [MS-NLMP] 3.2.5.1.2: an anonymous user sends an empty NT response and one zero byte for LM.
    return "anonymous" if nt == 0 and lm <= 1 else "plaintext"


def krb_error(message: bytes) -> str:
    """The name of the Kerberos error in a server's answer to a ticket (RFC 4120 3.2.4); "" for none."""
    # It follows its mechanism's OID, wherever the blob begins: an ERROR response has no place for one.
    for oid in OIDS:
        _, found, token = message.partition(oid + b"\x03\x00")
        if found and isinstance(told := kdc_trace.read(token), kdc_trace.Denied):
            return told.error
    return ""
