"""What a KDC answers who offers it certain encryption types alone: the first AS-REQ of RFC 4120 3.1.1.

Without a proof of the user, so nothing is guessed and no account is locked.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from typing import Any, Final

from harness.errors import LabFault
from harness.smb.kerberos import error_name
from harness.system.later import Later

asn1: Any = Later("impacket.krb5.asn1")
constants: Any = Later("impacket.krb5.constants")
types: Any = Later("impacket.krb5.types")
encoder: Any = Later("pyasn1.codec.der.encoder")
decoder: Any = Later("pyasn1.codec.der.decoder")

RC4: Final = (23,)
"""RFC 4757."""
AES: Final = (18, 17)
"""RFC 3962."""
_KRB_ERROR: Final = 0x7E
"""The first byte of one: application 30 (RFC 4120 5.9.1)."""
_LONGEST: Final = 2**17
_NEVER: Final = "20370913024805Z"
"""As long as the KDC grants: the last second that every client can count."""


def first_answer(kdc: str, realm: str, user: str, etypes: Sequence[int], seconds: float) -> str:
    """The error that a KDC answers to a first AS-REQ for a user with these encryption types.

    ``KDC_ERR_PREAUTH_REQUIRED`` where it goes on with one of them; "" where it gives a ticket at once. Raises
    LabFault where it does not answer.
    """
    message = _request(realm, user, etypes)
    try:
        with socket.create_connection((kdc, 88), seconds) as asking:
            asking.settimeout(seconds)
            asking.sendall(len(message).to_bytes(4, "big") + message)
            answer = _exactly(asking, min(int.from_bytes(_exactly(asking, 4), "big"), _LONGEST))
    except OSError as error:
        raise LabFault(f"the KDC at {kdc} does not answer: {error.strerror or error}") from error
    if answer[0] != _KRB_ERROR:
        return ""
    return error_name(int(decoder.decode(answer, asn1Spec=asn1.KRB_ERROR())[0]["error-code"]))


def _request(realm: str, user: str, etypes: Sequence[int]) -> bytes:
    request = asn1.AS_REQ()
    request["pvno"] = 5
    request["msg-type"] = int(constants.ApplicationTagNumbers.AS_REQ.value)
    body = asn1.seq_set(request, "req-body")
    body["kdc-options"] = constants.encodeFlags([])
    kind = constants.PrincipalNameType
    client = types.Principal(user, type=kind.NT_PRINCIPAL.value)
    service = types.Principal(f"krbtgt/{realm}", type=kind.NT_SRV_INST.value)
    asn1.seq_set(body, "cname", client.components_to_asn1)
    asn1.seq_set(body, "sname", service.components_to_asn1)
    body["realm"] = realm
    body["till"] = _NEVER
    body["nonce"] = secrets.randbits(31)
    asn1.seq_set_iter(body, "etype", etypes)
    return bytes(encoder.encode(request))


def _exactly(asking: socket.socket, count: int) -> bytes:
    """Raises OSError where the connection ends before."""
    got = b""
    while len(got) < count:
        more = asking.recv(count - len(got))
        if not more:
            raise OSError("the connection was closed")
        got += more
    return got
