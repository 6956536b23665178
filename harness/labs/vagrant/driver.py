"""Vagrant over python-vagrant, with its gaps closed.

What python-vagrant leaves open (1.0.0, measured): no call has a time limit; errors carry no stderr; calls for
status and ssh-config read a failure as "nothing there"; ``snapshot_*`` name no machine and so act on all; the
SSH configuration is cached beyond the machine that it belongs to; and Vagrant itself allows one process a
machine at a time.
"""

from __future__ import annotations

import math
import re
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import vagrant

from harness.errors import LabFault, RunStopped
from harness.labs import guests
from harness.labs.boxes import plugin
from harness.labs.vagrant.domain import PREFIX, Domain, Pulse
from harness.labs.vagrant.uri import VARIABLE
from harness.labs.vagrant.virsh import LOCAL, Virsh
from harness.model import GuestRoute
from harness.system import causes, environment, process, resources, waits
from harness.system.causes import Cause
from harness.system.deadline import SLOWEST, pace

ROOT = resources.top("Vagrantfile").parent
"""Where the Vagrantfile is."""
START = 1.4
"""Times what a guest may take to boot: what its start may take, with all that comes before and after.

vagrant-libvirt itself waits 600 s for the address of a guest that boots nothing (0.11.2, wait_till_up.rb).
"""
ADD_SECONDS = 420.0
"""The most that unpacking a box may take."""
SHOWN = 300
"""Characters of a sentence of Vagrant's that are shown."""
CALL_SECONDS = 180.0
"""The most that any other call may take."""


class _Called(vagrant.Vagrant):
    """python-vagrant whose every program is run by ``process.run``: with a limit, its stderr kept."""

    def __init__(self, env: Mapping[str, str], program: str) -> None:
        super().__init__(root=str(ROOT))
        self._vagrant_exe = program
        self._environment = dict(env)
        self.seconds = CALL_SECONDS

    def _call_vagrant_command(self, args: Sequence[str | None]) -> None:
        self._run_vagrant_command(args)

    def _run_vagrant_command(self, args: Sequence[str | None]) -> str:
        argv = process.ends_with_us(self._make_vagrant_command(args))
        done = process.run(
            argv, timeout=self.seconds * pace(), env={**environment.tools(), **self._environment}, cwd=ROOT
        )
        if not done.ok:
            _fail([word for word in args if word is not None], done, self.seconds)
        return done.stdout


class Driver:
    """Starts, snapshots, restores and removes machines of the Vagrantfile; safe to use from threads."""

    def __init__(
        self,
        env: Mapping[str, str],
        *,
        home: Path,
        state: Path,
        provider: str = "libvirt",
        boots: Mapping[str, float] | None = None,
    ) -> None:
        """``home`` is Vagrant's own folder of boxes, which is never the user's; ``state`` holds its machines.

        ``boots``: by machine, the seconds that it may take to boot (``guests.boot_limits``).
        Raises LabFault when Vagrant is not installed.
        """
        program = shutil.which("vagrant", path=environment.tool_path())
        if program is None:
            raise LabFault("vagrant is not installed", "see: rehearse doctor")
        self.provider = provider
        self._boots = dict(boots or {})
        self._program = program
        self._state = state
        self._env = {
            **env,
            "VAGRANT_HOME": str(home),
            "VAGRANT_DOTFILE_PATH": str(state),
            "VAGRANT_CWD": str(ROOT),
            "SMB_REHEARSAL_GUESTS": str(guests.local_file()),
            "VAGRANT_CHECKPOINT_DISABLE": "1",
            "VAGRANT_NO_COLOR": "1",
            "VAGRANT_DEFAULT_PROVIDER": provider,
            "VAGRANT_NO_PARALLEL": "1",
            # How long a guest may take to boot is decided here, by what it does meanwhile.
            "SMB_REHEARSAL_PATIENCE": str(math.ceil(waits.CEILING * SLOWEST)),
        }
        self._remote = bool(env.get(VARIABLE))
        # To a remote libvirt virsh goes the same way as Vagrant.
        way = {"PATH": env["PATH"]} if "PATH" in env else {}
        self._virsh = Virsh(env.get(VARIABLE) or LOCAL, way)
        self._prefix = env.get("SMB_REHEARSAL_PREFIX") or PREFIX
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._routes: dict[str, GuestRoute] = {}
        self._keys: dict[str, Path] = {}
        self._stopped = False

    def interrupt(self) -> None:
        """End every call of every thread, and refuse new ones: the run is being stopped."""
        self._stopped = True
        process.kill_running()

    def check_provider(self) -> None:
        """Raises LabFault when Vagrant has not the provider, or does not start for its plugins (1 s)."""
        with self._machine("plugins") as calls:
            said = calls._run_vagrant_command(["plugin", "list"])
        if plugin.NAME not in said:
            raise LabFault(f"vagrant has no plugin {plugin.NAME}", plugin.hint())

    def use_key(self, name: str, key: Path | None) -> None:
        """From now on a machine is reached with this private key; None: with the one that its box brings."""
        self._routes.pop(name, None)
        if key is None:
            self._keys.pop(name, None)
        else:
            self._keys[name] = key

    def up(self, name: str) -> None:
        """Start a machine, made from its box at its first start. Raises LabFault."""
        self._routes.pop(name, None)
        with self._starting(name) as calls:
            calls.up(vm_name=name, provider=self.provider, provision=False)

    def lost(self, name: str) -> LabFault | None:
        """Why a machine that was started will never answer again; None where it may."""
        return self._domain(name).lost(None if self._remote else self._state)

    def halt(self, name: str) -> None:
        """Shut a machine down. Raises LabFault."""
        self._routes.pop(name, None)
        with self._machine(name) as calls:
            calls.halt(vm_name=name)

    def reboot(self, name: str) -> None:
        """Shut a machine down and start it again. Raises LabFault."""
        self._routes.pop(name, None)
        with self._starting(name) as calls:
            calls.reload(vm_name=name, provision=False)

    def destroy(self, name: str) -> None:
        """Remove a machine with its disk and snapshots, running or not. Raises LabFault."""
        self._routes.pop(name, None)
        with self._machine(name) as calls:
            calls.destroy(vm_name=name)

    def save(self, name: str, snapshot: str) -> None:
        """Take a snapshot of a running machine. Raises LabFault, also when it is not there afterwards.

        A failed snapshot was once seen to end with status 0, so the list is asked.
        """
        with self._machine(name) as calls:
            # python-vagrant's own calls name no machine.
            calls._run_vagrant_command(["snapshot", "save", "--force", name, snapshot])
        # Vagrant takes 4 s for its list, and 18 s on a busy machine (measured).
        if snapshot not in self._domain(name).snapshots():
            raise LabFault(f"{name}: the snapshot {snapshot} was not taken, although vagrant said so")

    def restore(self, name: str, snapshot: str) -> None:
        """Bring a machine back to a snapshot. Does not wait until it answers. Raises LabFault."""
        with self._machine(name) as calls:
            calls._run_vagrant_command(["snapshot", "restore", "--no-provision", name, snapshot])

    def route(self, name: str) -> GuestRoute:
        """How to reach a machine by SSH; asked once after each start. Raises LabFault."""
        if name not in self._routes:
            with self._machine(name) as calls:
                said = calls.ssh_config(vm_name=name)
            self._routes[name] = parse_route(name, said)
        return self._routes[name]

    def add_box(self, source: Path) -> None:
        """Unpack a box into Vagrant's folder; its checksum is that of its catalogue. Raises LabFault."""
        with self._machine("boxes", ADD_SECONDS) as calls:
            calls._run_vagrant_command(["box", "add", "--provider", self.provider, str(source)])

    def _domain(self, name: str) -> Domain:
        return Domain(name, self._virsh, self._prefix)

    @contextmanager
    def _starting(self, name: str) -> Iterator[_Called]:
        """python-vagrant for one call that boots a machine; it ends when the machine is lost."""
        seconds = START * self._boots.get(name, guests.BOOT_SECONDS)
        consoles = self._env.get("SMB_REHEARSAL_CONSOLES")
        pulse = Pulse(self._domain(name), Path(consoles) / f"{name}.log" if consoles else None)
        with (
            self._machine(name, seconds) as calls,
            waits.unless(lambda: self.lost(name)),
            waits.as_long_as(pulse),
        ):
            yield calls

    @contextmanager
    def _machine(self, name: str, seconds: float = CALL_SECONDS) -> Iterator[_Called]:
        """python-vagrant for one call; two calls for one machine wait for each other."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if self._stopped:
                raise RunStopped
            key = self._keys.get(name)
            env = {**self._env, **({"SMB_REHEARSAL_KEY": str(key)} if key else {})}
            calls = _Called(env, self._program)
            calls.seconds = seconds
            yield calls


def parse_route(name: str, said: str) -> GuestRoute:
    """The way to a machine in what ``vagrant ssh-config NAME`` prints: ssh_config(5).

    Raises LabFault when it is not a whole one.
    """
    found: dict[str, str] = {}
    for line in said.splitlines():
        word, _, value = line.strip().partition(" ")
        # The first value counts (ssh_config(5)); of the keys, the lab's own comes first.
        found.setdefault(word.lower(), value.strip().strip('"'))
    port = found.get("port", "22")
    if "hostname" not in found or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise LabFault(f"vagrant does not say how to reach {name}", "is it up?")
    key = found.get("identityfile", "")
    return GuestRoute(name, found["hostname"], int(port), found.get("user", ""), key)


CAUSES: Final = (
    Cause(
        r"already locked|because it is locked|process is already (executing|being)",
        hint="another vagrant works on it",
    ),
    Cause(r"box '.*' could not be found|Couldn't open file|in the remote", hint="see: rehearse boxes list"),
    Cause(
        r"checksum of the downloaded box",
        hint="the box is not the one that guests.yaml names: fetch it again",
    ),
    Cause(r"provider '.*' could not be found|unknown provider", hint=f"apt-get install {plugin.NAME}"),
    Cause(r"appears corrupted", hint="rehearse clean --boxes, or rehearse boxes fetch --again"),
    Cause(r"Unable to resolve dependency", hint=f"apt-get install --reinstall {plugin.NAME}"),
    Cause(r"plugins failed to initialize", hint=f"apt-get install --reinstall {plugin.NAME}"),
    Cause(r"[Nn]o space left|[Dd]isk.*full", hint="make room"),
    Cause(r"Call to virConnectOpen failed|Failed to connect socket", hint="see: rehearse doctor"),
    Cause(r"[Tt]imed out while waiting for the machine to boot", hint="it hangs at boot: see its console"),
    Cause(r"Cannot allocate memory|cannot set up guest memory", hint="not enough memory: see --memory"),
)
"""What Vagrant and libvirt say, and what to do."""


def cause_of(said: str) -> tuple[str, str]:
    """The sentence of an error of Vagrant that says why, and what to do ("" where that is not known)."""
    sentences = _sentences(said)
    if found := causes.find(CAUSES, sentences):
        cause, sentence = found
        return sentence, cause.hint
    return (sentences[0] if sentences else "it said nothing"), ""


def _sentences(said: str) -> list[str]:
    """Each in one line: Vagrant breaks its sentences, and puts an empty line between paragraphs."""
    # A Ruby error names its place first, and its frames below.
    lines = [line for line in map(str.strip, said.splitlines()) if not line.startswith("from /")]
    text = "\n".join(re.sub(r"^\S+\.rb:\d+:in `[^']*': ", "", line) for line in lines)
    # One that ends with a colon goes on behind it.
    parts = re.split(r"(?<!:)\n\n+|(?<=[.])\s+(?=[A-Z])", text)
    return [" ".join(part.split())[:SHOWN] for part in parts if part.strip()]


def _fail(words: Sequence[str], done: process.Result, seconds: float) -> NoReturn:
    what = f"vagrant {' '.join(words)}"
    if done.status is None:
        # What it was doing: "==> NAME: Waiting for domain to get an IP address...".
        doing = re.sub(r"^(==>|   ) \S+: ", "", done.stdout.rstrip().rpartition("\n")[2]).rstrip(".")
        limit = "; see boot_seconds in guests.yaml" if words[0] in ("up", "reload") else ""
        hint = f"the guest hangs, or the machine is very busy{limit}"
        longer = f", nor within {done.seconds:.0f} s" if done.seconds > seconds + 1 else ""
        shown = f" ({doing[:SHOWN]})" if doing else ""
        raise LabFault(f"{what}: not within {seconds:g} s{longer}{shown}", hint)
    line, hint = cause_of(done.stderr or done.stdout)
    raise LabFault(f"{what}: {line}", hint)
