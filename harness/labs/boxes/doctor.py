"""What ``rehearse doctor`` says about virtual machines. None of it is an obstacle for the local lab."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from harness.errors import LabFault, RehearsalError
from harness.labs import boxes, guests
from harness.labs.boxes import ROOM, acceleration, disk, fetch, plugin
from harness.labs.finding import DoctorFinding, note, optional
from harness.labs.guests import BuiltBox, Guest
from harness.labs.images.storage import needed_room
from harness.system.environment import tool_path
from harness.system.paths import made_cache_dir
from harness.system.programs import INSTALL

_LAB = "vagrant lab"
_PROGRAMS = (
    # what is looked for, the Debian package that has it
    ("vagrant", "vagrant"),
    ("libvirtd", "libvirt-daemon-system libvirt-daemon-system-sysv"),
    ("dnsmasq", "dnsmasq-base"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("qemu-img", "qemu-utils"),
)
_BUILDERS = (
    ("mke2fs", "e2fsprogs"),
    ("grub-mkimage", "grub-common"),
    ("cpio", "cpio"),
    ("ssh-keygen", "openssh-client"),
    (str(disk.GRUB / "boot.img"), "grub-pc-bin"),
)
_PLUGINS = f"{plugin.NAME}-*"
_GEMS = (
    Path("/usr/share/rubygems-integration/all/gems"),
    Path("/usr/share/rubygems-integration/all/specifications"),
)
_WINRM = ("winrm", "winrm-elevated", "winrm-fs")
"""The gems that Vagrant needs to speak WinRM; the Vagrantfile asks for the same."""
_GEM_SPECIFICATIONS = (
    "/usr/share/rubygems-integration/*/specifications",
    "/var/lib/gems/*/specifications",
    "/usr/local/lib/ruby/gems/*/specifications",
    "/usr/lib/ruby/gems/*/specifications",
    # Vagrant as its maker packages it, with a Ruby of its own.
    "/opt/vagrant/embedded/gems/*/specifications",
)
_OTHERS = {"virtualbox": "VBoxManage", "vmware_desktop": "vmrun"}
"""Providers of Vagrant besides libvirt, and a program by which they are known."""


_GIVES = "servers and clients in virtual machines (--lab vagrant)"


def examine(*, again: bool = False) -> list[DoctorFinding]:
    """Look at what virtual machines need. Boots a tiny one (8 s at most) when that was not done yet.

    ``again``: boot it in any case.
    """
    return list(_look(again=again))


def _look(*, again: bool) -> Iterator[DoctorFinding]:
    yield _programs("programs", _PROGRAMS)
    # Root needs no other users' numbers.
    builders = _BUILDERS if os.geteuid() == 0 else (*_BUILDERS, ("newuidmap", "uidmap"))
    yield _programs("to build boxes", builders)
    yield _providers()
    yield _acceleration(again=again)
    yield note(f"{_LAB}: memory", _memory())
    yield note(f"{_LAB}: disk space", _space())
    try:
        catalogue = guests.load()
        yield _built()
        yield _fetched(catalogue)
        yield note(f"{_LAB}: Windows guests", _windows(catalogue, _lacking_gems()))
        yield note(f"{_LAB}: evaluation licences", _licences(catalogue))
    except RehearsalError as error:
        yield optional(f"{_LAB}: guests", error.message, _GIVES, error.hint or "mend that file")


def _programs(what: str, wanted: tuple[tuple[str, str], ...]) -> DoctorFinding:
    name = f"{_LAB}: {what}"
    lacks = [(program, package) for program, package in wanted if not _there(program)]
    if not lacks:
        return DoctorFinding(name, True, ", ".join(Path(program).name for program, _ in wanted))
    names = ", ".join(Path(program).name for program, _ in lacks)
    mend = f"{INSTALL} {' '.join(package for _, package in lacks)}"
    return optional(name, f"not installed: {names}", _GIVES, mend)


def _there(name: str) -> bool:
    return Path(name).exists() or bool(shutil.which(name, path=tool_path()))


def _providers() -> DoctorFinding:
    found = [f"libvirt ({_version()})"] if plugin.registered() else []
    found += [name for name, known_by in _OTHERS.items() if shutil.which(known_by, path=tool_path())]
    name = f"{_LAB}: providers"
    if found:
        return DoctorFinding(name, True, ", ".join(found))
    return optional(name, "none", _GIVES, plugin.hint())


def _version() -> str:
    """Of the plugin, by the folder of its gem."""
    gems = sorted(found.name for gems in _GEMS for found in gems.glob(_PLUGINS))
    if not gems:
        gems = sorted(found.name for found in fetch.vagrant_home().glob(f"gems/*/gems/{_PLUGINS}"))
    # A gem and its specification have the same name, but for the ending.
    return gems[0].removesuffix(".gemspec") if gems else plugin.NAME


def _acceleration(*, again: bool) -> DoctorFinding:
    name, gives = (
        f"{_LAB}: acceleration",
        "virtual machines that are not slow (they run without it, emulated)",
    )
    try:
        known = acceleration.remembered()
        found = acceleration.find(again=again)
    except LabFault as fault:
        return optional(name, f"not known: {fault.message}", gives, fault.hint or "rehearse doctor --again")
    if found.kvm:
        return DoctorFinding(name, True, found.why)
    # One of no boot is true without a try.
    before = " (as it was found before)" if not again and known is not None and known.boot else ""
    return optional(name, f"{found.why}{before}", gives, "a machine with KVM, then: rehearse doctor --again")


def _memory() -> str:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            available = int(line.split()[1]) // 1024
            return f"{available} MB available; a Linux guest takes 512, a Windows guest 2048 to 4096"
    return "not known"


def _space() -> str:
    missing = [boxes.BOXES[state.name] for state in boxes.status() if state.state != "present"]
    needed = needed_room(missing, ROOM) >> 20
    free = shutil.disk_usage(made_cache_dir()).free >> 20
    return f"{free} MB free" + (f", {needed} MB needed to build the boxes that are missing" if needed else "")


def _built() -> DoctorFinding:
    name, states = f"{_LAB}: boxes", boxes.status()
    detail = ", ".join(
        f"{state.name} {state.state}" + (f" ({state.why})" if state.why else "") for state in states
    )
    if all(state.state == "present" for state in states):
        return DoctorFinding(name, True, detail)
    gives = "a first run in virtual machines that need not build them"
    return optional(name, detail, gives, "rehearse boxes build")


def _there_of(guest: Guest) -> Path | None:
    """The newest folder of a guest's box in the lab's Vagrant home."""
    home = fetch.vagrant_home()
    versions = fetch.installed(guest.box.name, home)
    return fetch.folder_of(guest.box.name, home) / list(versions)[-1] if versions else None


def _fetched(catalogue: dict[str, Guest]) -> DoctorFinding:
    name = f"{_LAB}: boxes of others"
    others = [guest for guest in catalogue.values() if not isinstance(guest.box, BuiltBox)]
    there = [guest.name for guest in others if _there_of(guest)]
    detail = f"{', '.join(there) or 'none'}; of {len(others)} (rehearse boxes list)"
    if len(there) == len(others):
        return note(name, detail)
    gives = "the guests that are made of them; what was never started by this project says so"
    return optional(name, detail, gives, "rehearse boxes fetch NAME")


def _windows(catalogue: dict[str, Guest], lacking: list[str]) -> str:
    """Which way into Windows guests is taken, by us and by Vagrant, and why."""
    found = [catalogue[name] for name in guests.windows(catalogue)]
    over = {way: sum(guest.communicator == way for guest in found) for way in ("winrm", "ssh")}
    said = f"rehearse reaches {over['winrm']} over WinRM and {over['ssh']} over SSH, as guests.yaml says"
    if not over["winrm"]:
        return said
    if not lacking:
        return f"{said}; so does Vagrant, which waits for their boot: its WinRM gems are here"
    return (
        f"{said}; Vagrant waits for the boot of all of them over SSH, for its Ruby lacks the gems "
        f"{', '.join(lacking)} (Debian's Vagrant comes without WinRM): a box must answer SSH too"
    )


def _lacking_gems() -> list[str]:
    """The gems for WinRM that Vagrant's Ruby does not find."""
    folders = [folder for pattern in _GEM_SPECIFICATIONS for folder in Path("/").glob(pattern[1:])]
    folders += fetch.vagrant_home().glob("gems/*/specifications")
    there = {path.name for folder in folders for path in folder.glob("winrm*.gemspec")}
    return [gem for gem in _WINRM if not any(re.match(rf"{gem}-\d", name) for name in there)]


def _licences(catalogue: dict[str, Guest]) -> str:
    said = []
    for guest in catalogue.values():
        folder = _there_of(guest) if guest.evaluation_days else None
        if folder is not None:
            days = int((time.time() - folder.stat().st_mtime) // 86400)
            said.append(
                f"{guest.name}: fetched {days} days ago, runs {guest.evaluation_days} from its installation"
            )
    return "; ".join(said) or "no guest with one is here"
