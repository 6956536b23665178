"""What an image that the user added says of itself, and what the lab makes of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import LabFault, UsageError
from harness.labs import samba_ways
from harness.labs.home import Home
from harness.labs.images.own import Tar
from harness.labs.samba_conf import render
from harness.labs.samba_internals import release
from harness.labs.samba_ways import Ways, version_in
from harness.servers.base import Conf, ServerState


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Version 4.17.12-Debian\n", "4.17.12-Debian"),
        ("Version 4.25.1-Debian-4.25.1+dfsg-1\n", "4.25.1-Debian-4.25.1+dfsg-1"),
        ("Version 3.0.33-3.41.el5_11\n", "3.0.33-3.41.el5_11"),
        ("Samba 3.6.25 build 7, of a vendor.\n", "3.6.25"),
        ("[2017/05/24] smbd\nversion: 4.4.9.\n", "4.4.9"),
        ("4.2 \x1b[31mred", "4.2 \\x1b[31mred"),
        ("smbd: no such option", ""),
        ("", ""),
    ],
)
def test_a_version_in_any_words(said: str, version: str) -> None:
    assert version_in(said) == version


def test_only_what_it_knows_is_written_for_it(tmp_path: Path) -> None:
    """Of the lab's own lines; those of a change are written in any case, so that it is found out."""
    home = Home("1-old", tmp_path, tmp_path, "127.10.0.2", "share")
    state = ServerState("old", Conf({"server min protocol": "SMB3"}))
    whole = render(state, home)
    assert "ncalrpc dir" in whole
    assert "auth_audit" in whole
    known = ("interfaces", "logfile", "loglevel", "piddirectory", "privatedir")
    old = render(state, home, Ways(parameters=known, audits=False, asked=True))
    assert "ncalrpc dir" not in old
    assert "log level = 1\n" in old
    assert "server min protocol = SMB3" in old
    assert "[share]" in old


def test_how_it_is_started(tmp_path: Path) -> None:
    old = Ways(smbd="/opt/smbd", options=("-F",), log_option="", testparm="", asked=True)
    assert old.start(Path("/c"), Path("/l")) == ["/opt/smbd", "-F", "-s", "/c"]
    assert Ways().start(Path("/c"), Path("/l"))[-2:] == ["-l", "/l"]
    with pytest.raises(LabFault, match="has no testparm"):
        old.check(Path("/c"))
    (tmp_path / samba_ways.FILE).write_text("{}x")
    with pytest.raises(LabFault, match="cannot be read; remove the image, and add it again"):
        samba_ways.of(tmp_path)


def test_the_release_is_that_of_the_tree(tmp_path: Path) -> None:
    """Not of this machine, which an absolute link would lead to; and nothing in it steers a terminal."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "etc/os-release").symlink_to("/usr/lib/os-release")
    assert release(tmp_path) == ""
    (tmp_path / "usr/lib/os-release").write_text('ID="sles\x1b[31m"\nVERSION_ID=11\n')
    assert release(tmp_path) == "sles\\x1b[31m 11"


def test_a_pipe_is_no_archive(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is a pipe, not a file"):
        Tar(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is a folder, not a file"):
        Tar(tmp_path)
