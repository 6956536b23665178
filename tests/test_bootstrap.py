"""./rehearse and ./test before anything is installed. Whole starts on bare systems: .ci/bare-chroot."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from bootstrapping import PLAIN, SECONDS, make_checkout, make_environment, make_programs, put_script, start


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    return make_programs(tmp_path)


def test_a_later_start_says_nothing_and_keeps_the_directory(
    checkout: Path, programs: Path, tmp_path: Path
) -> None:
    make_environment(checkout)
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
    make_environment(checkout)
    log = checkout.parent / "log"
    for name in PLAIN:
        if name != "sh":
            put_script(programs, name, f'echo {name} >>"{log}"; exec {shutil.which(name)} "$@"')
    assert start(checkout, programs).returncode == 0
    # Where the script and the interpreter are, and the stamp against what it should say: twice each at most.
    started = log.read_text().split()
    assert set(started) <= {"cat", "dirname", "readlink"}
    assert len(started) <= 8


@pytest.mark.parametrize("what", ["pins", "interpreter"])
def test_other_pins_or_another_python_make_it_anew(checkout: Path, programs: Path, what: str) -> None:
    make_environment(checkout)
    if what == "pins":
        (checkout / "requirements/run.txt").write_text("# nothing is needed any more\n")
    else:
        (checkout / ".venv/bin/python").unlink()
        (checkout / ".venv/bin/python").symlink_to("/bin/false")
        (checkout / "requirements/run.txt").write_text("# nothing to download\n")
    done = start(checkout, programs)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"rehearse: making a Python environment in {checkout}/.venv",
        "rehearse: installing Python packages (run)",
    ]
    again = start(checkout, programs)
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
    make_environment(checkout)
    (programs / "mmdebstrap").unlink()
    put_script(programs, "apt-get", f'echo "apt-get $*" >>{checkout.parent}/log')
    put_script(programs, "sudo", 'exec "$@"')
    done = start(checkout, programs)
    assert done.returncode == 0, done.stderr
    how = "" if os.geteuid() == 0 else " with sudo"
    assert done.stderr == f"rehearse: installing Debian packages{how}: mmdebstrap\n"
    update, install = (checkout.parent / "log").read_text().splitlines()
    assert update.endswith(" update")
    assert install.endswith(" install -y --no-install-recommends mmdebstrap")


def test_what_takes_long_shows_that_it_still_runs(checkout: Path, programs: Path) -> None:
    make_environment(checkout)
    (programs / "mmdebstrap").unlink()
    slept, nap = checkout.parent / "slept", shutil.which("sleep")
    put_script(programs, "sleep", f'echo "$*" >>"{slept}"; exec {nap} 0.05')
    # Ends when twice the time between two lines has passed.
    put_script(programs, "apt-get", f'until [ "$(cat "{slept}" | grep -c .)" -ge 3 ]; do {nap} 0.01; done')
    (programs / "grep").symlink_to(str(shutil.which("grep")))
    put_script(programs, "sudo", 'exec "$@"')
    done = start(checkout, programs)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^rehearse: installing Debian packages, for \d+ s now$", done.stderr, re.MULTILINE)
    assert set(slept.read_text().split()) == {"20"}


def test_apt_that_fails_is_heard(checkout: Path, programs: Path) -> None:
    make_environment(checkout)
    (programs / "mmdebstrap").unlink()
    put_script(programs, "apt-get", 'echo "E: Unable to fetch some archives" >&2; exit 100')
    put_script(programs, "sudo", 'exec "$@"')
    done = start(checkout, programs)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[1:] == [
        "E: Unable to fetch some archives",
        "rehearse: apt-get failed, what it said is above",
    ]


def test_without_sudo_the_command_for_root_is_said(checkout: Path, programs: Path) -> None:
    make_environment(checkout)
    (programs / "mmdebstrap").unlink()
    put_script(programs, "apt-get", "exit 100")
    put_script(programs, "id", "echo 1000")
    done = start(checkout, programs)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "rehearse: missing: mmdebstrap; as root, for ./rehearse and ./test: "
        "apt-get update && apt-get install --no-install-recommends "
        "mmdebstrap nmap openssh-client gpg-agent zstd strace iproute2\n"
    )


@pytest.mark.parametrize(("name", "why"), [("a:b", "with a colon"), ("b\udcfcro", "is no UTF-8")])
def test_a_folder_that_cannot_hold_the_program(
    checkout: Path, programs: Path, tmp_path: Path, name: str, why: str
) -> None:
    """Before anything is made or fetched; with a colon there was "No module named harness"."""
    there = tmp_path / name
    checkout.rename(there)
    done = start(there, programs)
    assert (done.returncode, done.stdout) == (2, "")
    (told,) = done.stderr.splitlines()
    assert why in told
    assert told.endswith("; rename it, or move the checkout")
    assert not list(there.glob(".venv/*/python"))


def test_a_python_that_is_too_old(checkout: Path, programs: Path) -> None:
    put_script(programs, "python3", '[ "$1" = -V ] && echo Python 3.9.2; exit 1')
    done = start(checkout, programs)
    assert done.returncode == 2
    assert done.stderr == (
        "rehearse: Python 3.11 or later is needed, not Python 3.9.2; install one, set PYTHON to its path\n"
    )


def test_what_the_caller_has_set_for_other_programs_reaches_our_python_not(
    checkout: Path, programs: Path, tmp_path: Path
) -> None:
    make_environment(checkout)
    (checkout / "harness/__main__.py").write_text(
        "import os, sys; old = os.umask(0); print(oct(old), os.environ['PATH'], sorted(n for n in os.environ "
        "if n.startswith(('PYTHON', 'LD_'))), os.environ['PYTHONPATH'], sys.flags.optimize)\n"
    )
    put_script(tmp_path, "readlink", "echo the wrong one")
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
