"""Stand-ins for Vagrant and a guest: they note what they are told, and fail where they shall."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.errors import LabFault
from harness.labs import guests
from harness.labs.vagrant import keys
from harness.labs.vagrant.machine import Machine, Outfit
from harness.model import GuestRoute
from harness.remote.base import Remote
from harness.system.process import Result


class Told:
    """Stands for Vagrant: notes what it is told, and fails where it shall."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failing: set[str] = set()

    def _note(self, what: str) -> None:
        self.calls.append(what)
        if what.split()[0] in self.failing:
            raise LabFault(f"{what} fails")

    def use_key(self, name: str, key: Path | None) -> None:  # noqa: ARG002
        self.calls.append(f"key {'ours' if key else 'box'}")

    def up(self, name: str) -> None:
        self._note(f"up {name}")

    def reboot(self, name: str) -> None:
        self._note(f"reboot {name}")

    def destroy(self, name: str) -> None:
        self._note(f"destroy {name}")

    def save(self, name: str, snapshot: str) -> None:  # noqa: ARG002
        self._note(f"save {name}")

    def restore(self, name: str, snapshot: str) -> None:  # noqa: ARG002
        self._note(f"restore {name}")

    def route(self, name: str) -> GuestRoute:
        return GuestRoute(name, "192.168.59.99", 22, "vagrant", "/box/key")


class Answering:
    """Stands for a guest that does whatever it is asked."""

    def __init__(self, route: GuestRoute, known_hosts: Path) -> None:  # noqa: ARG002
        self.name = route.name

    def run(self, command: str, *, timeout: float, stdin: str = "") -> Result:  # noqa: ARG002
        return Result(command, 0, "", "", 0.0)

    def put(self, path: str, data: bytes) -> None: ...

    def close(self) -> None: ...


GUEST = guests.load()["samba-bookworm"]


def unprepared(remote: Remote) -> None:
    """Prepares nothing."""
    assert remote.name


def machine(told: Told, folder: Path, prepare: Callable[[Remote], None] = unprepared) -> Machine:
    """A machine over them, with its files in a folder."""
    (folder / "consoles").mkdir(exist_ok=True)
    return Machine(GUEST, Outfit(told, keys.make(folder / "key"), folder, Answering), prepare)
