"""What Samba's own defaults change at the upgrade from Debian 13 to 14: shares that users made are gone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from known import CATALOGUE

from harness.exposures._probe_cache import ProbeCache
from harness.labs import namespace
from harness.labs.local import LocalLab
from harness.labs.rootfs import LAB_UID
from harness.labs.samba_conf import INSIDE
from harness.servers.base import Conf
from harness.servers.live import How, LiveServer

pytestmark = pytest.mark.local_lab
FOLDER, NAME = "usershares", "mine"


def opened(live: LiveServer) -> str:
    """What a client gets that opens the user's share with the lab's account."""
    return ProbeCache(replace(live.target, share=NAME), True, 0.0).listed().status


@contextmanager
def made(lab: LocalLab) -> Iterator[None]:
    """A share as ``net usershare add`` writes it: smbd wants its folder to be root's, with the sticky bit."""
    folder = lab._folder / "state" / FOLDER
    folder.mkdir()
    folder.chmod(0o1755)
    file = folder / NAME
    file.write_text(
        f"#VERSION 2\npath={INSIDE / FOLDER}\ncomment=\nusershare_acl=S-1-1-0:R\nguest_ok=n\n"
        f"sharename={NAME}\n"
    )
    os.chown(file, LAB_UID, LAB_UID)
    yield
    file.unlink()
    folder.rmdir()


def test_they_are_gone_after_the_upgrade_to_4_25_and_come_back_by_one_setting(lab: LocalLab) -> None:
    if not namespace.maps_lab_uid():
        pytest.skip("smbd wants root's own folder for them, and an ordinary user's lab knows no root")
    server = CATALOGUE.servers["samba-4.22"]
    shared = {"usershare path": str(INSIDE / FOLDER), "usershare owner only": "no"}
    with made(lab), lab.serve(replace(server, conf=Conf(shared))) as live:
        before = live.internals()
        assert opened(live) == "STATUS_SUCCESS"
        live.become(replace(live.state, image=server.upgrades["release-upgrade"]), How.RESTART)
        after = live.internals()
        assert opened(live) == "STATUS_BAD_NETWORK_NAME"
        assert before is not None
        assert after is not None
        told = {
            name: (before.settings.get(name), after.settings.get(name))
            for name in ("usershare max shares", "smb3 unix extensions")
        }
        assert told == {"usershare max shares": ("100", "0"), "smb3 unix extensions": ("No", "Yes")}
        cured = Conf({**shared, "usershare max shares": "100"})
        live.become(replace(live.state, conf=cured), How.RESTART)
        assert opened(live) == "STATUS_SUCCESS"
