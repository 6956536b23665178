"""Gzip as a stream: the same bytes as gzip itself, and all that a cut file still holds."""

from __future__ import annotations

import gzip
import io
import random

import pytest

from harness.learn.unpack import Gunzip

DATA = random.Random(7).randbytes(200_000) + bytes(100_000)


def unpacked(packed: bytes, size: int = 4096) -> tuple[bytes, str]:
    stream = Gunzip(io.BytesIO(packed))
    return io.BufferedReader(stream, size).read(), stream.damage


@pytest.mark.parametrize("size", [16, 4096, 1 << 20])
def test_whole_files_in_a_row_with_padding_are_one(size: int) -> None:
    packed = gzip.compress(DATA) + gzip.compress(b"more") + bytes(100)
    assert unpacked(packed, size) == (DATA + b"more", "")


def test_a_cut_file_gives_what_it_holds() -> None:
    packed = gzip.compress(DATA)
    got, damage = unpacked(packed[: len(packed) // 2])
    assert DATA.startswith(got)
    assert len(got) > len(DATA) // 4
    assert damage == "the packed file is cut off"


def test_a_damaged_file_gives_what_came_before() -> None:
    packed = bytearray(gzip.compress(DATA[:1000]) + gzip.compress(DATA))
    packed[-6] ^= 0xFF  # the check sum
    got, damage = unpacked(bytes(packed))
    assert (DATA[:1000] + DATA).startswith(got)
    assert got.startswith(DATA[:1000])
    assert damage.startswith("the packed file is damaged")
