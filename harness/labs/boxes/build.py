"""How a box is made: Debian packages, installed in a directory, then customised, then packed for Vagrant.

Measured on two cores: about 70 s and 1.3 GB at the peak, of which 200 MB stay.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tarfile
import time
from pathlib import Path

from harness.labs.boxes import customise, disk
from harness.labs.boxes.recipe import Box
from harness.labs.roots import debian

VERSION = "0.1"
"""The first part of a box's version; the second is when it was built, in seconds since 1970."""

PARTS = ("metadata.json", "Vagrantfile", "vmlinuz", "initrd.img", "probe.img", "id_ed25519", "box.img")
"""The files in a box; what is small comes first, for it is read without the rest."""
CATALOGUE = "box.json"
"""Beside the box: what Vagrant is given as its address, for a version and a checksum."""

_STAGES = (
    ("running apt-get update", "reading the package lists", 0.02),
    ("downloading packages", "downloading packages", 0.05),
    ("extracting archives", "unpacking", 0.2),
    ("installing essential packages", "installing", 0.3),
    ("installing remaining packages", "installing", 0.4),
    ("running --customize-hook", "making it a guest of the lab", 0.7),
    ("success", "packing", 0.95),
)

VAGRANTFILE = f"""\
# What every machine made of this box has in common.
here = File.dirname(File.expand_path(__FILE__))
Vagrant.configure("2") do |config|
  config.vm.guest = :debian
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.ssh.shell = "sh"
  config.ssh.insert_key = false
  config.ssh.private_key_path = File.join(here, "id_ed25519")
  config.vm.provider :libvirt do |libvirt|
    libvirt.disk_bus = "virtio"
    libvirt.nic_model_type = "virtio"
    libvirt.kernel = File.join(here, "vmlinuz")
    libvirt.initrd = File.join(here, "initrd.img")
    libvirt.cmd_line = "{disk.COMMAND_LINE}"
  end
end
"""
_METADATA = {"provider": "libvirt", "format": "qcow2", "virtual_size": disk.SIZE >> 30}


def build_box(box: Box, root: Path, tell: debian.Tell, home: Path) -> tuple[str, ...]:
    """Build ``box`` in the directory ``root`` (made here), and answer with its packages as "name version".

    ``home``: where the directory is going to stay, for the box's catalogue names its file.
    Raises LabFault: no mmdebstrap or another program, no keyring, no network, no space.
    """
    root.mkdir()
    work = root.parent / "work"
    work.mkdir()
    debian.mmdebstrap(f"the box {box.name}", command(box, work), _STAGES, tell)
    packages = tuple((work / "packages.txt").read_text().splitlines())
    _pack(box, work, root, home)
    shutil.rmtree(work)
    return packages


def command(box: Box, work: Path) -> list[str]:
    """The mmdebstrap(1) command line; the tree itself is thrown away when the hook has made a disk of it."""
    words = [
        # A process namespace: nothing of the build outlives it when it is killed. An ordinary user is root of
        # a user namespace, with the other users that newuidmap(1) gives (measured, mmdebstrap 1.3).
        "unshare",
        *(() if os.geteuid() == 0 else ("--user", "--map-root-user", "--map-auto")),
        *("--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
        "env",
        # Debian's kernel packages then make no initramfs of their own: boxes have one that boots faster.
        "INITRD=No",
        f"TMPDIR={work}",
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--format=null",
        *debian.OPTIONS,
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        # What was fixed in a package is read from here.
        "--dpkgopt=path-include=/usr/share/doc/*/changelog.Debian.gz",
        "--skip=cleanup/apt",
        f"--include={','.join(box.packages)}",
    ]
    if box.updates:
        later = f'grep -e -security -e -updates "$1/etc/apt/sources.list" >"$1/{customise.LATER}"'
        words.append(f"--setup-hook={later}")
    if not box.security:
        words.append(debian.AS_RELEASED)
    words.append(
        f'--customize-hook="{sys.executable}" -m harness.labs.boxes.customise "$1" "{work}" {box.name}'
    )
    words += [box.suite, "-", *debian.sources(box.suite, security=box.security or bool(box.updates))]
    return words


def _pack(box: Box, work: Path, root: Path, home: Path) -> None:
    """The box file, and the catalogue that Vagrant reads its version and checksum from."""
    file = root / f"{box.name}.box"
    (work / "metadata.json").write_text(json.dumps(_METADATA))
    (work / "Vagrantfile").write_text(VAGRANTFILE)
    (work / "disk.qcow2").rename(work / "box.img")
    with tarfile.open(file, "w") as archive:
        for name in PARTS:
            archive.add(work / name, name)
    # Whoever can read the key can log in to the machines.
    file.chmod(0o600)
    (root / CATALOGUE).write_text(json.dumps(catalogue(box, file, home), indent=1) + "\n")


def vagrant_name(name: str) -> str:
    """A box as Vagrant calls it."""
    return f"smb-rehearsal/{name}"


def catalogue(box: Box, file: Path, home: Path) -> dict[str, object]:
    """Vagrant's box catalogue metadata: one version, one provider."""
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    provider = {
        "name": "libvirt",
        "url": (home / file.name).as_uri(),
        "checksum_type": "sha256",
        "checksum": sha256,
    }
    return {
        "name": vagrant_name(box.name),
        "description": box.title,
        "versions": [{"version": f"{VERSION}.{int(time.time())}", "providers": [provider]}],
    }
