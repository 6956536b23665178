"""A capture of gigabytes: how long does ``rehearse learn`` take, and how much memory?

    python -m benchmarks.large_capture CAPTURE --gigabytes 2

The capture comes first, then packets of one file transfer over SMB until the size is reached; it is piped
in, so that no disk is needed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from harness.learn import matching
from harness.learn.study import study

_PAYLOAD = 1400
_FRAMES = 2000
"""Packets that are written at a time."""


def main(argv: Sequence[str]) -> int:
    """Prints one line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_capture", description=__doc__)
    parser.add_argument("capture", type=Path, metavar="CAPTURE", help="pcap, little-endian, Ethernet")
    parser.add_argument("--gigabytes", type=float, default=2.0)
    options = parser.parse_args(argv)
    known = matching.personas()
    before = peak()
    with tempfile.TemporaryDirectory() as folder:
        pipe = Path(folder) / "large.pcap"
        os.mkfifo(pipe)
        arguments = (pipe, options.capture, options.gigabytes)
        writer = multiprocessing.Process(target=write, args=arguments, daemon=True)
        writer.start()
        begun = time.perf_counter()
        found = study([pipe], known)
        seconds = time.perf_counter() - begun
        writer.join()
    size = found.captures[0].bytes
    rate = size / seconds / 1e6
    print(
        f"{size / 1e9:.2f} GB, {found.captures[0].packets} packets in {seconds:.1f} s: {rate:.0f} MB/s; "
        f"peak memory {peak():.0f} MiB ({before:.0f} MiB before); {len(found.clients)} clients"
    )
    return 0


def write(pipe: Path, capture: Path, gigabytes: float) -> None:
    """The capture, then the transfer."""
    left = int(gigabytes * 1e9)
    sequence = 1
    with pipe.open("wb") as stream:
        left -= stream.write(capture.read_bytes())
        while left > 0:
            batch = b"".join(frame((sequence + at * _PAYLOAD) % 2**32) for at in range(_FRAMES))
            sequence += _FRAMES * _PAYLOAD
            left -= stream.write(batch)


def frame(sequence: int) -> bytes:
    """One packet of the transfer with its header in the capture; every tenth message begins a segment."""
    payload = b"\0\0\x10\0\xfeSMB" + bytes(_PAYLOAD - 8)
    tcp = struct.pack(">HHIIBBHHH", 50000, 445, sequence, 0, 5 << 4, 0x18, 65535, 0, 0)
    size = 20 + len(tcp) + _PAYLOAD
    ip = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, size, 1, 0, 64, 6, 0, bytes([10, 9, 9, 9]), bytes([10, 9, 9, 8])
    )
    packet = bytes(12) + b"\x08\0" + ip + tcp + payload
    return struct.pack("<IIII", 1_500_000_000, 0, len(packet), len(packet)) + packet


def peak() -> float:
    """The most memory this process ever had resident, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
