"""Boxes in the cache, with a builder that packs a few bytes: the real packing, and what becomes of damage."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from harness.errors import LabFault, UsageError
from harness.labs import boxes, namespace
from harness.labs.boxes import BuiltBox, acceleration, build, doctor, fetch, qemu
from harness.labs.boxes.recipe import BOXES, Box
from harness.labs.roots.debian import Tell


def _pack(box: Box, root: Path, tell: Tell, home: Path) -> tuple[str, ...]:
    """As ``build.build_box`` does it, without the packages: the parts of a box are a few bytes each."""
    tell("unpacking", 0.5)
    root.mkdir()
    work = root.parent / "work"
    work.mkdir()
    for name in ("vmlinuz", "initrd.img", "probe.img", "id_ed25519", "disk.qcow2"):
        (work / name).write_text(f"{name} of {box.name}\n")
    build._pack(box, work, root, home)
    for path in work.iterdir():
        path.unlink()
    work.rmdir()
    return ("busybox-static 1", "samba 2:4.22.0")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    # ./test runs these inside a lab, where nothing is built.
    monkeypatch.delenv(namespace.MARKER, raising=False)
    monkeypatch.setattr(boxes, "build_box", _pack)
    monkeypatch.setattr(boxes, "ROOM", 1)
    return tmp_path / "smb-rehearsal/boxes"


def _quiet(_name: str, _done: float, _text: str) -> None:
    """Nothing to show."""


def _built(name: str = "trixie") -> BuiltBox:
    return boxes.ensure([name], _quiet)[name]


def test_a_box_is_built_once_and_found_again(cache: Path) -> None:
    assert boxes.find("trixie") is None
    box = _built()
    assert box.name == "smb-rehearsal/trixie"
    assert box.catalogue == cache / "trixie/root/box.json"
    assert box.file.as_uri() in box.catalogue.read_text()
    with tarfile.open(box.file) as archive:
        assert tuple(archive.getnames()) == build.PARTS
        vagrantfile = archive.extractfile("Vagrantfile")
        assert vagrantfile is not None
        assert b"insert_key = false" in vagrantfile.read()
    # Whoever can read the key can log in.
    assert box.file.stat().st_mode & 0o077 == 0
    assert boxes.find("trixie") == box == _built() == boxes.verify("trixie")
    assert [state.name for state in boxes.status() if state.state == "present"] == ["trixie"]


def test_a_box_that_was_changed_is_noticed_and_built_again() -> None:
    box = _built()
    info = box.file.stat()
    with box.file.open("r+b") as file:
        file.seek(1000)
        file.write(b"other bytes")
    with pytest.raises(LabFault, match="the box trixie is corrupt: a file was changed after it was built"):
        boxes.verify("trixie")
    # Even one whose time was set back.
    os.utime(box.file, ns=(info.st_atime_ns, info.st_mtime_ns))
    with pytest.raises(LabFault, match="is not what was built: its SHA-256 is"):
        boxes.verify("trixie")
    os.truncate(box.file, 100)
    assert _built().sha256 == boxes.verify("trixie").sha256


def test_a_box_that_is_not_there() -> None:
    with pytest.raises(LabFault, match="the box forky is missing; rehearse boxes build forky"):
        boxes.verify("forky")
    with pytest.raises(UsageError, match="no box is called 'trixi'; did you mean trixie"):
        boxes.find("trixi")


def test_no_room_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "ROOM", 2**62)
    with pytest.raises(LabFault, match=r"MB are free in .*, but 1 boxes need \d+ MB; make room"):
        _built()


def test_the_tiny_guest_comes_from_any_box(tmp_path: Path) -> None:
    with pytest.raises(LabFault, match="there is no box to take a kernel from; rehearse boxes build"):
        acceleration.tiny_guest(tmp_path)
    _built("forky")
    kernel, ram = acceleration.tiny_guest(tmp_path)
    assert kernel.read_text() == "vmlinuz of forky\n"
    assert ram.read_text() == "probe.img of forky\n"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH whose QEMU is a script; it counts the machines that it is asked to start."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin:/usr/sbin:/sbin")
    monkeypatch.setattr(acceleration, "DEVICE", tmp_path / "kvm")
    (tmp_path / "kvm").touch()
    return folder


def _qemu(folder: Path, does: str) -> None:
    script = folder / qemu.PROGRAM
    script.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then echo "QEMU emulator version 9"; exit; fi\n'
        f'echo started >>{folder}/log\nfor word in "$@"; do :; done\ntoken=${{word##*token=}}\n{does}\n'
    )
    script.chmod(0o755)


@pytest.mark.parametrize(
    ("does", "works", "why"),
    [
        ('echo "$token"', True, "KVM works"),
        ('echo "$token"; exit 1', False, "a guest does not run (it ended with status 1)"),
        ("echo something else", False, "a guest does not run (it ended with status 0)"),
        ("echo 'qemu-system-x86_64: no MSR' >&2; kill -ABRT $$", False, "a guest does not run (no MSR)"),
        ("exec sleep 60", False, "a guest did not come up within 0.5 s"),
    ],
)
def test_kvm_works_only_when_a_guest_said_its_word_and_ended_well(
    programs: Path, monkeypatch: pytest.MonkeyPatch, does: str, works: bool, why: str
) -> None:
    _qemu(programs, does)
    # The scripts need no kernel; only the hanging one waits so long.
    monkeypatch.setattr(acceleration.boots, "__defaults__", (0.5 if "sleep" in does else 20.0,))
    _built()
    found = acceleration.find()
    assert (found.kvm, why in found.why) == (works, True), found
    assert works or "emulated, which is slow" in found.why
    # The answer is kept, and is another machine's when the kernel or QEMU is another.
    assert acceleration.find() == acceleration.remembered() == found
    assert (programs / "log").read_text() == "started\n"
    monkeypatch.setattr("platform.release", lambda: "another kernel")
    assert acceleration.remembered() is None
    assert acceleration.find().kernel == "another kernel"
    assert (programs / "log").read_text() == "started\n" * 2


def test_a_wrong_answer_is_not_for_ever(programs: Path) -> None:
    """A machine that was too busy for a moment."""

    def said(*, again: bool = False) -> str:
        found = {one.name: one.detail for one in doctor.examine(again=again)}
        return found["vagrant lab: acceleration"]

    _built()
    _qemu(programs, "exit 1")
    assert said().endswith("machines are emulated, which is slow")
    _qemu(programs, 'echo "$token"')
    assert said().endswith("(as it was found before)")
    assert said(again=True) == said() == "KVM works"
    assert acceleration.find().kvm


def test_without_kvm_nothing_is_tried(
    programs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(acceleration, "DEVICE", tmp_path / "no-such-device")
    _qemu(programs, "exit 0")
    for again in (False, True):
        found = acceleration.find(again=again)
        assert (found.kvm, found.why[:11]) == (False, "no /dev/kvm")
    assert not (programs / "log").exists()


def test_an_answer_that_cannot_be_read_is_asked_for_again(programs: Path, cache: Path) -> None:
    _qemu(programs, 'echo "$token"')
    _built()
    assert acceleration.find().kvm
    (cache.parent / "acceleration.json").write_text('{"kvm": tr')
    assert acceleration.remembered() is None
    assert acceleration.find().kvm


def test_without_qemu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabFault, match="qemu-system-x86_64 is not installed; apt-get install"):
        acceleration.find()


def test_the_free_ports_are_on_loopback_and_lead_nowhere_else() -> None:
    ports, words = qemu.network()
    assert ports.ssh != ports.smb
    text = " ".join(words)
    assert "restrict=on" in text
    assert text.count("hostfwd=tcp:127.0.0.1:") == 2


def test_the_lab_has_a_vagrant_home_of_its_own(cache: Path) -> None:
    assert fetch.vagrant_home() == cache.parent / "vagrant"
    assert fetch.environment()["VAGRANT_HOME"] == str(cache.parent / "vagrant")
    assert BOXES
