"""Tickets from a Kerberos KDC, asked for as a kind of client does: RFC 4120 3.1 and 3.3, [MS-KILE].

Messages, encryption and keys are impacket's; here is what differs between kinds of client, and the checksum
of the request that its own client leaves out (RFC 4120 5.5.1: Samba's KDC demands it).
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from harness.errors import LabFault, Refused
from harness.smb.kerberos.manner import KerberosManner
from harness.smb.kerberos.names import error_name
from harness.smb.kerberos.wire import Kdc
from harness.smb.parsing import expect, reading
from harness.smb.tap import asn1 as reader
from harness.system.later import Later

asn1: Any = Later("impacket.krb5.asn1")
crypto: Any = Later("impacket.krb5.crypto")
decoder: Any = Later("pyasn1.codec.der.decoder")
encoder: Any = Later("harness.smb.kerberos.der")
univ: Any = Later("pyasn1.type.univ")

NETBIOS_ADDRESS = 20
_PLAIN = {128: bytes.fromhex("3005a0030101ff"), 149: b"", 167: bytes.fromhex("3009a00703050040000000")}
"""Pre-authentication data that are the same each time: PA-PAC-REQUEST, the user's groups are wanted
([MS-KILE] 2.2.3); PA-REQ-ENC-PA-REP (RFC 6806); PA-PAC-OPTIONS, branch-aware ([MS-KILE] 2.2.10)."""
_RC4 = 23
_ETYPES = (18, 17, _RC4)
"""That the library computes with; clients offer more."""
_CHECKSUMS = {18: 16, 17: 15, _RC4: -138}
"""Of a key: hmac-sha1-96-aes256, hmac-sha1-96-aes128 (RFC 3962), hmac-md5 (RFC 4757)."""
_PREAUTH_REQUIRED = 25
_ETYPE_INFO2 = 19
_WORKSTATION = "REHEARSAL"
_OF_TICKET = 0x54800000
"""forwardable, proxiable, may-postdate, renewable: flags of a ticket that are options of a request, too."""
_DAY = timedelta(days=1)
_WHAT = "the KDC's answer"


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    name: str
    password: str = field(repr=False)
    realm: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket and what its owner knows of it."""

    der: bytes = field(repr=False)
    etype: int
    """What it is encrypted with: a key of the service's account."""
    key: Any = field(repr=False)
    """The session key."""
    realm: str
    name: Any
    """The user as the KDC calls it, a PrincipalName."""
    user_etype: int = 0
    """Of a user's own ticket: of the key of the password that it was answered by."""
    flags: int = 0xFFFFFFFF
    """What it may be used for (TicketFlags, RFC 4120 5.3), the first flag as the highest of 32 bits."""


def first(kdc: Kdc, manner: KerberosManner, user: User) -> Ticket:
    """The user's own ticket, by an AS-REQ. Raises Refused with the KDC's error, or LabFault."""
    proof = None if manner.asks_first else _proof(user, _usable(manner.as_etypes), None, None)
    answer = kdc.ask(as_req(manner, user, proof))
    if proof is None and answer[:1] == b"\x7e":
        answer = kdc.ask(as_req(manner, user, _proof(user, *_asked(answer, manner.as_etypes))))
    reply = _reply(answer, asn1.AS_REP)
    with reading(_WHAT):
        etype = int(reply["enc-part"]["etype"])
        expect(etype in _ETYPES, _WHAT, f"it is encrypted by type {etype}, which was not usable")
        salt, params = _salt(reply, user)
        key = _key(etype, user.password, salt, params)
        part = _decrypted(key, 3, reply, asn1.EncASRepPart)
        return replace(_ticket(reply, part), user_etype=etype)


def service(kdc: Kdc, manner: KerberosManner, own: Ticket, host: str) -> Ticket:
    """A ticket for ``cifs/host``, by a TGS-REQ. Raises Refused with the KDC's error, or LabFault."""
    return granted(kdc.ask(tgs_req(manner, own, host)), own)


def granted(answer: bytes, own: Ticket) -> Ticket:
    """The ticket in a KDC's answer to a TGS-REQ. Raises Refused with the KDC's error, or LabFault."""
    reply = _reply(answer, asn1.TGS_REP)
    with reading(_WHAT):
        return _ticket(reply, _decrypted(own.key, 8, reply, asn1.EncTGSRepPart))


def tgs_req(manner: KerberosManner, own: Ticket, host: str) -> bytes:
    """The request for a ticket to ``cifs/host``, with the user's own ticket."""
    message = asn1.TGS_REQ()
    message["pvno"], message["msg-type"] = 5, 12
    body = asn1.seq_set(message, "req-body")
    # What the user's own ticket may not do, as those of Protected Users, is not asked of the next one.
    options = manner.tgs_options & ~(_OF_TICKET & ~own.flags)
    _common(body, options, own.realm, manner.tgs_etypes, manner.till)
    named(body, "sname", ("cifs", host), manner.name_type)
    # The checksum is of the body as a KDC-REQ-BODY, without the tag that it has in its message.
    plain = reader.first(bytes(encoder.encode(body)), 0xA4) or b""
    checksum = (_CHECKSUMS[own.key.enctype], _checksum(own.key, 6, plain))
    padata = {1: ap_req(0, own, authenticator(own, 7, checksum)), **_PLAIN}
    _padata(message, [kind for kind in manner.tgs_padata if kind in padata], padata)
    return bytes(encoder.encode(message))


def authenticator(
    ticket: Ticket,
    usage: int,
    checksum: tuple[int, bytes],
    subkey: Any = None,
    sequence: int | None = None,
) -> bytes:
    """An authenticator, encrypted: RFC 4120 5.5.1. ``checksum``: its type and value."""
    made = asn1.Authenticator()
    made["authenticator-vno"] = 5
    made["crealm"] = ticket.realm
    made.setComponentByName("cname")
    _copy_name(made["cname"], ticket.name)
    made["cksum"] = univ.noValue
    made["cksum"]["cksumtype"], made["cksum"]["checksum"] = checksum
    now = datetime.now(UTC)
    made["cusec"], made["ctime"] = now.microsecond, _time(now)
    if subkey is not None:
        made["subkey"] = univ.noValue
        made["subkey"]["keytype"], made["subkey"]["keyvalue"] = subkey.enctype, subkey.contents
    if sequence is not None:
        made["seq-number"] = sequence
    return _encrypted(ticket.key, usage, bytes(encoder.encode(made)))


def ap_req(options: int, ticket: Ticket, proof: bytes) -> bytes:
    """An AP-REQ of that ticket."""
    from harness.smb import spnego

    return spnego.ap_req(options, ticket.der, ticket.key.enctype, proof)


def named(into: Any, field: str, parts: tuple[str, ...], kind: int) -> None:
    """Set a PrincipalName."""
    name = asn1.seq_set(into, field)
    name["name-type"] = kind
    asn1.seq_set_iter(name, "name-string", parts)


def as_req(manner: KerberosManner, user: User, proof: bytes | None = None) -> bytes:
    """The request for the user's own ticket. ``proof``: PA-ENC-TIMESTAMP, where there is one."""
    message = asn1.AS_REQ()
    message["pvno"], message["msg-type"] = 5, 10
    padata = _PLAIN if proof is None else {2: proof, **_PLAIN}
    _padata(message, [kind for kind in manner.as_padata if kind in padata], padata)
    body = asn1.seq_set(message, "req-body")
    _common(body, manner.as_options, user.realm, manner.as_etypes, manner.till, renew=manner.renew)
    named(body, "cname", (user.name,), 1)
    named(body, "sname", ("krbtgt", user.realm), 2)
    if NETBIOS_ADDRESS in manner.addresses:
        body["addresses"] = univ.noValue
        body["addresses"][0] = univ.noValue
        body["addresses"][0]["addr-type"] = NETBIOS_ADDRESS
        body["addresses"][0]["address"] = _WORKSTATION.ljust(16).encode()
    return bytes(encoder.encode(message))


def _common(
    body: Any, options: int, realm: str, etypes: tuple[int, ...], till: str, *, renew: bool = False
) -> None:
    body["kdc-options"] = [options >> (31 - bit) & 1 for bit in range(32)]
    body["realm"] = realm
    body["till"] = till or _time(datetime.now(UTC) + _DAY)
    if renew:
        body["rtime"] = till or _time(datetime.now(UTC) + _DAY)
    body["nonce"] = int.from_bytes(os.urandom(4), "big") >> 1
    asn1.seq_set_iter(body, "etype", etypes)


def _padata(message: Any, kinds: list[int], contents: dict[int, bytes]) -> None:
    if kinds:
        message["padata"] = univ.noValue
    for at, kind in enumerate(kinds):
        message["padata"][at] = univ.noValue
        message["padata"][at]["padata-type"] = kind
        message["padata"][at]["padata-value"] = contents[kind]


def _asked(answer: bytes, etypes: tuple[int, ...]) -> tuple[int, str | None, bytes | None]:
    """What a KDC that wants a proof wants it made with: type, salt, parameters.

    Raises Refused with its error where it wants none.
    """
    with reading(_WHAT):
        error, _ = decoder.decode(answer, asn1Spec=asn1.KRB_ERROR())
        if int(error["error-code"]) != _PREAUTH_REQUIRED:
            raise _refusal(error)
        methods, _ = decoder.decode(bytes(error["e-data"]), asn1Spec=asn1.METHOD_DATA())
        infos = [bytes(one["padata-value"]) for one in methods if int(one["padata-type"]) == _ETYPE_INFO2]
        for info in infos:
            entries, _ = decoder.decode(info, asn1Spec=asn1.ETYPE_INFO2())
            for entry in entries:
                if int(entry["etype"]) in _ETYPES and int(entry["etype"]) in etypes:
                    return int(entry["etype"]), *_salted(entry)
    return _usable(etypes), None, None


def _salted(entry: Any) -> tuple[str | None, bytes | None]:
    salt, params = entry["salt"], entry["s2kparams"]
    return (
        str(salt) if salt.hasValue() else None,
        bytes(params) if params.hasValue() else None,
    )


def _salt(reply: Any, user: User) -> tuple[str, bytes | None]:
    """Of an AS-REP; by default realm and name (RFC 4120 4)."""
    if reply["padata"].hasValue():
        for one in reply["padata"]:
            if int(one["padata-type"]) == _ETYPE_INFO2:
                entries, _ = decoder.decode(bytes(one["padata-value"]), asn1Spec=asn1.ETYPE_INFO2())
                salt, params = _salted(entries[0])
                return salt if salt is not None else user.realm + user.name, params
    return user.realm + user.name, None


def _usable(etypes: tuple[int, ...]) -> int:
    found = next((one for one in etypes if one in _ETYPES), None)
    if found is None:
        raise LabFault(f"an emulated client can use none of the encryption types {etypes}")
    return found


def _proof(user: User, etype: int, salt: str | None, params: bytes | None) -> bytes:
    """PA-ENC-TIMESTAMP: RFC 4120 5.2.7.2."""
    key = _key(etype, user.password, user.realm + user.name if salt is None else salt, params)
    stamp, now = asn1.PA_ENC_TS_ENC(), datetime.now(UTC)
    stamp["patimestamp"], stamp["pausec"] = _time(now), now.microsecond
    made = asn1.EncryptedData()
    made["etype"] = etype
    made["cipher"] = _encrypted(key, 1, bytes(encoder.encode(stamp)))
    return bytes(encoder.encode(made))


@lru_cache(maxsize=64)
def _key(etype: int, password: str, salt: str, params: bytes | None) -> Any:
    """The key of a password; AES by hashlib's PBKDF2, for the library's takes 1.7 s (measured)."""
    if etype == _RC4:
        return crypto.string_to_key(etype, password, salt, params)
    rounds = int.from_bytes(params or b"\0\0\x10\0", "big")
    expect(0 < rounds <= 1 << 20, _WHAT, f"it asks for {rounds} rounds")
    size = 32 if etype == 18 else 16
    seed = hashlib.pbkdf2_hmac("sha1", password.encode(), salt.encode(), rounds, size)
    profile = crypto._get_enctype_profile(etype)
    return profile.derive(crypto.Key(etype, seed), b"kerberos")


def _reply(answer: bytes, kind: Any) -> Any:
    with reading(_WHAT):
        if answer[:1] == b"\x7e":
            raise _refusal(decoder.decode(answer, asn1Spec=asn1.KRB_ERROR())[0])
        return decoder.decode(answer, asn1Spec=kind())[0]


def _refusal(error: Any) -> Refused:
    text = str(error["e-text"]) if error["e-text"].hasValue() else ""
    return Refused(error_name(int(error["error-code"])), detail=text[:200])


def _encrypted(key: Any, usage: int, plain: bytes) -> bytes:
    """Begun with random bytes: RFC 3961 5.3, RFC 4757 5."""
    return bytes(crypto.encrypt(key, usage, plain, os.urandom(8 if key.enctype == _RC4 else 16)))


def _decrypted(key: Any, usage: int, reply: Any, kind: Any) -> Any:
    plain = crypto.decrypt(key, usage, bytes(reply["enc-part"]["cipher"]))
    return decoder.decode(plain, asn1Spec=kind())[0]


def _ticket(reply: Any, part: Any) -> Ticket:
    key = crypto.Key(int(part["key"]["keytype"]), bytes(part["key"]["keyvalue"]))
    expect(key.enctype in _CHECKSUMS, _WHAT, f"a session key of type {key.enctype}")
    return ticket_in(reply, key, int("".join(map(str, part["flags"])).ljust(32, "0")[:32], 2))


def ticket_in(reply: Any, key: Any, flags: int = 0xFFFFFFFF) -> Ticket:
    """The ticket in an AS-REP or TGS-REP, whose session key is known. ``flags``: by default all of them."""
    ticket = reply["ticket"]
    # Without the tag that it has in the answer: a ticket has one of its own.
    plain = reader.first(bytes(encoder.encode(ticket)), 0xA5) or b""
    etype = int(ticket["enc-part"]["etype"])
    return Ticket(plain, etype, key, str(reply["crealm"]), reply["cname"], flags=flags)


def _checksum(key: Any, usage: int, data: bytes) -> bytes:
    return bytes(crypto.make_checksum(_CHECKSUMS[key.enctype], key, usage, data))


def _copy_name(into: Any, name: Any) -> None:
    into["name-type"] = int(name["name-type"])
    for at, part in enumerate(name["name-string"]):
        into["name-string"][at] = str(part)


def _time(moment: datetime) -> str:
    """KerberosTime: RFC 4120 5.2.3."""
    return moment.strftime("%Y%m%d%H%M%SZ")
