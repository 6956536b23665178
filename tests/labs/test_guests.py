"""The catalogue of guests: the one that is shipped, changes of it, and what is no catalogue at all."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from known import CATALOGUE

from harness.errors import UsageError
from harness.labs import boxes, guests
from harness.labs.guests import BuiltBox, FileBox, RegistryBox, UrlBox, YourBox

GUEST = """\
schema: 1
guests:
  - name: one
    title: The first
    roles: [server]
    os: debian-12
    platform: samba
    box: {source: built, name: smb-rehearsal/bookworm}
    communicator: ssh
    memory: 512
    cpus: 1
    providers: [libvirt]
    licence: free software
    verified: false
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "guests.yaml"
    path.write_text(GUEST)
    return path


def test_the_shipped_catalogue() -> None:
    found = guests.load()
    assert len(found) >= 20
    for guest in found.values():
        if isinstance(guest.box, BuiltBox):
            assert guest.box.recipe in boxes.BOXES
        if guest.image is not None:
            assert guest.image in CATALOGUE.images
            assert isinstance(guest.box, BuiltBox)
            assert boxes.BOXES[guest.box.recipe].suite == CATALOGUE.images[guest.image].suite
        if isinstance(guest.box, YourBox):
            assert not guest.verified
        if str(guest.platform) == "windows":
            # No Windows ever ran here.
            assert not guest.verified
        assert (guest.evaluation_days is not None) is ("evaluation" in guest.licence)
    served = {guest.image for guest in found.values() if guest.image}
    assert served == {"bullseye", "bookworm", "bookworm-domain", "trixie", "forky"}
    assert {"windows-xp", "sles-11", "centos-6", "debian-7", "debian-8"} <= {
        guest.name for guest in found.values() if isinstance(guest.box, YourBox)
    }
    assert any(str(guest.platform) == "ksmbd" for guest in found.values())
    assert any("mount-cifs" in guest.can for guest in found.values())


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        ("{source: registry, name: some/box, version: 1.2.0}", RegistryBox),
        (
            "{source: url, name: some/box, url: 'https://example.org/a.box', sha256: '" + 64 * "a" + "'}",
            UrlBox,
        ),
        ("{source: file, name: some/box, path: ../a.box}", FileBox),
        ("{source: yours, name: yours/box}", YourBox),
    ],
)
def test_another_source_of_a_box(file: Path, box: str, kind: type) -> None:
    (file.parent / guests.LOCAL).write_text(f"schema: 1\nguests:\n  - name: one\n    box: {box}\n")
    guest = guests.load(file)["one"]
    assert isinstance(guest.box, kind)
    assert guest.title == "The first", "only what is named is changed"


def test_a_guest_of_ones_own(file: Path) -> None:
    text = GUEST.replace("name: one", "name: another")
    (file.parent / guests.LOCAL).write_text(text)
    assert list(guests.load(file)) == ["one", "another"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("memory: 512", "memory: much", "one: memory: Input should be a valid integer"),
        ("memory: 512", "memory: 0", "one: memory: Input should be greater than or equal to 64"),
        ("    memory: 512\n", "", "one: memory: Field required"),
        ("cpus: 1", "cpus: 1\n    colour: red", "one: colour: Extra inputs are not permitted"),
        ("smb-rehearsal/bookworm", "bookworm", "one: box.name: String should match pattern"),
        ("source: built", "source: elsewhere", "one: box: "),
        ("roles: [server]", "roles: [cook]", "one: roles.0: Input should be 'server' or 'client'"),
        ("    platform: samba\n", "", "one: a server needs a platform"),
        (
            "platform: samba",
            "platform: ksmbd\n    image: trixie",
            "one: a guest of platform ksmbd has no image",
        ),
        ("name: one", "name: One of two", "One of two: name: String should match pattern"),
        ("name: one", "nom: one", "guest number 1 has no name"),
        ("schema: 1", "schema: 2", "its keys must be schema: 1 and guests"),
        ("guests:", "guest:", "its keys must be schema: 1 and guests"),
        ("title: The first", "title: [", "is no YAML: "),
        ("title: The first", "title: !!python/object:os.system {}", "is no YAML: "),
    ],
)
def test_a_mistake_is_told_with_its_file_and_key(file: Path, old: str, new: str, said: str) -> None:
    assert old in GUEST
    file.write_text(GUEST.replace(old, new))
    with pytest.raises(UsageError) as caught:
        guests.load(file)
    text = str(caught.value)
    assert str(file) in text
    assert said in text
    assert "\n" not in text


def test_a_guest_that_is_there_twice(file: Path) -> None:
    file.write_text(GUEST + GUEST.partition("guests:\n")[2])
    with pytest.raises(UsageError, match="one is there twice"):
        guests.load(file)


def test_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.yaml: cannot be read: No such file"):
        guests.load(tmp_path / "nowhere.yaml")


def test_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean windows-server-20"):
        guests.find("windows-server-202", guests.load())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.printable, max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(sorted(guests.Guest.model_fields))


@given(changes=st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
@settings(deadline=None)
def test_any_change_is_taken_or_told_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, object]
) -> None:
    file = tmp_path_factory.mktemp("catalogue") / "guests.yaml"
    data = yaml.safe_load(GUEST)
    data["guests"][0] |= changes
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    assert len(_loaded(file)) == 1


def _loaded(file: Path) -> list[str]:
    """The names in a catalogue, or the one line that says what is wrong with it."""
    try:
        return list(guests.load(file))
    except UsageError as error:
        return str(error).split("\n")


@given(text=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(deadline=None)
def test_any_bytes_are_no_catalogue(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    file = tmp_path_factory.mktemp("catalogue") / "guests.yaml"
    file.write_bytes(text)
    with pytest.raises(UsageError) as caught:
        guests.load(file)
    assert "\n" not in str(caught.value)
