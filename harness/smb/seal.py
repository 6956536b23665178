"""Keys, signatures and encryption of an SMB2 session: [MS-SMB2] 3.1.4.1 to 3.1.4.3.

Every primitive is a library's; here is only which key and which bytes go in.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from typing import Any

from harness.errors import LabFault
from harness.model import Dialect
from harness.smb.negotiation import Smb2Chosen
from harness.smb.offer import Cipher, SigningAlgorithm
from harness.smb.parsing import expect
from harness.system.later import Later

smb2: Any = Later("impacket.smb3structs")
crypto: Any = Later("impacket.crypto")

TRANSFORM_MAGIC = b"\xfdSMB"
_TRANSFORM = 52
_NONCE = {Cipher.AES_128_CCM: 11, Cipher.AES_256_CCM: 11, Cipher.AES_128_GCM: 12, Cipher.AES_256_GCM: 12}


class Signer:
    """Signs and checks the messages of one session."""

    def __init__(self, session_key: bytes, chosen: Smb2Chosen, preauth: bytes) -> None:
        key = session_key[:16].ljust(16, b"\0")
        self._algorithm = chosen.signing_algorithm
        if chosen.dialect is Dialect.SMB3_11:
            key = crypto.KDF_CounterMode(key, b"SMBSigningKey\0", preauth, 128)
        elif chosen.dialect.revision >= 0x0300:
            key = crypto.KDF_CounterMode(key, b"SMB2AESCMAC\0", b"SmbSign\0", 128)
        self._key = key

    def signature(self, message: bytes) -> bytes:
        """The 16-byte signature of a message, whatever its signature field holds now."""
        blank = message[:48] + b"\0" * 16 + message[64:]
        if self._algorithm is SigningAlgorithm.HMAC_SHA256:
            return hmac.digest(self._key, blank, hashlib.sha256)[:16]
        if self._algorithm is SigningAlgorithm.AES_CMAC:
            from cryptography.hazmat.primitives.ciphers.algorithms import AES
            from cryptography.hazmat.primitives.cmac import CMAC

            mac = CMAC(AES(self._key))
            mac.update(blank)
            return mac.finalize()
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        # [MS-SMB2] 3.1.4.1: the nonce is the MessageId and, in its last four bytes, who sent it.
        from_server = struct.unpack_from("<L", message, 16)[0] & 1
        nonce = message[24:32] + struct.pack("<L", from_server)
        return AESGCM(self._key).encrypt(nonce, b"", blank)


class Sealer:
    """Encrypts and decrypts the messages of one session."""

    def __init__(self, session_key: bytes, chosen: Smb2Chosen, cipher: Cipher, preauth: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM

        bits = 256 if cipher in (Cipher.AES_256_CCM, Cipher.AES_256_GCM) else 128
        # [MS-SMB2] 3.2.5.3.1: keys of AES-256 are made from the whole session key, of 32 bytes with Kerberos.
        key = (session_key if bits == 256 else session_key[:16]).ljust(16, b"\0")
        if chosen.dialect is Dialect.SMB3_11:
            ours = crypto.KDF_CounterMode(key, b"SMBC2SCipherKey\0", preauth, bits)
            theirs = crypto.KDF_CounterMode(key, b"SMBS2CCipherKey\0", preauth, bits)
        else:
            ours = crypto.KDF_CounterMode(key, b"SMB2AESCCM\0", b"ServerIn \0", bits)
            theirs = crypto.KDF_CounterMode(key, b"SMB2AESCCM\0", b"ServerOut\0", bits)
        kind = AESGCM if cipher in (Cipher.AES_128_GCM, Cipher.AES_256_GCM) else AESCCM
        self._nonce = _NONCE[cipher]
        self._ours = kind(ours)
        self._theirs = kind(theirs)

    def encrypt(self, message: bytes, session_id: int) -> bytes:
        """The message inside a transform header."""
        nonce = os.urandom(self._nonce)
        header = smb2.SMB2_TRANSFORM_HEADER()
        header["Signature"] = b"\0" * 16
        header["Nonce"] = nonce.ljust(16, b"\0")
        header["OriginalMessageSize"] = len(message)
        header["EncryptionAlgorithm"] = 1
        header["SessionID"] = session_id
        authenticated = bytes(header.getData())[20:]
        sealed = self._ours.encrypt(nonce, message, authenticated)
        return TRANSFORM_MAGIC + sealed[-16:] + authenticated + sealed[:-16]

    def decrypt(self, sealed: bytes) -> bytes:
        """The message that a transform header wraps. Raises LabFault when it is not intact."""
        from cryptography.exceptions import InvalidTag

        expect(len(sealed) > _TRANSFORM, "an encrypted answer", f"{len(sealed)} bytes")
        nonce = sealed[20 : 20 + self._nonce]
        try:
            return self._theirs.decrypt(nonce, sealed[_TRANSFORM:] + sealed[4:20], sealed[20:_TRANSFORM])
        except InvalidTag as reason:
            raise LabFault("the server sent garbage: an encrypted answer that does not decrypt") from reason
