"""A Samba of the lab has the RPC services that somebody asks for, and starts no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.errors import Refused
from harness.exposures._strangers import PIPES, list_shares
from harness.labs import images, namespace, rpc_services
from harness.labs.local import LocalLab
from harness.labs.marked import marked
from harness.labs.samba import SambaServer
from harness.servers.live import LiveServer
from harness.servers.parameters import parameter_key
from harness.smb import control
from harness.smb.attempting import Log
from harness.smb.pipes import srvsvc
from harness.system.process import run

HELPED = ("samba-4.17", "samba-4.22", "samba-4.25")
"""From 4.16 on samba-dcerpcd serves the pipes."""
SAYS_NOTHING = {
    "server_min_protocol": "SMB3_02",
    "server_max_protocol": "SMB3_11",
    "server_signing": "mandatory",
    "smb_encrypt": "required",
    "server_smb3_encryption_algorithms": "AES-256-GCM",
    "server_smb3_signing_algorithms": "AES-128-GMAC",
    "ntlm_auth": "ntlmv2-only",
    "lanman_auth": "yes",
    "map_to_guest": "Never",
}
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
    assert [*_pipes(serve(name))] == (["netlogon"] if name == "samba-4.17" else ["netlogon", "spoolss"])


@pytest.mark.parametrize("name", HELPED)
def test_a_pipe_that_nobody_serves_starts_nothing_that_runs(
    lab: LocalLab, serve: Callable[[str], LiveServer], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It is refused as where samba-dcerpcd itself is started again, which then finds that another runs."""
    ours = serve(name)
    first = _pipes(ours)
    started = _started(ours)
    assert _pipes(ours) == first
    assert _started(ours) == started
    monkeypatch.setattr(rpc_services, "shared_lists", lambda *_: {})
    with lab.serve(CATALOGUE.servers[name]) as theirs:
        assert _pipes(theirs) == first
        assert _started(theirs) > 1, "or this test would see nothing of it"
    assert "netlogon" in first


def _pipes(live: LiveServer) -> dict[str, str]:
    """How each pipe is refused that is."""
    connection = control.connect(live.target, dialects=control.EVERY_DIALECT[-1:])
    refused = {}
    try:
        tree = connection.connect_ipc(Log())
        for pipe in PIPES:
            try:
                connection.session.open_pipe(tree, pipe)
            except Refused as refusal:
                refused[pipe] = str(refusal)
    finally:
        connection.drop()
    return refused


def _started(live: LiveServer) -> int:
    """How often samba-dcerpcd itself was started, by its log."""
    assert isinstance(live, SambaServer)
    log = Path(live.access()["log"]).with_name(f"log.{rpc_services.HOST}")
    return log.read_text().count(f"{rpc_services.HOST} version")


@pytest.mark.parametrize("name", HELPED)
def test_one_program_serves_all_that_come_at_once(serve: Callable[[str], LiveServer], name: str) -> None:
    """As it would serve one after the other: the same shares for each, over pipes that are open together."""
    live = serve(name)
    assert isinstance(live, SambaServer)
    connections = [control.connect(live.target, dialects=control.EVERY_DIALECT[-1:]) for _ in range(3)]
    try:
        opened = [
            (one.session, one.session.open_pipe(one.connect_ipc(Log()), srvsvc.PIPE)) for one in connections
        ]
        listed = [list_shares(session, pipe, live.target.address) for session, pipe in opened]
        pids = marked(str(Path(live.access()["smb.conf"]).parent))
        running = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in pids]
    finally:
        for one in connections:
            one.drop()
    assert listed[0]
    assert listed == [listed[0]] * 3
    assert running.count("rpcd_classic") == 1


@pytest.mark.parametrize("name", HELPED)
def test_what_its_programs_list_is_asked_once_for_servers_of_a_kind(lab: LocalLab, name: str) -> None:
    """To the letter what they say to the smb.conf of the second, where nobody asked them again.

    That has the same of RPC, and something else of all that says nothing of it.
    """
    server, root = CATALOGUE.servers[name], _mounted(lab, name)

    def lists(live: LiveServer) -> dict[Path, tuple[int, str]]:
        assert isinstance(live, SambaServer)
        state = Path(live.access()["smb.conf"]).parents[1]
        return {path: (path.stat().st_ino, path.read_text()) for path in state.glob(".rpc-*/*")}

    with lab.serve(server) as first:
        before = lists(first)
    conf = server.conf.with_globals(**SAYS_NOTHING).with_share(guest_ok="no")
    set_here = {*map(parameter_key, (*conf.globals, *conf.share))}
    assert set_here >= rpc_services.OF_NO_INTERFACE
    with lab.serve(replace(server, conf=conf)) as second:
        after = lists(second)
        assert isinstance(second, SambaServer)
        file = Path(second.access()["smb.conf"])
        inside = Path("/mnt") / file.relative_to(file.parents[1])
        asked = ["--list-interfaces", f"--configfile={inside}", "-l", "/tmp"]
        said = {
            one: run(namespace.in_image(root, [f"/{rpc_services.FOLDER}/{one}", *asked]), timeout=60)
            .check("an RPC program")
            .stdout
            for one in rpc_services.WANTED
        }
    assert after == before
    assert set(said.items()) <= {(path.name, text) for path, (_, text) in after.items()}
    with lab.serve(replace(server, conf=server.conf.with_globals(disable_netbios="yes"))) as other:
        assert len(lists(other)) == len(after) + len(rpc_services.WANTED), "another smb.conf is asked anew"


def _mounted(lab: LocalLab, name: str) -> Path:
    """Where its image is mounted."""
    return lab.root(CATALOGUE.servers[name].image)
