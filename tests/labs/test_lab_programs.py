"""A machine on which a program that every lab needs is not there."""

from __future__ import annotations

import shutil
import sys

import pytest

from harness.system import environment, programs
from harness.system.process import run


@pytest.mark.parametrize("program", programs.OF_A_LAB)
def test_it_is_named_with_its_package(program: str) -> None:
    """Servers are started by them: each was called gone as soon as it was started."""
    found = shutil.which(program, path=environment.PATH)
    hidden = ["unshare", "--mount", "sh", "-c", f'mount --bind /dev/null {found} && exec "$@"', "sh"]
    enter = [sys.executable, "-m", "harness.labs.namespace", "--", "true"]
    done = run([*hidden, *enter], timeout=60, env=environment.ours())
    assert done.status == 2, done
    (told,) = done.stderr.splitlines()
    package = programs.OF_A_LAB[program]
    assert told.startswith(f"no private lab can be made here: {program} is not installed; ")
    assert told.endswith(f"apt-get install --no-install-recommends --reinstall {package}")
