"""Keeping images: with a builder that writes a few files, for what is tested is the keeping."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import LabFault, UsageError
from harness.labs import namespace
from harness.labs.images.build import recipe
from harness.labs.images.storage import Progress, Store, needed_room
from harness.labs.roots.debian import MIRROR, Tell
from harness.system import process
from harness.system.image import Image

IMAGES = {
    name: Image(name, suite, False, f"title of {name}")
    for name, suite in (("one", "bookworm"), ("one-more", "bookworm"), ("two", "trixie"))
}

Heard = list[tuple[str, float, str]]


@pytest.fixture(autouse=True)
def _outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """./test runs these inside a lab, where images are not built."""
    monkeypatch.delenv(namespace.MARKER, raising=False)


@pytest.fixture
def heard() -> Heard:
    return []


class Few:
    """A builder of three files that counts its builds."""

    def __init__(self) -> None:
        self.built: list[str] = []

    def __call__(self, image: Image, root: Path, tell: Tell) -> tuple[str, ...]:
        tell("unpacking", 0.5)
        (root / "usr/sbin").mkdir(parents=True)
        (root / "usr/sbin/smbd").write_text("smbd" * 100)
        (root / "usr/sbin/nmbd").symlink_to("smbd")
        (root / "etc").mkdir()
        (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
        self.built.append(image.name)
        return ("libc6 2.36", "samba 2:4.17.12+dfsg-0")


def _store(base: Path, builder: Few) -> Store[Image]:
    return Store(base, IMAGES, builder, recipe, room=1)


def test_a_copy_by_an_archive_is_as_good(tmp_path: Path) -> None:
    """As a layer of a container image has it: with modification times in seconds."""
    (tmp_path / "first").mkdir()

    class WithFolder(Few):
        def __call__(self, image: Image, root: Path, tell: Tell) -> tuple[str, ...]:
            packages = super().__call__(image, root, tell)
            (root / "sbin").symlink_to("usr/sbin")
            return packages

    _store(tmp_path / "first", WithFolder()).ensure(["one"], _told([]))
    archive = tmp_path / "images.tar"
    assert process.run(["tar", "--format=ustar", "-C", tmp_path, "-cf", archive, "first"], timeout=30).ok
    (tmp_path / "second").mkdir()
    assert process.run(["tar", "-C", tmp_path / "second", "-xf", archive], timeout=30).ok
    again = Few()
    _store(tmp_path / "second" / "first", again).ensure(["one"], _told([]))
    assert again.built == []


def _told(heard: Heard) -> Progress:
    return lambda name, done, text: heard.append((name, done, text))


def test_what_is_missing_is_built_once(tmp_path: Path, heard: Heard) -> None:
    few = Few()
    store = _store(tmp_path, few)
    assert store.status("one").state == "missing"
    roots = store.ensure(["one", "two", "one"], _told(heard))
    assert roots == {"one": tmp_path / "one/root", "two": tmp_path / "two/root"}
    assert (roots["one"] / "usr/sbin/smbd").is_file()
    assert (roots["one"] / "packages.txt").read_text() == "libc6 2.36\nsamba 2:4.17.12+dfsg-0\n"
    assert heard == [
        ("one", 0.5, "unpacking"),
        ("one", 1.0, "ready"),
        ("two", 0.5, "unpacking"),
        ("two", 1.0, "ready"),
    ]
    heard.clear()
    assert _store(tmp_path, few).ensure(["one", "two"], _told(heard)) == roots
    assert few.built == ["one", "two"]
    assert heard == []
    status = store.status("one")
    assert (status.state, status.version) == ("present", "2:4.17.12+dfsg-0")
    assert status.size == sum(
        path.lstat().st_size for path in roots["one"].rglob("*") if path.is_symlink() or path.is_file()
    )


def _truncate(root: Path) -> None:
    os.truncate(root / "usr/sbin/smbd", 10)


def _same_size(root: Path) -> None:
    (root / "usr/sbin/smbd").write_text("SMBD" * 100)


def _remove(root: Path) -> None:
    (root / "etc/passwd").unlink()


def _add(root: Path) -> None:
    (root / "etc/shadow").touch()


def _another_link(root: Path) -> None:
    (root / "usr/sbin/nmbd").unlink()
    (root / "usr/sbin/nmbd").symlink_to("winbindd")


def _manifest_cut(root: Path) -> None:
    os.truncate(root.parent / "complete.json", 20)


def _manifest_gone(root: Path) -> None:
    (root.parent / "complete.json").unlink()


def _manifest_of_the_future(root: Path) -> None:
    path = root.parent / "complete.json"
    path.write_text(
        path.read_text().replace('"schema_version":1', '"schema_version":2').replace(": 1,", ": 2,", 1)
    )


@pytest.mark.parametrize(
    "harm",
    [
        _truncate,
        _same_size,
        _remove,
        _add,
        _another_link,
        _manifest_cut,
        _manifest_gone,
        _manifest_of_the_future,
    ],
)
def test_a_damaged_image_is_built_again_and_the_user_is_told(
    tmp_path: Path, heard: Heard, harm: Callable[[Path], None]
) -> None:
    few = Few()
    store = _store(tmp_path, few)
    root = store.ensure(["one"], _told([]))["one"]
    harm(root)
    status = store.status("one")
    assert (status.state, bool(status.why)) == ("corrupt", True)
    store.ensure(["one"], _told(heard))
    assert heard[0] == ("one", 0.0, f"{status.why}; it is built again")
    assert few.built == ["one", "one"]
    assert store.status("one").state == "present"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "one.lock"]


def test_another_recipe_is_another_image(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Few()
    store = _store(tmp_path, few)
    store.ensure(["one"], _told([]))
    monkeypatch.setenv(MIRROR, "file:///srv/mirror")
    assert store.status("one").state == "outdated"
    store.ensure(["one"], _told(heard))
    assert heard[0][2] == "it was built by another recipe; it is built again"
    assert few.built == ["one", "one"]


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fails(_image: Image, root: Path, _tell: Tell) -> tuple[str, ...]:
        root.mkdir()
        (root / "half").touch()
        raise LabFault("no network")

    with pytest.raises(LabFault, match="no network"):
        Store(tmp_path, IMAGES, fails, recipe, room=1).ensure(["one"], _told([]))
    assert [path.name for path in tmp_path.iterdir()] == ["one.lock"]


def test_half_built_images_are_swept(tmp_path: Path) -> None:
    few = Few()
    store = _store(tmp_path, few)
    (tmp_path / ".building.one.abc/root").mkdir(parents=True)
    (tmp_path / ".building.one-more.xyz").mkdir()
    # A build of "one" is none of the business of "one-more".
    store.ensure(["one"], _told([]))
    assert [path.name for path in tmp_path.glob(".building*")] == [".building.one-more.xyz"]
    assert store.sweep() == [".building.one-more.xyz"]
    assert list(tmp_path.glob(".building*")) == []
    assert store.status("one").state == "present"


def test_no_room(tmp_path: Path) -> None:
    few = Few()
    with pytest.raises(LabFault, match=r"MB are free in .*, but 2 images need \d+ MB; make room"):
        Store(tmp_path, IMAGES, few, recipe, room=2**62).ensure(["one", "two"], _told([]))
    assert few.built == []
    one, two = IMAGES["one"], IMAGES["two"]
    assert needed_room([], 9) == 0
    assert needed_room([one], 9) < needed_room([one, two], 9) < 2 * needed_room([one], 9)
    large = replace(two, rooms=2)
    assert needed_room([one, large], 9) > needed_room([large], 9) > needed_room([one], 9)


def test_an_unknown_image(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no image is called 'tow'; did you mean two"):
        _store(tmp_path, Few()).ensure(["tow"], _told([]))


def test_a_cache_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LabFault, match=r"cannot make .*/file/images: Not a directory"):
        _store(tmp_path / "file/images", Few()).ensure(["one"], _told([]))


# What another process does: builds slowly, that is until it is told to go on, then keeps the image in use.
OTHER = """
import sys
from pathlib import Path
from harness.labs.images.build import recipe
from harness.labs.images.storage import Store
from harness.system.image import Image

def build(image, root, tell):
    print("building", flush=True)
    sys.stdin.readline()
    root.mkdir()
    (root / "built-by").write_text(sys.argv[2])
    return ("samba 1",)

def say(name, done, text):
    if "waiting" in text:
        print("waiting", flush=True)

image = Image("one", "bookworm", False, "title of one")
Store(Path(sys.argv[1]), {"one": image}, build, recipe, room=1).ensure(["one"], say)
print("done", flush=True)
sys.stdin.readline()
"""


def _other(base: Path, name: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if key != namespace.MARKER}
    return subprocess.Popen(
        [sys.executable, "-c", OTHER, str(base), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_two_at_once_build_once(tmp_path: Path) -> None:
    with _other(tmp_path, "first") as first, _other(tmp_path, "second") as second:
        # Whichever is first builds, the other says that it waits.
        said = {_line(first): first, _line(second): second}
        assert set(said) == {"building", "waiting"}
        _go_on(said["building"])
        assert (_line(first), _line(second)) == ("done", "done")
        # Both use it now, so it cannot be dropped from under them.
        store = _store(tmp_path, Few())
        assert (tmp_path / "one/root/built-by").read_text() in ("first", "second")
        with pytest.raises(LabFault, match="the image one is in use by another run"):
            store.drop("one")
        _go_on(first)
        _go_on(second)
    assert store.drop("one")
    assert not store.drop("one")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.lock"]


def test_a_killed_build_does_not_stop_the_next(tmp_path: Path) -> None:
    with _other(tmp_path, "killed") as killed:
        assert _line(killed) == "building"
        killed.kill()
    assert list(tmp_path.glob(".building.one.*"))
    few = Few()
    _store(tmp_path, few).ensure(["one"], _told([]))
    assert few.built == ["one"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "one.lock"]
