"""Without the search for garbage: it goes on afterwards, whatever happened."""

from __future__ import annotations

import gc

import pytest

from harness.system.garbage import never_again, not_searched


def test_it_goes_on_afterwards() -> None:
    with not_searched():
        assert not gc.isenabled()
        with not_searched():
            assert not gc.isenabled()
        assert not gc.isenabled(), "whoever began it ends it"
    assert gc.isenabled()


def test_it_goes_on_after_a_mistake() -> None:
    @not_searched()
    def wrong() -> None:
        raise ValueError("wrong")

    for _ in range(2):
        with pytest.raises(ValueError, match="wrong"):
            wrong()
        assert gc.isenabled()


def test_what_there_is_is_not_looked_at_again() -> None:
    kept: list[object] = []
    kept.append(kept)
    before = gc.get_freeze_count()
    try:
        never_again()
        assert gc.get_freeze_count() > before
        assert not any(one is kept for one in gc.get_objects())
    finally:
        gc.unfreeze()
