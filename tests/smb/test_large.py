"""The large file of the check ``large``: what goes there comes back, and what its report says of the time."""

from __future__ import annotations

import pytest

from harness.errors import LabFault
from harness.model import Attempt, Copied, Outcome, Phase
from harness.result import speed
from harness.smb.checks import large


@pytest.mark.parametrize("piece", [1 << 20, 60 * 1024])
def test_what_is_written_is_what_is_read_in_pieces_of_any_size(piece: int) -> None:
    file = bytearray()

    def put(data: bytes, at: int) -> None:
        assert at == len(file)
        file.extend(data)

    large.write(put, piece)
    assert len(file) == large.SIZE
    large.read_back(lambda length, at: bytes(file[at : at + length]), (1 << 20) - 7)
    file[50_000_000] ^= 1
    with pytest.raises(LabFault, match="came back changed at byte"):
        large.read_back(lambda length, at: bytes(file[at : at + length]), 1 << 20)


def test_a_file_that_ends_early_is_no_success() -> None:
    with pytest.raises(LabFault, match="came back changed at byte 0"):
        large.read_back(lambda _length, _at: b"", 1 << 20)


def copied(seconds: float, size: int | None = None) -> Attempt:
    return Attempt(Outcome.OK, copied=Copied(64 << 20, seconds, 2 * seconds, size, size))


def test_how_much_longer_it_takes_is_told_as_a_ratio() -> None:
    before, after = copied(1.0, 1 << 20), copied(1.5, 1 << 20)
    said = speed({Phase.BASELINE: before, Phase.APPLIED: after})
    assert "64 MiB with the change: 1.5 times as long to write as before, 1.5 to read" in said
    assert "64 MiB/s written, 32 read, 1024 and 1024 KiB a request" in said
    assert "64 MiB before the change" in speed({Phase.BASELINE: before})
    assert speed({Phase.BASELINE: copied(1.0)}).endswith("64 MiB/s written, 32 read")
    assert speed({Phase.BASELINE: Attempt(Outcome.OK), Phase.APPLIED: after}) == ""
