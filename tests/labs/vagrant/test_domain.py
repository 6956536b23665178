"""What libvirt says of a guest that has stopped, and who is told so."""

from __future__ import annotations

from pathlib import Path

import pytest
from told_machines import GUEST, Answering

from harness.errors import LabFault
from harness.labs.vagrant import domain
from harness.labs.vagrant.domain import Domain
from harness.model import GuestRoute
from harness.system.process import Result

VIRSH = """#!/bin/sh
[ "$*" = "-q -c qemu:///system domstate --reason smb-rehearsal-samba-bookworm" ] || exit 64
echo '{state}'
exit {status}
"""


def says(folder: Path, monkeypatch: pytest.MonkeyPatch, state: str, status: int = 0) -> None:
    """A virsh(1) that answers this for the one guest; its words are libvirt's (virDomainState)."""
    program = folder / "virsh"
    program.write_text(VIRSH.format(state=state, status=status))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize(
    "state", ["paused (I/O error)", "shut off (crashed)", "shut off (failed)", "crashed"]
)
def test_a_guest_that_has_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    says(tmp_path, monkeypatch, state)
    found = Domain(GUEST.name).lost(tmp_path)
    assert found is not None
    assert found.message == f"{GUEST.name} has stopped: {state}"
    assert found.hint == "see its console in evidence"
    # More than any disk has.
    monkeypatch.setattr(domain, "FULL", 1 << 62)
    found = Domain(GUEST.name).lost(tmp_path)
    assert found is not None
    assert found.message == f"{GUEST.name} has stopped: {state}, the disk is full"
    assert found.hint == f"make room in {tmp_path}"


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("running (booted)", 0),
        ("running (restored)", 0),
        ("paused (starting up)", 0),
        ("paused (saving)", 0),
        # So is one that Vagrant has just shut down, to start it again.
        ("shut off (shutdown)", 0),
        ("shut off (destroyed)", 0),
        ("", 1),
    ],
    ids=str,
)
def test_a_guest_that_may_answer_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, status: int
) -> None:
    says(tmp_path, monkeypatch, state, status)
    assert Domain(GUEST.name).lost(tmp_path) is None


def test_without_virsh_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Domain(GUEST.name).lost(tmp_path) is None


# -- who waits for a guest is told ----------------------------------------------------------------------

WHY = LabFault("it has stopped: paused (I/O error), the disk is full")


class Silent(Answering):
    """A guest that does not answer: a command does not end, or the connection breaks."""

    breaks = False

    def run(self, command: str, *, timeout: float, stdin: str = "") -> Result:  # noqa: ARG002
        if self.breaks:
            raise LabFault("the connection broke")
        return Result(command, None, "", "", timeout)

    def put(self, path: str, data: bytes) -> None:  # noqa: ARG002
        raise LabFault("the connection broke")


def silent(tmp_path: Path, *, breaks: bool = False) -> Silent:
    one = Silent(GuestRoute(GUEST.name, "192.168.59.99", 22, "vagrant"), tmp_path)
    one.breaks = breaks
    return one


@pytest.mark.parametrize("breaks", [False, True], ids=["no-end", "broken"])
def test_a_guest_that_has_stopped_is_told_instead_of_its_silence(tmp_path: Path, breaks: bool) -> None:
    way = domain.Watched(silent(tmp_path, breaks=breaks), lambda: WHY)
    with pytest.raises(LabFault, match="it has stopped"):
        way.run("true", timeout=1.0)
    with pytest.raises(LabFault, match="it has stopped"):
        way.put("/file", b"")


def test_else_the_silence_is_what_is_told(tmp_path: Path) -> None:
    assert domain.Watched(silent(tmp_path), lambda: None).run("true", timeout=1.0).status is None
    way = domain.Watched(silent(tmp_path, breaks=True), lambda: None)
    assert way.name == GUEST.name
    with pytest.raises(LabFault, match="the connection broke"):
        way.run("true", timeout=1.0)
    with pytest.raises(LabFault, match="the connection broke"):
        way.put("/file", b"")
    way.close()
