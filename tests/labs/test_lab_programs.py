"""What no lab can be without: it is named before one is made, and each server in it is gone."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from private_lab import own_mounts

from harness.labs import namespace
from harness.system import environment, programs
from harness.system.process import run


def _refused(before: str, *more: str) -> str:
    """What a lab says that is entered after a command of the shell; its last line."""
    changed = [*own_mounts(), "sh", "-c", f'{before} && exec "$@"', "sh"]
    done = run([*changed, *_ENTER, *(more or ("true",))], timeout=60, env=environment.ours())
    assert done.status == 2, done
    return done.stderr.splitlines()[-1]


_ENTER = (sys.executable, "-m", "harness.labs.namespace", "--")


@pytest.mark.parametrize("program", programs.OF_A_LAB)
def test_it_is_named_with_its_package(program: str) -> None:
    """Servers are started by them: each was called gone as soon as it was started."""
    told = _refused(f"mount --bind /dev/null {shutil.which(program, path=environment.PATH)}")
    package = programs.OF_A_LAB[program]
    assert told.startswith(f"no private lab can be made here: {program} is not installed; ")
    assert told.endswith(f"apt-get install --no-install-recommends --reinstall {package}")


def test_so_few_files_that_no_server_starts() -> None:
    told = _refused("ulimit -n 128")
    assert told.endswith("too few files may be open (ulimit -Hn: 128); raise the limit to 256 or more")


def test_a_limit_of_files_that_can_be_raised_is() -> None:
    done = run(
        ["sh", "-c", 'ulimit -Sn 64 && exec "$@"', "sh", *_ENTER, "sh", "-c", "ulimit -n"],
        timeout=60,
        env=environment.ours(),
    )
    assert (done.status, done.stdout) == (0, "256\n"), done


@pytest.mark.skipif(not namespace.maps_lab_uid(), reason="needs real root")
def test_a_filter_that_refuses_root(tmp_path: Path) -> None:
    """As of a container; the message named capabilities, of which none was lacking."""
    refuses = tmp_path / "unshare"
    refuses.write_text("#!/bin/sh\necho unshare: unshare failed: Operation not permitted >&2\nexit 1\n")
    refuses.chmod(0o755)
    told = _refused(f"mount --bind {refuses} {shutil.which('unshare', path=environment.PATH)}")
    assert "root has every capability for it, and is refused (unshare failed: Operation not" in told
    assert told.endswith("; start the container with --security-opt seccomp=unconfined")
