"""Machines that stay up between commands: ``rehearse up``, ``halt``, ``destroy`` and ``shell``.

Where a libvirt of the system answers, they are the user's own machines, made through Vagrant. Where root
has none (a container, a CI machine), they live in a lab of their own, which a process in the background
keeps: it holds the lock of the folder, and everything ends with it. In a remote libvirt (a link) each action
brings its own way to them along.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harness.errors import LabFault, RehearsalError
from harness.labs import guests
from harness.labs.boxes import fetch
from harness.labs.cleanup import is_alive
from harness.labs.guests import Guest
from harness.labs.vagrant import addresses, keys
from harness.labs.vagrant.driver import Driver
from harness.labs.vagrant.hypervisor import RemoteHypervisor
from harness.labs.vagrant.libvirt import PrivateLibvirt
from harness.labs.vagrant.machine import Machine, Outfit
from harness.labs.vagrant.remote_lab import Link
from harness.labs.vagrant.vagrant_home import own_home
from harness.model import GuestRoute
from harness.remote.base import Remote
from harness.system import environment, locks, process
from harness.system.deadline import wait_for
from harness.system.paths import machines_dir
from harness.system.plain import say

SECONDS = 5400.0
"""More than any action takes: a guest has an hour at most to boot, of which ``driver.START`` makes 5040 s."""
KEEPER_SECONDS = 60.0
"""The most that the lab that is kept may take to start, and to end."""
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
SOCKETS = ("/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock")


def folder(tag: str = "") -> Path:
    """Where the state of the machines is; with a tag, of those in a remote libvirt.

    Raises LabFault when it cannot be made.
    """
    path = machines_dir() / f"elsewhere-{tag}" if tag else machines_dir()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    # libvirt makes the files of the consoles, and not their folder.
    (path / "consoles").mkdir(exist_ok=True)
    return path


def is_own() -> bool:
    """True where the machines need a lab of their own: root, and no libvirt of the system."""
    return os.geteuid() == 0 and not any(Path(socket).exists() for socket in SOCKETS)


def command(home: Path, argv: Sequence[str | Path]) -> list[str]:
    """The command line that runs ``argv`` where the machines are. Raises LabFault when no lab is kept."""
    words = [str(word) for word in argv]
    if not is_own():
        return words
    if not is_alive(home):
        raise LabFault("no machine is up", "rehearse up NAME")
    try:
        # Outer process, unshare, first process of the lab.
        pid = int((home / "pid").read_text())
        for _ in range(2):
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    except (OSError, ValueError, IndexError) as error:
        raise LabFault("the machines are just being started or halted", "try again in a minute") from error
    return ["nsenter", f"--target={pid}", "--net", "--mount", "--pid", f"--wd={Path.cwd()}", "--", *words]


def ask(home: Path, action: str, name: str, *, accelerated: bool, link: Link | None = None) -> str:
    """Do one action where the machines are; what it prints. Starts the lab for ``up``. Raises LabFault."""
    if action == "up" and link is None and is_own():
        _keep(home)
    words = [sys.executable, "-m", __name__, action, str(home), name, "kvm" if accelerated else "qemu"]
    if link is None:
        words = command(home, words)
    else:
        words.append(link.model_dump_json())
        if link.ssh is not None:
            # With a network of its own, in which the guests' addresses lead to them.
            words = [sys.executable, "-m", "harness.labs.namespace", "--", *words]
    done = process.run(words, timeout=SECONDS, env={**environment.tools(), **environment.ours()})
    if not done.ok:
        said = done.stderr.strip().splitlines()
        raise LabFault(said[-1] if said else f"{action} {name} failed")
    return done.stdout


def up(home: Path, name: str, *, accelerated: bool, link: Link | None = None) -> GuestRoute:
    """Start a machine; how to reach it. Raises LabFault.

    One that was not there before is not left behind half made, nor a lab without a machine: whatever ends
    the start.
    """
    before = started(home)
    try:
        return GuestRoute(**json.loads(ask(home, "up", name, accelerated=accelerated, link=link)))
    except BaseException:
        if link is None and is_own() and not before:
            end(home)
        elif name not in before:
            with suppress(LabFault):
                ask(home, "destroy", name, accelerated=accelerated, link=link)
        raise


def started(home: Path) -> list[str]:
    """The machines that Vagrant has here: .vagrant/machines/NAME/PROVIDER/id."""
    return sorted(path.parents[1].name for path in (home / "machines").glob("machines/*/*/id"))


def route(home: Path, name: str, link: Link | None = None) -> GuestRoute:
    """How to reach a machine that is up. Raises LabFault."""
    return GuestRoute(**json.loads(ask(home, "route", name, accelerated=False, link=link)))


def end(home: Path) -> None:
    """End the lab that is kept here, with all its machines. Nothing happens where none is."""
    if not is_own() or not is_alive(home):
        return
    with suppress(ProcessLookupError):
        os.kill(int((home / "pid").read_text()), signal.SIGTERM)
    wait_for("the end of the machines' lab", lambda: not is_alive(home), KEEPER_SECONDS)


def _keep(home: Path) -> None:
    """Start the lab's keeper in the background, unless it runs. Two at once start one."""
    with (home / "starting").open("a") as turn:
        wait_for("another start of the machines' lab", lambda: locks.take(turn), 2 * KEEPER_SECONDS)
        if not is_alive(home):
            _start_keeper(home)


def _start_keeper(home: Path) -> None:
    output = home / "keeper.log"
    (home / "ready").unlink(missing_ok=True)
    keeper = process.start(
        [sys.executable, "-m", "harness.labs.namespace", "--", sys.executable, "-m", __name__, "keep", home],
        output=output,
        env={**environment.tools(), **environment.ours()},
    )

    def ready() -> bool:
        if keeper.poll() is not None:
            said = output.read_text(errors="replace").strip().splitlines()
            raise LabFault(f"the machines' lab ended at once: {said[-1] if said else keeper.returncode}")
        return (home / "ready").exists() and is_alive(home)

    try:
        (home / "pid").write_text(str(keeper.pid))
        wait_for("the machines' lab", ready, KEEPER_SECONDS, f"what it said is in {output}")
    except BaseException:
        # Nobody would know of it.
        keeper.terminate()
        process.finish(keeper, KEEPER_SECONDS)
        raise


# -- what runs where the machines are -------------------------------------------------------------------


def _hold(home: Path) -> int:
    """Be the keeper: hold the lock and libvirt until a signal comes."""
    stop = threading.Event()
    # Handlers and not a mask: libvirtd would inherit a mask, and never hear that it is to end.
    for number in STOPS:
        signal.signal(number, lambda *_: stop.set())
    with (home / "lock").open("a") as lock:
        if not locks.take(lock):
            raise LabFault(f"{home}: another keeper has the machines' lab")
        # What an earlier lab left when it was killed is of no use: its machines ended with it.
        _clear(home)
        (home / "consoles").mkdir(exist_ok=True)
        try:
            with PrivateLibvirt(home / "libvirt", addresses.HOST, addresses.leases(guests.load())):
                (home / "ready").write_text(str(time.time()))
                stop.wait()
        finally:
            _clear(home)
    return 0


def _clear(home: Path) -> None:
    """Remove all that a lab keeps, the disks of its machines above all. Raises LabFault."""
    for name in ("libvirt", "machines", "vagrant", "consoles", "key", "known_hosts", "ready"):
        process.run(["rm", "-rf", home / name], timeout=60).check(f"cannot remove {home / name}")


def _act(action: str, home: Path, name: str, accelerator: str, link: Link | None) -> int:
    """One action beside the machines; prints the way to a machine as JSON for ``up`` and ``route``."""
    catalogue = guests.load()
    guest = guests.find(name, catalogue)
    env = {"SMB_REHEARSAL_ACCEL": accelerator, "SMB_REHEARSAL_CONSOLES": str(home / "consoles")}
    limits = guests.boot_limits(catalogue)
    boxes = fetch.vagrant_home()
    if link is None:
        mine = own_home(boxes, home / "vagrant")
        return _do(action, home, guest, Driver(env, home=mine, state=home / "machines", boots=limits))
    with RemoteHypervisor(home, boxes, link, catalogue) as on:
        driver = Driver({**env, **on.env}, home=on.home, state=home / "machines", boots=limits)
        return _do(action, home, guest, driver, consoles=False)


def _do(action: str, home: Path, guest: Guest, driver: Driver, *, consoles: bool = True) -> int:
    name = guest.name
    private = home / "key" / "id_ed25519"
    keyed = home / "machines" / f"{name}.keyed"
    if keyed.exists():
        driver.use_key(name, private)
    if action in ("halt", "destroy"):
        getattr(driver, action)(name)
        if action == "destroy":
            keyed.unlink(missing_ok=True)
        return 0
    if action == "up" and not keyed.exists():
        if guest.communicator == "ssh":
            key = keys.load(private) if private.exists() else keys.make(private.parent)
            machine = Machine(
                guest, Outfit(driver, key, home, consoles=consoles, lost=driver.lost), _as_it_comes
            )
            machine.start()
            keyed.touch()
        else:
            driver.up(name)
    elif action == "up":
        driver.up(name)
    found = driver.route(name)
    if keyed.exists():
        found = replace(found, key=str(private))
    sys.stdout.write(json.dumps({field: getattr(found, field) for field in found.__slots__}) + "\n")
    return 0


def _as_it_comes(remote: Remote) -> None:
    """Nothing is prepared in a machine that a person wants to look at; that it answers is all."""
    remote.run("true", timeout=60).check(f"the first command in {remote.name}")


def main(words: Sequence[str]) -> int:
    """``keep FOLDER``, or an action: up|halt|destroy|route FOLDER NAME kvm|qemu [LINK]."""
    try:
        if words[0] == "keep":
            return _hold(Path(words[1]))
        link = Link.model_validate_json(words[4]) if words[4:] else None
        return _act(words[0], Path(words[1]), words[2], words[3], link)
    except RehearsalError as error:
        say(str(error))
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
