"""Who owns what, read from a security descriptor."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from impacket.ldap.ldaptypes import LDAP_SID, SR_SECURITY_DESCRIPTOR

from harness.errors import LabFault
from harness.smb import security


def descriptor(sid: str) -> bytes:
    """As another implementation writes it."""
    made = SR_SECURITY_DESCRIPTOR()
    made["Revision"], made["Sbz1"], made["Control"] = b"\1", b"\0", 0x8000
    made["OwnerSid"], made["GroupSid"] = LDAP_SID(), LDAP_SID()
    made["OwnerSid"].fromCanonical(sid)
    made["GroupSid"].fromCanonical("S-1-1-0")
    made["Sacl"] = made["Dacl"] = b""
    return bytes(made.getData())


@pytest.mark.parametrize("sid", ["S-1-5-21-1-2-3-1000", "S-1-22-1-64445", "S-1-1-0"])
def test_the_owner_of_a_descriptor_that_another_implementation_wrote(sid: str) -> None:
    assert security.owner(descriptor(sid)) == sid


@given(st.binary(max_size=80))
def test_garbage_is_the_servers_fault_and_nothing_else(data: bytes) -> None:
    with suppress(LabFault):
        assert security.owner(data).startswith("S-1-")


def test_a_descriptor_without_an_owner() -> None:
    with pytest.raises(LabFault, match="a security descriptor"):
        security.owner(b"\1" + bytes(19))
