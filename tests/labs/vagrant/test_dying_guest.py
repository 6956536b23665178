"""A guest that dies in the middle: its server is a fault, and the next change finds it pristine again."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from harness.labs import boxes
from harness.labs.boxes import fetch
from harness.process import run

SCRIPT = """
import json, os, signal, sys
from pathlib import Path
from harness.errors import LabFault
from harness.labs.base import How
from harness.labs.vagrant.gather import Means
from harness.labs.vagrant.lab import VagrantLab
from harness.mitigations import mitigation
from harness.process import run
from harness.servers import servers

def qemu():
    return [int(pid) for pid in run(["pgrep", "-x", "qemu-system-x86"], timeout=10).stdout.split()]

server = servers()["samba-4.17"]
change = mitigation("smb3-only")
said = {}
with VagrantLab(Path(sys.argv[1]), {}, Means.model_validate_json(sys.argv[2])) as lab:
    with lab.serve(server) as live:
        said["first"] = live.pristine.rung
        for pid in qemu():
            os.kill(pid, signal.SIGKILL)
        try:
            live.prove(serves=True)
        except LabFault as fault:
            said["fault"] = str(fault)
        # A rollback is tried, as a rehearsal does on every path: no script can run in a dead guest.
        live.state = change.changed(server.state, server)
        live.become(server.state, How.RESTART)
        said["back"], said["failed"] = live.brought_back.rung, live.brought_back.failed
    with lab.serve(server) as live:
        said["next"] = live.pristine.rung
        said["proof"] = live.prove(serves=True)
said["left"] = qemu()
print(json.dumps(said))
"""


@pytest.mark.vagrant
def test_a_guest_that_dies(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("vagrant") is None or boxes.find("bookworm") is None:
        pytest.skip("needs root, Vagrant and the box bookworm: run ./test --vagrant")
    folder = tmp_path / "run" / "lab"
    folder.mkdir(parents=True)
    means = json.dumps({"boxes": str(fetch.vagrant_home()), "accelerated": False, "memory": 1024})
    enter = [sys.executable, "-m", "harness.labs.namespace", "--"]
    done = run([*enter, sys.executable, "-c", SCRIPT, str(folder), means], timeout=1200)
    assert done.ok, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["first"] == "fresh"
    assert "\n" not in said["fault"]
    assert said["back"] == "snapshot"
    assert said["failed"][0].startswith("revert script: ")
    assert said["next"] == "snapshot"
    assert "control client listed the share" in said["proof"]
    assert said["left"] == []
    assert (tmp_path / "run" / "evidence" / "samba-bookworm-samba-4.17" / "smb.conf").exists()
