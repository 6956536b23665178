"""Names that stand in every field of a message, at its place or in another's, are told nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
from packet_maker import (
    Talk,
    av_pairs,
    ntlm_authenticate,
    ntlm_negotiate,
    pcap,
    smb1_negotiate,
    smb1_negotiated,
    smb1_session_setup,
    smb2_create,
    smb2_header,
    smb2_negotiate,
    smb2_negotiate_311,
    smb2_session_setup,
    smb2_tree_connect,
    written,
)

from harness.clients.persona import CLIENTS
from harness.learn import matching, persona, words
from harness.learn.study import Study, study
from harness.report import learned
from harness.report.page import console_for

DOMAIN, USER, HOST = b"ALBTHEIM", b"mmusterfrau", b"WORKSTATION-77"
SHARE, FILE, SYSTEM = b"GEHEIMAKTEN", b"kuendigung-meier.doc", b"Musterfrau-PC"
NAMES = (DOMAIN, USER, HOST, SHARE, FILE, SYSTEM)
POSIX = bytes.fromhex("93ad25509cb411e7b42383de968bcd7c")


def wide(name: bytes) -> bytes:
    return name.decode().encode("utf-16-le")


def ended(names: tuple[bytes, ...], zero: bytes) -> list[bytes]:
    return [name + zero for name in names]


def smb1_talks() -> Iterator[Talk]:
    """Sessions without extended security: in the right places, and with text of the other width."""
    said = smb1_negotiate(["NT LM 0.12"], 0x0001) + wide(HOST) + HOST
    for flags2, text in product((0x0000, 0x0001, 0x8001), ("narrow", "wide", "few", "shifted")):
        names = ended((USER, DOMAIN, b"Unix", b"Samba"), b"\0")
        if text == "wide":
            names = [wide(name) + b"\0\0" for name in (USER, DOMAIN, SYSTEM, HOST)]
        elif text == "few":
            names = ended((USER,), b"\0")
        elif text == "shifted":
            names = [b"\0", *ended((SYSTEM, USER, DOMAIN, HOST), b"\0")]
        share = rb"\\" + HOST + b"\\" + SHARE + b"\0A:\0"
        session = smb1_session_setup(names, flags2, nt=USER.ljust(24), chained=share)
        yield Talk().opened().says(said).hears(smb1_negotiated(names=wide(DOMAIN))).says(session)


def ntlm_talks() -> Iterator[Talk]:
    """NTLM messages of every age, over SMB2, in SPNEGO or not."""
    contexts = [(5, wide(HOST)), (0x100, HOST[:16].ljust(16)), (0x100, POSIX), (0x77, wide(HOST)), (6, HOST)]
    contexts += [(1, b"\x01\x00\x20\x00\x01\x00" + USER.ljust(32))]
    texts = [wide(name) for name in (DOMAIN, USER, HOST)]
    proof = av_pairs((kind, wide(name)) for kind, name in enumerate((HOST, DOMAIN, SHARE, USER, FILE), 1))
    for version, text, flags in product(((6, 1, 7600), None), (DOMAIN, b"", wide(DOMAIN)), (True, False)):
        first = ntlm_negotiate(0xE2888215, version, (text, HOST))
        last = ntlm_authenticate(texts, proof, USER.ljust(24), flags)
        talk = Talk().opened().says(smb2_negotiate_311(contexts))
        talk.says(smb2_session_setup(b"\x60\x28" + first)).says(smb2_session_setup(last))
        talk.hears(smb2_header(1, 2, response=True) + HOST)
        talk.says(smb2_tree_connect(wide(b"\\\\" + HOST.replace(b"-", b"") + b"\\" + SHARE)))
        talk.says(smb2_create(wide(FILE))).says(smb2_create(wide(USER)))
        yield talk
        yield Talk().opened().says(smb2_negotiate([0x0202])).says(smb2_session_setup(last))


def all_that_is_told(found: Study, folder: Path) -> bytes:
    """Terminal, JSON and persona files."""
    made = [client.learned for client in found.clients if client.learned]
    files = {one.name: persona.write(one, folder / "made") for one in made}
    with (folder / "terminal").open("w", encoding="utf-8") as stream:
        learned.render(found, files, console_for(stream))
    told = [(folder / "terminal").read_bytes(), *(path.read_bytes() for path in files.values())]
    return b"\n".join([*told, learned.render_json(learned.document(found, files)).encode()])


@pytest.mark.parametrize("talks", [smb1_talks, ntlm_talks])
def test_no_name_in_any_field_is_told(
    talks: Callable[[], Iterator[Talk]], tmp_path: Path, known: list[matching.KnownPersona]
) -> None:
    for number, talk in enumerate(talks()):
        folder = tmp_path / str(number)
        folder.mkdir()
        told = all_that_is_told(study([written(folder, pcap(talk.frames))], known), folder).lower()
        assert b"logon" in told
        for name in NAMES:
            # A version may be made of any two bytes and the two behind them.
            for at in range(len(name) - 3):
                build = int.from_bytes(name[at + 2 : at + 4], "little")
                for between in (b".", b", "):
                    parts = [b"%d" % part for part in (name[at], name[at + 1], build)]
                    assert between.join(parts) not in told, (name, at)
            for form in (name, name[:6], wide(name), name.hex().encode(), name[:8].hex().encode()):
                assert form.lower() not in told, (name, number)


def test_a_version_is_told_where_there_is_one(tmp_path: Path, known: list[matching.KnownPersona]) -> None:
    for version, seen in (((6, 1, 7600), [6, 1, 7600]), (None, None)):
        setup = smb2_session_setup(ntlm_negotiate(version=version, names=(DOMAIN, HOST)))
        talk = Talk().opened().says(smb2_negotiate([0x0210])).says(setup)
        (client,) = study([written(tmp_path, pcap(talk.frames))], known).clients
        assert client.facts.fields.get("ntlm.version") == seen


def test_the_systems_of_all_personas_are_words_of_ours() -> None:
    for one in CLIENTS:
        manner = one.data.manner.smb1
        assert words.software(manner.native_os) == manner.native_os
        assert words.software(manner.native_lanman) == manner.native_lanman
    assert words.software("Windows Server 2003 R2 3790 Service Pack 2") != words.HIDDEN
    assert words.software("Windows of Meier") == words.HIDDEN
