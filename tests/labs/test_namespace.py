"""The private lab: real namespaces are made, left and killed."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import passable
import pytest
from private_lab import own_mounts

from harness.errors import LabFault
from harness.labs import diagnosis, namespace
from harness.system.deadline import wait_for

SECONDS = 120.0
ENTER = [sys.executable, "-m", "harness.labs.namespace", "--"]


def _lab_or_skip() -> None:
    causes = diagnosis.diagnose()
    if causes:
        pytest.skip(f"no lab here: {causes[0].why}")


@pytest.fixture(autouse=True, scope="module")
def _lab() -> None:
    _lab_or_skip()


def enter(*argv: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a program in a lab of its own."""
    return subprocess.run(
        [*before, *ENTER, *argv],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def python(code: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run some Python in a lab of its own."""
    return enter(sys.executable, "-c", code, *argv)


def processes(marker: str) -> list[int]:
    """Every process on this machine that has ``marker`` on its command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in words:
                found.append(int(entry.name))
    return found


@pytest.fixture
def marker() -> Iterator[str]:
    """A word for command lines, by which a test finds its own processes; none may be left at its end."""
    word = f"marker-{uuid.uuid4().hex}"
    yield word
    wait_for("the test's processes to end", lambda: not processes(word), SECONDS)


class Lab:
    """A lab in the background whose program has said ``ready``."""

    def __init__(self, code: str, marker: str) -> None:
        self.process = subprocess.Popen(
            [*ENTER, sys.executable, "-c", code, marker], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def end(self) -> tuple[int, bytes]:
        """Wait for the outer process: its status and what was said after ``ready``."""
        try:
            said, _ = self.process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            # Left behind, it would be found by whatever test collects the garbage.
            with self.process:
                self.process.kill()
            raise
        return self.process.returncode, said


# A grandchild that left its session, as smbd does, must not outlive the lab either.
WITH_GRANDCHILD = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", sys.argv[1]], start_new_session=True)
print("ready", flush=True)
time.sleep(600)
"""

# os.write, for print must not be entered again from a signal handler.
ANSWERS_SIGNALS = """
import os, signal, sys
def got(number, frame):
    os.write(1, b"got %d\\n" % number)
    os._exit(40 + number)
for number in (1, 2, 15):
    signal.signal(number, got)
os.write(1, b"ready\\n")
while True:
    signal.pause()
"""


def test_status_and_streams_are_passed_through() -> None:
    done = subprocess.run(
        [*ENTER, "sh", "-c", "read line; echo out $line; echo err >&2; exit 7"],
        input="word\n",
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "out word\n", "err\n")


def test_status_of_a_signal() -> None:
    assert enter("sh", "-c", "kill -9 $$").returncode == 128 + signal.SIGKILL


def test_inside_is_told_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from harness.labs import namespace; print(namespace.inside())"
    assert python(code).stdout == "True\n"
    # The marker alone is not believed.
    ours = [str(Path("/proc/self/ns", kind).readlink()) for kind in ("net", "pid")]
    monkeypatch.setenv(namespace.MARKER, " ".join(ours))
    assert not namespace.inside()
    monkeypatch.delenv(namespace.MARKER)
    assert not namespace.inside()


def test_nothing_but_lo_can_be_reached() -> None:
    code = """
import errno, socket
from harness.labs import namespace
up = [name for _, name in socket.if_nameindex() if namespace._is_up(name)]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    # No packet is sent by connecting a datagram socket; RFC 5737 keeps the address for documentation.
    print(up, probe.connect_ex(("192.0.2.1", 9)), probe.connect_ex(("127.0.0.1", 9)))
"""
    assert python(code).stdout == f"['lo'] {errno.ENETUNREACH} 0\n"


def test_a_listener_inside_is_not_seen_outside(marker: str) -> None:
    code = """
import signal, socket, sys
server = socket.create_server(("127.0.0.1", 445))
print("ready", flush=True)
signal.pause()
"""
    lab = Lab(code, marker)
    with socket.socket() as probe:
        probe.settimeout(2)
        outside = probe.connect_ex(("127.0.0.1", 445))
    lab.process.kill()
    lab.end()
    assert outside == errno.ECONNREFUSED


def test_low_ports_are_free_for_an_ordinary_user() -> None:
    code = """
import subprocess, sys
from harness.labs.namespace import LAB_UID, in_image
serve = "import socket; socket.create_server(('127.0.9.9', 445)); import os; print(os.getuid())"
print(subprocess.run(in_image("/", [sys.argv[1], "-S", "-c", serve]), capture_output=True, text=True))
"""
    said = python(code, _python_for_everyone()).stdout
    assert f"stdout='{namespace.LAB_UID}\\n'" in said, said


def _python_for_everyone() -> str:
    """A Python that other users may run: ours may be below somebody's home."""
    ours = Path(sys.executable).resolve()
    if all(path.stat().st_mode & 0o001 for path in (ours, *ours.parents)):
        return str(ours)
    if not Path("/usr/bin/python3").exists():
        pytest.skip("no Python that other users may run")
    return "/usr/bin/python3"


def test_kill_9_takes_everything_down(marker: str) -> None:
    lab = Lab(WITH_GRANDCHILD, marker)
    # The outer process, unshare, init, the program and its grandchild, which shows its command line a moment
    # after its parent knows that it runs.
    wait_for("all five of them", lambda: len(processes(marker)) == 5, SECONDS)
    lab.process.kill()
    lab.end()
    wait_for("the lab to die with its outer process", lambda: not processes(marker), 2.0)


def test_what_the_program_leaves_running_ends_with_it(marker: str) -> None:
    lab = Lab(WITH_GRANDCHILD.removesuffix("time.sleep(600)\n"), marker)
    status, _ = lab.end()
    assert status == 0
    assert processes(marker) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_program(marker: str, number: signal.Signals) -> None:
    lab = Lab(ANSWERS_SIGNALS, marker)
    lab.process.send_signal(number)
    # Once, and it ends in its own way.
    assert lab.end() == (40 + number, f"got {number.value}\n".encode())


def test_ctrl_c_on_a_terminal_reaches_the_program_once(marker: str) -> None:
    """The terminal sends it to everyone in the foreground; passing it on as well would make it two."""
    # It goes on after the first signal, so that a second one would be counted; a line on stdin ends it.
    code = """
import os, signal, sys
count = 0
def got(number, frame):
    global count
    count += 1
    os.write(1, b"got it\\n")
signal.signal(signal.SIGINT, got)
os.write(1, b"ready\\n")
sys.stdin.readline()
os.write(1, b"count %d\\n" % count)
"""
    try:
        master, slave = os.openpty()
    except OSError as error:
        pytest.skip(f"no terminals here: {error}")
    argv = ["setsid", "--ctty", "--wait", *ENTER, sys.executable, "-c", code, marker]
    with (
        subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave) as process,
        os.fdopen(master, "r+b", 0) as tty,
    ):
        os.close(slave)
        said = b""
        for expected, answer in ((b"ready", b"\x03"), (b"got it", b"on\n"), (b"count 1", b"")):
            while expected not in said:
                chunk = tty.read(1000)
                assert chunk, said
                said += chunk
            tty.write(answer)
        assert process.wait(SECONDS) == 0


def test_a_program_that_ignores_signals_is_killed(marker: str) -> None:
    code = """
import signal, sys, time
from harness.labs import namespace
namespace.GRACE = 1.5
stubborn = (
    "import signal, sys, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
)
sys.exit(namespace.enter([sys.executable, "-c", stubborn, sys.argv[1]]))
"""
    process = subprocess.Popen([sys.executable, "-c", code, marker], stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        assert process.wait(SECONDS) == 128 + signal.SIGKILL


def test_a_signal_before_anything_has_started_is_not_lost(marker: str) -> None:
    process = subprocess.Popen([*ENTER, "sh", "-c", "sleep 600", marker])
    wait_for("the outer process to begin", lambda: len(processes(marker)) > 1, SECONDS)
    process.terminate()
    assert process.wait(SECONDS) == 128 + signal.SIGTERM


def test_labs_nest() -> None:
    done = enter(*ENTER, "sh", "-c", "exit 5")
    assert done.returncode == 5, done.stderr


def test_orphans_are_buried() -> None:
    code = """
import os, subprocess, time
from harness.system.deadline import wait_for
# A grandchild whose parent is gone before it ends: process 1 inherits it.
out = subprocess.run(["sh", "-c", "(sleep 0.05) & echo $!"], capture_output=True, text=True, check=True)
pid = int(out.stdout)
wait_for("the orphan to be buried", lambda: not os.path.exists(f"/proc/{pid}"), 5)
print("buried")
"""
    assert python(code).stdout == "buried\n"


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(LabFault, match=r"cannot start .*/no/such/program: No such file"):
        namespace.enter(["/no/such/program"])


@pytest.mark.parametrize(
    ("lacks", "why"),
    [
        ("sys_admin", "CAP_SYS_ADMIN"),
        ("net_admin", "CAP_NET_ADMIN"),
        ("sys_admin,-net_admin", "CAP_SYS_ADMIN"),
        # As with --cap-drop ALL, and the two that are documented.
        ("sys_chroot,-kill,-chown", "root has no CAP_CHOWN, CAP_KILL, CAP_SYS_CHROOT here"),
    ],
)
def test_a_container_without_a_capability(lacks: str, why: str) -> None:
    """As an engine starts one: root with few capabilities, and a file of /proc that is covered."""
    if os.geteuid() != 0 or diagnosis.in_chroot():
        pytest.skip("needs root in a root directory of its own")
    covered = 'mount --bind /dev/null /proc/version && exec setpriv "$@"'
    drop = [f"--bounding-set=-{lacks}", f"--inh-caps=-{lacks}"]
    contained = ("unshare", "--mount", "sh", "-c", covered, "sh", *drop)
    done = enter("true", before=contained)
    assert done.returncode == 2, done
    told = done.stderr.strip().splitlines()[-1]
    assert why in told
    assert "; start the container with --cap-add SYS_ADMIN --cap-add NET_ADMIN" in told
    assert all(f"--cap-add {name.upper()}" in told for name in lacks.split(",-"))


def test_usage() -> None:
    assert namespace.main([]) == 64
    assert namespace.main(["--"]) == 64


@pytest.mark.skipif(os.geteuid() != 0 or not namespace.maps_lab_uid(), reason="needs real root")
def test_as_an_ordinary_user(tmp_path: Path) -> None:
    """The same as nobody, who needs a user namespace; its image user is its own, renamed."""
    if diagnosis.in_chroot():
        pytest.skip("the kernel refuses user namespaces in a chroot")
    user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs")
    interpreter = _python_for_everyone()
    code = (
        "import os, subprocess; from harness.labs import namespace; "
        "print(namespace.inside(), os.geteuid(), namespace.maps_lab_uid(), flush=True); "
        "subprocess.run(namespace.in_image('/', ['id', '-u']), check=True)"
    )
    # Whatever this checkout lets others read.
    package = tmp_path / "package.zip"
    with zipfile.ZipFile(package, "w") as archive:
        for path in (passable.HERE / "harness").rglob("*.py"):
            archive.write(path, path.relative_to(passable.HERE))
    package.chmod(0o644)
    tmp_path.chmod(0o755)
    setting = ("env", "-C", tmp_path, f"PYTHONPATH={package}")
    entered = (interpreter, "-m", "harness.labs.namespace", "--")
    argv: list[str | Path] = [*user, *setting, *entered, interpreter, "-c", code]
    own = own_mounts()
    done = subprocess.run(
        [*own, *passable.command(argv, [tmp_path])],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            **passable.ENVIRONMENT,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    assert (done.returncode, done.stdout) == (0, f"True 0 False\n{namespace.LAB_UID}\n"), done.stderr


def test_a_lab_may_have_this_machines_network() -> None:
    """Guests on a bridge of this machine are reached so; everything else is the lab's own."""
    here = {kind: str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in ("net", "pid", "mnt")}
    inner = (
        "import pathlib; from harness.labs import namespace; "
        "print(*(pathlib.Path(f'/proc/self/ns/{kind}').readlink() for kind in ('net', 'pid', 'mnt')), "
        "namespace.inside())"
    )
    words = [sys.executable, "-c", inner]
    code = f"from harness.labs import namespace; namespace.enter({words!r}, network=False)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS, check=True
    )
    net, pid, mounts, inside = done.stdout.split()
    assert net == here["net"]
    assert pid != here["pid"]
    assert mounts != here["mnt"]
    assert inside == "False"
