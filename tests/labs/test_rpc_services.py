"""A Samba of the lab has the RPC services that somebody asks for, and starts no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.errors import Refused
from harness.exposures._probe_cache import PIPES
from harness.labs import images, namespace, rpc_services
from harness.labs.local import LocalLab
from harness.servers.live import LiveServer
from harness.smb import control
from harness.smb.attempting import Log
from harness.system.process import run

HELPED = ("samba-4.17", "samba-4.22", "samba-4.25")
"""From 4.16 on samba-dcerpcd serves the pipes."""
pytestmark = pytest.mark.local_lab


@pytest.mark.parametrize("name", HELPED)
def test_no_other_program_is_run_for_a_pipe(lab: LocalLab, name: str) -> None:
    at = _mounted(lab, name) / rpc_services.FOLDER
    assert sorted(file.name for file in at.glob("rpcd_*")) == sorted(rpc_services.WANTED)
    with pytest.raises(OSError, match="Read-only"):
        (at / "rpcd_more").touch()


@pytest.mark.parametrize("name", HELPED)
def test_no_pipe_that_a_probe_opens_is_served_by_a_hidden_one(name: str, tmp_path: Path) -> None:
    """As each of them tells samba-dcerpcd itself. A probe would take such a pipe for shut."""
    image = CATALOGUE.servers[name].image
    at, state = tmp_path / "root", tmp_path / "state"
    state.mkdir()
    namespace.mount_image(images.ensure(CATALOGUE.images, [image], lambda *_: None)[image], at, state)
    try:
        hidden = [
            one for one in (at / rpc_services.FOLDER).glob("rpcd_*") if one.name not in rpc_services.WANTED
        ]
        asked = ["--list-interfaces", "--configfile=/dev/null", "-l", "/tmp"]
        told = "".join(
            run(namespace.in_image(at, [one, *asked]), timeout=60).check("an RPC program").stdout
            for one in (Path("/") / one.relative_to(at) for one in hidden)
        )
    finally:
        namespace.unmount_image(at)
    served = set(re.findall(r"\\pipe\\(\w+)", told))
    assert "epmapper" in served
    assert not served & {*PIPES}


@pytest.mark.parametrize("name", HELPED)
def test_the_pipes_are_open_that_were_before(serve: Callable[[str], LiveServer], name: str) -> None:
    """As measured with every program there: netlogon is for domains, and where there is no printer spoolss
    is off (smb.conf(5), disable spoolss), which 4.17 opens all the same."""
    connection = control.connect(serve(name).target, dialects=control.EVERY_DIALECT[-1:])
    try:
        tree = connection.connect_ipc(Log())
        shut = []
        for pipe in PIPES:
            try:
                connection.session.open_pipe(tree, pipe)
            except Refused:
                shut.append(pipe)
    finally:
        connection.drop()
    assert shut == (["netlogon"] if name == "samba-4.17" else ["netlogon", "spoolss"])


def _mounted(lab: LocalLab, name: str) -> Path:
    """Where its image is mounted."""
    return lab.root(CATALOGUE.servers[name].image)
