"""Logging on: NTLMv1, NTLMv2, guest and anonymous, in SPNEGO or bare. [MS-NLMP], [RFC4178].

The arithmetic and SPNEGO are impacket's; here is only what differs between kinds of client.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass
from typing import Any, Literal

from harness.smb import ntlmssp
from harness.smb.ntlmssp import Challenge, Version
from harness.smb.parsing import expect, reading
from harness.system.later import Later

ntlm: Any = Later("impacket.ntlm")
spnego: Any = Later("impacket.spnego")

Level = Literal["LM", "NTLMv1", "NTLMv2"]
TargetName = Literal["called", "server", "none"]

_NTLMSSP = "NTLMSSP - Microsoft NTLM Security Support Provider"
_ANONYMOUS = 0x00000800
_OEM = 0x00000002
_EXTENDED_SESSION_SECURITY = 0x00080000
_WORKSTATION = "REHEARSAL"
_WHAT = "the NTLM challenge"
# A challenge's target information is a few names; more than this is not one.
_LONGEST_TARGET_INFO = 4096

WINDOWS_FLAGS = 0xE2088297
"""NEGOTIATE flags of Windows Vista to 10 as captured."""


@dataclass(frozen=True, slots=True)
class NtlmManner:
    """How a kind of client does NTLM."""

    level: Level = "NTLMv2"
    flags: int = WINDOWS_FLAGS
    version: Version = (10, 0, 10586)
    spnego: bool = True
    """False: NTLMSSP goes bare into the session setup, as Linux sends it."""
    target_name: TargetName = "server"
    """The service principal name in an NTLMv2 response, which a server can check (MsvAvTargetName, [MS-NLMP]
    2.2.2.1): by the name that the client calls the server, or that the server gave itself, or none."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who logs on; an empty user logs on anonymously."""

    user: str
    password: str
    domain: str = ""

    @property
    def anonymous(self) -> bool:
        """No name and no password at all."""
        return not self.user


class Logon:
    """One logon in progress. ``session_key`` is known after the server's challenge was answered."""

    def __init__(self, manner: NtlmManner, account: Account, called: str = "") -> None:
        """``called``: the name by which the client calls the server."""
        self._called = called
        self.session_key = b""
        self.proof = b""
        """The message that answered the server's challenge; empty until then."""
        self.auth = "anonymous" if account.anonymous else manner.level
        self.manner = manner
        self.account = account

    def first(self) -> bytes:
        """The token that opens the logon; in SPNEGO with NTLMSSP only, as a workgroup client offers."""
        hello = ntlmssp.negotiate(self.manner.flags, self.manner.version)
        if not self.manner.spnego:
            return hello
        token = spnego.SPNEGO_NegTokenInit()
        token["MechTypes"] = [spnego.TypesMech[_NTLMSSP]]
        token["MechToken"] = hello
        return bytes(token.getData())

    def second(self, blob: bytes) -> bytes:
        """Answer the server's blob. Raises LabFault when it holds no NTLM challenge."""
        with reading(_WHAT):
            asked = bytes(spnego.SPNEGO_NegTokenResp(blob)["ResponseToken"]) if self.manner.spnego else blob
            answer = self.proof = self._authenticate(ntlmssp.challenge(asked, _WHAT))
        if not self.manner.spnego:
            return answer
        token = spnego.SPNEGO_NegTokenResp()
        token["ResponseToken"] = answer
        return bytes(token.getData())

    def _authenticate(self, challenge: Challenge) -> bytes:
        # What both want. The LM key is given up, as Windows does, and OEM names by who can write others.
        ours = self.manner.flags
        flags = ours & challenge.flags & ~(_OEM | ntlm.NTLMSSP_NEGOTIATE_LM_KEY)
        flags |= ours & ntlmssp.NEGOTIATE_VERSION
        flags |= (ours & ntlmssp.UNICODE) or _OEM
        flags |= challenge.flags & ntlm.NTLMSSP_NEGOTIATE_TARGET_INFO
        if self.manner.level == "LM":
            # With it the LM response has another meaning: [MS-NLMP] 3.3.1.
            flags &= ~_EXTENDED_SESSION_SECURITY
        account = self.account
        if account.anonymous:
            flags |= _ANONYMOUS
            # [MS-NLMP] 3.3.1: one zero byte instead of the LM response marks an anonymous logon.
            lm, nt, exchange_key = b"\0", b"", b"\0" * 16
        else:
            lm, nt, exchange_key = self._responses(flags, challenge)
        self.session_key, sealed = exchange_key, b""
        if flags & ntlm.NTLMSSP_NEGOTIATE_KEY_EXCH:
            self.session_key = os.urandom(16)
            sealed = bytes(ntlm.generateEncryptedSessionKey(exchange_key, self.session_key))
        return ntlmssp.authenticate(
            flags,
            self.manner.version,
            lm=lm,
            nt=nt,
            domain=account.domain,
            user=account.user,
            workstation=_WORKSTATION,
            session_key=sealed,
        )

    def _responses(self, flags: int, challenge: Challenge) -> tuple[bytes, bytes, bytes]:
        if self.manner.level == "LM":
            return _respond_lm(challenge.challenge, self.account)
        v2 = self.manner.level == "NTLMv2"
        info = challenge.target_info
        expect(len(info) <= _LONGEST_TARGET_INFO, _WHAT, f"{len(info)} bytes of target information")
        names = (self.manner.target_name, self._called)
        lm, nt, base_key = _respond(v2, flags, challenge.challenge, info, self.account, names)
        key = ntlm.KXKEY(flags, base_key, lm, challenge.challenge, self.account.password, "", "", v2)
        return lm, nt, bytes(key)


@dataclass(frozen=True, slots=True)
class BareLogon:
    """The responses of a session setup without SPNEGO: [MS-CIFS] 2.2.4.53.1."""

    lm: bytes
    nt: bytes
    session_key: bytes


def bare_logon(level: Level, account: Account, challenge: bytes) -> BareLogon:
    """Answer the eight-byte challenge of a server without extended security."""
    if account.anonymous:
        return BareLogon(b"\0", b"", b"")
    if level == "LM":
        return BareLogon(*_respond_lm(challenge, account))
    lm, nt, key = _respond(level == "NTLMv2", 0, challenge, b"", account)
    return BareLogon(lm, nt, key)


def _respond_lm(challenge: bytes, account: Account) -> tuple[bytes, bytes, bytes]:
    """The LM response alone, and the key that follows from it: [MS-NLMP] 3.3.1 and 3.4.5.1."""
    secret = bytes(ntlm.LMOWFv1(account.password))
    return bytes(ntlm.get_ntlmv1_response(secret, challenge)), b"", secret[:8] + bytes(8)


def _respond(
    v2: bool,
    flags: int,
    challenge: bytes,
    info: bytes,
    account: Account,
    names: tuple[TargetName, str] = ("server", ""),
) -> tuple[bytes, bytes, bytes]:
    if not v2:
        nt, lm, key = ntlm.computeResponseNTLMv1(
            flags,
            challenge,
            os.urandom(8),
            info,
            account.domain,
            account.user,
            account.password,
            use_ntlmv2=False,
        )
        return bytes(lm), bytes(nt), bytes(key)
    pairs = ntlm.AV_PAIRS(info or None)
    stamped = ntlm.NTLMSSP_AV_TIME in pairs
    if ntlm.NTLMSSP_AV_DNS_HOSTNAME not in pairs:
        # impacket builds the target name from it; old servers send only the NetBIOS name.
        known = pairs[ntlm.NTLMSSP_AV_HOSTNAME]
        pairs[ntlm.NTLMSSP_AV_DNS_HOSTNAME] = known[1] if known else b""
    nt, lm, key = ntlm.computeResponseNTLMv2(
        flags, challenge, os.urandom(8), pairs.getData(), account.domain, account.user, account.password
    )
    nt, key = _renamed(bytes(nt), bytes(key), challenge, account, *names)
    # [MS-NLMP] 3.1.5.1.2: with a timestamp in the challenge the LM response is 24 zero bytes.
    return b"\0" * 24 if stamped else bytes(lm), nt, key


_AV_PAIRS_AT = 44
"""Bytes of an NTLMv2 response before its AV pairs: [MS-NLMP] 2.2.2.7, 2.2.2.8."""


def _renamed(
    nt: bytes, key: bytes, challenge: bytes, account: Account, which: TargetName, called: str
) -> tuple[bytes, bytes]:
    """An NTLMv2 response with another service principal name, and its key: [MS-NLMP] 3.3.2."""
    if which == "server":
        return nt, key
    pairs = ntlm.AV_PAIRS(nt[_AV_PAIRS_AT:])
    if which == "called":
        pairs[ntlm.NTLMSSP_AV_TARGET_NAME] = f"cifs/{called}".encode("utf-16le")
    else:
        del pairs.fields[ntlm.NTLMSSP_AV_TARGET_NAME]
    told = nt[16:_AV_PAIRS_AT] + bytes(pairs.getData())
    secret = bytes(ntlm.NTOWFv2(account.user, account.password, account.domain))
    proof = hmac.digest(secret, challenge + told, "md5")
    return proof + told, hmac.digest(secret, proof, "md5")
