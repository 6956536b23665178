"""The doctor looks at this machine; what is wrong is made wrong for real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from known import CATALOGUE
from private_lab import own_mounts

from harness.errors import LabFault
from harness.labs import doctor, images, namespace
from harness.labs.finding import DoctorFinding, State
from harness.labs.roots import mounts
from harness.system import environment, process, programs, resources


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def _by_name() -> dict[str, DoctorFinding]:
    return {finding.name: finding for finding in doctor.examine(CATALOGUE.images)}


def test_everything_is_looked_at() -> None:
    found = _by_name()
    assert {"Python", "private lab", "mmdebstrap", "Debian's archive keyring", "disk space"} < set(found)
    assert {f"image {name}" for name in CATALOGUE.images} < set(found)
    assert found["Python"].ok
    # An image that is not built yet is no obstacle.
    trixie = found["image trixie"]
    assert (trixie.ok, trixie.state, trixie.detail) == (True, State.OPTIONAL, "missing")
    assert "the first run that wants it builds it" in trixie.mend
    assert "MB needed" in found["disk space"].detail
    for finding in found.values():
        assert finding.detail
        assert bool(finding.mend) is (finding.state in (State.MISSING, State.OPTIONAL)), finding
        assert bool(finding.gives) is (finding.state is State.OPTIONAL), finding


def test_what_is_not_installed_and_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    # Of what a lab starts: that is looked for where every program of a lab is.
    monkeypatch.setattr(environment, "PATH", str(tmp_path))
    found = _by_name()
    assert not found["mmdebstrap"].ok
    assert found["mmdebstrap"].detail == "not installed"
    assert found["mmdebstrap"].mend.endswith("apt-get install --no-install-recommends mmdebstrap")
    # What ./rehearse installs by itself, with the one command that does it.
    once = found["Debian packages"]
    assert not once.ok
    assert re.fullmatch(
        r"(sudo )?apt-get update && (sudo )?apt-get install --no-install-recommends .+", once.mend
    )
    words = 'me=rehearse; . requirements/bootstrap.sh; find_all_packages run ""; echo "$packages"'
    asked = ["/bin/sh", "-c", words]
    done = process.run(asked, timeout=30, env={"PATH": str(tmp_path)}, cwd=resources.path().parent)
    assert set(done.stdout.split()) <= set(once.mend.split())


def test_what_a_lab_needs_is_looked_for_where_the_lab_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chroot in the user's PATH is none of the lab's. That of Debian was removed: its package is there."""
    for name in programs.OF_A_LAB:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(environment, "PATH", str(tmp_path / "none"))
    monkeypatch.setattr(doctor, "_namespaces", list)
    found = _by_name()
    for name in programs.OF_A_LAB:
        assert not found[name].ok
    assert found["Debian packages"].detail.startswith("missing: util-linux coreutils ")
    assert " --no-install-recommends --reinstall util-linux coreutils " in found["Debian packages"].mend


def test_a_machine_that_has_everything_is_told_so() -> None:
    found = _by_name()
    assert found["Debian packages"] == DoctorFinding(
        "Debian packages", True, "all that a rehearsal needs are installed"
    )


def test_a_tick_is_for_what_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a single program and package: what works is what needs none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {one.name: one for one in doctor.examine(CATALOGUE.images, {"aiosmb": "no-such-package"})}
    for name in ("programs", "to build boxes", "acceleration", "boxes", "boxes of others"):
        one = found[f"vagrant lab: {name}"]
        assert one.state is State.OPTIONAL, one
        assert one.gives
    assert " vagrant " in found["vagrant lab: programs"].mend
    assert found["client aiosmb"].state is State.OPTIONAL
    assert found["client aiosmb"].mend.endswith("-m pip install no-such-package")
    for one in found.values():
        if one.state is State.WORKS:
            assert "missing" not in one.detail
            assert "not installed" not in one.detail


def test_no_cache_directory(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    found = _by_name()
    assert not found["cache directory"].ok
    assert "XDG_CACHE_HOME" in found["cache directory"].mend
    assert "image trixie" not in found


@pytest.mark.local_lab
def test_a_cache_from_which_nothing_can_be_run(tmp_path: Path) -> None:
    """A home that is mounted noexec: every server ended with status 126, and doctor ticked the images."""
    cache = tmp_path / "cache/smb-rehearsal"
    cache.mkdir(parents=True)
    mounts.mount("tmpfs", cache, mounts.MS_NOEXEC, kind="tmpfs")
    try:
        found = _by_name()
        assert not found["cache directory"].ok
        assert "(mounted noexec)" in found["cache directory"].detail
        with pytest.raises(LabFault, match=r"mounted noexec.*set XDG_CACHE_HOME"):
            images.ensure(CATALOGUE.images, ["trixie"], lambda *_: None)
    finally:
        mounts.unmount_image(cache)


def test_a_damaged_image_and_leftovers_are_named(tmp_path: Path) -> None:
    (tmp_path / "cache/smb-rehearsal/images/trixie/root").mkdir(parents=True)
    (tmp_path / "state/smb-rehearsal/runs/yesterday/lab").mkdir(parents=True)
    found = _by_name()
    assert found["image trixie"].detail.startswith("corrupt: its manifest is missing or unreadable")
    assert "yesterday" in found["leftovers"].detail


# A root directory that is no mount, with this machine's programs mounted below it.
IN_CHROOT = """
set -eu
cd "$1"
mkdir usr bin lib lib64 proc here
for folder in usr bin lib lib64 proc; do
    mount --rbind "/$folder" "$folder"
done
mount --rbind "$2" here
shift 2
exec chroot . /usr/bin/env PYTHONPATH=/here PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$@"
"""


@pytest.mark.local_lab
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-c", "from harness.labs import diagnosis; print(diagnosis.in_chroot())"], (0, "True\n")),
        (["-m", "harness.labs.namespace", "--", "sh", "-c", "echo in; exit 6"], (6, "in\n")),
    ],
    ids=["told", "root has a lab"],
)
def test_in_a_chroot(tmp_path: Path, words: list[str], expected: tuple[int, str]) -> None:
    """A real one. The kernel refuses user namespaces there, but root does without."""
    if not namespace.inside() or not Path("/usr/bin/python3").exists():
        pytest.skip("needs the lab's private namespace, and a Python in /usr")
    here = Path(doctor.__file__).resolve().parents[2]
    inner: list[str | Path] = ["sh", "-c", IN_CHROOT, "sh", tmp_path, here, *words]
    done = process.run([*own_mounts(), *inner], timeout=20)
    assert (done.status, done.stdout) == expected, done
