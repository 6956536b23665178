"""Boxes that others made: what Vagrant is told, what it answers, and real fetching on loopback."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_box import tiny_box

from harness.errors import LabFault, UsageError
from harness.labs import guests
from harness.labs.boxes import fetch
from harness.labs.guests import FileBox, Guest, RegistryBox, UrlBox, YourBox
from harness.system import process


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _tell(_text: str, _done: float) -> None:
    """Nothing to show."""


def _guest(box: RegistryBox | UrlBox | FileBox | YourBox) -> Guest:
    base = guests.load()["windows-xp"]
    return base.model_copy(update={"box": box})


HASH = "ab" * 32


def test_what_vagrant_is_told(tmp_path: Path) -> None:
    registry = _guest(RegistryBox(source="registry", name="some/box", version="1.2"))
    assert fetch._source(registry, "") == ["--box-version", "1.2", "some/box"]
    url = _guest(UrlBox(source="url", name="some/box", url="https://example.org/a.box", sha256=HASH))
    assert fetch._source(url, "")[-2:] == [HASH, "https://example.org/a.box"]
    (tmp_path / "a.box").touch()
    file = _guest(FileBox(source="file", name="some/box", path=str(tmp_path / "a.box")))
    assert fetch._source(file, "") == ["--name", "some/box", str(tmp_path / "a.box")]
    yours = _guest(YourBox(source="yours", name="yours/box"))
    assert fetch._source(yours, str(tmp_path / "a.box"))[-1] == str(tmp_path / "a.box")
    with pytest.raises(LabFault, match="no box for windows-xp: it must be yours; rehearse boxes fetch"):
        fetch._source(yours, "")
    with pytest.raises(LabFault, match="there is no file"):
        fetch._source(yours, str(tmp_path / "b.box"))


def test_what_is_not_fetched() -> None:
    catalogue = guests.load()
    with pytest.raises(UsageError, match="is made here; rehearse boxes build trixie"):
        fetch.fetch(catalogue["samba-trixie"], "libvirt", _tell)
    with pytest.raises(UsageError, match="windows-7 has no box for hyperv; it has: virtualbox"):
        fetch.fetch(catalogue["windows-7"], "hyperv", _tell)


def test_without_vagrant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabFault, match="vagrant is not installed; see: rehearse doctor"):
        fetch.fetch(guests.load()["windows-7"], "virtualbox", _tell)


@pytest.mark.parametrize("below", ["1.0/libvirt", "1.0/amd64/libvirt"])
def test_what_is_there(tmp_path: Path, below: str) -> None:
    """Vagrant's folders before 2.4 and since."""
    assert fetch.installed("some/box", tmp_path) == {}
    folder = tmp_path / "boxes/some-VAGRANTSLASH-box" / below
    folder.mkdir(parents=True)
    assert fetch.installed("some/box", tmp_path) == {}
    (folder / "metadata.json").write_text("{}")
    assert fetch.installed("some/box", tmp_path) == {"1.0": ("libvirt",)}


# Vagrant 2.3.4, recorded.
CHECKSUM = """\
==> box: Box file was not detected as metadata. Adding it directly...
==> box: Adding box 'a/b' (v0) for provider: libvirt
    box: Downloading: http://127.0.0.1:8123/tiny.box
\r\x1b[KProgress: 0% (Rate: 0*/s, Estimated time remaining: --:--:--)\r\x1b[K    box: Calculating and comparing box checksum...
The checksum of the downloaded box did not match the expected
value. Please verify that you have the proper URL setup and that
you're downloading the proper file.

Expected: 0
Received: 1
"""  # noqa: E501
MISSING = """\
There was an error while downloading the metadata for this box.
The error message is shown below:

The requested URL returned error: 404
"""
UNKNOWN = """\
The box 'some/box' could not be found or
could not be accessed in the remote catalog. If this is a private
box on a registry, please verify you're logged in via
`vagrant login`. Also, please double-check the name. The expanded
URL and error message are shown below:

URL: ["https://example.org/some/box"]
Error: The requested URL returned error: 404
"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (CHECKSUM, "The checksum of the downloaded box did not match the expected value"),
        (
            MISSING,
            "There was an error while downloading the metadata for this box: "
            "The requested URL returned error: 404",
        ),
        (
            UNKNOWN,
            "The box 'some/box' could not be found or could not be accessed in the remote catalog: "
            "The requested URL returned error: 404",
        ),
        ("", "vagrant ended with status 1"),
    ],
)
def test_why_it_failed_in_one_line(said: str, told: str) -> None:
    assert fetch._complaint(process.Result("vagrant", 1, "", said, 1.0)) == told


@given(st.text())
def test_any_complaint_is_one_line(said: str) -> None:
    assert len(fetch._complaint(process.Result("vagrant", 1, "", said, 1.0)).splitlines()) == 1


def test_progress_is_heard() -> None:
    heard: list[tuple[str, float]] = []
    for line in (
        "\x1b[KProgress: 50% (Rate: 1M/s)",
        "==> box: Downloading",
        "\x1b[KProgress: 100% (Rate: 1M/s)",
    ):
        fetch._hear(line, lambda *one: heard.append(one))
    assert heard == [("downloading", 0.45), ("downloading", 0.9)]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return tiny_box(tmp_path / "served")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@pytest.fixture
def address(tiny: Path) -> Iterator[str]:
    """A web server on 127.0.0.1 that has the tiny box."""
    handler = functools.partial(_Quiet, directory=str(tiny.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.vagrant
def test_fetching_by_address_and_checksum(tiny: Path, address: str) -> None:
    """Real Vagrant, real HTTP, on loopback."""
    sha256 = hashlib.sha256(tiny.read_bytes()).hexdigest()

    def box(path: str, checksum: str) -> Guest:
        return _guest(UrlBox(source="url", name="tiny/box", url=f"{address}/{path}", sha256=checksum))

    with pytest.raises(LabFault, match="tiny/box: The checksum of the downloaded box did not match the"):
        fetch.fetch(box("tiny.box", HASH), "libvirt", _tell)
    with pytest.raises(LabFault, match=r"cannot fetch tiny/box: .*404"):
        fetch.fetch(box("none.box", sha256), "libvirt", _tell)
    assert fetch.installed("tiny/box", fetch.vagrant_home()) == {}
    heard: list[str] = []
    good = box("tiny.box", sha256)
    said = fetch.fetch(good, "libvirt", lambda text, _done: heard.append(text))
    assert said == "tiny/box is fetched"
    assert "adding it to Vagrant" in heard
    assert fetch.installed("tiny/box", fetch.vagrant_home()) == {"0": ("libvirt",)}
    assert fetch.fetch(good, "libvirt", _tell) == "tiny/box is there"
    assert fetch.fetch(good, "libvirt", _tell, again=True) == "tiny/box is fetched"


@pytest.mark.vagrant
def test_bringing_ones_own(tiny: Path) -> None:
    guest = guests.load()["sles-11"]
    with pytest.raises(LabFault, match="it must be yours"):
        fetch.fetch(guest, "libvirt", _tell)
    assert fetch.fetch(guest, "libvirt", _tell, given=str(tiny)) == "yours/sles-11 is fetched"
    assert fetch.fetch(guest, "libvirt", _tell, given=tiny.as_uri()) == "yours/sles-11 is fetched"
    not_a_box = tiny.with_name("not a box")
    not_a_box.write_text("this is no archive")
    with pytest.raises(LabFault, match="cannot fetch yours/sles-11: ") as caught:
        fetch.fetch(guest, "libvirt", _tell, given=str(not_a_box))
    assert "\n" not in str(caught.value)
