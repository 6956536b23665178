"""One guest from bad to worse: it dies, its snapshot goes, its box breaks; each time the next way is taken.

Real Vagrant, libvirt and QEMU; the ways back over stand-ins are in test_recovery.py. The guest is the one of
Samba 4.13: from 4.16 on the first pipe after each start of smbd starts samba-dcerpcd and all its helpers, for
which an emulated guest takes 15 s, and 57 s beside other work (measured).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from commandline import users
from world import cache_of_ones_own, need_machines

from harness.system.process import run

SCRIPT = """
import json, logging, os, shutil, signal, sys
from pathlib import Path
from harness.catalogue import made_of
from harness.errors import LabFault
from harness.servers.live import How
from harness.labs.vagrant import guest_shell
from harness.labs.vagrant.gather import Means
from harness.labs.vagrant.lab import VagrantLab
from harness.system.process import run

LINGERS = '''
setsid sh -c 'trap "" TERM; sleep 600' >/dev/null 2>&1 &
echo $! >/sys/fs/cgroup/system.slice/smbd.service/cgroup.procs
'''

def qemu():
    return [int(pid) for pid in run(["pgrep", "-x", "qemu-system-x86"], timeout=10).stdout.split()]

def virsh(*words):
    run(["virsh", "-q", "-c", "qemu:///system", *words], timeout=60).check("virsh")

def damage(box):
    real = box.resolve()
    # Not the user's own box but a copy.
    box.unlink()
    shutil.copytree(real, box, copy_function=os.symlink)
    for metadata in box.glob("*/libvirt/metadata.json"):
        metadata.unlink()
        metadata.write_text("{")

def take_back(live):
    live.state = change.changed(server.state, server)
    live.become(server.state, How.RESTART)
    return {"rung": live.brought_back.rung, "failed": live.brought_back.failed}

def fault(does):
    try:
        does()
    except LabFault as fault:
        return str(fault)

class Sent(logging.Handler):
    def emit(self, record):
        if "once more" in record.getMessage():
            said["sent again"].append(record.getMessage()[:100])

logging.getLogger("harness.labs.vagrant").addHandler(Sent())
catalogue = made_of()
server = catalogue.servers["samba-4.13"]
change = catalogue.mitigation("smb3-only")
domain = "smb-rehearsal-samba-bullseye"
means = Means.model_validate_json(sys.argv[2])
said = {"sent again": []}
with VagrantLab(Path(sys.argv[1]), {}, means) as lab:
    with lab.serve(server) as live:
        said["first"] = live.pristine.rung
        # As a samba-dcerpcd that a pipe starts while smbd is being stopped: systemd would wait 90 s for it.
        guest_shell.script(live._machine.remote, LINGERS)
        said["lingers"] = take_back(live)
        for pid in qemu():
            os.kill(pid, signal.SIGKILL)
        said["fault"] = fault(lambda: live.prove(serves=True))
        # A rollback is tried, as a rehearsal does on every path: no script can run in a dead guest.
        said["dead"] = take_back(live)
        virsh("snapshot-delete", domain, "pristine")
        # What a script cannot mend, and a boot does.
        guest_shell.script(live._machine.remote, "mount --bind /dev/null /usr/sbin/smbd")
        said["no snapshot"] = take_back(live)
        said["proof"] = live.prove(serves=True)
    # A boot undoes nothing on the disk, so that nothing but a new machine is sure to be pristine.
    with lab.serve(server) as live:
        said["next"] = {"rung": live.pristine.rung, "failed": live.pristine.failed}
        # What no script takes back; and with such a box Vagrant does nothing at all.
        guest_shell.script(live._machine.remote, "echo more >/srv/smb-rehearsal/share/more.txt")
        damage(means.boxes / "boxes/smb-rehearsal-VAGRANTSLASH-bullseye")
        said["lost"] = fault(lambda: take_back(live))
    said["after"] = fault(lambda: lab.serve(server).__enter__())
said["left"] = qemu()
print(json.dumps(said))
"""


@pytest.mark.vagrant
def test_a_guest_from_bad_to_worse(tmp_path: Path) -> None:
    need_machines("bullseye")
    folder = tmp_path / "run" / "lab"
    folder.mkdir(parents=True)
    home = cache_of_ones_own(tmp_path) / "smb-rehearsal" / "vagrant"
    means = json.dumps({"boxes": str(home), "accelerated": False, "memory": 1024})
    enter = [sys.executable, "-m", "harness.labs.namespace", "--"]
    done = run([*enter, sys.executable, "-c", SCRIPT, str(folder), means], timeout=1800, env=users())
    assert done.ok, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["first"] == "fresh"
    assert said["lingers"] == {"rung": "revert script", "failed": []}
    assert said["sent again"] == [], "nor is it sent once more"
    assert "\n" not in said["fault"]
    assert said["dead"]["rung"] == "snapshot"
    assert reasons(said["dead"]["failed"]) == ["revert script"]
    assert said["no snapshot"]["rung"] == "reboot"
    assert reasons(said["no snapshot"]["failed"]) == ["revert script", "snapshot"]
    assert "control client listed the share" in said["proof"]
    assert said["next"]["rung"] == "rebuild"
    assert reasons(said["next"]["failed"]) == ["snapshot"]
    assert "\n" not in said["lost"]
    lost = "samba-bullseye cannot be made pristine again: revert script: its configuration, packages or files"
    assert said["lost"].startswith(lost)
    assert "rebuild: vagrant destroy samba-bullseye --force: Vagrant failed to initialize" in said["lost"]
    assert "The metadata associated with the box 'smb-rehearsal/bullseye' appears corrupted." in said["lost"]
    assert said["after"].startswith("samba-bullseye is left out: samba-bullseye cannot be made pristine")
    assert said["left"] == []
    assert (tmp_path / "run" / "evidence" / "samba-bullseye-samba-4.13" / "smb.conf").exists()


def reasons(failed: list[str]) -> list[str]:
    return [text.partition(": ")[0] for text in failed]
