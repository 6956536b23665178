"""Which clients are taken for a kind that has a persona, and which are like none of ours."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packet_maker import (
    Talk,
    ntlm_negotiate,
    pcap,
    smb1_negotiate,
    smb1_negotiated,
    smb1_session_setup,
    smb2_negotiate,
    smb2_session_setup,
    written,
)

from harness.clients.persona import load
from harness.learn import matching, persona
from harness.learn.facts import Facts
from harness.learn.matching import RECOGNISED, Catalogue
from harness.learn.study import Client, Study, study
from harness.learn.tools import SIGNATURES
from harness.model import Fidelity
from harness.report import learned
from harness.report.page import console_for
from harness.smb.offer import SMB2_ANY, SMB2_FIRST

SHARED = Path(__file__).resolve().parents[3] / "shared"
CORPORA = (SHARED / "captures", SHARED / "field" / "captures")
ENTRIES: list[tuple[Path, dict[str, Any]]] = [
    (folder / entry["file"], entry)
    for folder in CORPORA
    if (folder / "index.json").exists()
    for entry in json.loads((folder / "index.json").read_text())["captures"]
]
NAMES = [path.name for path, _ in ENTRIES]
KINDS = {
    "winxp": "windows-xp",
    "win2003": "windows-server-2003",
    "winvista": "windows-vista",
    "win7": "windows-7",
    "win10": "windows-10-",
    "win11": "windows-11-",
    "macos": "macos-",
    "cifsko": "linux-cifs",
    "smbclient": "samba-smbclient-",
    "smbmember": "samba-smbclient-",
    "nas": "netapp",
}
"""The class of a capture in its index, and how the personas of that kind are called."""
FIELD = {
    "suricata-verify__bug-5162_input.pcap": "",
    "suricata-verify__filestore-filecontainer-smb_filecontainer-smb.pcap": "windows-xp",
    "suricata-verify__smb-eicar-andx_smbandx.pcap": "samba-smbclient-",
    "suricata-verify__bug-5133_input.pcap": "windows-10-1511",
    "SAMR-Enum-Lab__Resources_rpcclient_enumdomains.pcapng": "samba-smbclient-4",
    "SAMR-Enum-Lab__Resources_nmap.pcapng": "nmap",
    "Security-Datasets__covenant_copy_smb_CreateRequest_2020-09-22145302.cap": "windows-10-",
    "c07-port-4445.pcap": "",
    "c17-version-is-workstation-name.pcap": "ruby_smb",
    "c18-impacket.pcapng": "impacket",
    "c24-version-is-domain-name.pcap": "",
    "c29-flags2-zero.pcap": "",
    "c29-plaintext.pcap": "",
    "c30-lanman-only.pcap": "",
}
"""Whom the captures from the field show: a persona, a tool, or "" for what is like none of ours."""


def told(found: Study, folder: Path) -> str:
    with (folder / "told").open("w", encoding="utf-8") as stream:
        learned.render(found, {}, console_for(stream))
    return (folder / "told").read_text("utf-8")


def is_new(client: Client, folder: Path) -> None:
    """Its offer is the capture's, and nothing else is anybody's."""
    assert client.learned is not None, client.why_not
    file = tomllib.loads(client.learned.text)
    assert not file.get("sees")
    assert not file.get("sees_like")
    assert file["smb1_removable"] == ""
    assert "as windows" not in client.learned.text
    policy = file["policy"]
    assert not policy["require_encryption"]
    assert policy["guest"]
    assert any(persona.NONE_OF_OURS in one["source"] for one in file["evidence"])
    made = load(persona.write(client.learned, folder))
    for table in ("smb1_negotiate", "smb2_negotiate"):
        seen = client.facts.fields.get(f"{table}.dialects")
        assert (file.get(table) or {}).get("dialects") == seen
    assert "like none of ours" in made.title


@pytest.mark.skipif(not ENTRIES, reason="no captures of real clients here")
@pytest.mark.parametrize("name", NAMES)
def test_each_client_of_the_captures_is_what_its_index_says(
    name: str, tmp_path: Path, known: list[matching.KnownPersona]
) -> None:
    ((path, entry),) = [one for one in ENTRIES if one[0].name == name]
    found = study([path], known)
    wanted = FIELD[name] if "learn_should" in entry else KINDS.get(entry["class"], "impacket")
    named = {one.name.split()[0] for one in SIGNATURES}
    for client in found.clients:
        nearest = client.like[0]
        if wanted and wanted not in named:
            # Where a Mac has a Samba beside its own client, both are told.
            assert client.recognised, (nearest.alike, nearest.persona.data.name)
            assert nearest.persona.data.name.startswith((wanted, "samba-smbclient-3"))
        else:
            assert not client.recognised, (nearest.alike, nearest.persona.data.name)
            assert (client.tool.name if client.tool else "").startswith(wanted)
            is_new(client, tmp_path)
            assert "like none of ours: the nearest is" in " ".join(told(found, tmp_path).split())


@pytest.mark.skipif(not CORPORA[1].exists(), reason="no captures from the field here")
def test_each_capture_from_the_field_has_its_expectation() -> None:
    names = {path.name for path, entry in ENTRIES if "learn_should" in entry}
    assert names == set(FIELD)


def facts_of(name: str, known: list[matching.KnownPersona]) -> dict[str, Any]:
    (path,) = [path for path, _ in ENTRIES if path.name == name]
    (client,) = study([path], known).clients
    return dict(client.facts.fields) | {"kinds": {
        logon.kind for contact in client.software.contacts for logon in contact.logons
    }}  # fmt: skip


@pytest.mark.skipif(not CORPORA[1].exists(), reason="no captures from the field here")
def test_what_the_captures_from_the_field_should_teach(known: list[matching.KnownPersona]) -> None:
    xp = facts_of("suricata-verify__filestore-filecontainer-smb_filecontainer-smb.pcap", known)
    assert (xp["ntlm.level"], xp["policy.ntlmv2_only"]) == ("NTLMv1", False)
    assert facts_of("suricata-verify__smb-eicar-andx_smbandx.pcap", known)["policy.smb1"] is True
    rpcclient = facts_of("SAMR-Enum-Lab__Resources_rpcclient_enumdomains.pcapng", known)
    assert rpcclient["policy.require_signing"] is True
    assert facts_of("c07-port-4445.pcap", known)["kinds"] == {"NTLMv2"}
    for name in ("c17-version-is-workstation-name.pcap", "c24-version-is-domain-name.pcap"):
        assert "ntlm.version" not in facts_of(name, known)
    for name in ("c29-flags2-zero.pcap", "c29-plaintext.pcap"):
        plain = facts_of(name, known)
        assert (plain["kinds"], plain.get("ntlm.level")) == ({"plaintext"}, None)
        assert "smb1_session.flags2" in plain
    lanman = facts_of("c30-lanman-only.pcap", known)
    assert not [field for field in lanman if field.endswith("_dialect")]


def test_personas_are_no_strangers_and_strangers_to_other_makers(known: list[matching.KnownPersona]) -> None:
    """What would be a client of an unknown kind stays below the line by a tenth."""
    tables = ("smb1_negotiate.", "smb2_negotiate.", "smb1_session.", "ntlm.")
    everyone = Catalogue(known)
    for one in known:
        maker = one.data.name.partition("-")[0]
        others = Catalogue([other for other in known if other.data.name.partition("-")[0] != maker])
        for when, fields in one.openings:
            seen = Facts({name: value for name, value in fields.items() if name.startswith(tables)}, ())
            assert everyone.matches(seen)[0].alike == 1.0
            # Of documented kinds one has as little to say of itself as the other.
            if one.data.fidelity is Fidelity.RECORDED:
                best = others.matches(seen)[0]
                assert best.alike < RECOGNISED - 0.1, (one.data.name, when, best.persona.data.name)


OLD = {
    "Windows NT 3.51 or 4": "PC NETWORK PROGRAM 1.0|XENIX CORE|MICROSOFT NETWORKS 1.03|LANMAN1.0|"
    "Windows for Workgroups 3.1a|LM1.2X002|LANMAN2.1|NT LM 0.12",
    "OS/2": "PC NETWORK PROGRAM 1.0|XENIX CORE|LANMAN1.0|LM1.2X002|LANMAN2.1",
    "DOS": "PC NETWORK PROGRAM 1.0|MICROSOFT NETWORKS 3.0|DOS LM1.2X002|DOS LANMAN2.1",
}


@pytest.mark.parametrize(("name", "strings"), OLD.items())
def test_systems_of_old_are_known_by_their_strings(
    name: str, strings: str, tmp_path: Path, known: list[matching.KnownPersona]
) -> None:
    talk = Talk().opened().says(smb1_negotiate(strings.split("|"), 0))
    (client,) = study([written(tmp_path, pcap(talk.frames))], known).clients
    assert client.tool is not None
    assert client.tool.name == name
    is_new(client, tmp_path)


def test_a_stranger_is_called_what_it_calls_itself(
    tmp_path: Path, known: list[matching.KnownPersona]
) -> None:
    texts = [b"GUEST\0", b"\0", b"Windows 4.0\0", b"Windows 4.0\0"]
    talk = Talk().opened().says(smb1_negotiate(["NT LM 0.12"], 0)).hears(smb1_negotiated())
    talk.says(smb1_session_setup(texts, 0, nt=b"Pass"))
    (client,) = study([written(tmp_path, pcap(talk.frames))], known).clients
    is_new(client, tmp_path)
    assert client.learned is not None
    assert "it calls itself Windows 4.0" in tomllib.loads(client.learned.text)["title"]


def test_a_library_that_opens_as_others_do_gets_nobodys_policies(
    tmp_path: Path, known: list[matching.KnownPersona]
) -> None:
    talk = Talk().opened().says(smb1_negotiate(["NT LM 0.12", SMB2_FIRST, SMB2_ANY], 0x4801))
    talk.says(smb2_negotiate([0x0202, 0x0210], capabilities=0x40))
    talk.says(smb2_session_setup(ntlm_negotiate(0xA0088215, version=None)))
    found = study([written(tmp_path, pcap(talk.frames))], known)
    (client,) = found.clients
    assert not client.recognised
    assert client.tool is None
    is_new(client, tmp_path)
    document = learned.document(found, {})
    (shown,) = json.loads(learned.render_json(document))["hosts"][0]["clients"]
    assert shown["recognised"] is False
    assert shown["equally"] == []
