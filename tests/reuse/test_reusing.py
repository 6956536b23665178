"""What else the command line does with the store: what goes when somebody cleans up; what plan says."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.planning import planner
from harness.record.evidence import Wanted
from harness.result.reuse import MeasuredBefore
from harness.reuse import store
from harness.reuse.store import Row, opened
from harness.verbs import reusing


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return reusing.folder()


def put(place: Path, key: str) -> None:
    before = MeasuredBefore("a-run", datetime(2026, 11, 30, tzinfo=UTC))
    with opened(place, []) as kept:
        kept.put([Row(key, key, before, (b"{}",))])


def test_what_nothing_used_for_long_goes_with_clean_and_all_of_it_when_asked(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reusing.tidy() == []
    assert not place.exists()
    assert reusing.forget() == []
    put(place, "old")
    assert reusing.tidy() == []
    later = time.time() + 2 * reusing.UNUSED
    monkeypatch.setattr(time, "time", lambda: later)
    put(place, "new")
    assert reusing.tidy() == ["1 kept result that nothing used for long"]
    with opened(place, []) as kept:
        assert set(kept.get(["old", "new"])) == {"new"}
    assert reusing.forget() == ["the results kept for --reuse"]
    assert list(place.iterdir()) == []


def test_a_damaged_one_stays_until_somebody_cleans_up(place: Path) -> None:
    put(place, "one")
    (place / store.NAME).write_bytes(b"no database" * 100)
    put(place, "two")
    (aside,) = store.put_aside(place)
    assert reusing.tidy() == [f"damaged results {aside.name}"]
    assert store.put_aside(place) == []
    with opened(place, []) as kept:
        assert kept.count() == 1


def test_a_store_that_cannot_be_used_keeps_nobody_from_planning(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = planner.from_selectors(CATALOGUE, ["smb3-only:samba-4.22:curl:open"])
    assert reusing.known_of(CATALOGUE, made, Path(), Wanted.LOST) == {}
    for path in place.iterdir():
        path.unlink()
    place.rmdir()
    place.write_text("no folder")
    assert reusing.known_of(CATALOGUE, made, Path(), Wanted.LOST) is None
    assert "without results of earlier runs" in capsys.readouterr().err
