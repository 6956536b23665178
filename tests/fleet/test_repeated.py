"""Rows that say again what another one said are not read a second time: what they tell must be the same."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from pathlib import Path

import pytest
from inventory import SAMPLES, needs_samples, read

from benchmarks import fleet_sources
from harness.errors import UsageError
from harness.fleet.importers._repeated import Repeated
from harness.fleet.records import Gathering
from harness.fleet.sighting import Sighting

TWICE = sorted(path for path in SAMPLES.glob("*.*") if path.name != "README.md") if SAMPLES.is_dir() else []


@pytest.mark.parametrize("name", fleet_sources.SOURCES)
def test_what_is_remembered_is_what_would_be_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_sources, "MACHINES", 7)
    path = tmp_path / name
    path.write_text("".join(islice(fleet_sources.SOURCES[name](240), 240)), encoding="utf-8")
    _same_without_memory(path, monkeypatch)


@needs_samples
@pytest.mark.parametrize("sample", TWICE, ids=lambda path: path.name)
def test_so_it_is_of_real_samples(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / sample.name
    path.write_bytes(sample.read_bytes().rstrip(b"\n") + b"\n" + sample.read_bytes())
    _same_without_memory(path, monkeypatch)


def test_rows_that_differ_in_one_fact_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "sessions.txt"
    path.write_text(
        "Samba version 4.22.1\n"
        "PID  Username  Group  Machine  Protocol Version  Encryption  Signing\n"
        "------------------------------------------------------------------\n"
        "1  ann  staff  pc-1 (ipv4:192.0.2.1:100)  SMB3_11  -  -\n"
        "2  ann  staff  pc-1 (ipv4:192.0.2.1:200)  SMB3_11  -  -\n"
        "3  ann  staff  pc-2 (ipv4:192.0.2.1:300)  SMB3_11  -  -\n"
        "4  ann  staff  pc-1 (ipv4:192.0.2.1:400)  NT1      -  -\n"
        "5  ann  staff  pc-1 (ipv4:192.0.2.1:500)  SMB3_11  -  AES-128-GMAC\n"
    )
    found, _ = read(path)
    assert [(one.place.line, one.name, one.dialect, one.signed) for one in found] == [
        (4, "pc-1", "3.1.1", False),
        (5, "pc-1", "3.1.1", False),
        (6, "pc-2", "3.1.1", False),
        (7, "pc-1", "NT LM 0.12", False),
        (8, "pc-1", "3.1.1", True),
    ]
    assert found[1].like is found[0]
    assert all(one.like is None for one in (found[0], *found[2:]))


def _same_without_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        found, opened = read(path)
    except UsageError:
        # Told in one line: there is nothing to remember.
        return
    with monkeypatch.context() as patch:
        patch.setattr(Repeated, "keep", _forget)
        expected, without = read(path)
    assert not any(one.like for one in expected)
    assert found == expected
    assert opened.tally == without.tally
    assert _records(found) == _records(expected)


def _records(sightings: list[Sighting]) -> object:
    gathering = Gathering("file")
    for one in sightings:
        gathering.add(one)
    return gathering.records(), gathering.nobody


def _forget(_self: object, _key: Hashable, said: object) -> object:
    return said
