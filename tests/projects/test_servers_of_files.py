"""Servers of a project that are smb.conf files: brought along once, and again when a file has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalogue import Catalogue
from harness.cli.base import catalogue_of
from harness.cli.main import in_project
from harness.projects import begin
from harness.servers.roles import BroughtServer
from harness.verbs import bringing, project_servers

CONF = """[global]
   workgroup = OFFICE
   include = more.conf
[documents]
   path = /srv/documents
   read only = no
   valid users = anna
   root preexec = /bin/touch /tmp/it-was-run
"""
TOML = """
[servers.office]
smb-conf = "files/smb.conf"
release = "samba-4.17"
includes = ["files/more.conf"]

[servers.gone]
smb-conf = "files/nowhere.conf"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a server of a file; what is brought along is kept beside it."""
    folder = tmp_path / "project"
    begin.begin(folder)
    (folder / "files").mkdir()
    (folder / "files" / "smb.conf").write_text(CONF)
    (folder / "files" / "more.conf").write_text("[global]\n   server min protocol = SMB2_10\n")
    with (folder / "rehearsal.toml").open("a") as toml:
        toml.write(TOML)
    monkeypatch.setattr(project_servers, "cache_dir", lambda: tmp_path)
    return folder


def _there(place: Path) -> Catalogue:
    return catalogue_of(in_project(["list", "--project", str(place)]))


@pytest.mark.local_lab
@pytest.mark.usefixtures("lab")
def test_a_file_is_brought_along_once_and_again_when_it_has_changed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _there(place)
    office = first.servers["office@documents"]
    assert isinstance(office, BroughtServer)
    assert (office.image, first.whose("server", office.name)) == ("bookworm", "yours")
    assert office.conf.globals["server min protocol"] == "SMB2_10"
    assert "root preexec" in [one.parameter for one in office.brought.instead]
    (gone,) = (why for why in first.unusable if "servers.gone" in why)
    toml = place / "rehearsal.toml"
    line = toml.read_text().splitlines().index("[servers.gone]") + 1
    assert gone.startswith(f"{toml}:{line}: servers.gone: {place}/files/nowhere.conf: there is no such file")

    def again(*_: object) -> None:
        raise AssertionError("it was brought along again")

    with monkeypatch.context() as patched:
        patched.setattr(bringing, "in_the_lab", again)
        assert list(_there(place).servers) == list(first.servers)
        (place / "files" / "more.conf").write_text("[global]\n   server min protocol = SMB3_00\n")
        with pytest.raises(AssertionError):
            _there(place)
    changed = _there(place).servers["office@documents"]
    assert changed.conf.globals["server min protocol"] == "SMB3_00"
