"""Other users pass folders that are shut to them, in one mount namespace alone."""

from __future__ import annotations

from pathlib import Path

import passable
import pytest
from private_lab import own_mounts

from harness.labs import namespace
from harness.labs.roots.rootfs import LAB_UID
from harness.system.process import run


@pytest.mark.skipif(not namespace.maps_lab_uid(), reason="needs other users, whom an ordinary user lacks")
def test_another_user_reaches_what_is_below_a_shut_folder(tmp_path: Path) -> None:
    wanted = tmp_path / "home" / "one" / "deeper" / "wanted"
    wanted.mkdir(parents=True)
    (wanted / "file").write_text("here\n")
    secret = tmp_path / "home" / "secret"
    secret.write_text("x")
    wanted.parent.chmod(0o700)
    (tmp_path / "home").chmod(0o700)
    own = own_mounts()
    other = ("setpriv", f"--reuid={LAB_UID}", f"--regid={LAB_UID}", "--clear-groups")
    looks = [*other, "sh", "-c", f'cat "{wanted}/file"; test ! -e "{secret}"']
    assert not run([*own, *looks], timeout=20).stdout
    done = run([*own, *passable.command(looks, [wanted])], timeout=60, env=passable.ENVIRONMENT)
    assert (done.stdout, done.status) == ("here\n", 0), done.stderr
    # Nobody else noticed.
    assert secret.exists()
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
