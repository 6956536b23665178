"""The commands that docs/vagrant.md gives for plain Vagrant start a libvirt in which a machine runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from harness.labs import namespace
from harness.system import process

pytestmark = [pytest.mark.local_lab, pytest.mark.usefixtures("lab")]

PAGE = Path(__file__).parents[3] / "docs" / "vagrant.md"
# Folders of libvirt's own, as its packages install them, over those of this machine: it is left as it is.
SCRIPT = """
set -eu
mount -t tmpfs tmpfs /run
for folder in var/lib/libvirt var/log/libvirt etc/libvirt; do
    mkdir -p "$1/$folder" "/$folder"
    [ "$folder" != etc/libvirt ] || cp -a /etc/libvirt/. "$1/$folder"
    mount --bind "$1/$folder" "/$folder"
done
mount -t sysfs sysfs /sys
printf '%s\\n' "$2" >>/etc/libvirt/qemu.conf
! virsh -q -c qemu:///system list 2>"$1/before"
eval "$3"
virsh -q -c qemu:///system create "$1/machine.xml"
virsh -q -c qemu:///system list --name
virsh -q -c qemu:///system destroy plain
"""
MACHINE = """<domain type='qemu'><name>plain</name><memory unit='MiB'>64</memory>
<os><type arch='x86_64'>hvm</type></os><devices><console type='pty'/></devices></domain>"""


def documented(begins: str) -> str:
    """The line of the page's code that begins so. Fails when it is not there."""
    (line,) = re.findall(rf"^    (?:sudo )?({begins}.*)$", PAGE.read_text(), re.MULTILINE)
    return str(line)


def test_without_systemd_the_documented_command_starts_libvirt(tmp_path: Path) -> None:
    """As it is after our own installation, which keeps services off: virsh and Vagrant find no libvirt."""
    if not namespace.inside() or not shutil.which("libvirtd") or not shutil.which("qemu-system-x86_64"):
        pytest.skip("needs libvirtd and QEMU: ./test --vagrant installs them")
    (tmp_path / "machine.xml").write_text(MACHINE)
    setting = documented("echo 'cgroup_controllers").partition("'")[2].partition("'")[0]
    start = documented("virtlogd --daemon").replace("sudo ", "")
    apart = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    argv: list[str | Path] = [*apart, "sh", "-c", SCRIPT, "sh", tmp_path, setting, start]
    done = process.run(argv, timeout=120)
    assert done.ok, done.stderr
    assert "libvirt-sock" in (tmp_path / "before").read_text()
    assert "plain" in done.stdout.split()
