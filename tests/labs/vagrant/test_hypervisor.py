"""Where a lab's machines run: links to boxes, and what Vagrant is told about a remote libvirt."""

from __future__ import annotations

from pathlib import Path

from harness.labs.boxes import fetch
from harness.labs.vagrant.hypervisor import OwnHypervisor, RemoteHypervisor, hypervisor
from harness.labs.vagrant.remote_lab import Link
from harness.labs.vagrant.vagrant_home import own_boxes, own_home

BUILT = "smb-rehearsal-VAGRANTSLASH-bookworm"
FETCHED = "somebody-VAGRANTSLASH-windows"
LINK = Link(
    uri="qemu+ssh://lab@host/system",
    where="lab@host",
    tag="1234567",
    network="192.168.60",
    ssh=Path("/tmp/rehearse-ssh-x"),
    accelerated=True,
    acceleration="its libvirt offers KVM",
    memory=2048,
)


def vagrant_home(folder: Path) -> Path:
    for box, version in ((BUILT, "0.1.7"), (FETCHED, "2607.0.0")):
        place = folder / "boxes" / box / version / "libvirt"
        place.mkdir(parents=True)
        (place / "metadata.json").write_text("{}")
        (place / "box.img").write_text(box)
        (folder / "boxes" / box / "metadata_url").write_text("file:///x")
    for name in ("data", "gems", "tmp"):
        (folder / name).mkdir()
    (folder / "insecure_private_key").write_text("key")
    return folder


def test_boxes_that_were_built_here_get_a_version_of_the_runs_own(tmp_path: Path) -> None:
    home = vagrant_home(tmp_path / "home")
    copy = own_boxes(home, tmp_path / "copy", "1234567")
    assert fetch.installed("smb-rehearsal/bookworm", copy) == {"0.1.7.1234567": ("libvirt",)}
    # The catalogue demands this very version.
    assert fetch.installed("somebody/windows", copy) == {"2607.0.0": ("libvirt",)}
    assert (copy / "boxes" / BUILT / "0.1.7.1234567" / "libvirt" / "box.img").read_text() == BUILT
    assert (copy / "boxes" / BUILT / "metadata_url").read_text() == "file:///x"
    assert (copy / "insecure_private_key").read_text() == "key"
    # Vagrant's index of machines and its locks are nobody else's.
    assert sorted(path.name for path in copy.iterdir()) == ["boxes", "gems", "insecure_private_key"]
    assert own_boxes(home, copy, "1234567") == copy


def test_the_labs_own_has_the_same_boxes_and_an_index_of_machines_to_itself(tmp_path: Path) -> None:
    home = vagrant_home(tmp_path / "home")
    for name in ("one", "other"):
        mine = hypervisor(tmp_path / name, home, None, ["one"]).home
        assert mine == tmp_path / name / "vagrant"
        assert fetch.installed("smb-rehearsal/bookworm", mine) == {"0.1.7": ("libvirt",)}
        assert sorted(path.name for path in mine.iterdir()) == ["boxes", "gems", "insecure_private_key"]
    assert own_home(home, mine) == mine


def test_vagrant_is_told_where_the_machines_are(tmp_path: Path) -> None:
    home = vagrant_home(tmp_path / "home")
    on = hypervisor(tmp_path, home, LINK, ["one"])
    assert isinstance(on, RemoteHypervisor)
    assert on.tunnel == "lab@host"
    assert on.env["SMB_REHEARSAL_URI"] == LINK.uri
    assert on.env["SMB_REHEARSAL_PREFIX"] == "smb-rehearsal-1234567-"
    assert on.env["SMB_REHEARSAL_NETWORK"] == "192.168.60"
    assert on.env["PATH"].startswith("/tmp/rehearse-ssh-x/bin:")
    direct = hypervisor(tmp_path / "direct", home, LINK.model_copy(update={"ssh": None}), ["one"])
    assert direct.tunnel == ""
    assert "PATH" not in direct.env
    direct.check()


def test_what_is_set_for_plain_vagrant_does_not_reach_the_labs_own(tmp_path: Path) -> None:
    on = hypervisor(tmp_path, vagrant_home(tmp_path / "home"), None, ["one"])
    assert isinstance(on, OwnHypervisor)
    assert (on.env["SMB_REHEARSAL_URI"], on.env["SMB_REHEARSAL_POOL"]) == ("", "default")
    assert on.tunnel == ""
