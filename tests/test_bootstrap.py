"""./rehearse and ./test before anything is installed. Whole starts on bare systems: .ci/bare-chroot."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 60.0

# What the scripts themselves use, without what they install.
PLAIN = tuple(
    "sh cat chmod cksum cut date dirname env find flock getent id mkdir readlink rm sleep".split()  # noqa: SIM905
)
NEEDED = ("mmdebstrap", "gpg", "unshare", "setpriv")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with an environment that is already made: this very Python's."""
    there = tmp_path / "check out"
    (there / "requirements").mkdir(parents=True)
    needed = ("bootstrap.sh", "run.txt", "cluster.txt", "dev.txt")
    for name in ("rehearse", "test", *(f"requirements/{one}" for one in needed)):
        shutil.copy(ROOT / name, there / name)
    (there / "harness").mkdir()
    (there / "harness/__init__.py").touch()
    # What was started, and how.
    (there / "harness/__main__.py").write_text("import os, sys; print(sys.argv[1:], os.getcwd())\n")
    return there


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH with little on it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PLAIN:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    for name in NEEDED:
        (folder / name).symlink_to("/bin/true")
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    return folder


def _environment(checkout: Path) -> None:
    """What a first start makes, without its downloads."""
    venv = checkout / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True, timeout=SECONDS)
    interpreter = (venv / "bin/python").resolve()
    (venv / "stamp.run").write_text((checkout / "requirements/run.txt").read_text() + f"{interpreter}\n")


def _start(
    checkout: Path, programs: Path, *words: str, cwd: Path | None = None, uri: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "rehearse", *words],
        env={"PATH": str(programs), "HOME": str(checkout.parent / "home"), "SMB_REHEARSAL_URI": uri},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=cwd,
    )


def _script(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_later_start_says_nothing_and_keeps_the_directory(
    checkout: Path, programs: Path, tmp_path: Path
) -> None:
    _environment(checkout)
    link = tmp_path / "link to rehearse"
    link.symlink_to(checkout / "rehearse")
    elsewhere = tmp_path / "elsewhere"
    # Not what is meant.
    (elsewhere / "harness").mkdir(parents=True)
    (elsewhere / "harness/__init__.py").touch()
    (elsewhere / "harness/__main__.py").write_text("print('the wrong one')\n")
    done = subprocess.run(
        [link, "run", "two words", ""],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=elsewhere,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"['run', 'two words', ''] {elsewhere}\n", "")


def test_a_later_start_starts_few_programs(checkout: Path, programs: Path) -> None:
    _environment(checkout)
    log = checkout.parent / "log"
    for name in PLAIN:
        if name != "sh":
            _script(programs, name, f'echo {name} >>"{log}"; exec {shutil.which(name)} "$@"')
    assert _start(checkout, programs).returncode == 0
    # Where the script and the interpreter are, and the stamp against what it should say: twice each at most.
    started = log.read_text().split()
    assert set(started) <= {"cat", "dirname", "readlink"}
    assert len(started) <= 8


@pytest.mark.parametrize("what", ["pins", "interpreter"])
def test_other_pins_or_another_python_make_it_anew(checkout: Path, programs: Path, what: str) -> None:
    _environment(checkout)
    if what == "pins":
        (checkout / "requirements/run.txt").write_text("# nothing is needed any more\n")
    else:
        (checkout / ".venv/bin/python").unlink()
        (checkout / ".venv/bin/python").symlink_to("/bin/false")
        (checkout / "requirements/run.txt").write_text("# nothing to download\n")
    done = _start(checkout, programs)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"rehearse: making a Python environment in {checkout}/.venv",
        "rehearse: installing Python packages (run)",
    ]
    again = _start(checkout, programs)
    assert (again.returncode, again.stderr) == (0, "")


def test_two_at_once(checkout: Path, programs: Path) -> None:
    (checkout / "requirements/run.txt").write_text("# nothing to download\n")
    both = [
        subprocess.Popen(
            [checkout / "rehearse", str(number)],
            env={"PATH": str(programs)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    said = [process.communicate(timeout=SECONDS) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    errors = "".join(err for _, err in said)
    assert errors.count("making a Python environment") == 1, errors


def test_what_is_missing_is_named_before_it_is_installed(checkout: Path, programs: Path) -> None:
    _environment(checkout)
    (programs / "mmdebstrap").unlink()
    _script(programs, "apt-get", f'echo "apt-get $*" >>{checkout.parent}/log')
    _script(programs, "sudo", 'exec "$@"')
    done = _start(checkout, programs)
    assert done.returncode == 0, done.stderr
    how = "" if os.geteuid() == 0 else " with sudo"
    assert done.stderr == f"rehearse: installing Debian packages{how}: mmdebstrap\n"
    update, install = (checkout.parent / "log").read_text().splitlines()
    assert update.endswith(" update")
    assert install.endswith(" install -y --no-install-recommends mmdebstrap")


MACHINES: tuple[str, ...] = ("vagrant", "libvirtd", "dnsmasq", "iptables", "nft", "qemu-img", "mke2fs")
MACHINES += ("qemu-system-x86_64", "grub-mkimage", "cpio", "ssh-keygen", "newuidmap")


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
    _environment(checkout)
    log = checkout.parent / "log"
    policy = bare / "sbin/policy-rc.d"
    _script(programs, "apt-get", f'echo "apt-get $*" >>{log}; "{policy}" >>{log} 2>&1; echo $? >>{log}')
    _script(programs, "sudo", 'exec "$@"')
    done = _start(checkout, programs, *words.split())
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
        again = _start(checkout, programs, *words.split())
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
    _environment(checkout)
    _script(programs, "apt-get", "exit 0")
    _script(programs, "sudo", 'exec "$@"')
    done = _start(checkout, programs, *words.split(), uri=uri)
    assert done.returncode == 0, done.stderr
    said = done.stderr.partition("installing Debian packages")[2].partition(": ")[2].split()
    assert {"vagrant", "vagrant-libvirt", "libvirt-clients", "openssh-client", "grub-pc-bin"} < set(said)
    assert not {"libvirt-daemon-system", "qemu-system-x86", "dnsmasq-base", "nftables"} & set(said)


def test_a_rule_that_a_killed_installation_left_goes_with_the_next(
    checkout: Path, programs: Path, bare: Path
) -> None:
    _environment(checkout)
    policy = bare / "sbin/policy-rc.d"
    # Killed outright: the whole of it is gone before it can clean up.
    _script(programs, "apt-get", f"test -e {policy} && kill -9 $PPID; exit 0")
    _script(programs, "sudo", 'exec "$@"')
    assert _start(checkout, programs, "boxes", "build").returncode != 0
    assert policy.exists()
    _script(programs, "apt-get", "exit 0")
    assert _start(checkout, programs, "boxes", "build").returncode == 0
    assert not policy.exists()


def test_the_rule_of_the_administrator_is_kept(checkout: Path, programs: Path, bare: Path) -> None:
    _environment(checkout)
    _script(bare / "sbin", "policy-rc.d", "exit 104")
    _script(programs, "apt-get", "exit 0")
    _script(programs, "sudo", 'exec "$@"')
    assert _start(checkout, programs, "boxes", "build").returncode == 0
    assert "104" in (bare / "sbin/policy-rc.d").read_text()


def test_vagrant_of_another_origin_keeps_its_own_plugins(checkout: Path, programs: Path, bare: Path) -> None:
    _environment(checkout)
    (programs / "vagrant").symlink_to("/bin/true")
    _script(programs, "apt-get", "exit 0")
    _script(programs, "sudo", 'exec "$@"')
    done = _start(checkout, programs, "up")
    assert "libvirt-daemon-system" in done.stderr
    assert "vagrant-libvirt" not in done.stderr
    (bare / "ruby/gems/vagrant-2.3.4").touch()
    assert " vagrant-libvirt " in _start(checkout, programs, "up").stderr


def test_what_takes_long_shows_that_it_still_runs(checkout: Path, programs: Path) -> None:
    _environment(checkout)
    (programs / "mmdebstrap").unlink()
    slept, nap = checkout.parent / "slept", shutil.which("sleep")
    _script(programs, "sleep", f'echo "$*" >>"{slept}"; exec {nap} 0.05')
    # Ends when twice the time between two lines has passed.
    _script(programs, "apt-get", f'until [ "$(cat "{slept}" | grep -c .)" -ge 3 ]; do {nap} 0.01; done')
    (programs / "grep").symlink_to(str(shutil.which("grep")))
    _script(programs, "sudo", 'exec "$@"')
    done = _start(checkout, programs)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^rehearse: installing Debian packages, for \d+ s now$", done.stderr, re.MULTILINE)
    assert set(slept.read_text().split()) == {"20"}


def test_apt_that_fails_is_heard(checkout: Path, programs: Path) -> None:
    _environment(checkout)
    (programs / "mmdebstrap").unlink()
    _script(programs, "apt-get", 'echo "E: Unable to fetch some archives" >&2; exit 100')
    _script(programs, "sudo", 'exec "$@"')
    done = _start(checkout, programs)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[1:] == [
        "E: Unable to fetch some archives",
        "rehearse: apt-get failed, what it said is above",
    ]


def test_without_sudo_the_command_for_root_is_said(checkout: Path, programs: Path) -> None:
    _environment(checkout)
    (programs / "mmdebstrap").unlink()
    _script(programs, "apt-get", "exit 100")
    _script(programs, "id", "echo 1000")
    done = _start(checkout, programs)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "rehearse: missing: mmdebstrap; as root, for ./rehearse and ./test: "
        "apt-get update && apt-get install --no-install-recommends "
        "mmdebstrap nmap openssh-client gpg-agent zstd strace\n"
    )


def test_without_sudo_root_is_asked_once_for_both_commands(
    checkout: Path, programs: Path, bare: Path
) -> None:
    """Whatever either of them lacks, and for virtual machines where they are wanted."""
    assert bare.exists()
    (programs / "mmdebstrap").unlink()
    _script(programs, "apt-get", "exit 100")
    _script(programs, "id", "echo 1000")
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
        _start(checkout, programs, "boxes", "build").stderr.partition("--no-install-recommends ")[2].split()
    )
    tests = {"nmap", "openssh-client", "gpg-agent", "zstd", "strace"}
    assert {"mmdebstrap", *tests, "vagrant", "qemu-system-x86", "uidmap"} < set(machines)
    assert len(machines) == len(set(machines))


def test_a_python_that_is_too_old(checkout: Path, programs: Path) -> None:
    _script(programs, "python3", '[ "$1" = -V ] && echo Python 3.9.2; exit 1')
    done = _start(checkout, programs)
    assert done.returncode == 2
    assert done.stderr == (
        "rehearse: Python 3.11 or later is needed, not Python 3.9.2; install one, set PYTHON to its path\n"
    )


def test_what_the_caller_has_set_for_other_programs_reaches_our_python_not(
    checkout: Path, programs: Path, tmp_path: Path
) -> None:
    _environment(checkout)
    (checkout / "harness/__main__.py").write_text(
        "import os, sys; old = os.umask(0); print(oct(old), os.environ['PATH'], sorted(n for n in os.environ "
        "if n.startswith(('PYTHON', 'LD_'))), os.environ['PYTHONPATH'], sys.flags.optimize)\n"
    )
    _script(tmp_path, "readlink", "echo the wrong one")
    odd = {"PYTHONPATH": str(tmp_path), "PYTHONOPTIMIZE": "2", "PYTHONSTARTUP": "x", "LD_LIBRARY_PATH": "x"}
    done = subprocess.run(
        ["sh", "-c", 'umask 0737; exec "$0" <&- 2>&-', checkout / "rehearse"],
        env={**odd, "PATH": f".:{programs}:bin"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=tmp_path,
    )
    ours = f"['PYTHONPATH', 'PYTHONSAFEPATH'] {checkout}"
    assert (done.returncode, done.stdout) == (0, f"0o37 {programs} {ours} 0\n")
