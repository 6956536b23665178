"""Kinds of client and of capture that were once taken for something else."""

from __future__ import annotations

import json
import os
import struct
import tomllib
from pathlib import Path

import pytest
from commandline import rehearse
from learning import Learn, capture, learner, only
from packet_maker import (
    FIN,
    RST,
    Talk,
    ntlm_negotiate,
    smb1_negotiate,
    smb1_negotiated,
    smb1_session_setup,
    smb2_header,
    smb2_negotiate,
    smb2_session_setup,
)

from harness.learn import facts, matching
from harness.learn.hosts import MAX_FORMS
from harness.learn.study import NothingSeen, study
from harness.report import learned
from harness.smb.offer import SMB2_ANY

NT1, SMB2_002 = "NT LM 0.12", "SMB 2.002"
ALL = (0x0202, 0x0210, 0x0300, 0x0302)


@pytest.fixture
def learn(tmp_path: Path, known: list[matching.KnownPersona]) -> Learn:
    return learner(tmp_path, known)


def chose(dialect: int) -> bytes:
    return smb2_header(0, 0, response=True) + struct.pack("<HHHH", 65, 1, dialect, 0) + bytes(57)


def with_pid(message: bytes, pid: int) -> bytes:
    at = 26 if message[0] == 0xFF else 32
    return message[:at] + struct.pack("<H", pid) + message[at + 2 :]


def test_an_smb1_frame_of_which_2_0_2_was_chosen_and_an_smb2_offer_are_one_client(learn: Learn) -> None:
    framed = Talk(port=1).opened().says(smb1_negotiate([NT1, SMB2_002, SMB2_ANY])).hears(chose(0x0202))
    direct = Talk(port=2).opened().says(smb2_negotiate(ALL)).hears(chose(0x0202))
    client = only(learn(framed, direct))
    assert client.facts.fields["smb1_negotiate.dialects"] == [NT1, SMB2_002, SMB2_ANY]
    assert client.facts.fields["smb2_negotiate.dialects"] == ["2.0.2", "2.1", "3.0", "3.0.2"]
    # A frame that has no room for what the other offers is another client's.
    small = Talk(port=3).opened().says(smb1_negotiate([NT1, SMB2_002])).hears(chose(0x0202))
    assert len(learn(small, direct).clients) == 2


def test_processes_are_no_different_forms(learn: Learn) -> None:
    talks = [
        Talk(port=port).opened().says(with_pid(smb1_negotiate([NT1]), port))
        for port in range(1, MAX_FORMS + 9)
    ]
    found = learn(*talks)
    (contact,) = only(found).software.contacts
    assert only(found).software.contacts[contact] == len(talks)
    assert only(found).facts.fields["smb1_negotiate.pid_varies"] is True
    assert found.missing == []
    assert "smb1_negotiate.pid_varies" not in only(learn(talks[0])).facts.fields


def test_processes_of_smb2_are_no_different_forms(learn: Learn) -> None:
    talks = [Talk(port=port).opened().says(with_pid(smb2_negotiate(ALL), port)) for port in (1, 2)]
    assert only(learn(*talks)).facts.fields["smb2_negotiate.pid_varies"] is True


def test_a_probe_is_not_merged_with_the_main_offer(learn: Learn) -> None:
    main = Talk(port=1).opened().says(smb1_negotiate([NT1, SMB2_002, SMB2_ANY])).says(smb2_negotiate(ALL))
    probe = Talk(port=2).opened().says(smb1_negotiate([NT1], 0x6045))
    assert len(learn(main, probe).clients) == 2
    another = Talk(port=3).opened().says(smb2_negotiate(ALL, mode=3))
    assert len(learn(main, another).clients) == 2


def test_how_it_logs_on_is_read_where_it_made_its_fullest_offer(learn: Learn) -> None:
    strings = [NT1, SMB2_002, SMB2_ANY]
    logon = smb2_session_setup(ntlm_negotiate(0x62880205))
    probing = smb2_session_setup(ntlm_negotiate(0x00000205))
    probe = Talk(port=1).opened().says(smb1_negotiate(strings)).hears(chose(0x0202)).says(probing)
    main = Talk(port=2).opened().says(smb1_negotiate(strings)).says(smb2_negotiate(ALL)).says(logon)
    assert only(learn(probe, main)).facts.fields["ntlm.flags"] == 0x62880205


@pytest.mark.parametrize("flags2", [0, 1])
def test_a_session_setup_counts_whatever_its_flags2(learn: Learn, flags2: int) -> None:
    talk = Talk().opened().says(smb1_negotiate([NT1], 0)).hears(smb1_negotiated())
    texts = [b"GUEST\0", b"\0", b"Windows 4.0\0", b"Windows 4.0\0"]
    fields = only(learn(talk.says(smb1_session_setup(texts, flags2)))).facts.fields
    assert fields["smb1_session.flags2"] == flags2
    assert fields["smb1_session.native_os"] == "Windows 4.0"
    assert fields["smb1_session.capabilities"] == 0x54
    assert fields["policy.smb1"] is True


@pytest.mark.parametrize(("mode", "kind"), [(3, "NTLMv1"), (1, "plaintext"), (7, "NTLMv1"), (5, "plaintext")])
def test_a_password_of_24_bytes_is_no_response_where_there_was_no_challenge(
    learn: Learn, mode: int, kind: str
) -> None:
    talk = Talk().opened().says(smb1_negotiate([NT1], 0)).hears(smb1_negotiated(mode=mode))
    client = only(learn(talk.says(smb1_session_setup([b"user\0"], nt=bytes(24)))))
    (contact,) = client.software.contacts
    assert [logon.kind for logon in contact.logons] == [kind]
    assert client.facts.fields.get("ntlm.level") == (kind if kind == "NTLMv1" else None)
    assert (facts.PLAINTEXT in client.facts.notes) == (kind == "plaintext")


def test_an_offer_of_lanman_alone_is_not_given_nt_lm_0_12_as_limit(learn: Learn) -> None:
    client = only(learn(Talk().opened().says(smb1_negotiate(["PC NETWORK PROGRAM 1.0", "LANMAN2.1"]))))
    assert not [name for name in client.facts.fields if name.endswith("_dialect")]
    assert any("no NT LM 0.12" in note for note in client.facts.notes)
    assert client.learned is not None
    assert {"policy.min_dialect", "policy.max_dialect"} <= set(client.learned.inferred)
    assert tomllib.loads(client.learned.text)["smb1_negotiate"]["dialects"][-1] == "LANMAN2.1"


def test_session_bindings_alone_make_no_persona(learn: Learn) -> None:
    bind = smb2_session_setup(ntlm_negotiate(), binding=True)
    client = only(learn(Talk().opened().says(smb2_negotiate([0x0302])).says(bind)))
    assert client.learned is None
    assert client.why_not == facts.ONLY_CHANNELS


def test_what_a_persona_cannot_say_is_told_in_our_words(learn: Learn) -> None:
    client = only(learn(Talk().opened().says(smb2_negotiate([0x0200]))))
    assert client.learned is None
    assert client.why_not.endswith("a persona file cannot say its smb2_negotiate.dialects")


@pytest.mark.parametrize(("flags", "how"), [(RST, "RESET"), (FIN, "CLOSED")])
def test_a_server_that_ends_the_connection_has_answered(learn: Learn, flags: int, how: str) -> None:
    found = learn(Talk().opened().says(smb1_negotiate([NT1])).ends(flags))
    (contact,) = only(found).software.contacts
    assert (contact.ended, contact.missing) == (how, ())
    (host,) = json.loads(learned.render_json(learned.document(found, {})))["hosts"]
    assert host["ended"] == [how]
    silent = learn(Talk().opened().says(smb1_negotiate([NT1])).ends(flags, from_server=False))
    (contact,) = only(silent).software.contacts
    assert (contact.ended, contact.missing) == ("", ("what the server said",))


def test_smb_is_known_by_what_is_said_on_any_port(learn: Learn) -> None:
    for first in (smb1_negotiate([NT1, SMB2_002, SMB2_ANY]), smb2_negotiate(ALL)):
        talk = Talk(to=4445).opened().says(first).hears(chose(0x02FF))
        talk.says(smb2_negotiate(ALL)).says(smb2_session_setup(ntlm_negotiate()), piece=30)
        client = only(learn(talk))
        (contact,) = client.software.contacts
        assert contact.port == 4445
        assert len(contact.logons) == 1
    # Where a capture has the answers alone, the server is known by them.
    setup = smb2_session_setup(ntlm_negotiate())
    found = learn(Talk(port=2, to=4446).hears(chose(0x0202)).says(setup), talk)
    assert sum(host.connections for host in found.hosts) == 2


def test_what_only_looks_like_smb_is_none(tmp_path: Path, known: list[matching.KnownPersona]) -> None:
    web = (
        Talk(to=80)
        .opened()
        .says(b"HTTP \xffSMBr" + bytes(40))
        .says(b"\xfeSMB@\0" + bytes(6) + b"\x05" + bytes(99))
    )
    with pytest.raises(NothingSeen, match="no NEGOTIATE on any other"):
        study([capture(tmp_path, web)], known)


def test_one_connection_recorded_at_both_ends_is_one_client(
    tmp_path: Path, known: list[matching.KnownPersona]
) -> None:
    talk = Talk().opened().says(smb1_negotiate([NT1, SMB2_002, SMB2_ANY])).hears(chose(0x02FF))
    talk.says(smb2_negotiate(ALL)).says(smb2_session_setup(ntlm_negotiate()))
    later = Talk(port=7, client_next=5).opened().says(smb2_negotiate(ALL))
    at_the_server = capture(tmp_path, talk, later, name="server.pcap")
    headless = Talk(frames=talk.frames[4:])
    at_the_client = capture(tmp_path, headless, name="client.pcap")
    for files in ([at_the_client, at_the_server], [at_the_server, at_the_client], [at_the_server] * 2):
        found = study(files, known)
        client = only(found)
        assert sum(client.software.contacts.values()) == 2
        assert client.facts.fields["smb1_negotiate.dialects"] == [NT1, SMB2_002, SMB2_ANY]
        assert client.learned is not None
        captures = tomllib.loads(client.learned.text)["captures"]
        assert [one["file"] for one in captures] == [path.name for path in files]


def test_the_same_ends_with_another_first_number_are_another_connection(
    tmp_path: Path, known: list[matching.KnownPersona]
) -> None:
    files = [
        capture(tmp_path, Talk(client_next=begin).opened().says(smb2_negotiate(ALL)), name=f"{begin}.pcap")
        for begin in (1000, 900_000)
    ]
    assert sum(only(study(files, known)).software.contacts.values()) == 2


def test_a_capture_without_a_client_is_a_document_too(tmp_path: Path) -> None:
    ended = rehearse("learn", "--json", capture(tmp_path))
    assert ended.status == 3
    told = json.loads(ended.stdout)
    assert told["hosts"] == []
    assert "holds no SMB" in told["nothing"]
    assert told["nothing"] in ended.stderr


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path):
        ended = rehearse("learn", path)
        assert ended.status == 64
        assert f"{path}: is a" in ended.stderr
