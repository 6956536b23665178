"""A verb in a world of its own: what it leaves behind is counted, whoever else uses the machine.

    test process
    +-- namespace.enter      new network, mount and process namespaces
        +-- this module      mounts what the test wants, runs the verb, presses Ctrl-C, counts what is left
            +-- rehearse     which makes its own namespaces in there

In there every process that is not ours is the verb's, and so is every mount, network device or file.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import commandline
import pytest

from harness.errors import LabFault
from harness.labs import boxes, namespace
from harness.labs.boxes import fetch
from harness.labs.roots.mounts import MS_BIND, mount
from harness.system.deadline import wait_for
from harness.system.paths import cache_dir
from harness.system.process import run

STOPS = 60.0
"""Seconds in which a verb that is stopped must have ended; on a quiet machine it takes less than five."""
SETTLES = 15.0
"""Seconds in which the kernel has ended what a verb has ended."""
TESTS = Path(__file__).resolve().parent
HERE = TESTS.parent


@dataclass(frozen=True)
class World:
    """How a world is made."""

    folder: Path
    """Where everything is that the verb writes: its state, its temporary files."""
    env: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[Path, Path] = field(default_factory=dict)
    """What is seen in place of a file or folder of the machine."""
    small: Mapping[Path, int] = field(default_factory=dict)
    """Folders with so many bytes of room."""

    @property
    def runs(self) -> Path:
        """The run folders."""
        return self.folder / "state/smb-rehearsal/runs"

    def rehearse(self, *words: str, minutes: float = 5.0, at: str = "", does: str = "press") -> Ended:
        """Run one verb to its end; with ``at``, a stage of ``STAGES``, something is done when it comes.

        ``does``: "press" Ctrl-C on the verb's terminal; "group": no key is pressed, but SIGINT sent to its
        process group, as `kill -INT -PGID` does; "fill" the first folder that is small.
        """
        order = {
            "folder": str(self.folder),
            "env": {**commandline.PLAIN, **self.env},
            "instead": {str(at): str(what) for at, what in self.instead.items()},
            "small": {str(at): size for at, size in self.small.items()},
            "words": words,
            "seconds": minutes * 60,
            "at": at,
            "does": does,
        }
        inside = [sys.executable, "-m", "harness.labs.namespace", "--", sys.executable, "-m", "world"]
        done = run(
            inside,
            timeout=minutes * 60 + 2 * SETTLES,
            stdin=json.dumps(order),
            env=commandline.users(PYTHONPATH=f"{HERE}:{TESTS}"),
            cwd=HERE,
        )
        assert done.ok, done
        return Ended(**json.loads(done.stdout))


@dataclass(frozen=True)
class Ended:
    """A verb that has ended, and what is left of it."""

    status: int | None
    stdout: str
    stderr: str
    """Of a verb that something was done to at a stage, all is in ``stdout``: it was on a terminal."""
    left: Sequence[str]

    @property
    def complaint(self) -> str:
        """The one line of stderr that says why it failed; there is no other, and no traceback."""
        said = [line for line in self.stderr.splitlines() if line.startswith("rehearse: ")]
        assert "Traceback" not in self.stderr, self.stderr
        assert len(said) == 1, self.stderr
        return said[0]


def need_machines(*names: str) -> None:
    """Skip the test where no real virtual machines can be started from these boxes."""
    if os.geteuid() != 0 or shutil.which("vagrant") is None or not namespace.inside():
        pytest.skip("needs root, Vagrant and the lab's private namespace: run ./test --vagrant")
    if missing := [name for name in names if boxes.find(name) is None]:
        pytest.skip(f"boxes are not built: {', '.join(missing)}")


def cache_of_ones_own(folder: Path) -> Path:
    """An XDG_CACHE_HOME with the boxes and images of the user's, where more boxes can be added."""
    users, mine = cache_dir(), folder / "cache" / "smb-rehearsal"
    (mine / "vagrant" / "boxes").mkdir(parents=True)
    for name in ("images", "boxes"):
        (mine / name).symlink_to(users / name)
    with suppress(FileNotFoundError):
        (mine / "acceleration.json").write_bytes((users / "acceleration.json").read_bytes())
    for box in (fetch.vagrant_home() / "boxes").iterdir():
        (mine / "vagrant" / "boxes" / box.name).symlink_to(box)
    return folder / "cache"


# -- inside ---------------------------------------------------------------------------------------------


def processes() -> dict[int, list[str]]:
    """The command lines of all processes but the world's own."""
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) not in (1, os.getpid()):
            with suppress(OSError):
                words = os.fsdecode(Path(entry.path, "cmdline").read_bytes()).split("\0")
                state = Path(entry.path, "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z":
                    found[int(entry.name)] = words
    return found


def things(folder: Path) -> set[str]:
    """Everything that a verb could leave: processes, devices, mounts, domains, files of a lab."""
    found = {f"process {' '.join(words).strip()[:200]}" for words in processes().values()}
    found |= {f"network device {name}" for _, name in socket.if_nameindex()}
    found |= {f"network {name}" for name in _names("/run/netns")}
    found |= {f"domain {name}" for name in _names("/run/libvirt/qemu") if name.endswith(".xml")}
    found |= {f"mount {line.split()[4]}" for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    found |= {f"loop device {path.parts[3]}" for path in Path("/sys/block").glob("loop*/loop/backing_file")}
    state = folder / "state/smb-rehearsal"
    left = [*state.glob("runs/*/lab"), *state.glob("machines/libvirt"), *state.glob("machines/machines")]
    return found | {f"file {path}" for path in (*left, *(folder / "tmp").iterdir())}


def _names(folder: str) -> list[str]:
    try:
        return [path.name for path in Path(folder).iterdir()]
    except FileNotFoundError:
        return []


def _runs(program: str, *words: str) -> Callable[[Path], bool]:
    """A process of that program runs, with these as its first words."""

    def seen(_folder: Path) -> bool:
        return any(
            Path(word).name == program and list(words) == line[at + 1 : at + 1 + len(words)]
            for line in processes().values()
            for at, word in enumerate(line)
        )

    return seen


def _boots(folder: Path) -> bool:
    return _runs("vagrant", "up")(folder) and _runs("qemu-system-x86_64")(folder)


def _attempts(folder: Path) -> bool:
    return any(
        commandline.entries(run_folder, "attempt") for run_folder in folder.glob("state/smb-rehearsal/runs/*")
    )


STAGES: Mapping[str, Callable[[Path], bool]] = {
    "libvirt starts": _runs("libvirtd"),
    "the guest boots": _boots,
    "the snapshot is taken": _runs("vagrant", "snapshot", "save"),
    "attempts run": _attempts,
    "the snapshot is restored": _runs("vagrant", "snapshot", "restore"),
    "the guest is removed": _runs("vagrant", "destroy"),
}
"""When Ctrl-C is pressed, and by what that is seen."""


def main() -> None:
    """Obey the order on stdin; print what came of it as JSON."""
    order = json.load(sys.stdin)
    folder = Path(order["folder"])
    env = {
        **order["env"],
        "PYTHONPATH": str(HERE),
        "XDG_STATE_HOME": str(folder / "state"),
        "TMPDIR": str(folder / "tmp"),
    }
    (folder / "tmp").mkdir(exist_ok=True)
    for at, what in order["instead"].items():
        mount(what, Path(at), MS_BIND)
    for at, size in order["small"].items():
        Path(at).mkdir(parents=True, exist_ok=True)
        mount("tmpfs", Path(at), 0, kind="tmpfs", data=f"size={size}")
    before = things(folder)
    if order["at"]:
        ended = _disturbed(order, env, folder)
    else:
        done = run(
            [*commandline.REHEARSE, *order["words"]], timeout=order["seconds"], env=commandline.users(**env)
        )
        ended = Ended(done.status, done.stdout, done.stderr, [])
    with suppress(LabFault):
        wait_for("nothing to be left", lambda: things(folder) <= before, SETTLES)
    left = sorted(things(folder) - before)
    sys.stdout.write(json.dumps(asdict(ended) | {"left": left}))


def _disturbed(order: Mapping[str, Any], env: Mapping[str, str], folder: Path) -> Ended:
    """Run the verb on a terminal, and do something at a stage. Raises LabFault when it does not come."""
    terminal = commandline.Terminal("world", *order["words"], env=dict(env))

    def there() -> bool:
        if terminal.process.poll() is not None:
            raise LabFault(f"it ended before {order['at']}: {shown.result()[-1000:]}")
        return STAGES[order["at"]](folder)

    with ThreadPoolExecutor(1) as aside:
        # From the beginning: a terminal that nobody reads stops whoever writes.
        shown = aside.submit(terminal.rest, order["seconds"])
        patience = STOPS
        try:
            wait_for(order["at"], there, order["seconds"])
            match order["does"]:
                case "press":
                    terminal.type(b"\x03")
                case "group":
                    os.killpg(terminal.process.pid, signal.SIGINT)
                case "fill":
                    _fill(Path(next(iter(order["small"]))))
                    patience = order["seconds"]
            status = terminal.process.wait(patience)
        finally:
            terminal.process.kill()
    return Ended(status, shown.result(), "", [])


def _fill(folder: Path) -> None:
    """Leave no room in a folder."""
    with suppress(OSError), (folder / "full").open("wb", buffering=0) as file:
        while file.write(bytes(1 << 16)):
            pass


if __name__ == "__main__":
    main()
