"""A KDC of a few lines on impacket's types: it checks what a client proves, and gives real tickets.

And the end of a service that takes one of its tickets, as smbd does. Their keys are made from passwords by
impacket alone, so nothing of the client's own arithmetic is taken for granted.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from impacket.krb5 import asn1, crypto
from impacket.krb5.asn1 import seq_set, seq_set_iter
from pyasn1.codec.der import decoder, encoder
from pyasn1.type.univ import noValue

REALM = "LAB.TEST"
USER, PASSWORD = "alice", "Passw0rd.alice1"
SERVICES = {"cifs/files.lab.test", "cifs/files"}
CHECKSUMS = {18: 16, 17: 15, 23: -138}
SALT = "a salt of its own"


@cache
def key(who: str, etype: int) -> Any:
    """The key of somebody's password."""
    passwords = {USER: PASSWORD}
    return crypto.string_to_key(etype, passwords.get(who, f"of {who}"), SALT, (64).to_bytes(4, "big"))


@dataclass
class SmallKdc:
    """``etype`` is what it encrypts with; ``heard`` is all that it was asked."""

    etype: int = 18
    too_big: bool = False
    flags: int = 0x40800000
    """Of its tickets: forwardable and renewable."""
    heard: list[bytes] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)

    def answer(self, question: bytes, way: str) -> bytes:
        self.heard.append(question)
        if question[0] == 0x6A:
            return self._first(question)
        return error(52) if self.too_big and way == "udp" else self._service(question)

    def _first(self, question: bytes) -> bytes:
        asked, _ = decoder.decode(question, asn1Spec=asn1.AS_REQ())
        body = asked["req-body"]
        if self.etype not in [int(one) for one in body["etype"]]:
            return error(14)
        data = {int(one["padata-type"]): bytes(one["padata-value"]) for one in asked["padata"]}
        if 2 not in data:
            return error(25, self._methods())
        proof, _ = decoder.decode(data[2], asn1Spec=asn1.EncryptedData())
        try:
            stamp = crypto.decrypt(key(USER, int(proof["etype"])), 1, bytes(proof["cipher"]))
        except crypto.InvalidChecksum:
            return error(24)
        told, _ = decoder.decode(stamp, asn1Spec=asn1.PA_ENC_TS_ENC())
        assert str(told["patimestamp"]).endswith("Z")
        return self._reply(asn1.AS_REP, asn1.EncASRepPart, body, key(USER, self.etype), 3, "krbtgt")

    def _service(self, question: bytes) -> bytes:
        asked, _ = decoder.decode(question, asn1Spec=asn1.TGS_REQ())
        body = asked["req-body"]
        (shown,) = [bytes(one["padata-value"]) for one in asked["padata"] if int(one["padata-type"]) == 1]
        session, authenticator = opened(shown, "krbtgt", 7)
        plain = encoder.encode(body)
        plain = plain[2 + (plain[1] & 0x7F if plain[1] & 0x80 else 0) :]
        kind = int(authenticator["cksum"]["cksumtype"])
        assert kind == CHECKSUMS[session.enctype]
        crypto.verify_checksum(kind, session, 6, plain, bytes(authenticator["cksum"]["checksum"]))
        service = "/".join(str(part) for part in body["sname"]["name-string"])
        if service not in SERVICES:
            return error(7)
        return self._reply(asn1.TGS_REP, asn1.EncTGSRepPart, body, session, 8, service)

    def _methods(self) -> bytes:
        entries = asn1.ETYPE_INFO2()
        for at, etype in enumerate((23, self.etype) if self.etype == 23 else (self.etype, 23)):
            entries[at] = noValue
            entries[at]["etype"] = etype
            entries[at]["salt"] = SALT
            entries[at]["s2kparams"] = (64).to_bytes(4, "big")
        methods = asn1.METHOD_DATA()
        methods[0] = noValue
        methods[0]["padata-type"] = 19
        methods[0]["padata-value"] = encoder.encode(entries)
        return bytes(encoder.encode(methods))

    def _reply(self, kind: Any, part_kind: Any, body: Any, reply_key: Any, usage: int, service: str) -> bytes:
        session = crypto.random_to_key(self.etype, b"\x07" * (16 if self.etype != 18 else 32))
        now = datetime.now(UTC)
        ends = (now + timedelta(hours=1)).strftime("%Y%m%d%H%M%SZ")
        sealed = asn1.EncTicketPart()
        sealed["flags"] = [0] * 32
        sealed["key"] = noValue
        sealed["key"]["keytype"], sealed["key"]["keyvalue"] = session.enctype, session.contents
        sealed["crealm"] = REALM
        _name(sealed, "cname", (USER,), 1)
        sealed["transited"] = noValue
        sealed["transited"]["tr-type"], sealed["transited"]["contents"] = 0, b""
        sealed["authtime"] = sealed["endtime"] = ends
        part = part_kind()
        part["key"] = noValue
        part["key"]["keytype"], part["key"]["keyvalue"] = session.enctype, session.contents
        part["last-req"] = noValue
        part["last-req"][0] = noValue
        part["last-req"][0]["lr-type"], part["last-req"][0]["lr-value"] = 0, ends
        part["nonce"] = int(body["nonce"])
        part["flags"] = [self.flags >> (31 - bit) & 1 for bit in range(32)]
        part["authtime"] = part["endtime"] = ends
        part["srealm"] = REALM
        _name(part, "sname", tuple(service.split("/")), 2)
        made = kind()
        made["pvno"], made["msg-type"] = 5, 11 if kind is asn1.AS_REP else 13
        if kind is asn1.AS_REP:
            made["padata"] = noValue
            methods, _ = decoder.decode(self._methods(), asn1Spec=asn1.METHOD_DATA())
            made["padata"][0] = noValue
            made["padata"][0]["padata-type"] = 19
            made["padata"][0]["padata-value"] = bytes(methods[0]["padata-value"])
        made["crealm"] = REALM
        _name(made, "cname", (USER,), 1)
        ticket = made.setComponentByName("ticket").getComponentByName("ticket")
        ticket["tkt-vno"], ticket["realm"] = 5, REALM
        _name(ticket, "sname", tuple(service.split("/")), 2)
        _sealed(ticket, key(service, self.etype), 2, sealed)
        _sealed(made, reply_key, usage, part)
        return bytes(encoder.encode(made))


def opened(shown: bytes, service: str, usage: int) -> tuple[Any, Any]:
    """The session key and the authenticator of an AP-REQ, as the service's own key opens them."""
    request, _ = decoder.decode(shown, asn1Spec=asn1.AP_REQ())
    sealed = request["ticket"]["enc-part"]
    plain = crypto.decrypt(key(service, int(sealed["etype"])), 2, bytes(sealed["cipher"]))
    part, _ = decoder.decode(plain, asn1Spec=asn1.EncTicketPart())
    session = crypto.Key(int(part["key"]["keytype"]), bytes(part["key"]["keyvalue"]))
    proof = crypto.decrypt(session, usage, bytes(request["authenticator"]["cipher"]))
    return session, decoder.decode(proof, asn1Spec=asn1.Authenticator())[0]


def proven(session: Any, subkey: Any) -> bytes:
    """An AP-REP that chooses a key."""
    part = asn1.EncAPRepPart()
    part["ctime"], part["cusec"] = "20261130020000Z", 1
    part["subkey"] = noValue
    part["subkey"]["keytype"], part["subkey"]["keyvalue"] = subkey.enctype, subkey.contents
    made = asn1.AP_REP()
    made["pvno"], made["msg-type"] = 5, 15
    _sealed(made, session, 12, part)
    return bytes(encoder.encode(made))


def error(code: int, data: bytes = b"") -> bytes:
    made = asn1.KRB_ERROR()
    made["pvno"], made["msg-type"] = 5, 30
    made["stime"], made["susec"], made["error-code"] = "20261130020000Z", 1, code
    made["realm"] = REALM
    _name(made, "sname", ("krbtgt", REALM), 2)
    if data:
        made["e-data"] = data
    return bytes(encoder.encode(made))


def _sealed(into: Any, with_key: Any, usage: int, part: Any) -> None:
    into["enc-part"] = noValue
    into["enc-part"]["etype"] = with_key.enctype
    into["enc-part"]["cipher"] = crypto.encrypt(
        with_key, usage, encoder.encode(part), b"\x05" * (8 if with_key.enctype == 23 else 16)
    )


def _name(into: Any, name: str, parts: tuple[str, ...], kind: int) -> None:
    made = seq_set(into, name)
    made["name-type"] = kind
    seq_set_iter(made, "name-string", parts)


@contextmanager
def serving(kdc: SmallKdc, address: str = "127.0.0.1", port: int = 0) -> Iterator[SmallKdc]:
    """It answers on the same free port of TCP and UDP."""
    with (
        socket.create_server((address, port)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        number = tcp.getsockname()[1]
        udp.bind((address, number))
        kdc.ports = {"tcp": number, "udp": number}
        threads = [
            threading.Thread(target=_by_tcp, args=(kdc, tcp), daemon=True),
            threading.Thread(target=_by_udp, args=(kdc, udp), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield kdc
        finally:
            # A message of no bytes ends each of them.
            socket.create_connection((address, number)).close()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", (address, number))
            for thread in threads:
                thread.join(10)


def _by_tcp(kdc: SmallKdc, listener: socket.socket) -> None:
    while True:
        talk, _ = listener.accept()
        with talk, talk.makefile("rb") as stream:
            size = int.from_bytes(stream.read(4), "big")
            if not size:
                return
            answer = kdc.answer(stream.read(size), "tcp")
            talk.sendall(len(answer).to_bytes(4, "big") + answer)


def _by_udp(kdc: SmallKdc, talk: socket.socket) -> None:
    while True:
        question, peer = talk.recvfrom(65535)
        if not question:
            return
        talk.sendto(kdc.answer(question, "udp"), peer)
