"""A guest whose console is on another machine: its kernel's own log tells of an oops."""

from __future__ import annotations

from pathlib import Path

import pytest
from told_machines import GUEST, Told, unprepared

from harness.errors import LabFault
from harness.labs.vagrant import keys
from harness.labs.vagrant.machine import Machine, Outfit
from harness.model import GuestRoute
from harness.system.process import Result


class Logging:
    """Stands for a guest whose kernel has logged something; without a log it does not answer."""

    log = "[    1.0] all is well\n"

    def __init__(self, route: GuestRoute, known_hosts: Path) -> None:
        assert known_hosts.name == "known_hosts"
        self.name = route.name

    def run(self, command: str, *, timeout: float, stdin: str = "") -> Result:
        assert timeout > 0
        if "dmesg" not in command:
            return Result(command, 0, stdin, "", 0.0)
        if not self.log:
            raise LabFault("no answer")
        return Result(command, 0, self.log, "", 0.0)

    def put(self, path: str, data: bytes) -> None: ...

    def close(self) -> None: ...


def test_it_tells_of_an_oops_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ways: list[str] = []

    def way() -> None:
        ways.append("asked")

    outfit = Outfit(Told(), keys.make(tmp_path / "key"), tmp_path, Logging, consoles=False, check_way=way)
    one = Machine(GUEST, outfit, unprepared)
    assert one.console() == ""
    one.start()
    one.check_kernel()
    monkeypatch.setattr(Logging, "log", f"{Logging.log}[    2.0] BUG: kernel NULL pointer dereference\n")
    with pytest.raises(LabFault, match="BUG: kernel NULL pointer"):
        one.check_kernel()
    one.check_kernel()
    monkeypatch.setattr(Logging, "log", "")
    assert one.console() == ""
    assert ways == ["asked"] * 3


def test_a_way_that_is_lost_is_told_before_anything_else(tmp_path: Path) -> None:
    def lost() -> None:
        raise LabFault("the SSH connection to the host is gone")

    outfit = Outfit(Told(), keys.make(tmp_path / "key"), tmp_path, Logging, check_way=lost)
    one = Machine(GUEST, outfit, unprepared)
    with pytest.raises(LabFault, match="is gone"):
        one.check_kernel()
