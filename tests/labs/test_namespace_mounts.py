"""Images mounted in a lab, and programs run in them: the real images, real mounts."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import private_lab
import pytest
from known import CATALOGUE

from harness.errors import LabFault
from harness.labs import images, namespace
from harness.labs.roots.rootfs import DEVICES
from harness.system import process

pytestmark = pytest.mark.local_lab


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory that belongs to the servers' user."""
    private_lab.needed()
    folder = tmp_path_factory.mktemp("state")
    (folder / "inner").mkdir()
    (folder / "inner/file").write_text("from outside\n")
    namespace.hand_over(folder)
    return folder


@pytest.fixture(params=sorted(name for name, image in CATALOGUE.images.items() if "samba" in image.packages))
def mounted(request: pytest.FixtureRequest, state: Path, tmp_path: Path) -> Iterator[Path]:
    """Each image with a server in turn, mounted."""
    name = str(request.param)
    root = images.ensure(CATALOGUE.images, [name], lambda *_: None)[name]
    at = tmp_path / "root"
    namespace.mount_image(root, at, state)
    yield at
    namespace.unmount_image(at)
    assert list(at.iterdir()) == []


def _in(root: Path, *argv: str) -> process.Result:
    return process.run(namespace.in_image(root, argv), timeout=20)


def test_the_software_runs_and_is_what_the_manifest_says(
    mounted: Path, request: pytest.FixtureRequest
) -> None:
    recorded = images.version(request.node.callspec.params["mounted"])
    upstream = recorded.split(":", 1)[1].split("+", 1)[0]
    for program in ("/usr/sbin/smbd", "/usr/bin/smbclient", "/usr/bin/smbcontrol"):
        said = _in(mounted, program, "-V").check(program).stdout
        assert said.startswith(f"Version {upstream}-Debian")
    assert _in(mounted, "/usr/bin/curl", "--version").check("curl").stdout.startswith("curl ")


def test_the_image_cannot_be_written_but_its_state_can(mounted: Path, state: Path) -> None:
    with pytest.raises(OSError, match="Read-only file system") as caught:
        (mounted / "etc/passwd").write_text("")
    assert caught.value.errno == errno.EROFS
    for device in DEVICES:
        assert (mounted / "dev" / device).is_char_device()
    for folder in ("mnt", "tmp", "run"):
        probe = mounted / folder / "probe"
        probe.write_text("x")
        probe.unlink()
    assert (mounted / "mnt/inner/file").read_text() == (state / "inner/file").read_text()


def test_no_program_in_it_gets_more_than_its_user_has(mounted: Path, tmp_path: Path) -> None:
    for place in (mounted, mounted / "mnt", mounted / "tmp", mounted / "run"):
        assert os.statvfs(place).f_flag & (os.ST_NOSUID | os.ST_NODEV) == os.ST_NOSUID | os.ST_NODEV
    assert (mounted / "dev/null").write_text("it is a device")
    # Each guard holds alone: this program is run where setuid counts.
    program = Path(shutil.copy("/usr/bin/id", tmp_path))
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 1:
            folder.chmod(folder.stat().st_mode | 0o111)
    program.chmod(0o4755)
    said = _in(Path("/"), str(program)).check("id").stdout
    assert f"uid={namespace.LAB_UID}" in said
    assert "euid=" not in said
    told = _in(Path("/"), "grep", "NoNewPrivs", "/proc/self/status")
    assert told.stdout.split() == ["NoNewPrivs:", "1"]


def test_the_servers_user_owns_the_state(mounted: Path) -> None:
    conf = mounted / "mnt/inner/smb.conf"
    conf.write_text(
        "[global]\n netbios name = probe\n lock directory = /mnt/inner\n pid directory = /mnt/inner\n"
    )
    namespace.hand_over(conf.parent)
    done = _in(mounted, "/usr/bin/testparm", "-s", "/mnt/inner/smb.conf")
    assert done.ok, done
    assert "netbios name = PROBE" in done.stdout
    if namespace.maps_lab_uid():
        assert {path.stat().st_uid for path in conf.parent.rglob("*")} == {namespace.LAB_UID}


def test_what_is_not_mounted_cannot_be_unmounted(state: Path) -> None:
    with pytest.raises(LabFault, match=r"cannot unmount .*: Invalid argument"):
        namespace.unmount_image(state)


def test_what_is_not_there_cannot_be_mounted(state: Path, tmp_path: Path) -> None:
    with pytest.raises(LabFault, match=r"cannot mount .*: No such file or directory"):
        namespace.mount_image(tmp_path / "no-image", tmp_path / "at", state)
