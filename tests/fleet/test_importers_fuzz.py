"""No importer raises for any text, however damaged, and what it keeps beside the sightings does not grow."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory import SAMPLES, of_text

from harness.errors import UsageError
from harness.fleet import importers
from harness.fleet.forms import text
from harness.fleet.opening import opened
from harness.fleet.reading import EXAMPLES, WIDTH, Tally

NAMES = tuple(importers.by_name())
MOST_REASONS = 40
"""Reasons and notices of one source: they are few, whatever it holds."""
PIECES = (
    "PID  Username  Group  Machine  Protocol Version  Encryption  Signing",
    "Service  pid  Machine  Connected at  Encryption  Signing",
    "12 ann staff 10.0.0.5 (ipv4:10.0.0.5:51426) SMB2_10 - partial(AES-128-CMAC)",
    "a b 1:12 10.0.0.5 Mo Sep 19 18:34:17 2022 CEST - -",
    "[2026/11/29 23:11:47.306583,  3, pid=7] a.c:1(f)",
    "  Selected protocol SMB2_FF",
    "  Requested protocol [NT LM 0.12]",
    "  Allowed connection from x (10.0.0.5)",
    "  switch message SMBnegprot (pid 1782) conn 0x0",
    "  Got user=[a] domain=[b] workstation=[c] len1=24 len2=99999999999999999999",
    '{"type": "Authentication", "Authentication": {"remoteAddress": "ipv4:10.0.0.5:1", "workstation": "SMB"',
    '{"smb_conf": "", "sessions": {"1": {"hostname": "ipv4:10.0.0.5:1", "session_dialect": "\\ud800"}}}',
    '{"smb_conf": [[[[[[[[[[',
    "Nov 29 23:11:47 nas smbd_audit[7]: a|10.0.0.5|c|connect|ok|d",
    "Nov 29 23:11:47 host kernel: [1.5] CIFS VFS: cifs_mount failed w/return code = -99999999999999999999",
    "smbstatus only works as root!",
    "ipv6:::::1:99999 30828-09-14T05:48:05 99:99:99 2021",
)
TABLE = f"{PIECES[0]}\n"
words = st.one_of(st.sampled_from(PIECES), st.text(max_size=60))
texts = st.lists(st.one_of(words, st.lists(words, max_size=3).map(" ".join)), max_size=12).map("\n".join)


def bounded(tally: Tally) -> None:
    assert len(tally.not_understood) < MOST_REASONS
    assert len(tally.notices) < MOST_REASONS
    for examples in tally.examples.values():
        assert len(examples) <= EXAMPLES
        assert all(len(shown) <= WIDTH for _, shown in examples)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60)
@given(said=texts)
def test_no_text_is_too_odd(name: str, said: str) -> None:
    importers.by_name()[name].recognises(said)
    found, tally = of_text(name, said)
    bounded(tally)
    for one in found:
        # What is shown or kept must be printable by any encoding of Unicode.
        f"{one.name}{one.said}{one.unknown_dialect}{one.refused}".encode()
        assert one.address or one.name or one.said or one.persona or one.count


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no samples in {SAMPLES}")
@pytest.mark.parametrize("name", NAMES)
def test_no_damaged_sample_is_too_odd(name: str) -> None:
    chance = random.Random(name)
    samples = [path.read_bytes() for path in sorted(SAMPLES.iterdir())]
    for _ in range(40):
        damaged = mutated(chance.choice(samples), samples, chance)
        tally = Tally()
        lines = text.lines([damaged], text.encoding_of(damaged) or "utf-8", tally)
        for _one in importers.by_name()[name].read("x", lines, tally):
            pass
        bounded(tally)


def mutated(content: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """A sample with a few faults: cut, doubled, mixed with another, bytes changed."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 10)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                data[at : at + 1] = chance.randbytes(1)
            case 1:
                del data[at : at + chance.randrange(1, 80)]
            case 2:
                data[at:at] = data[at : at + chance.randrange(1, 300)]
            case 3:
                other = chance.choice(others)
                start = chance.randrange(len(other))
                data[at:at] = other[start : start + chance.randrange(1, 500)]
            case 4:
                data[at:at] = chance.choice(
                    (b"\0", b"\r", b"\x1b[31m", "\u202e".encode(), b"\xff\xfe", b"|", b'"')
                )
            case _:
                if chance.random() < 0.2:
                    del data[at:]
    return bytes(data) or b"\n"


@settings(max_examples=40)
@given(content=st.binary(min_size=1, max_size=400))
def test_any_file_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("x") / "file"
    path.write_bytes(content)
    for kind in ("", "smbstatus"):
        said = ""
        try:
            list(opened(path, kind).sightings)
        except UsageError as error:
            said = str(error)
        assert "\n" not in said


def test_a_log_of_many_processes_keeps_few() -> None:
    def lines() -> list[str]:
        return [
            line
            for pid in range(20_000)
            for line in (
                f"[2026/11/29 23:11:47,  3, pid={pid}] a.c:1(f)",
                "  Requested protocol [NT LM 0.12]",
            )
        ]

    tally = Tally()
    found = sum(1 for _ in importers.by_name()["smbd-log"].read("log.pc7", lines(), tally))
    assert found == 20_000
    bounded(tally)


@pytest.mark.parametrize("size", [10, 300_000])
def test_a_line_without_end_is_read_in_pieces(tmp_path: Path, size: int) -> None:
    path = tmp_path / "x"
    path.write_text("smbstatus only works as root!\n" + "x" * size * 3)
    found = opened(path)
    assert list(found.sightings) == []
    bounded(found.tally)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "piece",
    [" ", "{", "|", "[", "a", "\n", "1.", "(", ":", "smbd_audit: |", "PID  ", ' "type": "Authentication"{'],
)
def test_a_long_line_of_one_piece_is_no_long_work(name: str, piece: str) -> None:
    """What takes seconds here would take hours for a line of the greatest length."""
    said = piece * (20_000 // len(piece))
    importers.by_name()[name].recognises(said)
    bounded(of_text(name, f"PID Username Group Machine\n{said}\n1 {said}x")[1])


@pytest.mark.parametrize("name", NAMES)
def test_ever_new_words_fill_no_memory(name: str) -> None:
    tracemalloc.start()
    try:
        for kind in range(1, 60):
            word = f"SMB9_{kind}".ljust(20_000, "x")
            of_text(
                name,
                f"{TABLE}1 a b {word} (ipv4:10.0.0.5:1) {word} {word} {word}\na|10.0.0.5|{word}|connect|ok|b",
            )
        now, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert now < 1_000_000
