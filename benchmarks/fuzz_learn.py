"""Damaged captures by the hundred thousand: does ``rehearse learn`` hang, crash or eat memory?

    python -m benchmarks.fuzz_learn --count 100000 CAPTURE...

Prints inputs a second, the slowest input, the peak of memory, and how many of the inputs told of a client.
The first input that does anything but answer is written beside the results, with its exception.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.errors import RehearsalError
from harness.learn import matching
from harness.learn.study import study

SLOWEST_ALLOWED = 5.0
"""Seconds for one input of at most ``LARGEST`` bytes; more is a hang."""
LARGEST = 20_000


def main(argv: Sequence[str]) -> int:
    """Returns 1 when an input was not answered as it should be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz_learn", description=__doc__)
    parser.add_argument("captures", nargs="+", type=Path, metavar="CAPTURE")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    seeds = [path.read_bytes() for path in options.captures if path.stat().st_size <= LARGEST]
    if not seeds:
        print(f"no capture of at most {LARGEST} bytes", file=sys.stderr)
        return 64
    chance = random.Random(options.seed)
    known = matching.personas()[:1]
    before = peak()
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fuzz"
        for number in range(options.count):
            content = damaged(chance.choice(seeds), seeds, chance)
            path.write_bytes(content)
            started = time.perf_counter()
            try:
                study([path], known)
                outcomes["clients told"] += 1
            except RehearsalError as error:
                outcomes[f"exit status {error.exit_status}"] += 1
            except BaseException:
                Path("fuzz-crash.bin").write_bytes(content)
                print(f"input {number} is in fuzz-crash.bin", file=sys.stderr)
                raise
            slowest = max(slowest, time.perf_counter() - started)
            if slowest > SLOWEST_ALLOWED:
                Path("fuzz-hang.bin").write_bytes(content)
                print(f"input {number} took {slowest:.1f} s: fuzz-hang.bin", file=sys.stderr)
                return 1
    seconds = time.perf_counter() - begun
    rate = options.count / seconds
    print(f"{options.count} inputs from {len(seeds)} captures in {seconds:.0f} s: {rate:.0f}/s")
    print(
        f"slowest {slowest * 1000:.0f} ms; peak memory {peak():.0f} MiB ({before:.0f} MiB before the first)"
    )
    print(", ".join(f"{count} {what}" for what, count in outcomes.most_common()))
    return 0


def damaged(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """A capture with a few faults of the kinds that break parsers."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(8):
            case 0 | 1:
                data[at : at + 1] = chance.randbytes(1)
            case 2:
                data[at : at + 4] = chance.choice(
                    (b"\xff\xff\xff\xff", bytes(4), b"\xff\xff\xff\x7f", b"\0\0\0\x80")
                )
            case 3:
                del data[at : at + chance.randrange(1, 200)]
            case 4:
                data[at:at] = data[at : at + chance.randrange(1, 2000)]
            case 5:
                other = chance.choice(others)
                start = chance.randrange(len(other))
                data[at : at + 64] = other[start : start + chance.randrange(1, 512)]
            case 6:
                for bit in range(chance.randrange(1, 64)):
                    if at + bit < len(data):
                        data[at + bit] ^= 1 << chance.randrange(8)
            case _:
                if chance.random() < 0.1:
                    del data[at:]
    return bytes(data)


def peak() -> float:
    """The most memory this process ever had resident, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
