"""The stored fleet: what goes in comes out, nothing of it names a user, and hidden addresses stay hidden."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sightings import WHEN, gathered, sighting

from harness.errors import UsageError
from harness.fleet import store
from harness.fleet.kinds import meant
from harness.fleet.merging import machines
from harness.fleet.privacy import hasher, plain_words
from harness.fleet.sighting import Logon, Role
from harness.model import Dialect

EVERYTHING = [
    sighting("10.0.0.7", "PC-7.example.org", dialect=Dialect.SMB3_11, logon=Logon.KERBEROS, signed=True),
    sighting("10.0.0.7", dialect=Dialect.NT1, unknown_dialect="SMB3_12", offered=(Dialect.NT1,)),
    sighting("fd00::7", "pc-7", smb1_refused=True, cannot_sign=True, encrypted=False, cannot_encrypt=True),
    sighting("10.0.0.8", role=Role.SERVER, dialect=Dialect.SMB2_10, seen=None),
    sighting("10.0.0.9", role=Role.LISTED, said="Canon MFP of Alice"),
    sighting(persona="windows-7", count=19, seen=datetime(2026, 11, 2, tzinfo=UTC)),
]


def file(number: str, place: str = "here") -> store.FileOf:
    return store.FileOf(
        id=number,
        place=place,
        name="sample.txt",
        kind="smbstatus",
        imported=datetime(2026, 11, 29, tzinfo=UTC),
        lines=6,
        sightings=6,
        machines=4,
    )


def keep(path: Path, *, hashed: bool = False) -> None:
    with store.updating(path, hashed=hashed) as stored:
        stored.take(file("one"), gathered(*EVERYTHING, source="one"))


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "new" / "office.json"
    keep(path)
    found = store.load(path)
    assert (found.name, found.hashed, found.files) == ("office", False, [file("one")])
    assert machines(found.records) == machines(gathered(*EVERYTHING, source="one"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert store.is_stored(path)


def test_hidden_addresses_and_names_stay_the_same_machines(tmp_path: Path) -> None:
    path = tmp_path / "office.json"
    keep(path)
    plain = machines(store.load(path).records)
    keep(path, hashed=True)
    keep(path)
    found = store.load(path)
    assert found.hashed
    hidden = machines(found.records)
    assert len(hidden) == len(plain)
    assert sorted(len(one.addresses) for one in hidden) == sorted(len(one.addresses) for one in plain)
    text = path.read_text()
    assert not re.search(r"10\.0|fd00|pc-7|example|alice|canon mfp of", text, re.IGNORECASE)
    assert {said for one in hidden for said in one.said} == {"canon"}
    key = path.with_suffix(".key")
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_bytes().hex() not in text


def test_a_key_that_others_may_read_hides_nothing(tmp_path: Path) -> None:
    key = tmp_path / "office.key"
    hasher(key)
    key.chmod(0o640)
    with pytest.raises(UsageError, match="others may read this key") as caught:
        hasher(key)
    assert caught.value.hint == f"chmod 600 {key}"


def test_without_its_key_a_hidden_fleet_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "office.json"
    keep(path, hashed=True)
    before = path.read_bytes()
    path.with_suffix(".key").unlink()
    with pytest.raises(UsageError, match="the key of this fleet is gone"):
        keep(path)
    assert path.read_bytes() == before
    assert not path.with_suffix(".key").exists()


def test_another_key_gives_other_hashes(tmp_path: Path) -> None:
    one, other = (hasher(tmp_path / name) for name in ("one.key", "other.key"))
    assert one.address("10.0.0.7") != other.address("10.0.0.7")
    assert hasher(tmp_path / "one.key").address("10.0.0.7") == one.address("10.0.0.7")
    assert one.name("PC-7").split(".")[0] == one.name("pc-7.example.org").split(".")[0]
    assert one.address(one.address("10.0.0.7")) == one.address("10.0.0.7")
    assert one.name("unknown") == ""


def test_a_list_takes_the_place_of_what_it_said_before(tmp_path: Path) -> None:
    path = tmp_path / "office.json"
    for number, count in (("one", 19), ("two", 12)):
        with store.updating(path) as stored:
            stored.take(file(number), gathered(sighting(persona="windows-7", count=count), source="here"))
    with store.updating(path) as stored:
        stored.take(file("three", "there"), gathered(sighting(persona="windows-7"), source="there"))
    assert sorted(one.count for one in machines(store.load(path).records)) == [1, 12]


def test_a_change_that_fails_leaves_the_old_fleet(tmp_path: Path) -> None:
    path = tmp_path / "office.json"
    keep(path)
    before = path.read_bytes()

    class CutOffError(Exception):
        pass

    def cut_off() -> None:
        with store.updating(path) as stored:
            stored.records.clear()
            raise CutOffError

    with pytest.raises(CutOffError):
        cut_off()
    path.with_suffix(".part").write_text('{"kind": "smb-reh')
    assert path.read_bytes() == before
    there = len(store.load(path).records)
    keep(path)
    assert len(store.load(path).records) == there
    assert not path.with_suffix(".part").exists()


def test_what_goes_wrong_while_it_is_changed_is_not_said_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "office.json"
    with pytest.raises(BrokenPipeError), store.updating(path):
        raise BrokenPipeError
    assert not path.exists()


@pytest.mark.parametrize("text", ["{}", '{"kind": "smb-rehearsal fleet", "format": 2}', "\0", '["kind"]'])
def test_what_is_no_fleet_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "office.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="is no stored fleet") as caught:
        store.load(path)
    assert "\n" not in str(caught.value)


def test_nothing_that_a_record_knows_is_left_out_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "office.json"
    (record, *_) = gathered(*EVERYTHING[:1])
    with store.updating(path) as stored:
        stored.take(file("one"), [deepcopy(record)])
    assert asdict(store.load(path).records[0]) == asdict(record)
    (kept,) = json.loads(path.read_text())["records"]
    assert kept["last_seen"] == WHEN.isoformat()
    with pytest.raises(UsageError, match="is no name of a fleet"):
        store.checked("../office")


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Windows 11 of Alice, 24H2", "windows 11 24h2"),
        ("Windows 10 / Server 2019 Build 19041 x64 (name:ALICE)", "windows 10 / 2019 19041"),
        ("Alice's MacBook", "macbook"),
        ("Windows 8.1 Pro", "windows 8.1"),
        ("リコー 複合機 山田", "複合機"),
        ("a thing of Alice", ""),
    ],
)
def test_of_words_only_those_that_are_known_are_kept_and_mean_the_same(said: str, left: str) -> None:
    assert plain_words(said) == left
    assert [one[2] for one in meant([said])] == [one[2] for one in meant([left])]
