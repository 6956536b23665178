"""How somebody gets into a guest that serves, by hand: the words, without a guest."""

from __future__ import annotations

import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from known import CATALOGUE

from harness.labs.samba_conf import new_account
from harness.labs.vagrant.guest_samba import GuestSamba
from harness.labs.vagrant.log_in import by_ssh
from harness.model import GuestRoute
from harness.servers.live import Accessible

WAY = GuestRoute("samba-bookworm", "192.168.59.12", 22, "vagrant", key="/lab/key")


def test_nothing_of_the_users_is_read_or_written() -> None:
    words = by_ssh(WAY, Path("/lab/known_hosts"), terminal=True, through="/x/ssh -W %h:%p host")
    assert words[-1] == "vagrant@192.168.59.12"
    assert words[words.index("-F") + 1] == "none"
    assert "-t" in words
    for option in ("UserKnownHostsFile=/lab/known_hosts", "ProxyCommand=/x/ssh -W %h:%p host"):
        assert words[words.index(option) - 1] == "-o"
    plain = by_ssh(WAY, Path("/lab/known_hosts"), terminal=False)
    assert not [word for word in plain if "Proxy" in word or word == "-t"]


def test_a_server_in_a_guest_says_how_to_look_at_its_papers() -> None:
    machine = cast(Any, SimpleNamespace(route=WAY, known_hosts=Path("/lab/known_hosts"), tunnel=""))
    live = GuestSamba(CATALOGUE.servers["samba-4.17"], machine, new_account(), Path("/evidence"))
    assert isinstance(live, Accessible)
    found = live.access()
    assert set(found) >= {"shell", "smb.conf", "log.smbd"}
    assert shlex.split(found["shell"]) == by_ssh(WAY, Path("/lab/known_hosts"), terminal=True)
    # The line of a paper is one command there, which prints it.
    *ask, there = shlex.split(found["smb.conf"])
    assert ask == by_ssh(WAY, Path("/lab/known_hosts"), terminal=False)
    assert shlex.split(there)[:4] == ["sudo", "-n", "sh", "-c"]
    assert "smb.conf" in shlex.split(there)[4]
