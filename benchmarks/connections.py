"""For what a rehearsal connects to its servers: attempts, probes, starts, proofs, verifications, health.

    python -m benchmarks.connections [WORD...]

Runs ``rehearse run WORD...`` (without words: the article), counts every TCP connection to an SMB port that is
taken, and tells each by who made it. Each is a process of smbd's: what is beyond an attempt's own is the
harness's cost. Taps count once, as the attempt of their client. Needs images that are built.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import socket
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Final
from unittest import mock

from harness.cli import main as command
from harness.labs import namespace

PORT: Final = 445
PURPOSES: Final = {
    "harness.exposures.": "probes",
    "harness.clients.": "attempts",
    "harness.smb.tap.": "attempts",
    "harness.conduct.open_": "attempts",
    "harness.mitigations.": "verification of changes",
    "harness.conduct.server_change": "verification of changes",
    "harness.conduct.workers": "health after refusals",
    "harness.labs.proof": "started, and proved to serve",
}
"""How the name of the innermost module begins that says for what a connection is made."""
INNER: Final = "harness.conduct.namespace_entry"
FILE: Final = "connections.txt"


def purpose(frame: FrameType | None) -> str:
    """For what the code that runs there connects."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        for begins, what in PURPOSES.items():
            if name.startswith(begins):
                return what
        frame = frame.f_back
    return "other"


def main(argv: Sequence[str]) -> int:
    """What ``harness.system.entry`` begins inside the lab: the same as without us, counted."""
    from harness.conduct import namespace_entry

    told = os.open(Path(argv[0]) / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def counted(connect: Callable[..., Any]) -> Callable[..., Any]:
        def connecting(self: socket.socket, address: Any) -> Any:
            answer = connect(self, address)
            taken = answer in (None, 0, errno.EINPROGRESS)
            if taken and isinstance(address, tuple) and address[1] == PORT:
                os.write(told, f"{purpose(sys._getframe(1))}\n".encode())
            return answer

        return connecting

    # Workers are forked off this process, and count into the same file.
    with (
        mock.patch.object(socket.socket, "connect", counted(socket.socket.connect)),
        mock.patch.object(socket.socket, "connect_ex", counted(socket.socket.connect_ex)),
    ):
        return namespace_entry.main(argv)


def made_in(journal: Path) -> int:
    """How many attempts a run made: not those that several cells have (``made_for``)."""
    lines = map(json.loads, journal.read_text().splitlines())
    return sum(line["kind"] == "attempt" and not line["attempt"].get("made_for") for line in lines)


def measure(words: Sequence[str]) -> None:
    """Print for what a run connects."""
    enter = namespace.enter

    def entering(argv: Sequence[str], **how: Any) -> int:
        return enter([__spec__.name if word == INNER else word for word in argv], **how)

    with TemporaryDirectory() as place, mock.patch.object(namespace, "enter", entering):
        report = str(Path(place) / "result.json")
        status = command.main(["run", "--quiet", "--json", "-o", report, "--runs", place, *words])
        if status not in (0, 1):
            sys.exit(status)
        (folder,) = (path.parent for path in Path(place).glob("*/journal.jsonl"))
        made = made_in(folder / "journal.jsonl")
        found = Counter((folder / FILE).read_text().splitlines())
    print(f"{made} attempts, {found.total()} connections: {found.total() / made:.2f} an attempt")
    for what, count in found.most_common():
        print(f"  {what:30} {count:5}  {count / made:5.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.connections")
    parser.add_argument("words", nargs="*", metavar="WORD", help="what is rehearsed, as rehearse run has it")
    measure(parser.parse_args().words)
