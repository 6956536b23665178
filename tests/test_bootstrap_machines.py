"""What ./rehearse installs for virtual machines, and when: only where a command wants them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from bootstrapping import SECONDS, make_checkout, make_environment, make_programs, put_script, start

MACHINES: tuple[str, ...] = ("vagrant", "libvirtd", "dnsmasq", "iptables", "nft", "qemu-img", "mke2fs")
MACHINES += ("qemu-system-x86_64", "grub-mkimage", "cpio", "ssh-keygen", "newuidmap")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    return make_programs(tmp_path)


@pytest.fixture
def bare(checkout: Path) -> Path:
    """A checkout that finds nothing of what virtual machines need outside of its PATH; where it looks."""
    elsewhere = checkout.parent / "system"
    for folder in ("ruby/gems", "grub", "sbin"):
        (elsewhere / folder).mkdir(parents=True)
    script = checkout / "requirements/bootstrap.sh"
    text = script.read_text()
    for name, place in (
        ("/usr/share/rubygems-integration/all", "ruby"),
        ("/usr/lib/grub/i386-pc", "grub"),
        ("/usr/sbin", "sbin"),
        ("/sbin/", "sbin/"),
    ):
        assert name in text
        text = re.sub(rf"(?<![\w}}/]){re.escape(name)}", str(elsewhere / place), text)
    script.write_text(text)
    return elsewhere


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("run --lab vagrant", True),
        ("run article --lab=vagrant", True),
        ("up samba-trixie", True),
        ("boxes build", True),
        ("boxes verify --boot", True),
        ("boxes list", False),
        ("run", False),
        ("run --lab local", False),
        ("list up", False),
        ("", False),
    ],
)
def test_what_virtual_machines_need_is_installed_only_when_they_are_wanted(
    checkout: Path, programs: Path, bare: Path, words: str, wanted: bool
) -> None:
    make_environment(checkout)
    log = checkout.parent / "log"
    policy = bare / "sbin/policy-rc.d"
    put_script(programs, "apt-get", f'echo "apt-get $*" >>{log}; "{policy}" >>{log} 2>&1; echo $? >>{log}')
    put_script(programs, "sudo", 'exec "$@"')
    done = start(checkout, programs, *words.split())
    assert done.returncode == 0, done.stderr
    assert log.exists() is wanted
    if wanted:
        said = done.stderr.partition("installing Debian packages")[2].partition(": ")[2].split()
        assert said[:2] == ["vagrant", "vagrant-libvirt"]
        assert {"libvirt-daemon-system", "qemu-system-x86", "grub-pc-bin", "cpio"} < set(said)
        lines = [line for line in log.read_text().splitlines() if "not found" not in line]
        _update, before, install, during = lines
        assert install.split()[-len(said) :] == said
        # Nobody could start a service while packages were installed, and the rule is gone again.
        assert (before, during) == ("127", "101")
        assert not policy.exists()
        # Now everything is there.
        for name in MACHINES:
            (programs / name).symlink_to("/bin/true")
        (bare / "grub/boot.img").touch()
        (bare / "ruby/gems/vagrant-2.3.4").touch()
        (bare / "ruby/gems/vagrant-libvirt-0.11.2").touch()
        again = start(checkout, programs, *words.split())
        assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "uri"),
    [
        ("run --lab vagrant --connect qemu+ssh://host/system", ""),
        ("up --connect=qemu+ssh://host/system samba-trixie", ""),
        ("up samba-trixie", "qemu+ssh://host/system"),
    ],
    ids=["apart", "together", "environment"],
)
def test_for_machines_elsewhere_no_hypervisor_is_installed_here(
    checkout: Path, programs: Path, bare: Path, words: str, uri: str
) -> None:
    assert bare.exists()
    make_environment(checkout)
    put_script(programs, "apt-get", "exit 0")
    put_script(programs, "sudo", 'exec "$@"')
    done = start(checkout, programs, *words.split(), uri=uri)
    assert done.returncode == 0, done.stderr
    said = done.stderr.partition("installing Debian packages")[2].partition(": ")[2].split()
    assert {"vagrant", "vagrant-libvirt", "libvirt-clients", "openssh-client", "grub-pc-bin"} < set(said)
    assert not {"libvirt-daemon-system", "qemu-system-x86", "dnsmasq-base", "nftables"} & set(said)


def test_a_rule_that_a_killed_installation_left_goes_with_the_next(
    checkout: Path, programs: Path, bare: Path
) -> None:
    make_environment(checkout)
    policy = bare / "sbin/policy-rc.d"
    # Killed outright: the whole of it is gone before it can clean up.
    put_script(programs, "apt-get", f"test -e {policy} && kill -9 $PPID; exit 0")
    put_script(programs, "sudo", 'exec "$@"')
    assert start(checkout, programs, "boxes", "build").returncode != 0
    assert policy.exists()
    put_script(programs, "apt-get", "exit 0")
    assert start(checkout, programs, "boxes", "build").returncode == 0
    assert not policy.exists()


def test_the_rule_of_the_administrator_is_kept(checkout: Path, programs: Path, bare: Path) -> None:
    make_environment(checkout)
    put_script(bare / "sbin", "policy-rc.d", "exit 104")
    put_script(programs, "apt-get", "exit 0")
    put_script(programs, "sudo", 'exec "$@"')
    assert start(checkout, programs, "boxes", "build").returncode == 0
    assert "104" in (bare / "sbin/policy-rc.d").read_text()


def test_vagrant_of_another_origin_keeps_its_own_plugins(checkout: Path, programs: Path, bare: Path) -> None:
    make_environment(checkout)
    (programs / "vagrant").symlink_to("/bin/true")
    put_script(programs, "apt-get", "exit 0")
    put_script(programs, "sudo", 'exec "$@"')
    done = start(checkout, programs, "up")
    assert "libvirt-daemon-system" in done.stderr
    assert "vagrant-libvirt" not in done.stderr
    (bare / "ruby/gems/vagrant-2.3.4").touch()
    assert " vagrant-libvirt " in start(checkout, programs, "up").stderr


def test_without_sudo_root_is_asked_once_for_both_commands(
    checkout: Path, programs: Path, bare: Path
) -> None:
    """Whatever either of them lacks, and for virtual machines where they are wanted."""
    assert bare.exists()
    (programs / "mmdebstrap").unlink()
    put_script(programs, "apt-get", "exit 100")
    put_script(programs, "id", "echo 1000")
    said = {}
    for name in ("rehearse", "test"):
        done = subprocess.run(
            [checkout / name],
            env={"PATH": str(programs), "HOME": str(checkout.parent / "home")},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 2
        said[name] = done.stderr.partition("as root, for ./rehearse and ./test: ")[2]
    assert said["rehearse"] == said["test"] != ""
    machines = (
        start(checkout, programs, "boxes", "build").stderr.partition("--no-install-recommends ")[2].split()
    )
    tests = {"nmap", "openssh-client", "gpg-agent", "zstd", "strace", "iproute2"}
    assert {"mmdebstrap", *tests, "vagrant", "qemu-system-x86", "uidmap"} < set(machines)
    assert len(machines) == len(set(machines))
