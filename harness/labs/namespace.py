"""The private lab: network, mount and process namespaces that reach nothing outside and end with us.

    outer process      enter(): starts unshare(1), passes signals on, returns the exit status
    +-- unshare        killed when the outer process is gone (PR_SET_PDEATHSIG)
        +-- init       process 1 of the lab, this module; killed when unshare is gone, and with it,
            |          by the kernel, every process of the lab (pid_namespaces(7))
            +-- the program that was asked for, and all that it starts

Facts, all measured (kernel 6.18, util-linux 2.38): root must not use a user namespace, for one is
refused inside a chroot (user_namespaces(7)); an ordinary user needs one. unshare(1) ignores SIGINT and
SIGTERM while it waits, so signals go to its child. A blocked signal waits for process 1, where an
unhandled one would be dropped.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import LabFault, RehearsalError
from harness.labs import diagnosis
from harness.labs.diagnosis import diagnose as diagnose
from harness.labs.roots.mounts import make_private
from harness.labs.roots.mounts import mount_image as mount_image
from harness.labs.roots.mounts import unmount_image as unmount_image
from harness.labs.roots.rootfs import LAB_UID as LAB_UID
from harness.labs.shepherd import shepherd, unblock
from harness.system import process
from harness.system.deadline import wait_for
from harness.system.plain import say

MARKER = "SMB_REHEARSAL_LAB"
"""Environment variable inside the lab: the namespaces outside of it, "net:[N] pid:[N]"."""

GRACE = 10.0
"""Seconds that a program gets to end after a signal was passed on to it; then it is killed."""

_STARTED, _ENDED = "started", ", and ended"
"""What process 1 says when its program runs, and when it has its status."""
_NETWORK, _UNBLOCKS = ":network", ":unblocks"
"""How process 1 is told that it has a network of its own, and that the program unblocks signals itself."""
_OURS = re.compile(r"lo$|rehearse\d+$|vnet\d+$")
"""The devices of a lab: loopback, and the bridge and the guests of virtual machines (``labs.vagrant``)."""


def enter(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    network: bool = True,
    unblocks: bool = False,
    passed_on: list[int] | None = None,
) -> int:
    """Run ``argv`` in a new lab on our own terminal; returns its exit status, 128+n for signal n.

    Our being killed, even by SIGKILL, takes the whole lab down at once. SIGTERM, SIGINT and SIGHUP are
    passed on; a program that has not ended ``GRACE`` seconds later is killed. Call it from the main
    thread. The program inherits ``pass_fds`` under their numbers. It finds ``env`` (see ``process.run``):
    without one it is a program of the user's, and finds what the user has set. Without a ``network`` of its
    own the lab has this machine's, and ``inside`` is false in it. ``passed_on`` gets the signals that were.
    A program that ``unblocks`` does so itself as soon as it has an answer to them: till then they wait.
    Raises LabFault when the namespaces cannot be made or the program cannot be started.
    """
    for cause in diagnosis.beforehand():
        # It could be made, and every server in it would be gone as soon as it is started.
        raise LabFault(f"no private lab can be made here: {cause.why}", cause.mend)
    diagnosis.allow_files()
    reader, writer = os.pipe()
    inherited = ",".join(map(str, (writer, *pass_fds)))
    how = f"--init={inherited}" + _NETWORK * network + _UNBLOCKS * unblocks
    init = [sys.executable, "-m", "harness.labs.namespace", how, "--", *map(str, argv)]
    outside = " ".join(_namespaces())

    def begin() -> subprocess.Popen[bytes]:
        words = [*diagnosis.unshare_argv(network), *init]
        around = {**(env or {}), MARKER: outside}
        return process.attach(words, env=around, pass_fds=(writer, *pass_fds), of_caller=env is None)

    def pass_on(child: subprocess.Popen[bytes], number: int) -> None:
        if passed_on is not None:
            passed_on.append(number)
        inner = wait_for("the lab's first process", lambda: _children(child), 5.0)
        for pid in inner:
            os.kill(pid, number)

    with open(reader) as said, open(writer, "w") as ours:  # noqa: PTH123 - descriptors, no paths
        status = shepherd(begin, pass_on, GRACE)
        ours.close()
        answer = said.read()
    if answer == _STARTED and status < 128:
        # Whose first process is killed, unshare fails with a status of its own (2.38: 1).
        return 128 + signal.SIGKILL
    if answer == _STARTED + _ENDED or status > 128:
        return status
    if answer:
        raise LabFault(answer)
    causes = diagnosis.diagnose()
    why = causes[0] if causes else diagnosis.Cause("unshare failed; what it said is above", "")
    raise LabFault(f"no private lab can be made here: {why.why}", why.mend)


def inside() -> bool:
    """True in a lab: the marker is set, our namespaces are not those outside, only ``lo`` is up."""
    outside = os.environ.get(MARKER, "").split()
    if len(outside) != 2 or set(outside) & set(_namespaces()):
        return False
    # A kernel with tunnel modules gives every new namespace their devices, down: only what is up counts.
    return all(_OURS.match(name) or not _is_up(name) for _, name in socket.if_nameindex())


def prepare() -> None:
    """Make a fresh lab usable: ``lo`` up, ports below 1024 for everyone, mounts our own. Idempotent.

    ``enter`` has done it when the program starts. Raises LabFault when the kernel refuses.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            flags = _flags(control, "lo") | _IFF_UP
            fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags))
        Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
    except OSError as error:
        for cause in diagnosis.no_network():
            raise LabFault(f"no private lab can be made here: {cause.why}", cause.mend) from error
        raise LabFault(f"cannot prepare the lab's network: {error}", "see: rehearse doctor") from error
    make_private()


def in_image(root: Path, argv: Sequence[str | Path]) -> list[str]:
    """The command line that runs ``argv`` with ``root`` as its root directory, as user LAB_UID.

    Neither it nor what it starts can ever get more than that user has (prctl(2), PR_SET_NO_NEW_PRIVS).
    Must be started inside the lab. smbd takes its mode for ordinary users then: as the mapped root of
    a user namespace it panics, "sys_setgroups failed" (measured).
    """
    words = [str(word) for word in argv]
    if maps_lab_uid():
        enter = ["chroot", f"--userspec={LAB_UID}:{LAB_UID}", "--groups=", str(root)]
    else:
        enter = ["unshare", "--user", f"--map-user={LAB_UID}", f"--map-group={LAB_UID}", f"--root={root}"]
    return ["setpriv", "--no-new-privs", *enter, *words]


def hand_over(path: Path) -> None:
    """Give a directory and all in it to the servers' user. As an ordinary user nothing need be done."""
    if not maps_lab_uid():
        return
    os.chown(path, LAB_UID, LAB_UID)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.chown(Path(folder, name), LAB_UID, LAB_UID, follow_symlinks=False)


def maps_lab_uid() -> bool:
    """True when we are root of a user namespace that has LAB_UID: real root, then, and not mapped root."""
    if os.geteuid() != 0:
        return False
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = map(int, line.split())
        if first <= LAB_UID < first + count:
            return True
    return False


def _namespaces() -> list[str]:
    return [str(Path("/proc/self/ns", kind).readlink()) for kind in ("net", "pid")]


def _children(parent: subprocess.Popen[bytes]) -> list[int] | None:
    """The children of unshare; None while it has not forked yet."""
    try:
        found = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [int(word) for word in found] or (None if parent.poll() is None else [])


# linux/sockios.h, linux/if.h
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def _flags(control: socket.socket, name: str) -> int:
    answer = fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack("16sh14x", name.encode(), 0))
    return int(struct.unpack("16sh14x", answer)[1])


def _is_up(name: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        return bool(_flags(control, name) & _IFF_UP)


def _init(how: str, argv: Sequence[str]) -> int:
    """Process 1 of the lab. Starts ``argv`` and ends with it; the kernel then ends everything else."""
    answer, *pass_fds = map(int, how.partition(":")[0].split(","))
    ready = None if _UNBLOCKS in how else unblock
    with open(answer, "w") as tell:  # noqa: PTH123 - a descriptor, no path

        def begin() -> subprocess.Popen[bytes]:
            if _NETWORK in how:
                prepare()
            else:
                make_private()
            try:
                child = subprocess.Popen(argv, preexec_fn=ready, pass_fds=pass_fds)
            except OSError as error:
                raise LabFault(f"cannot start {argv[0]}: {error.strerror}") from error
            tell.write(_STARTED)
            tell.flush()
            return child

        try:
            # A second less than outside, so that it is we who end the program and tell its status.
            status = shepherd(begin, lambda child, number: child.send_signal(number), GRACE - 1)
            tell.write(_ENDED)
            return status
        except LabFault as fault:
            tell.write(str(fault))
            return fault.exit_status


def main(words: Sequence[str]) -> int:
    """``python -m harness.labs.namespace -- PROGRAM [ARGUMENT...]``: run a program in a new lab."""
    first, _, how = words[0].partition("=") if words else ("", "", "")
    if first == "--init":
        return _init(how, words[2:])
    if first != "--" or len(words) < 2:
        sys.stderr.write("usage: python -m harness.labs.namespace -- PROGRAM [ARGUMENT...]\n")
        return 64
    try:
        return enter(words[1:])
    except RehearsalError as error:
        say(str(error))
        return error.exit_status


if __name__ == "__main__":
    # Not a traceback but the end that Ctrl-C means; the program inside has got it from the terminal.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:]))
