"""A worker's lab, seen from the worker: a process in namespaces of its own that measures groups of cells."""

from __future__ import annotations

import json
import select
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.cluster import identity
from harness.errors import LabFault
from harness.record.evidence import Wanted
from harness.system import environment, process
from harness.system.deadline import Deadline

ENDS = 10.0
"""Seconds that a lab without work may take to end."""
BEGINS = 120.0
"""Seconds that one may take to be there, on a machine that is busy, too: 2 when it is idle."""


class Changed(LabFault):
    """The lab would run another smb-rehearsal than the worker that starts it."""


class LabProcess:
    """Lives until it is ended, or until the thread that made it ends, however that does."""

    def __init__(self, home: Path, sources: str, workers: int | None) -> None:
        """``home``: for what it says on stderr. ``sources``: what there is besides what is built in.

        To be made in the main thread: the kernel kills it with that.
        Raises LabFault when it cannot be started.
        """
        self.sources = sources
        self._said = home / "lab.log"
        python = [sys.executable, "-m"]
        argv = [*python, "harness.labs.namespace", "--", *python, "harness.system.entry"]
        argv += ["harness.cluster.lab_entry", f"--sources={sources}"]
        argv += [f"--workers={workers}"] if workers else []
        with self._said.open("wb") as errors:
            self._child = process.converse(process.ends_with_us(argv), errors=errors, env=environment.ours())
        self._rest = b""
        self._ready = False

    @property
    def alive(self) -> bool:
        """It runs."""
        return self._child.poll() is None

    def measure(
        self, folder: Path, number: int, images: Mapping[str, Path], evidence: Wanted, seconds: float
    ) -> str:
        """Have the group in that folder measured; why it could not be, or "". Waits for it, in any thread.

        Raises LabFault when the lab is not there any more, or needs more than ``seconds``.
        """
        if not self._ready:
            said = identity.of_text(self._answer(BEGINS).get("ready"))
            if said != identity.mine():
                raise Changed(
                    "the files of smb-rehearsal were changed since this worker was started", "start it again"
                )
            self._ready = True
        words = {"folder": str(folder), "number": number, "evidence": evidence}
        line = json.dumps({**words, "images": {name: str(path) for name, path in images.items()}})
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line.encode() + b"\n")
            self._child.stdin.flush()
        except OSError as error:
            raise self._gone() from error
        return str(self._answer(seconds)["fault"])

    def _answer(self, seconds: float) -> dict[str, Any]:
        assert self._child.stdout is not None
        handle = self._child.stdout.fileno()
        deadline = Deadline(seconds)
        while b"\n" not in self._rest:
            if not select.select([handle], [], [], deadline.remaining)[0]:
                self.kill()
                raise LabFault(f"the lab did not answer in {seconds:.0f} s, and was ended")
            more = self._child.stdout.read1(2**16)  # type: ignore[attr-defined]
            if not more:
                raise self._gone()
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def _gone(self) -> LabFault:
        said = self._said.read_text("utf-8", "replace").strip().splitlines()
        return LabFault("the lab has ended" + (f": {said[-1]}" if said else ""))

    def end(self) -> None:
        """Let it end when it has no work, and see to it."""
        if self._child.stdin is not None:
            try:
                self._child.stdin.close()
            except OSError:
                self._child.kill()
        process.finish(self._child, ENDS)
        self._close()

    def kill(self) -> None:
        """End it at once: the kernel ends all that is in it. May be called from any thread."""
        self._child.kill()
        self._child.wait()

    def _close(self) -> None:
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                stream.close()
