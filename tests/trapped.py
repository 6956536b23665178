"""Brings a configuration full of traps along, serves it, and uses it: run by itself, to be traced.

Arguments: the configuration, a folder for the lab, the image of the release. First the configuration, then,
behind ``CONTROL``, a server with one trap that the lab itself has set: what traps do must be seen there.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from known import CATALOGUE

from harness.importing.bring import bring
from harness.importing.judge import judge
from harness.labs import images
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.servers.base import Conf, Server
from harness.servers.roles import servers_of
from harness.system.process import run

CONTROL = "/the-control-begins"
TRAP = "/mnt/trap/run.sh"
"""As the programs of an image see it; it makes a file named as its first argument in its own folder."""
FIRST = 300_000
"""Beyond the numbers of all test processes (tests/conftest.py), whose servers are in this namespace, too."""
USES = "ls; mkdir d; put /etc/passwd x.sh; get x.sh /dev/null; allinfo x.sh; du; rm x.sh; rmdir d"


def use(lab: LocalLab, server: Server) -> None:
    """Serve it, and do what people do with a share."""
    with lab.serve(server) as live:
        assert isinstance(live, SambaServer)
        live.prove(serves=True)
        target = live.target
        command = target.program(server.image, "/usr/bin/smbclient")
        assert command is not None
        user = ["-U", f"{target.user}%{target.password}"]
        run([*command, f"//{target.address}/{target.share}", *user, "-c", USES], timeout=60)
        run([*command, "-L", target.address, *user], timeout=60)


def main(conf: Path, folder: Path, image: str) -> None:
    """Import, serve two of the shares, and then the control."""
    roots = {image: images.store(CATALOGUE.images).root(image)}
    made = bring(conf, name="trapped", by=judge(image, roots, folder.with_name("judge")))
    lab = LocalLab(folder, roots, first=FIRST)
    for share in ("a", "homes"):
        use(lab, servers_of(made)[f"trapped@{share}"])
    Path(CONTROL).exists()
    plain = next(one for name, one in CATALOGUE.servers.items() if one.image == image and "samba-4." in name)
    use(lab, replace(plain, name="control", conf=Conf(share={"preexec": f"{TRAP} control"})))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
