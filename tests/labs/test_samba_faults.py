"""A server that does not serve, or does not start: the line of its log that says why, and where that is."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.errors import LabFault
from harness.labs import local, namespace, server_internals
from harness.labs.home import Home
from harness.labs.local import LocalLab
from harness.labs.roots.mounts import mount, unmount_image
from harness.labs.samba import SambaServer
from harness.servers.base import Conf
from harness.servers.live import How

EDGES = ["samba-4.13", "samba-4.25"]
"""The oldest and the newest release."""
UNSERVED = {
    "Error loading module .*fruitt.so.*No such file or directory": {"vfs objects": "catia fruitt"},
    "canonicalize_connect_path failed for service share, path /srv/none": {"path": "/srv/none"},
    "user 'rehearse' .*not permitted to access this share": {"valid users": "alice"},
}


NEWER = {
    "Could not find opname nonsense": {"vfs objects": "full_audit", "full_audit:success": "nonsense"},
}


def kept_log(said: str) -> str:
    """The log that a message names, once its server was disposed of."""
    found = re.search(r"(/\S*/evidence/\S+/log\.smbd)", said)
    assert found, said
    return Path(found[1]).read_text()


@pytest.mark.local_lab
@pytest.mark.parametrize("name", EDGES)
def test_a_share_that_is_not_served(lab: LocalLab, name: str) -> None:
    said: dict[str, str] = {}
    with lab.serve(CATALOGUE.servers[name]) as live:
        before = live.state
        for words, share in {**UNSERVED, **(NEWER if name == EDGES[-1] else {})}.items():
            live.become(replace(before, conf=Conf(share=share)), How.RELOAD)
            with pytest.raises(
                LabFault, match=f"{name} does not serve: .*; its log says: .*{words}"
            ) as caught:
                live.prove(serves=True)
            said[words] = str(caught.value)
        # What the log said of an earlier state is no reason.
        live.become(replace(before, conf=Conf(share={"force group": "nobody-knows-it"})), How.RELOAD)
        with pytest.raises(
            LabFault, match=r"STATUS_NO_SUCH_GROUP at tree-connect; its log is /\S*/log\.smbd$"
        ):
            live.prove(serves=True)
    for words, text in said.items():
        assert re.search(words, kept_log(text))


@pytest.mark.local_lab
@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize(
    ("conf", "words"),
    [
        (
            Conf({"server min protocol": "SMB9"}),
            "Ignoring invalid value 'SMB9' for parameter 'server min protocol'",
        ),
        (Conf(share={"read only": "perhaps"}), r"\(perhaps\): value is not boolean"),
    ],
)
def test_a_server_that_ends_at_an_invalid_value(lab: LocalLab, name: str, conf: Conf, words: str) -> None:
    server = replace(CATALOGUE.servers[name], conf=conf)

    def dies() -> None:
        with lab.serve(server) as live:
            assert isinstance(live, SambaServer)
            live._alive(5.0)

    with pytest.raises(
        LabFault, match=rf"{name} is gone \(ended with status 1\); its log says: .*{words}"
    ) as caught:
        dies()
    assert re.search(words, kept_log(str(caught.value)))


def test_the_first_cause_counts() -> None:
    log = "\n".join(
        (
            "[2026/11/29 08:41:46.598493,  0] ../../lib/util/modules.c:49(load_module)",
            "  Error loading module '/usr/lib/samba/vfs/fruitt.so': cannot open shared object file",
            "  user 'rehearse' (from session setup) not permitted to access this share (share)",
            "  PANIC (pid 7): later",
        )
    )
    assert server_internals.reason(log, ended=False) == "PANIC (pid 7): later"
    rest = log.replace("PANIC", "")
    assert server_internals.reason(rest, ended=False).startswith("Error loading module")
    assert server_internals.reason(rest, ended=True) == "", "a module that is missing ends no smbd"


@pytest.mark.local_lab
@pytest.mark.parametrize(
    ("number", "how"),
    [
        (signal.SIGKILL, "ended by signal 9: killed by somebody or for want of memory (see dmesg)"),
        (signal.SIGTERM, "ended by signal 15: somebody ended it"),
    ],
)
def test_nothing_that_it_said_is_why_others_ended_it(lab: LocalLab, number: int, how: str) -> None:
    with lab.serve(CATALOGUE.servers["samba-4.22"]) as live:
        assert isinstance(live, SambaServer)
        assert live._log(), "it has said something"
        os.kill(live.software().pid, number)
        with pytest.raises(LabFault) as caught:
            live._alive(5.0)
        assert str(caught.value) == f"smbd of samba-4.22 is gone ({how})"


@pytest.mark.local_lab
@pytest.mark.parametrize(
    ("limit", "lack"),
    [
        ("--nproc=1:1", "too few processes may run"),
        ("--nofile=12:12", "too few files may be open"),
        ("--nofile=35:35", "too few files may be open"),
    ],
)
def test_what_the_machine_has_too_little_of_is_why(
    lab: LocalLab, monkeypatch: pytest.MonkeyPatch, limit: str, lack: str
) -> None:
    def limited(root: Path, argv: Sequence[str | Path]) -> list[str]:
        return [*(["prlimit", limit] if "-F" in argv else []), *namespace.in_image(root, argv)]

    monkeypatch.setattr(local, "Home", partial(Home, enter=limited))
    with (
        pytest.raises(LabFault, match=rf"samba-4.22 is gone \(.*\); {lack}.*: .*this machine's lack"),
        lab.serve(CATALOGUE.servers["samba-4.22"]),
    ):
        pytest.fail("it serves")


@pytest.mark.local_lab
def test_a_crash_on_a_full_disk_is_told_as_that(lab_in: Callable[[Path], LocalLab], tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mount("tmpfs", place, 0, kind="tmpfs", data="size=24m")
    try:
        with lab_in(place / "lab").serve(CATALOGUE.servers["samba-4.22"]) as live:
            assert isinstance(live, SambaServer)
            # Piece by piece: what its RPC services begin with is written meanwhile, too.
            with suppress(OSError), (place / "fill").open("wb", buffering=0) as file:
                while file.write(bytes(2**16)):
                    pass
            os.kill(live.software().pid, signal.SIGABRT)
            with pytest.raises(
                LabFault, match=r"is gone \(crashed with signal 6\); the disk below .* is full"
            ):
                live._alive(5.0)
    finally:
        unmount_image(place)
