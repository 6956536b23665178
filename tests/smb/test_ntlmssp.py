"""The messages are those of [MS-NLMP], by the word of another implementation."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from impacket import ntlm

from harness.errors import LabFault
from harness.smb import ntlmssp

FLAGS = st.integers(0, 0xFFFFFFFF)
VERSION = st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 0xFFFF))
EIGHT = st.binary(min_size=8, max_size=8)
NAME = st.text(st.characters(codec="utf-16-le"), max_size=20)
DATA = st.binary(max_size=60)
# With them a NEGOTIATE_MESSAGE has a payload, which ours never has.
SUPPLIED = ntlm.NTLMSSP_NEGOTIATE_OEM_DOMAIN_SUPPLIED | ntlm.NTLMSSP_NEGOTIATE_OEM_WORKSTATION_SUPPLIED


def their_version(version: ntlmssp.Version) -> bytes:
    made = ntlm.VERSION()
    made["ProductMajorVersion"], made["ProductMinorVersion"], made["ProductBuild"] = version
    return bytes(made.getData())


@given(FLAGS, VERSION)
def test_negotiate(flags: int, version: ntlmssp.Version) -> None:
    theirs = ntlm.NTLMAuthNegotiate()
    theirs["flags"] = flags & ~SUPPLIED
    theirs["os_version"] = their_version(version)
    assert ntlmssp.negotiate(flags & ~SUPPLIED | ntlmssp.NEGOTIATE_VERSION, version) == theirs.getData()


@given(FLAGS, VERSION)
def test_who_tells_no_version_sends_none(flags: int, version: ntlmssp.Version) -> None:
    flags &= ~ntlmssp.NEGOTIATE_VERSION
    said = ntlmssp.negotiate(flags, version)
    assert int.from_bytes(said[12:16], "little") == flags
    assert said[32:] == bytes(8)


@given(FLAGS, EIGHT, NAME, DATA)
def test_challenge(flags: int, asked: bytes, name: str, info: bytes) -> None:
    theirs = ntlm.NTLMAuthChallenge()
    theirs["flags"] = flags | ntlmssp.NEGOTIATE_VERSION
    theirs["challenge"] = asked
    theirs["Version"] = bytes(8)
    theirs["domain_name"] = name.encode("utf-16le")
    theirs["domain_offset"] = 56
    theirs["TargetInfoFields"] = info
    theirs["TargetInfoFields_offset"] = 56 + len(theirs["domain_name"])
    read = ntlmssp.challenge(theirs.getData(), "it")
    assert read == ntlmssp.Challenge(flags | ntlmssp.NEGOTIATE_VERSION, asked, info)


@given(FLAGS, VERSION, DATA, DATA, NAME, NAME, NAME, DATA)
def test_authenticate(
    flags: int,
    version: ntlmssp.Version,
    lm: bytes,
    nt: bytes,
    domain: str,
    user: str,
    workstation: str,
    session_key: bytes,
) -> None:
    theirs = ntlm.NTLMAuthChallengeResponse(user)
    flags |= ntlmssp.NEGOTIATE_VERSION | ntlmssp.UNICODE
    theirs["flags"] = flags
    theirs["Version"] = their_version(version)
    theirs["MIC"] = bytes(16)
    theirs["lanman"], theirs["ntlm"], theirs["session_key"] = lm, nt, session_key
    theirs["domain_name"] = domain.encode("utf-16le")
    theirs["host_name"] = workstation.encode("utf-16le")
    ours = ntlmssp.authenticate(
        flags,
        version,
        lm=lm,
        nt=nt,
        domain=domain,
        user=user,
        workstation=workstation,
        session_key=session_key,
    )
    assert ours == theirs.getData()


def test_names_are_in_the_character_set_that_the_flags_say() -> None:
    fields = {"lm": b"", "nt": b"", "domain": "", "user": "Käthe", "workstation": "", "session_key": b""}
    for flags, name in ((ntlmssp.UNICODE, "Käthe".encode("utf-16le")), (0, "Käthe".encode("cp850"))):
        assert ntlmssp.authenticate(flags, (6, 1, 7600), **fields).endswith(name)  # type: ignore[arg-type]


NOT_ONE = {
    "nothing": b"",
    "another-signature": b"NTLMSSX\0\2\0\0\0" + bytes(40),
    "another-message": b"NTLMSSP\0\3\0\0\0" + bytes(40),
    "cut-off": b"NTLMSSP\0\2\0\0\0" + bytes(30),
    "target-info-beyond-its-end": b"NTLMSSP\0\2\0\0\0" + bytes(28) + b"\x04\0\x04\0\x30\0\0\0",
}


@pytest.mark.parametrize("message", NOT_ONE.values(), ids=NOT_ONE)
def test_what_is_no_challenge_is_garbage(message: bytes) -> None:
    with pytest.raises(LabFault, match="the server sent garbage: it"):
        ntlmssp.challenge(message, "it")


@given(st.binary(max_size=120))
def test_no_bytes_make_another_exception(message: bytes) -> None:
    for start in (b"", b"NTLMSSP\0\2\0\0\0"):
        with suppress(LabFault):
            ntlmssp.challenge(start + message, "it")
