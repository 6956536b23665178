"""The service principal name in an NTLMv2 response: which one a client sends, and a proof that holds."""

from __future__ import annotations

import hmac
import struct

import pytest
from impacket.ntlm import NTOWFv2

from harness.smb.ntlm import Account, Logon, NtlmManner, TargetName
from harness.smb.tap import fingerprint

CHALLENGE = b"\x11" * 8
ALICE = Account("alice", "secret", "LAB")
BARE = NtlmManner(spnego=False)


def challenge() -> bytes:
    """A CHALLENGE_MESSAGE that names the server DC1 and dc1.lab.test: [MS-NLMP] 2.2.1.2."""
    names = [(1, "DC1"), (3, "dc1.lab.test")]
    info = b"".join(
        struct.pack("<HH", kind, 2 * len(name)) + name.encode("utf-16le") for kind, name in names
    ) + bytes(4)
    head = b"NTLMSSP\0" + struct.pack("<LHHLL", 2, 0, 0, 56, BARE.flags) + CHALLENGE + bytes(8)
    return head + struct.pack("<HHL", len(info), len(info), 56) + bytes(8) + info


@pytest.mark.parametrize(
    ("which", "called", "form"),
    [
        ("called", "192.0.2.1", "cifs/address"),
        ("called", "files", "cifs/host"),
        ("called", "files.lab.test", "cifs/host.domain"),
        ("server", "192.0.2.1", "cifs/host.domain"),
        ("none", "files", None),
    ],
)
def test_the_name_is_the_kinds_own_and_the_proof_is_of_it(
    which: TargetName, called: str, form: str | None
) -> None:
    logon = Logon(NtlmManner(spnego=False, target_name=which), ALICE, called)
    logon.first()
    message = logon.second(challenge())
    read = fingerprint.ntlm(message)
    assert read is not None
    assert read.proof is not None
    assert read.proof.target == form
    assert (9 in read.proof.own_pairs) == (form is not None)
    length, where = struct.unpack_from("<H2xI", message, 20)
    response = message[where : where + length]
    secret = bytes(NTOWFv2(ALICE.user, ALICE.password, ALICE.domain))
    # [MS-NLMP] 3.3.2: NTProofStr is of the challenge and all that follows it.
    assert hmac.digest(secret, CHALLENGE + response[16:], "md5") == response[:16]
