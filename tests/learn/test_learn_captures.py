"""Every capture of real clients: learn finds those that were found in it by tshark, and tells no secret."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.clients.persona import FOLDER as FOLDERS
from harness.clients.persona import load
from harness.learn import matching, persona
from harness.learn.observe import Contact, Opening
from harness.learn.study import Study, study
from harness.report import learned
from harness.report.page import console_for
from harness.smb.tap import kerberos

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "captures"
INDEX = FOLDER / "index.json"
ENTRIES: list[dict[str, Any]] = json.loads(INDEX.read_text())["captures"] if INDEX.exists() else []
FILES = [entry["file"] for entry in ENTRIES]
OPENINGS = {
    "SMB1 only": Opening.SMB1_ONLY,
    "SMB2 direct": Opening.DIRECT,
    "multi-protocol (SMB1 frame first)": Opening.MULTI,
}
KINDS = {
    "NTLMv1-ESS": {"NTLMv1"},
    "NTLMv2": {"NTLMv2"},
    "NTLMv2 (LM resp zero)": {"NTLMv2"},
    "NTLMv2 +LMv2": {"NTLMv2"},
    "anonymous": {"anonymous"},
    # An empty password in plain text is two zero bytes over UTF-16.
    "anonymous/empty": {"anonymous", "plaintext"},
}

pytestmark = pytest.mark.skipif(not ENTRIES, reason="no captures of real clients here")


@cache
def known() -> tuple[matching.KnownPersona, ...]:
    return tuple(matching.personas())


@cache
def studied(name: str) -> Study:
    return study([FOLDER / name], known())


def expected(name: str) -> dict[str, list[dict[str, Any]]]:
    (entry,) = [entry for entry in ENTRIES if entry["file"] == name]
    return {client["client_ip"]: client["connections"] for client in entry["clients"]}


def contacts(found: Study, address: str) -> list[Contact]:
    (host,) = [host for host in found.hosts if host.address == address]
    return [contact for contact in host.contacts if contact.opening is not Opening.UNSEEN]


@pytest.mark.parametrize("name", FILES)
def test_the_same_hosts_open_in_the_same_ways(name: str) -> None:
    found = studied(name)
    assert {client.address for client in found.clients} == set(expected(name))
    for address, connections in expected(name).items():
        seen = contacts(found, address)
        assert {one.opening for one in seen} == {OPENINGS[one["opening"]] for one in connections}
        strings = {one.smb1.dialects for one in seen if one.smb1}
        assert strings == {
            tuple(one["smb1_negotiate"]["dialects"]) for one in connections if "smb1_negotiate" in one
        }
        numbers = {one.smb2.dialects for one in seen if one.smb2}
        assert numbers == {
            tuple(int(number, 16) for number in one["smb2_negotiate"]["dialects"])
            for one in connections
            if "smb2_negotiate" in one
        }


@pytest.mark.parametrize("name", FILES)
def test_the_same_logons_are_seen(name: str) -> None:
    for address, connections in expected(name).items():
        setups = [setup for one in connections for setup in one.get("session_setup", ())]
        logons = [logon for contact in contacts(studied(name), address) for logon in contact.logons]
        told = {
            setup.get("response_type") or (setup.get("ntlm_authenticate") or {}).get("response")
            for setup in setups
        }
        wanted = [KINDS[kind] for kind in told if kind]
        if any(setup["mechanism"] == "Kerberos" for setup in setups):
            wanted.append({"Kerberos"})
        seen = {logon.kind for logon in logons} - {""}
        assert all(kinds & seen for kinds in wanted), (wanted, seen)
        assert seen <= set().union(*wanted), (wanted, seen)
        flags = {
            int(setup["ntlm_negotiate"]["flags"]["hex"], 16)
            for setup in setups
            if setup.get("ntlm_negotiate")
        }
        assert {logon.session.ntlm.flags for logon in logons if logon.session.ntlm} == flags
        systems = {system for setup in setups for system in setup.get("native_os", ())}
        assert {logon.session.native_os for logon in logons} - {""} <= systems


PROOFS = {
    "arkime__wireshark-smb-on-windows10.pcap": {((6, 8, 10, 9), True)},
    "zeek__smb2.pcap": {((6, 8), True)},
    "suricata-verify__smb2-delete_input.pcap": {((6, 9, 10), True)},
    "zeek__smb2.delete-on-close-perms-delete-existing.pcap": {((6, 8, 10, 9), True)},
    "zeek__smb3.pcap": {((), False)},
    "SAMR-Enum-Lab__python.exe_impacket_net.py_user.pcapng": {((9,), False)},
    # NTLMv1 has no such parts.
    "arkime__smbtorture-ntlmssp.pcap": set(),
}


@pytest.mark.parametrize("name", PROOFS)
def test_how_an_ntlmv2_response_is_made_is_told_by_ids(name: str) -> None:
    """As read from the bytes of each message by hand."""
    found = studied(name)
    logons = [logon for client in found.clients for logon in learned.logons(client.software.contacts)]
    assert {(one.proof.own_pairs, one.proof.mic) for one in logons if one.proof} == PROOFS[name]
    words = " ".join(map(learned.told, logons))
    assert ("AV pairs of its own: " in words) == bool(PROOFS[name])


@pytest.mark.parametrize("name", FILES)
def test_what_was_opened_is_told_without_names_of_shares(name: str) -> None:
    for address, connections in expected(name).items():
        opened = {word for contact in contacts(studied(name), address) for word in contact.opened}
        trees = {tree.rpartition("\\")[2].upper() for one in connections for tree in one.get("trees", ())}
        assert ("IPC$" in opened) == ("IPC$" in trees)
        assert ("a share" in opened) == bool(trees - {"IPC$"})
        pipes = {pipe for one in connections for pipe in one.get("pipes", ())}
        assert {pipe for pipe in pipes if pipe != "LANMAN(RAP)"} <= opened
        assert any(word.startswith("RAP") for word in opened) == ("LANMAN(RAP)" in pipes)


@pytest.mark.parametrize("name", FILES)
def test_every_client_becomes_a_persona_that_opens_as_it_did(name: str, tmp_path: Path) -> None:
    for client in studied(name).clients:
        assert client.learned is not None, client.why_not
        made = load(persona.write(client.learned, tmp_path))
        smb1 = {one.smb1.dialects for one in client.software.contacts if one.smb1}
        smb2 = {one.smb2.dialects for one in client.software.contacts if one.smb2 and not one.channel}
        assert made.opening.smb1 is None or made.opening.smb1.dialects in smb1
        assert (made.opening.smb1 is None) == (not smb1)
        if smb2:
            assert made.opening.smb2 is not None
            assert made.opening.smb2.revisions in smb2
        assert any(one.source.startswith("inferred: ") for one in made.evidence)


NEAREST = {
    "ICS-Security-Tools__mb2.pcap": "windows-xp",
    "zeek__smb2.pcap": "windows-vista",
    "zeek__smb2_krb.pcap": "windows-7",
    "arkime__wireshark-smb-on-windows10.pcap": "windows-10-1511",
    "zeek__raw_ntlm_in_smb.pcap": "macos-10.10",
    "carved__zeek-smb3_multichannel-no-file-data.pcap": "windows-10-22h2",
    "zeek__smb2_100_small_files.pcap": "linux-cifs",
    "zeek__20-fids.pcap": "samba-smbclient-4",
    "nDPI__smb_frags.pcap": "netapp",
}


@pytest.mark.parametrize(("name", "nearest"), NEAREST.items())
def test_the_persona_of_that_client_is_found(name: str, nearest: str) -> None:
    if nearest not in {one.data.name for one in known()}:
        pytest.skip(f"no persona {nearest}")
    assert {client.like[0].persona.data.name for client in studied(name).clients} == {nearest}


def test_personas_that_cannot_be_told_apart_are_all_named() -> None:
    (client,) = studied("SAMR-Enum-Lab__net.exe_user__domain.pcapng").clients
    names = {client.like[0].persona.data.name, *client.equally}
    assert {"windows-11-23h2", "windows-server-2022"} <= names
    assert "windows-7" not in names


# What each capture's session setups with Kerberos have in the clear, as read from their bytes by hand: the
# list, mutual-required, type and form of the service's name, ticket's and authenticator's encryption.
WINDOWS_LIST = ("MS-KRB5", "KRB5", "NEGOEX", "NTLMSSP")
KERBEROS = {
    "zeek__smb2_krb.pcap": {(WINDOWS_LIST, True, 2, "cifs/host.domain", 18, 18)},
    "zeek__kerberos_tso.pcapng": {
        (WINDOWS_LIST, True, 2, "cifs/host.domain", 18, 18),
        (WINDOWS_LIST, True, 2, "cifs/host", 18, 18),
    },
    "suricata-verify__20171220_smb_net_user.pcap": {(WINDOWS_LIST, True, 2, "cifs/host.domain", 18, 18)},
    "suricata-verify__dcerpc-ctxids_input.pcap": {(WINDOWS_LIST, True, 2, "cifs/host.domain", 18, 18)},
    "SAMR-Enum-Lab__net.exe_user__domain.pcapng": {(WINDOWS_LIST, True, 2, "cifs/host.domain", 18, 18)},
    "BruteShark__Kerberos_v5_-_UDP_3.pcap": {
        (("MS-KRB5", "KRB5", "NTLMSSP"), True, 2, "cifs/host.domain", 23, 23)
    },
    "BruteShark__Kerberos_-_v5_UDP.pcap": {
        (("MS-KRB5", "KRB5", "NTLMSSP"), False, 1, "cifs/host.domain", 18, 18)
    },
    "nDPI__smb_frags.pcap": {(("KRB5",), True, 3, "cifs/host.domain", 18, 18)},
    "suricata-verify__smb-length-5770_input.pcap": {(("KRB5", "LKDC"), True, 3, "cifs/lkdc", 18, 18)},
}


@pytest.mark.parametrize("name", KERBEROS)
def test_what_is_in_the_clear_of_a_logon_with_kerberos_is_told(name: str) -> None:
    logons = [one for client in studied(name).clients for one in learned.logons(client.software.contacts)]
    tokens = [logon.session.spnego for logon in logons if logon.kind == "Kerberos"]
    seen = {
        (
            one.mechanisms,
            bool(said.options & kerberos.MUTUAL),
            said.service.kind,
            said.service.form,
            said.ticket_etype,
            said.etype,
        )
        for one in tokens
        if one and (said := one.ap_req)
    }
    assert seen == KERBEROS[name]


ASKED = {
    "zeek__kerberos_tso.pcapng": {
        ("tcp", "AS-REQ", (18, 23, -133, -128, 24, -135), (128,), "KDC_ERR_PREAUTH_REQUIRED"),
        ("tcp", "AS-REQ", (18, 23, -133, -128, 24, -135), (2, 128), ""),
        ("tcp", "TGS-REQ", (18, 17, 23, 24, -135), (1, 167), ""),
    },
    "BruteShark__Kerberos_v5_-_UDP_3.pcap": {
        ("udp", "AS-REQ", (23, -133, -128, 3, 1, 24, -135), (2, 128), ""),
        ("udp", "TGS-REQ", (23, -133, -128, 3, 1, 24, -135), (1,), ""),
        ("tcp", "TGS-REQ", (23, 3, 1, 24, -135), (1,), "KDC_ERR_BADOPTION"),
        ("tcp", "TGS-REQ", (23, 3, 1, 24, -135), (1,), ""),
    },
}


@pytest.mark.parametrize("name", ASKED)
def test_what_a_kdc_was_asked_is_told(name: str) -> None:
    """As impacket's types decode the same messages."""
    exchanges = [one for host in studied(name).hosts for one in host.exchanges]
    seen = {
        (one.transport, one.request.kind, one.request.etypes, one.request.padata, one.answer.error)
        for one in exchanges
        if one.answer
    }
    assert seen == ASKED[name]


TARGETS = {
    "arkime__wireshark-smb-on-windows10.pcap": {"cifs/address"},
    "zeek__raw_ntlm_in_smb.pcap": {"cifs/address"},
    "zeek__20-fids.pcap": {"cifs/address"},
    "SAMR-Enum-Lab__python.exe_impacket_net.py_user.pcapng": {"cifs/host"},
    "zeek__smb2.pcap": {None},
    "zeek__smb3.pcap": {None},
}


@pytest.mark.parametrize("name", TARGETS)
def test_the_service_name_in_an_ntlmv2_response_is_told(name: str) -> None:
    """As read from the bytes of each message by hand: old Windows and cifs.ko of that time send none."""
    logons = [one for client in studied(name).clients for one in learned.logons(client.software.contacts)]
    proofs = [logon.proof for logon in logons if logon.proof]
    assert {proof.target for proof in proofs} == TARGETS[name]
    assert not any(proof.bound for proof in proofs)


def secrets(content: bytes) -> set[bytes]:
    """Names, challenges and responses of every NTLM message in a capture, found by their signature alone."""
    found: set[bytes] = set()
    at = content.find(b"NTLMSSP\0")
    while at >= 0:
        message = content[at : at + 2048]
        kind = int.from_bytes(message[8:12], "little")
        if kind == 2:
            found.add(message[24:32])
        fields = {3: (12, 20, 28, 36, 44), 1: (16, 24)}.get(kind, ())
        for where in fields:
            size = int.from_bytes(message[where : where + 2], "little")
            offset = int.from_bytes(message[where + 4 : where + 8], "little")
            found.add(message[offset : offset + size])
        at = content.find(b"NTLMSSP\0", at + 8)
    return {one for one in found if len(one) >= 6 and any(one)}


def test_the_search_for_secrets_finds_some() -> None:
    found = secrets((FOLDER / "arkime__wireshark-smb-on-windows10.pcap").read_bytes())
    lengths = Counter(len(one) for one in found)
    assert lengths[8] >= 1, "server challenges"
    assert max(lengths) > 100, "NTLMv2 responses"


@pytest.mark.parametrize("name", FILES)
def test_no_secret_and_no_name_is_told(name: str, tmp_path: Path) -> None:
    content = (FOLDER / name).read_bytes()
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    # Under a neutral name, for the name of a capture is told and may hold anything.
    copy = tmp_path / "capture"
    copy.write_bytes((FOLDER / name).read_bytes())
    found = study([copy], known())
    copy.unlink()
    written = {
        client.learned.name: persona.write(client.learned, tmp_path)
        for client in found.clients
        if client.learned
    }
    said = [learned.render_json(learned.document(found, written)).encode()]
    with (tmp_path / "terminal").open("w", encoding="utf-8") as stream:
        learned.render(found, written, console_for(stream))
    said += [path.read_bytes() for path in tmp_path.iterdir()]
    shares = {
        tree.rpartition("\\")[2]
        for connections in expected(name).values()
        for one in connections
        for tree in one.get("trees", ())
    }
    hidden = {one for secret in secrets(content) | tickets(content) for one in forms(secret)} | {
        share.encode() for share in shares
    }
    # Test networks have users called "user" and "test"; what we say in any case is no secret.
    ours = vocabulary() + str(tmp_path).encode().lower()
    hidden = {secret for secret in hidden if secret.lower() not in ours}
    for text in said:
        for secret in hidden:
            assert secret.lower() not in text.lower(), secret


def tickets(content: bytes) -> set[bytes]:
    """The beginnings of what is encrypted in Kerberos messages, and their names, found by their tags alone.

    A KerberosString (tag 1B) in its SEQUENCE; the OCTET STRING of an EncryptedData has two bytes of length.
    """
    found = re.finditer(rb"\x1b([\x05-\x40])([A-Za-z0-9.$:_-]{5,64})", content)
    texts = {one[2][: one[1][0]] for one in found if len(one[2]) >= one[1][0]}
    ciphers = {found[1] for found in re.finditer(rb"\xa2\x82..\x04\x82..(.{32})", content, re.DOTALL)}
    return texts | ciphers


@cache
def vocabulary() -> bytes:
    """The words of our own that the output is made of."""
    rooms = [
        Path(learned.__file__),
        Path(kerberos.__file__),
        *Path(persona.__file__).parent.glob("*.py"),
        *FOLDERS.rglob("*.toml"),
    ]
    return b"".join(path.read_bytes().lower() for path in rooms)


def forms(secret: bytes) -> set[bytes]:
    """A secret as it may be written: raw, in hexadecimal, and as text."""
    found = {secret, secret.hex().encode()}
    if len(secret) % 2 == 0:
        text = secret.decode("utf-16-le", "replace")
        if text.isprintable() and len(text) >= 4:
            found.add(text.encode())
    return found
