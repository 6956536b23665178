"""Logging on with a Kerberos ticket: the one token of the client, and the key that follows from the answer.

RFC 4121 4.1 (its frame and checksum), RFC 4120 3.2 (AP exchange), [MS-SMB2] 3.2.5.3 (the key of a session).
"""

from __future__ import annotations

import os
from typing import Any

from harness.smb import spnego
from harness.smb.kerberos import tickets
from harness.smb.kerberos.manner import KerberosManner
from harness.smb.kerberos.names import kind_of
from harness.smb.kerberos.tickets import Ticket
from harness.smb.parsing import expect, reading
from harness.smb.tap import asn1
from harness.smb.tap.kerberos import MUTUAL
from harness.system.later import Later

crypto: Any = Later("impacket.krb5.crypto")
krb5: Any = Later("impacket.krb5.asn1")
decoder: Any = Later("pyasn1.codec.der.decoder")

_GSS_CHECKSUM = 0x8003
_GSS_MUTUAL, _GSS_REPLAY, _GSS_SEQUENCE, _GSS_CONFIDENTIAL, _GSS_INTEGRITY = 2, 4, 8, 16, 32
_WHAT = "the answer to the ticket"
_AP_REP = 0x6F
_USAGE_AUTHENTICATOR, _USAGE_AP_REP = 11, 12


class KerberosLogon:
    """One logon with a ticket. ``session_key`` is known after the server's answer, 16 or 32 bytes."""

    def __init__(self, manner: KerberosManner, ticket: Ticket) -> None:
        self._manner = manner
        self._ticket = ticket
        self._subkey: Any = None
        self.session_key = b""
        self.auth = kind_of(ticket.etype, ticket.key.enctype)

    def first(self) -> bytes:
        """The token: the mechanisms that this kind of client lists, and the ticket at once."""
        manner, ticket = self._manner, self._ticket
        size = len(ticket.key.contents)
        self._subkey = crypto.Key(ticket.key.enctype, os.urandom(size))
        flags = _GSS_REPLAY | _GSS_SEQUENCE | _GSS_CONFIDENTIAL | _GSS_INTEGRITY
        flags |= _GSS_MUTUAL if manner.options & MUTUAL else 0
        # RFC 4121 4.1.1: the length of the channel bindings, none of them, and what the client wants.
        checksum = (16).to_bytes(4, "little") + bytes(16) + flags.to_bytes(4, "little")
        sequence = int.from_bytes(os.urandom(4), "big") >> 2
        proof = tickets.authenticator(
            ticket, _USAGE_AUTHENTICATOR, (_GSS_CHECKSUM, checksum), self._subkey, sequence
        )
        token = spnego.framed(tickets.ap_req(manner.options, ticket, proof))
        return spnego.init(manner.mechanisms, token, wide=manner.wide_lengths)

    def accepted(self, blob: bytes) -> None:
        """The server let the client in. Raises LabFault where it had to prove itself and did not."""
        key = self._subkey
        if self._manner.options & MUTUAL:
            with reading(_WHAT):
                key = self._proven(blob) or key
        self.session_key = bytes(key.contents)

    def _proven(self, blob: bytes) -> Any:
        """The key that the server chose, None for ours: RFC 4120 5.5.2."""
        piece = next(asn1.pieces(blob), None)
        expect(piece is not None and piece.tag == 0xA1, _WHAT, "no NegTokenResp")
        token = asn1.first(asn1.fields(piece.content if piece else b"").get(2, b""), asn1.OCTETS) or b""
        framed = asn1.first(token, 0x60)
        if framed is not None:
            # Its mechanism, and two bytes that name its kind.
            mechanism = next(asn1.pieces(framed), None)
            token = framed[(mechanism.size if mechanism else 0) + 2 :]
        expect(token[:1] == bytes([_AP_REP]), _WHAT, "no AP-REP")
        reply, _ = decoder.decode(token, asn1Spec=krb5.AP_REP())
        plain = crypto.decrypt(self._ticket.key, _USAGE_AP_REP, bytes(reply["enc-part"]["cipher"]))
        part, _ = decoder.decode(plain, asn1Spec=krb5.EncAPRepPart())
        chosen = part["subkey"]
        return crypto.Key(int(chosen["keytype"]), bytes(chosen["keyvalue"])) if chosen.hasValue() else None
