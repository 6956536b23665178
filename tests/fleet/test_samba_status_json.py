"""smbstatus as JSON: the same facts as its tables have, with the time; what is damaged or strange is told."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from inventory import of_text, told

from harness.model import Dialect


def document(**sections: object) -> str:
    return json.dumps(
        {"timestamp": "2024-07-04T13:04:45.910759+0300", "smb_conf": "/etc/samba/smb.conf"} | sections
    )


def session(host: str = "ipv4:192.0.2.9:56892", **more: object) -> dict[str, object]:
    return {
        "remote_machine": "192.0.2.9",
        "hostname": host,
        "session_dialect": "SMB3_11",
        "expiration_time": "30828-09-14T05:48:05.477581+03:00",
        "encryption": {"cipher": "-", "degree": "none"},
        "signing": {"cipher": "AES-128-GMAC", "degree": "partial"},
    } | more


SEEN = datetime(2024, 7, 4, 13, 4, 45, 910759, timezone(timedelta(hours=3)))
FACTS = {
    "address": "192.0.2.9",
    "dialect": Dialect.SMB3_11,
    "signed": False,
    "encrypted": False,
    "seen": SEEN,
}


def test_json_has_the_same_facts_and_the_time() -> None:
    found, tally = of_text("smbstatus-json", document(sessions={"1": session()}, tcons={}))
    assert [told(one) for one in found] == [FACTS]
    assert (tally.not_understood, tally.notices) == ({}, [])


@pytest.mark.parametrize("cipher", ["", "-"])
def test_no_cipher_is_written_in_two_ways(cipher: str) -> None:
    none = {"cipher": cipher, "degree": "none"}
    full = {"cipher": "AES-128-GCM", "degree": "full"}
    ((plain, hidden), _) = of_text(
        "smbstatus-json",
        document(
            sessions={
                "1": session(encryption=none, signing=none),
                "2": session(encryption=full, signing=full),
            }
        ),
    )
    assert (plain.encrypted, plain.signed, plain.cipher) == (False, False, "")
    assert (hidden.encrypted, hidden.signed, hidden.cipher) == (True, True, "AES-128-GCM")


def test_connections_without_their_sessions_are_machines_without_dialects() -> None:
    tcon = {"service": "x", "machine": "192.0.2.9", "connected_at": "2022-04-15T17:30:37+0200"}
    for sections in ({"sessions": {}, "tcons": {"1": tcon}}, {"tcons": {"1": tcon}}):
        found, tally = of_text("smbstatus-json", document(**sections))
        assert [(one.address, one.dialect) for one in found] == [("192.0.2.9", None)]
        assert any("without their sessions" in notice for notice in tally.notices)
        assert tally.answers_nothing == ""


def test_empty_sections_are_an_answer_and_none_is_not() -> None:
    assert of_text("smbstatus-json", document(sessions={}, tcons={}))[1].answers_nothing == ""
    assert "only its heading" in of_text("smbstatus-json", document())[1].answers_nothing


@pytest.mark.parametrize("host", ["ipv6:::1:50000", "ipv4:127.0.0.1:50000", "ipv4:127.8.9.1:5"])
def test_the_server_itself_is_no_machine(host: str) -> None:
    found, tally = of_text("smbstatus-json", document(sessions={"1": session(host)}))
    assert found == []
    assert any("loopback" in notice for notice in tally.notices)


@pytest.mark.parametrize("between", ["\n", "", "\n\nroot@nas:~# smbstatus --json\n"])
@pytest.mark.parametrize("indent", [None, 2])
def test_several_documents_behind_one_another(between: str, indent: int | None) -> None:
    one = json.dumps(json.loads(document(sessions={"1": session()})), indent=indent)
    found, _ = of_text("smbstatus-json", between.join([one, one, one]))
    assert [told(each) for each in found] == [FACTS] * 3


def test_json_that_is_cut_off_tells_what_is_there() -> None:
    text = document(sessions={str(number): session() for number in range(5)})
    found, tally = of_text("smbstatus-json", text[:-400])
    assert 3 <= len(found) <= 4
    assert [reason for reason in tally.not_understood if "before it is complete" in reason]
    again, _ = of_text("smbstatus-json", f"{text[:-400]}\n{text}")
    assert len(again) == len(found) + 5


def test_json_with_strange_values_is_counted() -> None:
    strange: dict[str, object] = {
        "1": 5,
        "2": None,
        "3": [],
        "4": {"hostname": ["x"]},
        "5": session(session_dialect=7),
    }
    found, tally = of_text("smbstatus-json", document(sessions=strange, tcons=[1, {"machine": "192.0.2.8"}]))
    assert [one.address for one in found] == ["192.0.2.9", "192.0.2.8"]
    assert tally.not_understood.total() == 5


def test_half_a_surrogate_pair_can_be_printed() -> None:
    text = document(sessions={"1": session("unix:", remote_machine="pc\ud800x")})
    found, _ = of_text("smbstatus-json", text)
    assert [one.name for one in found] == ["pc?x"]
