"""The one way to run another program.

``run`` waits for a program to end; ``start`` leaves it running and is for the labs alone. Both keep
what the program said on stderr, write a log line, and never write a secret into it. What a program finds
around itself is decided in one place, ``_begin``: nothing of the caller's environment but what is given.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from harness.errors import LabFault
from harness.system import ended, environment, programs, waits
from harness.system.deadline import Deadline

log = logging.getLogger("harness.system.process")

_running: set[int] = set()
# Reentrant: a signal handler asks for it in a thread that may hold it.
_running_lock = threading.RLock()
_secrets: set[str] = set()
_secrets_lock = threading.Lock()


def keep_secret(text: str) -> None:
    """Never let ``text`` (a password made for a lab) appear in the log or in an error."""
    if text:
        with _secrets_lock:
            _secrets.add(text)


def redact(text: str) -> str:
    """``text`` with every known secret blanked."""
    with _secrets_lock:
        for secret in _secrets:
            text = text.replace(secret, "***")
    return text


@dataclass(frozen=True, slots=True)
class Result:
    """What a program left behind. ``status``: exit status, negative for a signal, None for a timeout."""

    command: str
    status: int | None
    stdout: str
    stderr: str
    seconds: float

    @property
    def ok(self) -> bool:
        """True when it ended by itself with status 0."""
        return self.status == 0

    def check(self, what: str, hint: str = "") -> Result:
        """Raise LabFault with the program's last line of stderr unless it ended well."""
        if self.ok:
            return self
        how = "did not end in time" if self.status is None else ended.how(self.status)
        last = (self.stderr.strip() or self.stdout.strip()).splitlines()
        if self.status is not None and ended.by_others(self.status):
            last = []
        raise LabFault(f"{what}: {self.command.split()[0]} {how}" + (f": {last[-1]}" if last else ""), hint)


def run(
    argv: Sequence[str | Path],
    *,
    timeout: float,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Result:
    """Run a program to its end, at most ``timeout`` seconds, then kill its whole process group.

    ``env`` is added to the small environment that every program gets; see ``harness.system.environment``.
    Raises LabFault when the program does not exist or cannot be started, and that of ``patience.unless``.
    """
    words = [str(word) for word in argv]
    command = redact(shlex.join(words))
    begun = time.monotonic()
    with _file_of(stdin) as source:
        child = _begin(
            words,
            env,
            cwd,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    with child:
        with _running_lock:
            _running.add(child.pid)
        try:
            out, err = _communicate(child, timeout)
            status: int | None = child.returncode
        except subprocess.TimeoutExpired:
            kill_group(child.pid)
            out, err = child.communicate()
            status = None
        except BaseException:
            kill_group(child.pid)
            raise
        finally:
            with _running_lock:
                _running.discard(child.pid)
    result = Result(
        command,
        status,
        redact(out.decode("utf-8", "replace")),
        redact(err.decode("utf-8", "replace")),
        time.monotonic() - begun,
    )
    log.debug("%s -> %s in %.3f s", command, status, result.seconds)
    return result


def _begin(
    words: Sequence[str],
    env: Mapping[str, str] | None,
    cwd: Path | None = None,
    *,
    of_caller: bool = False,
    **how: Any,
) -> subprocess.Popen[bytes]:
    """Start a program with an environment, a umask and a directory of ours. Raises LabFault."""
    around: dict[str, Any] = {"env": {**os.environ, **(env or {})}} if of_caller else _around(env, cwd)
    # Else it would be setpriv(1) that says so, in words of its own.
    inner = words[words.index("--") + 1] if words[0] == "setpriv" and "--" in words else "/"
    if "/" not in inner and shutil.which(inner, path=around["env"].get("PATH")) is None:
        raise _not_started([inner], OSError(errno.ENOENT, os.strerror(errno.ENOENT)))
    try:
        return subprocess.Popen(words, **around, **how)
    except OSError as error:
        raise _not_started(words, error) from error


def _not_started(words: Sequence[str], error: OSError) -> LabFault:
    # It may also be the directory that is not there, and then that is what the error names.
    missing = error.errno == errno.ENOENT and error.filename in (None, words[0])
    return LabFault(
        f"cannot start {words[0]}: {error.strerror or error}",
        programs.how_to_install(words[0]) if missing else "",
    )


def _around(env: Mapping[str, str] | None, cwd: Path | None = None) -> dict[str, Any]:
    return {
        "env": environment.small(env),
        "cwd": cwd or environment.FOLDER,
        "umask": environment.UMASK,
    }


@contextmanager
def _file_of(text: str) -> Iterator[IO[bytes]]:
    """A file in memory to read ``text`` from.

    Not a pipe: Popen.communicate, called again after its time, sends none of the input that is left.
    """
    with os.fdopen(os.memfd_create("stdin"), "w+b") as file:
        file.write(text.encode())
        file.seek(0)
        yield file


def _communicate(child: subprocess.Popen[bytes], timeout: float) -> tuple[bytes, bytes]:
    """All that it says. Raises TimeoutExpired, or the LabFault of ``patience.unless``; it still runs then."""
    deadline = Deadline(timeout)
    begun = time.monotonic()
    while True:
        try:
            return child.communicate(timeout=min(deadline.remaining, waits.undoubted()))
        except subprocess.TimeoutExpired:
            if deadline.expired:
                more = waits.longer(timeout, time.monotonic() - begun)
                if not more:
                    raise
                deadline = Deadline(more)
        waits.doubt()


def kill_running() -> None:
    """Kill what every thread of ours is waiting for in ``run``: who stops a run waits for none of it."""
    with _running_lock:
        for pid in tuple(_running):
            kill_group(pid)


def run_streaming(
    argv: Sequence[str | Path],
    *,
    timeout: float,
    heard: Callable[[str], None],
    env: Mapping[str, str] | None = None,
) -> Result:
    """``run`` for a program that takes long: ``heard`` gets each line of its output as it comes.

    Output and errors are one stream here (``Result.stderr``). The program is killed when we are, too.
    Raises LabFault when the program does not exist or cannot be started.
    """
    words = [str(word) for word in argv]
    command = redact(shlex.join(words))
    begun = time.monotonic()
    child = _begin(
        ends_with_us(words),
        env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    late = threading.Event()

    def too_late() -> None:
        late.set()
        kill_group(child.pid)

    timer = threading.Timer(timeout, too_late)
    lines: list[str] = []
    with child:
        timer.start()
        try:
            assert child.stdout is not None
            for line in child.stdout:
                lines.append(redact(line.decode("utf-8", "replace")))
                heard(lines[-1].rstrip())
            status: int | None = child.wait()
        except BaseException:
            kill_group(child.pid)
            raise
        finally:
            timer.cancel()
    result = Result(command, None if late.is_set() else status, "", "".join(lines), time.monotonic() - begun)
    log.debug("%s -> %s in %.3f s", command, result.status, result.seconds)
    return result


def ends_with_us(argv: Sequence[str | Path]) -> list[str]:
    """The same command, killed by the kernel when the thread that starts it ends, however it does.

    By setpriv(1), for preexec_fn is not safe where threads run.
    """
    return ["setpriv", "--pdeathsig", "KILL", "--", *map(str, argv)]


def attach(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    of_caller: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program on our own terminal, in our own process group, that is killed when we are.

    ``of_caller``: it is a program of the user's, and finds all that the user has set: ``env`` is added to the
    caller's environment, and umask and directory are the caller's.
    The caller must wait for it. Raises LabFault when it cannot be started.
    """
    words = [str(word) for word in argv]
    log.debug("attach %s", redact(shlex.join(words)))
    return _begin(words, env, pass_fds=tuple(pass_fds), preexec_fn=die_with_parent, of_caller=of_caller)


def hang_up(child: subprocess.Popen[bytes], seconds: float) -> None:
    """End a program of ``attach`` as a terminal that is closed does; it is killed that much later.

    Nothing is done with one that has ended.
    """
    if child.poll() is None:
        child.send_signal(signal.SIGHUP)
        with suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
    if child.poll() is None:
        child.kill()
        child.wait()


def start(
    argv: Sequence[str | Path],
    *,
    output: Path,
    env: Mapping[str, str] | None = None,
    session: bool = True,
) -> subprocess.Popen[bytes]:
    """Start a long-lived program in a session of its own; its output goes to the file ``output``.

    Without a ``session`` the program makes one itself, which setsid(2) refuses to whoever leads one.
    The caller must stop it. Should we be killed, the lab's process namespace takes it down with us.
    """
    words = [str(word) for word in argv]
    log.debug("start %s", redact(shlex.join(words)))
    with output.open("ab") as sink:
        return _begin(
            words,
            env,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=session,
        )


def converse(
    argv: Sequence[str | Path], *, errors: IO[bytes], env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a long-lived program in a session of its own that is spoken to through its standard streams.

    The caller must stop it; its errors go to the open file ``errors``. Raises LabFault when it cannot be
    started.
    """
    words = [str(word) for word in argv]
    log.debug("converse with %s", redact(shlex.join(words))[:400])
    return _begin(
        words, env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
    )


def finish(child: subprocess.Popen[bytes], seconds: float) -> int:
    """The exit status of a program that is about to end; killed with its group when it does not in time."""
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        kill_group(child.pid)
        return child.wait()


def kill_group(leader: int) -> None:
    """Kill the process group that ``run`` or ``start`` made, if it is still there."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent is gone (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
