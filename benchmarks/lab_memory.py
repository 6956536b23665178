"""How much memory the processes of a rehearsal take: the most of each kind, and how long all took.

    python -m benchmarks.lab_memory [WORD...]

Runs ``rehearse run WORD...`` (without words: every client and everyday check through five changes on one
server) and looks, again and again, at the most that each process below it has had (proc(5), VmHWM): the
command itself, which renders the report, the process that conducts the rehearsal in the lab, its workers, and
the largest of all programs that these start. What ended between two looks is not in it. Needs images that are
built.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from harness.system import environment
from harness.system.entry import stoppable

CHANGES: Final = "signing-required,nt-pipe-support-off,smb3-only,ntlmv2-only,guest-off"
WORDS: Final = (f"{CHANGES}:samba-4.17:*:*",)
EVERY: Final = 0.5
"""Seconds between two looks."""
INNER: Final = "harness.conduct.namespace_entry"


def below(first: int) -> Iterator[tuple[int, int]]:
    """All processes that came of one, itself included, each with its parent."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
    found = {first}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return ((pid, parents[pid]) for pid in found if pid in parents)


def most(pid: int) -> tuple[str, float]:
    """A process's name and the most that it has had in memory, in megabytes. Raises OSError, KeyError."""
    said = Path(f"/proc/{pid}/status").read_text()
    known = dict(line.split(":", 1) for line in said.splitlines())
    return known["Name"].strip(), int(known["VmHWM"].split()[0]) / 1024


def watched(child: subprocess.Popen[bytes]) -> dict[str, float]:
    """Kind of process -> megabytes, until a command has ended."""
    found: dict[str, float] = {}
    of_lab: set[int] = set()
    while child.poll() is None:
        for pid, parent in list(below(child.pid)):
            with suppress(OSError, KeyError):
                name, megabytes = most(pid)
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if parent in of_lab and INNER.encode() in words:
                    kind = "worker"
                elif INNER.encode() in words and b"--" not in words:
                    of_lab.add(pid)
                    kind = "lab: conducts"
                elif pid == child.pid:
                    kind = "command: plans and reports"
                else:
                    kind = f"program: {name}"
                found[kind] = max(found.get(kind, 0.0), megabytes)
        time.sleep(EVERY)
    return found


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    began = time.monotonic()
    with TemporaryDirectory() as runs:
        words = [sys.executable, "-m", "harness", "run", *(argv or WORDS), "--runs", runs, "--no-project"]
        env = {**environment.tools(), **environment.ours()}
        # Not through process.run: it is looked at while it runs.
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env) as child:
            found = watched(child)
    if child.returncode not in (0, 1):
        print(f"rehearse run ended with {child.returncode}", file=sys.stderr)
        return 1
    programs = [kind for kind in found if kind.startswith("program")]
    largest = max(programs, key=lambda kind: found[kind], default="")
    for kind, megabytes in sorted(found.items(), key=lambda one: -one[1]):
        if kind not in programs or kind == largest:
            print(f"{kind:28} {megabytes:5.0f} MB")
    # Of all that had ended, and was waited for, before the command did.
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{time.monotonic() - began:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of the processor")
    return 0


if __name__ == "__main__":
    with stoppable():
        sys.exit(main(sys.argv[1:]))
