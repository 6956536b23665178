"""A file becomes lines whatever its bytes are, and one importer reads it, or one line says why none does."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.fleet import importers
from harness.fleet.forms import text
from harness.fleet.opening import kinds, opened
from harness.fleet.reading import Tally

TABLE = (
    "Samba version 4.9.5\n"
    "PID     Username     Group        Machine                                   Protocol Version\n"
    "------------------------------------------------------------------------------\n"
    "77      käthe        größe        10.0.0.7 (ipv4:10.0.0.7:51426)            SMB2_10\n"
)


def addresses(path: Path, kind: str = "") -> list[str]:
    return [one.address for one in opened(path, kind).sightings]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_table_is_read_in_every_encoding(tmp_path: Path, encoding: str, ends: str) -> None:
    path = tmp_path / "status"
    path.write_bytes(TABLE.replace("\n", ends).encode(encoding))
    assert addresses(path) == ["10.0.0.7"]
    path.write_bytes(gzip.compress(TABLE.replace("\n", ends).encode(encoding)))
    assert addresses(path) == ["10.0.0.7"]


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp932", "共有フォルダー 表示 ユーザー"),
        ("euc_jp", "共有フォルダー 日本語 ユーザー"),
        ("cp949", "공유 폴더 사용자"),
        ("cp1252", "Größe Öffentlich prêté"),
    ],
)
def test_a_code_page_of_old_is_guessed_and_told(encoding: str, words: str) -> None:
    tally = Tally()
    assert list(text.lines([f"a\n{words}\n".encode(encoding)], "utf-8", tally)) == ["a", words]
    assert [encoding in notice for notice in tally.notices] == [True]


def test_nuls_of_a_log_that_was_cut_are_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(TABLE.encode() + bytes(200) + TABLE.encode())
    found = opened(path)
    assert [one.address for one in found.sightings] == ["10.0.0.7", "10.0.0.7"]
    assert any("NULs" in notice for notice in found.tally.notices)


def test_a_file_that_is_cut_off_tells_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "status.gz"
    packed = gzip.compress(TABLE.encode() + os.urandom(9000).hex().encode())
    path.write_bytes(packed[: len(packed) // 2])
    found = opened(path)
    assert [one.address for one in found.sightings] == ["10.0.0.7"]
    assert any("cut off" in notice for notice in found.tally.notices)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (bytes(500), "nothing but NULs"),
        (Random(7).randbytes(4000), "neither text nor a capture"),
        (b"./log.smbd".ljust(257, b"\0") + b"ustar  \0" + bytes(300), "tar archive"),
        (b"PK\x03\x04" + bytes(50), "Excel"),
        (b"ElfFile\0" + bytes(50), ".evtx"),
        (b"LPKSHHRH" + bytes(50), "journalctl"),
        (b"TDB file\n" + bytes(50), "smbstatus"),
        (b"Dear all,\nplease find attached\n", "--as"),
    ],
    ids=["empty", "NULs", "noise", "tar", "xlsx", "evtx", "journal", "tdb", "letter"],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        opened(path)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "none", Path("/dev/zero")):
        with pytest.raises(UsageError):
            opened(path)
    with pytest.raises(UsageError, match=r"there are .*capture"):
        opened(tmp_path, "no-such-kind")


def test_the_user_may_name_the_kind(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("$ sudo smbstatus\n" * 5000 + TABLE)
    with pytest.raises(UsageError, match="smbstatus"):
        opened(path)
    assert addresses(path, "smbstatus") == ["10.0.0.7"]
    with pytest.raises(UsageError, match="is no capture"):
        opened(path, "capture")


def test_every_importer_says_what_it_reads() -> None:
    for name, title in kinds().items():
        assert name == name.lower()
        assert 20 < len(title) < 200
        assert "\n" not in title
    assert {"capture", "smbstatus"} <= set(kinds())


def test_a_long_line_comes_in_pieces() -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 65536

    tally = Tally()
    sizes = [len(line) for line in text.lines(chunks(), "utf-8", tally)]
    assert sum(sizes) == 100 * 65536
    assert max(sizes) <= text.MOST_OF_A_LINE


@given(st.lists(st.binary(max_size=200), max_size=5), st.sampled_from(["utf-8", "utf-16-le", "utf-32-be"]))
def test_no_bytes_are_too_odd(chunks: list[bytes], encoding: str) -> None:
    for line in text.lines(chunks, encoding, Tally()):
        assert "\n" not in line


@given(st.binary(max_size=3000))
def test_any_head_has_an_encoding_or_none(head: bytes) -> None:
    if encoding := text.encoding_of(head):
        list(text.lines([head], encoding, Tally()))


@given(st.text(alphabet="äöüß éèàaberst", min_size=1, max_size=60).filter(lambda text: not text.isascii()))
def test_lines_do_not_depend_on_where_the_chunks_end(words: str) -> None:
    data = f"{words}\n{words}\r\n{words}".encode()
    whole = list(text.lines([data], "utf-8", Tally()))
    assert list(text.lines([data[at : at + 1] for at in range(len(data))], "utf-8", Tally())) == whole


def test_importers_are_found_by_themselves() -> None:
    for name, importer in importers.by_name().items():
        assert importer.name == name
        assert not importer.recognises("")
        assert list(importer.read("x", [], Tally())) == []
