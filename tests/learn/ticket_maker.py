"""Kerberos messages for captures that are made, encoded by impacket's types: no own reader takes part."""

from __future__ import annotations

from collections.abc import Sequence

from impacket.krb5 import asn1
from impacket.krb5.asn1 import seq_set, seq_set_iter
from pyasn1.codec.der import encoder
from pyasn1.type.univ import noValue

SECRET = b"\xc3never-to-be-told\xc3"
SPNEGO = bytes.fromhex("06062b0601050502")
KRB5 = bytes.fromhex("06092a864886f712010202")
OIDS = {
    "MS-KRB5": bytes.fromhex("06092a864882f712010202"),
    "KRB5": KRB5,
    "NEGOEX": bytes.fromhex("060a2b06010401823702021e"),
    "NTLMSSP": bytes.fromhex("060a2b06010401823702020a"),
}
TILL = "20370913024805Z"


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    head = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + head + content


def negotiation(mechanisms: Sequence[str], token: bytes) -> bytes:
    listed = tlv(0xA0, tlv(0x30, b"".join(OIDS[name] for name in mechanisms)))
    return tlv(0x60, SPNEGO + tlv(0xA0, tlv(0x30, listed + (tlv(0xA2, tlv(0x04, token)) if token else b""))))


def framed(message: bytes) -> bytes:
    return tlv(0x60, KRB5 + b"\x01\x00" + message)


def ticket(service: Sequence[str], etype: int, kind: int = 2) -> asn1.Ticket:
    made = asn1.Ticket()
    made["tkt-vno"] = 5
    made["realm"] = "SECRET.REALM.TEST"
    _name(made, "sname", service, kind)
    made["enc-part"] = noValue
    made["enc-part"]["etype"] = etype
    made["enc-part"]["kvno"] = 2
    made["enc-part"]["cipher"] = SECRET * 60
    return made


def ap_req(
    service: Sequence[str], *, etypes: tuple[int, int] = (18, 18), mutual: bool = True, kind: int = 2
) -> bytes:
    made = asn1.AP_REQ()
    made["pvno"] = 5
    made["msg-type"] = 14
    made["ap-options"] = [0, 0, int(mutual), *[0] * 29]
    # pyasn1 wants its own copy under the tag.
    of = made.setComponentByName("ticket").getComponentByName("ticket")
    for name, value in ticket(service, etypes[0], kind).items():
        of[name] = value
    made["authenticator"] = noValue
    made["authenticator"]["etype"] = etypes[1]
    made["authenticator"]["cipher"] = SECRET * 9
    return bytes(encoder.encode(made))


def as_req(
    etypes: Sequence[int], *, proof: bool = True, options: int = 0x40810010, till: str = TILL
) -> bytes:
    made = asn1.AS_REQ()
    made["pvno"] = 5
    made["msg-type"] = 10
    made["padata"] = noValue
    kinds = [2, 128] if proof else [128]
    for at, number in enumerate(kinds):
        made["padata"][at] = noValue
        made["padata"][at]["padata-type"] = number
        made["padata"][at]["padata-value"] = SECRET
    body = seq_set(made, "req-body")
    body["kdc-options"] = [options >> (31 - bit) & 1 for bit in range(32)]
    _name(body, "cname", ["secretuser"], 1)
    body["realm"] = "SECRET.REALM.TEST"
    _name(body, "sname", ["krbtgt", "SECRET.REALM.TEST"], 2)
    body["till"] = till
    body["rtime"] = till
    body["nonce"] = 7
    seq_set_iter(body, "etype", tuple(etypes))
    return bytes(encoder.encode(made))


def tgs_req(service: Sequence[str], etypes: Sequence[int], kind: int = 2) -> bytes:
    made = asn1.TGS_REQ()
    made["pvno"] = 5
    made["msg-type"] = 12
    made["padata"] = noValue
    made["padata"][0] = noValue
    made["padata"][0]["padata-type"] = 1
    made["padata"][0]["padata-value"] = ap_req(["krbtgt", "SECRET.REALM.TEST"], mutual=False)
    body = seq_set(made, "req-body")
    body["kdc-options"] = [0x40810000 >> (31 - bit) & 1 for bit in range(32)]
    body["realm"] = "SECRET.REALM.TEST"
    _name(body, "sname", service, kind)
    body["till"] = TILL
    body["nonce"] = 7
    seq_set_iter(body, "etype", tuple(etypes))
    return bytes(encoder.encode(made))


def error(code: int) -> bytes:
    made = asn1.KRB_ERROR()
    made["pvno"] = 5
    made["msg-type"] = 30
    made["stime"] = "20261130020000Z"
    made["susec"] = 1
    made["error-code"] = code
    made["realm"] = "SECRET.REALM.TEST"
    _name(made, "sname", ["krbtgt", "SECRET.REALM.TEST"], 2)
    return bytes(encoder.encode(made))


def reply(etypes: tuple[int, int], service: Sequence[str], *, first: bool) -> bytes:
    made = asn1.AS_REP() if first else asn1.TGS_REP()
    made["pvno"] = 5
    made["msg-type"] = 11 if first else 13
    made["crealm"] = "SECRET.REALM.TEST"
    _name(made, "cname", ["secretuser"], 1)
    of = made.setComponentByName("ticket").getComponentByName("ticket")
    for name, value in ticket(service, etypes[0]).items():
        of[name] = value
    made["enc-part"] = noValue
    made["enc-part"]["etype"] = etypes[1]
    made["enc-part"]["cipher"] = SECRET
    return bytes(encoder.encode(made))


def _name(into: object, field: str, parts: Sequence[str], kind: int) -> None:
    name = seq_set(into, field)
    name["name-type"] = kind
    seq_set_iter(name, "name-string", tuple(parts))
