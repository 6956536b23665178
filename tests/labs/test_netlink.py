"""Addresses of the lab's network devices, in its own namespace."""

from __future__ import annotations

import socket

import pytest

from harness.errors import LabFault
from harness.labs.network import netlink

pytestmark = pytest.mark.local_lab

ADDRESS = "192.0.2.7"
"""Of a network for documentation (RFC 5737): nobody else has it."""


def mine() -> bool:
    with socket.socket() as one:
        try:
            one.bind((ADDRESS, 0))
        except OSError:
            return False
        return True


def test_a_further_address_is_there_until_the_end() -> None:
    assert not mine()
    with netlink.address_on("lo", ADDRESS, 24, "192.0.2.255"):
        assert mine()
        with pytest.raises(LabFault, match="File exists"):
            netlink.give("lo", ADDRESS, 24, "192.0.2.255")
    assert not mine()
