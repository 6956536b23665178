"""The share list, against another implementation's RPC: what we send it reads, what it sends we read."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from impacket.dcerpc.v5 import rpcrt, srvs
from impacket.uuid import uuidtup_to_bin

from harness.errors import LabFault, Refused
from harness.smb.pipes import srvsvc
from harness.smb.pipes.srvsvc import Share

NAME = st.text(st.characters(codec="utf-16-le", exclude_characters="\0"), max_size=12)
KINDS = st.sampled_from((0, 1, 2, 3, 0x80000000, 0x80000003, 0x40000000))


def header(pdu: bytes) -> rpcrt.MSRPCHeader:
    return rpcrt.MSRPCHeader(pdu)


def test_the_bind_asks_for_srvsvc_alone() -> None:
    read = header(srvsvc.bind())
    assert read["type"] == rpcrt.MSRPC_BIND
    assert read["frag_len"] == len(srvsvc.bind())
    body = rpcrt.MSRPCBind(read["pduData"])
    assert body["ctx_num"] == 1
    item = rpcrt.CtxItem(bytes(body["ctx_items"]))
    assert item["AbstractSyntax"] == srvs.MSRPC_UUID_SRVS
    assert item["TransferSyntax"] == uuidtup_to_bin(("8a885d04-1ceb-11c9-9fe8-08002b104860", "2.0"))


@given(NAME)
def test_the_request_is_net_share_enum(server: str) -> None:
    pdu = srvsvc.request(server)
    read = rpcrt.MSRPCRequestHeader(pdu)
    assert read["op_num"] == srvs.NetrShareEnum.opnum
    assert read["frag_len"] == len(pdu)
    call = srvs.NetrShareEnum(read["pduData"])
    assert call["ServerName"] == f"\\\\{server}\0"
    assert (call["InfoStruct"]["Level"], call["InfoStruct"]["ShareInfo"]["tag"]) == (1, 1)
    assert call["PreferedMaximumLength"] == 0xFFFFFFFF
    assert read["alloc_hint"] == len(read["pduData"])


def stub(entries: list[tuple[str, int, str]], code: int = 0) -> bytes:
    """An answer as impacket makes it."""
    answer = srvs.NetrShareEnumResponse()
    answer["InfoStruct"]["Level"] = 1
    answer["InfoStruct"]["ShareInfo"]["tag"] = 1
    level = answer["InfoStruct"]["ShareInfo"]["Level1"]
    level["EntriesRead"] = len(entries)
    made = []
    for name, kind, remark in entries:
        entry = srvs.SHARE_INFO_1()
        entry["shi1_netname"] = name + "\0"
        entry["shi1_type"] = kind
        entry["shi1_remark"] = remark + "\0"
        made.append(entry)
    level["Buffer"] = made or srvs.NULL
    answer["TotalEntries"] = len(entries)
    answer["ResumeHandle"] = 0
    answer["ErrorCode"] = code
    return bytes(answer.getData())


@given(st.lists(st.tuples(NAME, KINDS, NAME), max_size=5))
def test_every_share_list_is_read(entries: list[tuple[str, int, str]]) -> None:
    expected = [Share(name, kind & 0x0FFFFFFF == 0) for name, kind, _ in entries]
    assert srvsvc.parse(stub(entries)) == expected


def pdu(kind: int, body: bytes, flags: int = 3) -> bytes:
    return struct.pack("<BBBBLHHL", 5, 0, kind, flags, 0x10, 16 + len(body), 0, 1) + body


ACKNOWLEDGED = pdu(
    12,
    struct.pack("<HHLH", 4280, 4280, 1, 13)
    + b"\\PIPE\\srvsvc\0"[:13]
    + bytes(1)
    + struct.pack("<BxxxHH", 1, 0, 0)
    + bytes(20),
)


def pipe(*answers: bytes, then: bytes = b"") -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    """A pipe that answers the bind and the request, and is read on after that."""
    left = [ACKNOWLEDGED, *answers]
    return lambda _: left.pop(0), lambda: then


def test_a_list_in_fragments() -> None:
    whole = stub([("data", 0, "all of it"), ("IPC$", 0x80000003, "")])
    first, second = (struct.pack("<LHH", 0, 0, 0) + part for part in (whole[:30], whole[30:]))
    ask, read_on = pipe(pdu(2, first, flags=1), then=pdu(2, second, flags=2))
    assert srvsvc.shares(ask, read_on, "server") == [Share("data", True), Share("IPC$", False)]
    ask, read_on = pipe(pdu(2, first, flags=1) + pdu(2, second, flags=2)[:20], then=pdu(2, second, 2)[20:])
    assert srvsvc.list_shares(ask, read_on, "server") == ["data", "IPC$"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (pdu(2, bytes(8) + stub([], code=5)), "STATUS_ACCESS_DENIED"),
        (pdu(2, bytes(8) + struct.pack("<L", 50)), "STATUS_NOT_SUPPORTED"),
        (pdu(2, bytes(8) + struct.pack("<L", 4711)), "STATUS_UNSUCCESSFUL"),
        (pdu(3, bytes(8) + struct.pack("<L", 5) + bytes(4)), "STATUS_ACCESS_DENIED"),
        (pdu(3, bytes(8) + struct.pack("<L", 0xC0000022) + bytes(4)), "STATUS_ACCESS_DENIED"),
    ],
    ids=["the call", "nothing but the code", "an unknown code", "a fault", "a fault with an NTSTATUS"],
)
def test_a_server_that_says_no(answer: bytes, status: str) -> None:
    with pytest.raises(Refused) as refusal:
        srvsvc.shares(*pipe(answer), "server")
    assert refusal.value.status == status


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        pdu(2, b""),
        pdu(7, bytes(40)),
        pdu(2, bytes(8) + stub([("data", 0, "")])[:-30] + bytes(4)),
        pdu(2, bytes(8) + struct.pack("<LLLLLLL", 1, 1, 1, 0xFFFFFF, 1, 0xFFFFFF, 0)),
        pdu(2, bytes(8) + struct.pack("<LLL", 2, 2, 0) + bytes(4)),
    ],
    ids=["nothing", "no data", "another PDU", "cut off", "too many shares", "another level"],
)
def test_garbage(answer: bytes) -> None:
    with pytest.raises(LabFault, match="garbage"):
        srvsvc.shares(*pipe(answer), "server")


@pytest.mark.parametrize(
    "said",
    [pdu(13, struct.pack("<H", 4) + bytes(4)), ACKNOWLEDGED.replace(bytes(4), b"\2\0\1\0")],
    ids=["altogether", "its one context"],
)
def test_a_rejected_bind(said: bytes) -> None:
    with pytest.raises(LabFault, match="garbage"):
        srvsvc.shares(lambda _: said, bytes, "server")
