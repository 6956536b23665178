"""Building images: what is asked of mmdebstrap, from which archive, and what came of it on this machine."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.errors import LabFault
from harness.labs import images, namespace
from harness.labs.images.build import ROOM, build, command, recipe
from harness.labs.images.storage import Store
from harness.labs.roots.debian import MIRROR
from harness.servers import mdns, samba_ad, ws_discovery
from harness.system import process
from harness.system.client_image import CLIENTS
from harness.system.deadline import wait_for
from harness.system.image import Image


@pytest.fixture(autouse=True)
def _outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """./test runs these inside a lab, where images are not built."""
    monkeypatch.delenv(namespace.MARKER, raising=False)


def _untold(_name: str, _done: float, _text: str) -> None:
    """Progress that nobody looks at."""


def test_the_command_line_names_no_mirror_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MIRROR, raising=False)
    plain = command(CATALOGUE.images["bullseye"], Path("/root"))
    assert plain[-2:] == ["bullseye", "/root"]
    assert any("-security" in word for word in plain), "the release as it came: without its security archive"
    assert not any("://" in word for word in plain)
    patched = command(CATALOGUE.images["bullseye-security"], Path("/root"))
    assert not any("-security" in word for word in patched)
    monkeypatch.setenv(MIRROR, "file:///srv/debian/")
    assert command(CATALOGUE.images["bullseye-security"], Path("/root"))[-2:] == [
        "deb file:///srv/debian bullseye main",
        "deb file:///srv/debian-security bullseye-security main",
    ]


@pytest.mark.local_lab
def test_the_real_images() -> None:
    """Those that ./test built: complete, and each of the Samba series that it says."""
    series = {
        "bullseye": "2:4.13.13+dfsg-1~deb11u6",
        "bullseye-security": "2:4.13.13+dfsg-1~deb11u",
        "bookworm": "2:4.17.",
        "trixie": "2:4.22.",
        "forky": "2:4.",
    }
    status_of = {status.name: status for status in images.status(CATALOGUE.images)}
    beside = (CLIENTS, *ws_discovery.IMAGES, *mdns.IMAGES, *samba_ad.IMAGES)
    assert set(status_of) == {*series, *(image.name for image in beside)}
    for name, status in (found := {name: status_of[name] for name in series}).items():
        assert status.state == "present", status
        assert status.version.startswith(series[name])
        assert images.version(name) == status.version
        root = images.store(CATALOGUE.images).root(name)
        assert f"samba {status.version}\n" in (root / "packages.txt").read_text()
        assert (root / "usr/sbin/smbd").stat().st_mode & 0o111
        # What mount_image binds over, and no trace of the machine that built it.
        for target in ("dev/null", "dev/urandom", "mnt", "proc", "tmp", "run"):
            assert (root / target).exists(), target
        assert not (root / "etc/resolv.conf").exists()
        assert (root / "usr/share/doc/samba/changelog.Debian.gz").is_file()
    assert found["bullseye"].version < found["bullseye-security"].version


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real builder where nothing can be downloaded: one line that says what failed."""
    monkeypatch.setenv(MIRROR, f"file://{tmp_path}/no-such-mirror")
    with pytest.raises(LabFault) as caught:
        Store(tmp_path / "images", CATALOGUE.images, build, recipe, ROOM).ensure(["trixie"], _untold)
    text = str(caught.value)
    assert text.startswith("cannot build the image trixie: ")
    assert "no-such-mirror" in text or "not installed" in text
    assert MIRROR in text or "apt-get install" in text
    assert "\n" not in text
    wait_for("nothing to be left", lambda: not list((tmp_path / "images").glob(".building*")), 5)


def test_an_image_of_another_archive(tmp_path: Path) -> None:
    """A package made here, in a repository that is a folder: what is in it is all that is asked for."""
    archive, made = tmp_path / "archive", tmp_path / "package"
    (made / "DEBIAN").mkdir(parents=True)
    (made / "usr/sbin").mkdir(parents=True)
    (made / "usr/sbin/smbd").write_text("#!/bin/sh\n")
    (made / "usr/share/doc/samba").mkdir(parents=True)
    (made / "usr/share/doc/samba/copyright").write_text("ours\n")
    about = (
        "Package: samba\nVersion: 2:4.2.7+other\nArchitecture: all\nMaintainer: us <us@example.org>\n"
        "Description: smbd of another distribution\n"
    )
    (made / "DEBIAN/control").write_text(about)
    archive.mkdir()
    package = archive / "samba_2%3a4.2.7+other_all.deb"
    process.run(["dpkg-deb", "--root-owner-group", "--build", made, package], timeout=60).check("the package")
    found = hashlib.sha256(package.read_bytes()).hexdigest()
    index = f"{about}Filename: ./{package.name}\nSize: {package.stat().st_size}\nSHA256: {found}\n"
    (archive / "Packages").write_text(index)
    lines = (f"deb [trusted=yes] copy:{archive} ./",)
    other = Image("other", "first", True, "title of other", ("samba",), archive=lines)
    store = Store(tmp_path / "images", {"other": other}, build, recipe, room=1)
    root = store.ensure(["other"], _untold)["other"]
    assert (root / "usr/sbin/smbd").read_text() == "#!/bin/sh\n"
    assert store.status("other").version == "2:4.2.7+other"
    assert recipe(other) != recipe(replace(other, archive=()))
