"""The program without its start: a process that has loaded all of it forks one for each verb.

    test process -- words, environment, streams --> this module, loaded -- fork --> keeper -- fork --> verb
         <------------------- its pid, then how it ended ------------------------/

What a verb finds is what ``python -m harness`` would: a session, an environment, a directory and a umask
of its own, and modules that nobody has asked for anything. What it saves is most of a short verb's time.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path

from harness.system import entry, environment
from harness.system.deadline import Deadline, pace
from harness.system.process import Result, kill_group

ROOMS = ("verbs", "cli", "servers", "mitigations", "clients", "exposures")
LATER = (
    "harness.exposures._probe_cache",
    "harness.gates.judge",
    "harness.labs.doctor",
    "harness.report.documents.result",
    "harness.smb.checks",
    "harness.smb.tap.relay",
)
_READ_AT_START = ("PYTHON", "LD_", "LC_", "LANG", "TZ")
"""How variables begin that Python or the C library reads as a program starts, and not later."""


def can(wanted: Mapping[str, str]) -> bool:
    """Whether all that this environment changes in a program comes after its start."""
    return _of_the_start(environment.small(wanted)) == _of_the_start(_around())


def rehearse(
    words: Sequence[str], wanted: Mapping[str, str], seconds: float, cwd: Path | None = None
) -> Result:
    """One verb in this environment, to its end or so many seconds, as ``process.run`` has it."""
    begun = time.monotonic()
    with ExitStack() as stack:
        streams = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
        heard, tells = os.pipe()
        for number in (*streams, heard):
            stack.callback(os.close, number)
        order = json.dumps([words, environment.small(wanted), str(cwd or environment.FOLDER)]).encode()
        try:
            socket.send_fds(_loaded(), [order], [*streams, tells])
        finally:
            os.close(tells)
        status = _ended(heard, Deadline(seconds * pace()))
        out, err = (os.pread(one, os.fstat(one).st_size, 0).decode("utf-8", "replace") for one in streams[1:])
    return Result(" ".join(("rehearse", *words)), status, out, err, time.monotonic() - begun)


def _ended(heard: int, deadline: Deadline) -> int | None:
    """The exit status, negative for a signal; None where it did not end in time and was killed."""
    said, late = b"", False
    while said.count(b"\n") < 2:
        if not select.select([heard], [], [], None if late else deadline.remaining)[0]:
            kill_group(int(said))
            late = True
        elif data := os.read(heard, 100):
            said += data
        else:
            raise AssertionError(f"what keeps the verb is gone; it said {said!r}")
    return None if late else int(said.split()[1])


@cache
def _loaded() -> socket.socket:
    """The way to the one of this test process, which ends when it is closed: with us, however we end."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        number = theirs.fileno()
        child = subprocess.Popen(
            [sys.executable, __file__, str(number)],
            env=_around(),
            cwd=environment.FOLDER,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[number],
            start_new_session=True,
        )
    atexit.register(_end, ours, child)
    return ours


def _end(ours: socket.socket, child: subprocess.Popen[bytes]) -> None:
    ours.close()
    child.wait()


def _around() -> dict[str, str]:
    return environment.small(os.environ)


def _of_the_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(_READ_AT_START)}


# -- the process that has loaded it all -----------------------------------------------------------------


def main() -> int:
    """Fork until nobody orders any more; then, in each verb, its exit status."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    for room in ROOMS:
        package = importlib.import_module(f"harness.{room}")
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            # What cannot be loaded is for the program to say.
            with suppress(ImportError):
                importlib.import_module(found.name)
    # What the program loads when it is wanted, once for all verbs here.
    for name in LATER:
        importlib.import_module(name)
    gc.freeze()
    # Nobody waits for the keepers.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        order, numbers, _, _ = socket.recv_fds(orders, 1 << 20, 4)
        if not order:
            return 0
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            orders.close()
            *streams, tells = numbers
            if verb := os.fork():
                _keep(verb, tells)
            words, env, cwd = json.loads(order)
            return _be(words, env, cwd, streams)
        for number in numbers:
            os.close(number)


def _keep(verb: int, tells: int) -> None:
    """Tell what becomes of it, and end."""
    os.write(tells, b"%d\n" % verb)
    _, status = os.waitpid(verb, 0)
    os.write(tells, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _be(words: Sequence[str], env: Mapping[str, str], cwd: str, streams: Sequence[int]) -> int:
    """Become the verb; its exit status."""
    os.setsid()
    os.umask(environment.UMASK)
    os.chdir(cwd)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 1024)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[1:] = words
    return entry.begin("harness.cli.main", words)


if __name__ == "__main__":
    sys.exit(main())
