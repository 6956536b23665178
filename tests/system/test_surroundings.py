"""Nothing of the caller's environment decides what a server, a client or a helper does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commandline import REHEARSE, users

from harness.system import environment, process
from harness.system.process import Result, run

HOSTILE = {
    "TMPDIR": "/proc/nowhere/at/all",
    "TMP": "/proc/nowhere",
    "TEMP": "/proc/nowhere",
    "USER": "somebody%secret",
    "PASSWD": "wrong",
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "ja_JP.SJIS",
    "LANGUAGE": "ru",
    "TZ": "Pacific/Kiritimati",
    "KRB5_CONFIG": "/dev/null",
    "KRB5CCNAME": "/dev/null",
    "SMB_CONF_PATH": "/dev/null",
    "LD_LIBRARY_PATH": "/proc/nowhere",
    "LD_BIND_NOW": "1",
    "PYTHONWARNINGS": "error",
    "PYTHONHASHSEED": "1",
    "PYTHONOPTIMIZE": "2",
    "PYTHONIOENCODING": "ascii",
    "MALLOC_PERTURB_": "165",
    "MALLOC_ARENA_MAX": "1",
    "http_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "socks5://127.0.0.1:9",
    "OPENSSL_CONF": "/dev/null",
    "JAVA_TOOL_OPTIONS": "-Duser.language=tr",
    "NODE_OPTIONS": "--max-old-space-size=1",
    "RCLONE_SMB_HOST": "127.0.0.9",
    "RCLONE_CONFIG": "/dev/zero",
    "LIBSMB_PROG": "/bin/false",
    "NTLM_USER_FILE": "/dev/zero",
}
"""What programs of the lab would obey, each of them known to some program: all of it is no use here."""

CELLS = "smb3-only:samba-4.13-smb1:windows-10-1703,impacket,smbclient,jcifs,rclone,libsmb2:browse,open"
SELF = ["sh", "-c", "env; umask; pwd"]


def _hostile(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name, value in HOSTILE.items():
        # Not for this very process, whose shell and Python are the user's.
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)


def _expected() -> list[str]:
    marks = [f"{environment.RUN}={os.environ[environment.RUN]}"] if environment.RUN in os.environ else []
    return sorted([*(f"{name}={value}" for name, value in environment.SMALL.items()), *marks])


def _told(lines: list[str]) -> tuple[list[str], list[str]]:
    """Environment (without what sh sets itself), and the umask and the directory."""
    own = ("PWD=", "OLDPWD=", "SHLVL=", "_=")
    return sorted(line for line in lines[:-2] if not line.startswith(own)), lines[-2:]


def test_every_way_to_start_a_program_gives_it_the_same_small_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _hostile(monkeypatch, tmp_path)
    before = os.umask(0o077)
    try:
        started = process.start(SELF, output=tmp_path / "out")
        assert process.finish(started, 10.0) == 0
        with (tmp_path / "errors").open("wb") as errors:
            spoken_to = process.converse(SELF, errors=errors)
            said, _ = spoken_to.communicate(timeout=60)
        assert process.attach(SELF, env={}).wait(60) == 0
        seen = {
            "run": process.run(SELF, timeout=60).stdout,
            "run_streaming": process.run_streaming(SELF, timeout=60, heard=lambda _: None).stderr,
            "start": (tmp_path / "out").read_text(),
            "converse": said.decode(),
            "attach": capfd.readouterr().out,
        }
    finally:
        os.umask(before)
    for way, text in seen.items():
        assert _told(text.splitlines()) == (_expected(), ["0022", "/"]), way


def test_a_program_of_the_users_finds_what_the_user_has_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _hostile(monkeypatch, tmp_path)
    assert process.attach(SELF, of_caller=True).wait(60) == 0
    found, (_, where) = _told(capfd.readouterr().out.splitlines())
    assert {f"{name}={value}" for name, value in HOSTILE.items()} <= set(found)
    assert where == str(tmp_path)


@pytest.mark.parametrize("given", ["", ".", ".:bin:", None])
def test_a_path_that_leads_nowhere_is_replaced_and_what_is_relative_is_left_out(
    given: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if given is None:
        monkeypatch.delenv("PATH")
    else:
        monkeypatch.setenv("PATH", given)
    assert environment.tool_path() == environment.PATH
    # chroot(8) and its kin are not on every user's path.
    monkeypatch.setenv("PATH", "/usr/bin:.:/bin")
    assert environment.tool_path() == "/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
    assert run(["chroot", "--version"], timeout=60).ok


def _cells(done: Result) -> dict[str, Any]:
    """What was measured, without times, and without the day, for midnight may come between two runs."""
    assert done.status in (0, 1), done.stderr[-2000:]
    found: dict[str, Any] = json.loads(
        re.sub(r"looked at on [0-9-]+", "", done.stdout),
        object_hook=lambda each: {k: v for k, v in each.items() if k != "ms"},
    )
    return {name: value for name, value in found.items() if name not in ("run", "measured")}


@pytest.mark.local_lab
def test_the_same_cells_have_the_same_results_in_any_environment(tmp_path: Path) -> None:
    """Before, with a TMPDIR that is not in an image, smbd had no IPC$ and every listing failed."""
    words = [*REHEARSE, "run", CELLS, "--json", "--quiet", "--runs"]
    plain = run([*words, tmp_path / "plain"], timeout=300, env=users())
    odd = {**HOSTILE, "HOME": str(tmp_path / "home"), "PATH": "/usr/bin:.", "XDG_CACHE_HOME": str(_caches())}
    # umask 0777: whoever makes a file may not even read it.
    shell: list[str | Path] = ["sh", "-c", 'umask 0777; cd "$0"; rmdir "$0"; exec "$@"', tmp_path / "gone"]
    (tmp_path / "gone").mkdir()
    (tmp_path / "hostile").mkdir()
    hostile = run([*shell, *words, tmp_path / "hostile"], timeout=300, env=users(**odd))
    # One line: where the run folder is.
    assert [line.partition(":")[0] for line in hostile.stderr.splitlines()] == ["run folder"]
    assert _cells(hostile) == _cells(plain)
    (folder,) = (tmp_path / "hostile").glob("*/journal.jsonl")
    assert folder.parent.stat().st_mode & 0o777 == 0o700


def _caches() -> Path:
    from harness.system.paths import cache_dir

    return cache_dir().parent


def test_streams_that_are_closed(tmp_path: Path) -> None:
    """Else the next file that is opened would take their numbers."""
    shell: list[str | Path] = ["sh", "-c", '"$@" <&- >&- 2>"$0"; echo $?', tmp_path / "errors"]
    done = subprocess.run(
        [*shell, sys.executable, "-m", "harness", "list", "checks"],
        env=users(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "2\n"
    said = (tmp_path / "errors").read_text()
    assert said == "rehearse: the output cannot be written: Bad file descriptor\n"
    quiet = run(["sh", "-c", '"$@" 2>&-', "sh", *REHEARSE, "list", "checks"], timeout=60, env=users())
    assert (quiet.status, quiet.stderr) == (0, "")
    assert quiet.stdout == run([*REHEARSE, "list", "checks"], timeout=60, env=users()).stdout


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        ("ENOSPC", 2, "rehearse: the output cannot be written: No space left on device"),
        ("EINVAL", 70, "rehearse: this is a bug in smb-rehearsal, not in your change or the lab"),
        ("ESRCH", 70, "rehearse: this is a bug in smb-rehearsal, not in your change or the lab"),
    ],
)
def test_only_what_a_stream_can_say_is_told_of_the_output(number: str, status: int, said: str) -> None:
    """Seen: a kill(2) that failed was told as an output that cannot be written."""
    code = f"""
import errno, sys
from harness.cli import main as cli
def in_project(words):
    raise OSError(errno.{number}, __import__("os").strerror(errno.{number}))
cli.in_project = in_project
sys.exit(cli.main(["list"]))
"""
    done = run([sys.executable, "-c", code], timeout=60, env=users())
    assert (done.status, done.stderr.splitlines()[-1]) == (status, said)


def test_a_directory_that_is_gone(tmp_path: Path) -> None:
    shell: list[str | Path] = ["sh", "-c", 'cd "$0"; rmdir "$0"; exec "$@"', tmp_path / "gone"]
    (tmp_path / "gone").mkdir()
    assert run([*shell, *REHEARSE, "list", "checks"], timeout=60, env=users()).ok
    (tmp_path / "gone").mkdir()
    done = run([*shell, *REHEARSE, "list", "runs", "--runs", "here"], timeout=60, env=users())
    assert done.status == 64
    assert done.stderr == "rehearse: here: the directory that you are in is gone; cd to another one\n"
