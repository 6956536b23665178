"""The lab reaches nothing outside itself, and its servers are real programs of their images."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.labs.local import LocalLab
from harness.servers.live import LiveServer
from harness.system.process import redact, run

pytestmark = pytest.mark.local_lab


def test_there_is_no_way_out(lab: LocalLab) -> None:
    assert lab.name == "local"
    for address in ("192.0.2.1", "8.8.8.8"):
        with pytest.raises(OSError, match="unreachable"):
            socket.create_connection((address, 445), timeout=2)


def test_the_password_is_made_up_and_kept_secret(serve: Callable[[str], LiveServer]) -> None:
    password = serve("samba-4.22").target.password
    assert re.fullmatch(r"[A-Za-z0-9]{12}", password)
    assert redact(f"-U user%{password}") == "-U user%***"
    assert password not in repr(serve("samba-4.22").target)


@pytest.mark.parametrize(("tool", "says"), [("smbclient", "Version 4.22"), ("curl", "curl 8.")])
def test_the_tools_are_those_of_their_image(serve: Callable[[str], LiveServer], tool: str, says: str) -> None:
    command = serve("samba-4.13").target.program("trixie", f"/usr/bin/{tool}")
    assert command is not None
    assert run([*command, "--version"], timeout=10).stdout.startswith(says)


def test_an_image_is_mounted_once_and_cannot_be_written(lab: LocalLab) -> None:
    root = lab.root("trixie")
    assert lab.root("trixie") == root
    with pytest.raises(OSError, match="Read-only file system"):
        (root / "etc" / "mine").write_text("")


def test_labs_do_not_share_addresses(
    lab_in: Callable[[Path], LocalLab], lab: LocalLab, tmp_path: Path
) -> None:
    other = lab_in(tmp_path / "other")
    assert next(other._numbers) // 500 != next(lab._numbers) // 500
