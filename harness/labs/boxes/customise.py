"""The last step of a box's file system, as a hook of mmdebstrap(1): make it a guest of the lab.

``python -m harness.labs.boxes.customise TREE WORK BOX``; runs as root of the build, and prints nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from harness.errors import RehearsalError
from harness.labs.boxes import disk, initrd
from harness.labs.boxes.recipe import BOXES, UPDATES, Box, guest_files
from harness.system import environment, process
from harness.system.plain import say

USER = "vagrant"
SHARE = "srv/share"
LATER = "etc/apt/later.list"
"""The sources of the updates, put aside while the release is installed as it came."""

_MASKED = (
    # Nothing to do in a machine that lives for an hour.
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "man-db.timer",
    "systemd-tmpfiles-clean.timer",
    "systemd-timesyncd.service",
    # What costs a second each under software emulation, and changes nothing here.
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "getty@tty1.service",
    "kmod-static-nodes.service",
    "modprobe@configfs.service",
    "modprobe@dm_mod.service",
    "modprobe@drm.service",
    "modprobe@efi_pstore.service",
    "modprobe@fuse.service",
    "modprobe@loop.service",
    "proc-sys-fs-binfmt_misc.automount",
    "serial-getty@ttyS0.service",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-binfmt.service",
    "systemd-firstboot.service",
    "systemd-journal-flush.service",
    "systemd-modules-load.service",
    "systemd-network-generator.service",
    "systemd-networkd-wait-online.service",
    "systemd-pstore.service",
    "systemd-random-seed.service",
    "systemd-remount-fs.service",
    "systemd-sysusers.service",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    # A manager for each login: two seconds of every first one.
    "user@.service",
    "systemd-networkd-persistent-storage.service",
)
_DISABLED = ("nmbd.service", "samba-ad-dc.service", "winbind.service", "ksmbd.service")
"""Started by whoever wants them: the lab decides what is served, and how."""
_NO_GENERATORS = (
    "bless-boot",
    "cryptsetup",
    "factory-reset",
    "gpt-auto",
    "hibernate-resume",
    "integritysetup",
    "rc-local",
    "ssh",
    "sysv",
    "tpm2",
    "veritysetup",
)
"""Of systemd: each is a program more to start, and none has anything to do here."""
_DROP = ("etc/resolv.conf", "etc/hostname", "var/cache/apt", "var/lib/apt/lists", "var/log", LATER)
_SECONDS = 600.0


def customise(tree: Path, work: Path, box: Box) -> None:
    """Make the installed system in ``tree`` a guest, and leave in ``work`` what the box is packed from.

    That is disk.qcow2, vmlinuz, initrd.img, probe.img, id_ed25519 and packages.txt. Raises LabFault.
    """
    if box.updates:
        _fetch_updates(tree, box)
    for name, path in guest_files().items():
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        target.chmod(0o440 if "sudoers" in name else 0o644)
    _user(tree, work)
    _services(tree, box)
    _tidy(tree)
    (work / "packages.txt").write_text(
        _inside(tree, "dpkg-query", "--show", "--showformat", "${Package} ${Version}\\n").stdout
    )
    _kernel(tree, work)
    disk.make(tree, work, work / "disk.qcow2")


def _inside(tree: Path, *words: str) -> process.Result:
    done = process.run(["chroot", tree, *words], timeout=_SECONDS)
    return done.check(f"in the box: {words[0]}")


def _fetch_updates(tree: Path, box: Box) -> None:
    """Download what the vendor's update would install now; nothing of it is installed.

    mmdebstrap gives its hooks the configuration of an apt that works on the tree from outside.
    """
    for archive in (tree / "var/cache/apt/archives").glob("*.deb"):
        archive.unlink()
    sources = tree / "etc/apt/sources.list.d/later.list"
    shutil.copy(tree / LATER, sources)
    around = {**environment.tools(), "APT_CONFIG": os.environ["MMDEBSTRAP_APT_CONFIG"]}
    apt = ["apt-get", "--yes", "--quiet", "-o", f"Dir={tree}"]
    for words in (["update"], ["install", "--download-only", *box.updates]):
        process.run([*apt, *words], timeout=_SECONDS, env=around).check(f"the updates of {box.name}")
    target = tree / UPDATES
    target.mkdir(parents=True)
    for archive in (tree / "var/cache/apt/archives").glob("*.deb"):
        shutil.move(archive, target)
    sources.unlink()


def _user(tree: Path, work: Path) -> None:
    """The user that Vagrant logs in as, with a key that is made for this box."""
    key = work / "id_ed25519"
    process.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "smb-rehearsal", "-f", key], timeout=_SECONDS
    ).check("the key of the box", "apt-get install openssh-client")
    _inside(tree, "useradd", "--create-home", "--shell", "/bin/bash", USER)
    folder = tree / "home" / USER / ".ssh"
    folder.mkdir(mode=0o700)
    shutil.copy(work / "id_ed25519.pub", folder / "authorized_keys")
    _inside(tree, "chown", "-R", f"{USER}:", f"/home/{USER}")
    for other in (tree / "etc/ssh").glob("ssh_host_*"):
        if "ed25519" not in other.name:
            other.unlink()
    share = tree / SHARE
    share.mkdir(parents=True)
    share.chmod(0o777)


def _services(tree: Path, box: Box) -> None:
    _inside(tree, "systemctl", "enable", "systemd-networkd.service")
    there = [name for name in _DISABLED if (tree / "lib/systemd/system" / name).exists()]
    if there:
        _inside(tree, "systemctl", "disable", *there)
    generators = tree / "etc/systemd/system-generators"
    generators.mkdir(exist_ok=True)
    for name in _NO_GENERATORS:
        (generators / f"systemd-{name}-generator").symlink_to("/dev/null")
    units = tree / "etc/systemd/system"
    for name in (*_MASKED, *box.masked):
        (units / name).unlink(missing_ok=True)
        (units / name).symlink_to("/dev/null")


def _tidy(tree: Path) -> None:
    """Nothing of the building machine; logs and lists are made anew where they are needed."""
    for name in _DROP:
        path = tree / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
            path.mkdir()
        else:
            path.unlink(missing_ok=True)
    # Empty: every machine makes an identity of its own, and none believes that it boots for the first time.
    (tree / "etc/machine-id").write_text("")
    (tree / "etc/fstab").write_text("")
    (tree / "etc/resolv.conf").write_text("")
    (tree / "etc/hostname").write_text("guest\n")
    (tree / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 guest\n")
    # Newer than /usr: nothing is to be brought up to date at the first boot.
    for name in ("etc/.updated", "var/.updated"):
        (tree / name).touch()
    # What mmdebstrap keeps services down with while packages are installed.
    (tree / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
    real = tree / "sbin/start-stop-daemon.REAL"
    if real.exists():
        real.rename(real.with_suffix(""))
    (tree / "var/cache/apt/archives/partial").mkdir(parents=True)
    (tree / "var/log/samba").mkdir()


def _kernel(tree: Path, work: Path) -> None:
    kernel = sorted((tree / "boot").glob("vmlinuz-*"))[-1]
    modules = tree / "lib/modules" / kernel.name.partition("-")[2]
    busybox = tree / "bin/busybox"
    initrd.make(
        work / "ram",
        work / "initrd.img",
        busybox,
        init=initrd.INIT,
        modules=modules,
        drivers=initrd.DRIVERS,
    )
    initrd.make(work / "probe", work / "probe.img", busybox, init=initrd.PROBE)
    shutil.copy(kernel, work / "vmlinuz")
    for name in (disk.KERNEL, disk.INITRD):
        shutil.copy(work / Path(name).name, tree / name)
    (tree / "boot/grub").mkdir(exist_ok=True)
    (tree / "boot/grub/grub.cfg").write_text(disk.GRUB_CFG)


def main(words: list[str]) -> int:
    """The hook's command line."""
    tree, work, name = words
    try:
        customise(Path(tree), Path(work), BOXES[name])
    except RehearsalError as error:
        # mmdebstrap's own errors look so, and the first one is what the user is told.
        say(f"E: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
