"""The headers are those of [MS-SMB2] and [MS-CIFS], by the word of another implementation."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from impacket import smb, smb3structs

from harness.smb.headers import smb1_answer, smb1_request, smb2_answer, smb2_request

U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFFFFFF)


@given(U16, U16, st.integers(0, 2**64 - 1), U32, U32, st.integers(0, 2**64 - 1))
def test_smb2(command: int, charge: int, number: int, process: int, tree: int, session: int) -> None:
    packet = smb3structs.SMB2Packet()
    packet["Command"] = command
    packet["CreditCharge"] = charge
    packet["CreditRequestResponse"] = 31
    packet["MessageID"] = number
    packet["Reserved"] = process
    packet["TreeID"] = tree
    packet["SessionID"] = session
    packet["Data"] = b""
    made = smb2_request(command, charge, number, process, tree, session)
    assert made == bytes(packet.getData())
    assert smb2_answer(made).message_id == number


@given(st.integers(0, 0xFF), U16, U16, U16, U16, U16, st.binary(max_size=40), st.binary(max_size=60))
def test_smb1(
    command: int, flags2: int, tree: int, process: int, user: int, number: int, words: bytes, data: bytes
) -> None:
    words += bytes(len(words) % 2)
    packet = smb.NewSMBPacket()
    packet["Flags1"] = 0x18
    packet["Flags2"] = flags2
    packet["Tid"] = tree
    packet["Pid"] = process
    packet["Uid"] = user
    packet["Mid"] = number
    body = smb.SMBCommand(command)
    body["Parameters"] = words
    body["Data"] = data
    packet.addCommand(body)
    made = smb1_request(command, flags2, tree, process, user, number, words, data)
    assert made == bytes(packet.getData())
    read = smb1_answer(made)
    assert (read.command, read.flags2, read.message_id) == (command, flags2, number)
    assert (read.words, read.data) == (words, data)


@given(st.binary(max_size=120))
def test_what_is_cut_off_is_not_read(message: bytes) -> None:
    for read in (smb1_answer, smb2_answer):
        try:
            read(message)
        except struct.error:
            continue


def test_data_that_are_announced_must_be_there() -> None:
    whole = smb1_request(0x2E, 0xC843, 1, 2, 3, 4, b"\0\0", b"data")
    for cut in range(len(whole)):
        with pytest.raises(struct.error):
            smb1_answer(whole[:cut])
