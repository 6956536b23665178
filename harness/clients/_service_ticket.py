"""A ticket for a server, as impacket gets it, but for one thing: its request to the KDC has a checksum.

impacket 0.13.1 and minikerberos 0.4.9 (aiosmb's) send TGS-REQs whose authenticator has none: Samba's KDC
answers KRB_AP_ERR_INAPP_CKSUM (measured, 4.22). RFC 4120 5.5.1 and 7.5.1 tell how it is made. The first
ticket is impacket's own doing, with the user's password.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from harness.system.later import Later

asn1: Any = Later("impacket.krb5.asn1")
ccache: Any = Later("impacket.krb5.ccache")
crypto: Any = Later("impacket.krb5.crypto")
kerberosv5: Any = Later("impacket.krb5.kerberosv5")
types: Any = Later("impacket.krb5.types")
encoder: Any = Later("pyasn1.codec.der.encoder")
decoder: Any = Later("pyasn1.codec.der.decoder")

_VERSION: Final = 5
_AP_REQ, _TGS_REQ = 14, 12
_PA_TGS_REQ: Final = 1
_NT_PRINCIPAL, _NT_SRV_INST = 1, 2
_CHECKSUM_OF_BODY, _AUTHENTICATOR, _REPLY = 6, 7, 8
"""Key usages: RFC 4120 7.5.1."""
_CHECKSUMS: Final = {17: 15, 18: 16, 23: -138}
"""Encryption type of a key -> checksum type: RFC 3962 7, RFC 4757 4."""
_ETYPES: Final = (18, 17, 23)
_FORWARDABLE_CANONICALIZE: Final = "01000000000000010000000000000000"
"""KDCOptions: RFC 4120 5.4.1, RFC 6806 3."""


@dataclass(frozen=True, slots=True)
class ServiceTicket:
    """A ticket, and what it takes to show it."""

    reply: bytes = field(repr=False)
    """The TGS-REP."""
    session_key: Any = field(repr=False)
    own_key: Any = field(repr=False)
    """What the reply is encrypted with."""

    @property
    def for_impacket(self) -> dict[str, Any]:
        """As ``SMBConnection.kerberosLogin`` takes it."""
        return {
            "KDC_REP": self.reply,
            "cipher": crypto._enctype_table[self.session_key.enctype],
            "sessionKey": self.session_key,
        }

    def file(self) -> bytes:
        """The same as a ticket cache: a file of MIT's format."""
        cache = ccache.CCache()
        cache.fromTGS(self.reply, self.own_key, self.session_key)
        return bytes(cache.getData())


def fetch(user: str, password: str, realm: str, service: str, kdc: str) -> ServiceTicket:
    """Ask the KDC at an address, on its port, for a ticket to ``service`` (``cifs/files.lab.test``).

    Raises impacket's KerberosError for what the KDC says no to, OSError where it does not answer.
    """
    client = types.Principal(user, type=_NT_PRINCIPAL)
    own, cipher, _, key = kerberosv5.getKerberosTGT(client, password, realm, "", "", kdcHost=kdc)
    given = decoder.decode(own, asn1Spec=asn1.AS_REP())[0]
    answer = kerberosv5.sendReceive(_request(given, cipher, key, service, realm), realm, kdc)
    told = decoder.decode(answer, asn1Spec=asn1.TGS_REP())[0]
    plain = cipher.decrypt(key, _REPLY, bytes(told["enc-part"]["cipher"]))
    inside = decoder.decode(plain, asn1Spec=asn1.EncTGSRepPart())[0]
    session = crypto.Key(int(inside["key"]["keytype"]), bytes(inside["key"]["keyvalue"]))
    return ServiceTicket(answer, session, key)


def _request(given: Any, cipher: Any, key: Any, service: str, realm: str) -> bytes:
    """The TGS-REQ: RFC 4120 3.3.1."""
    fill = _Body(service, realm)
    body = asn1.KDC_REQ_BODY()
    fill(body)
    request = asn1.TGS_REQ()
    request["pvno"], request["msg-type"] = _VERSION, _TGS_REQ
    data = request["padata"][0]
    data["padata-type"] = _PA_TGS_REQ
    data["padata-value"] = encoder.encode(_shown(given, cipher, key, encoder.encode(body)))
    fill(request["req-body"])
    return bytes(encoder.encode(request))


class _Body:
    """What is asked: the same in the request, and by itself for the checksum."""

    def __init__(self, service: str, realm: str) -> None:
        self._service = types.Principal(service, type=_NT_SRV_INST)
        self._realm = realm
        self._nonce = secrets.randbits(31)
        self._till = types.KerberosTime.to_asn1(datetime.now(UTC) + timedelta(days=1))

    def __call__(self, body: Any) -> None:
        body["kdc-options"] = _FORWARDABLE_CANONICALIZE
        asn1.seq_set(body, "sname", self._service.components_to_asn1)
        body["realm"] = self._realm
        body["till"] = self._till
        body["nonce"] = self._nonce
        asn1.seq_set_iter(body, "etype", _ETYPES)


def _shown(given: Any, cipher: Any, key: Any, body: bytes) -> Any:
    """The AP-REQ in it: the first ticket is shown, by somebody who knows its key (RFC 4120 5.5.1)."""
    now = datetime.now(UTC)
    proof = asn1.Authenticator()
    proof["authenticator-vno"] = _VERSION
    proof["crealm"] = str(given["crealm"])
    asn1.seq_set(proof, "cname", _named(given).components_to_asn1)
    kind = _CHECKSUMS[key.enctype]
    made = crypto.make_checksum(kind, key, _CHECKSUM_OF_BODY, body)
    asn1.seq_set_dict(proof, "cksum", {"cksumtype": kind, "checksum": made})
    proof["cusec"] = now.microsecond
    proof["ctime"] = types.KerberosTime.to_asn1(now)
    shown = asn1.AP_REQ()
    shown["pvno"], shown["msg-type"], shown["ap-options"] = _VERSION, _AP_REQ, "0" * 32
    ticket = types.Ticket()
    ticket.from_asn1(given["ticket"])
    asn1.seq_set(shown, "ticket", ticket.to_asn1)
    asn1.seq_set(shown, "authenticator")
    shown["authenticator"]["etype"] = key.enctype
    shown["authenticator"]["cipher"] = cipher.encrypt(key, _AUTHENTICATOR, encoder.encode(proof), None)
    return shown


def _named(given: Any) -> Any:
    name = types.Principal()
    name.from_asn1(given, "crealm", "cname")
    return name
