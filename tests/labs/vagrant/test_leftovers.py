"""The counting of leftovers counts: each kind is left on purpose, in a namespace that ends with it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from commandline import users
from world import HERE, TESTS

from harness.system.process import run

LEAVES = """
import fcntl, json, socket, subprocess, sys
from pathlib import Path
from harness.system.deadline import wait_for
from harness.labs.roots.mounts import mount
import world
SIOCBRADDBR = 0x89A0  # linux/sockios.h: makes a bridge
folder = Path(sys.argv[1])
(folder / "tmp").mkdir()
# On some machines it is one already.
mount("tmpfs", Path("/run"), 0, kind="tmpfs")
before = world.things(folder)
child = subprocess.Popen(["sleep", "600"])
# Between execve(2) and its first instruction a process has no command line.
wait_for("sleep", lambda: Path(f"/proc/{child.pid}/cmdline").read_bytes() or None, 10.0)
mount("tmpfs", folder / "tmp", 0, kind="tmpfs")
(folder / "tmp/file").touch()
(folder / "state/smb-rehearsal/runs/one/lab").mkdir(parents=True)
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, SIOCBRADDBR, b"left0" + bytes(1))
for name in ("netns/left", "libvirt/qemu/left.xml"):
    (Path("/run") / name).parent.mkdir(parents=True)
    (Path("/run") / name).touch()
print(json.dumps(sorted(world.things(folder) - before)))
"""


@pytest.mark.local_lab
def test_everything_that_can_be_left_is_seen(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    inside = [sys.executable, "-m", "harness.labs.namespace", "--", sys.executable]
    done = run([*inside, "-c", LEAVES, tmp_path], timeout=60, env=users(PYTHONPATH=f"{HERE}:{TESTS}"))
    assert done.ok, done.stderr
    assert json.loads(done.stdout) == [
        "domain left.xml",
        f"file {tmp_path}/state/smb-rehearsal/runs/one/lab",
        f"file {tmp_path}/tmp/file",
        f"mount {tmp_path}/tmp",
        "network device left0",
        "network left",
        "process sleep 600",
    ]
