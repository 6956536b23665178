"""How names are taken apart: whatever stands in a ``set(...)``, it is one word everywhere."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.grammar.words import (
    SET,
    UNSET,
    UnclosedError,
    closed,
    fits,
    is_combination,
    is_literal,
    is_pattern,
    opened,
    split,
)
from harness.model import CellId

KINDS = st.sampled_from([SET, UNSET])
INSIDE = st.text(st.sampled_from("ab \\()[]:,+*?/=@%"), max_size=12)
"""What a value may hold that means something to cells, selectors and patterns."""


@given(KINDS, INSIDE)
@example(SET, "valid users=DOMAIN\\anna, @staff")
@example(SET, "comment=\\")
@example(SET, "comment=\\\\(")
def test_what_stands_inside_comes_out_again(kind: str, inside: str) -> None:
    word = closed(kind, inside)
    assert is_literal(word)
    assert opened(word) == (kind, inside)


@given(KINDS, INSIDE)
def test_a_setting_is_one_word_of_a_cell_and_of_a_combination(kind: str, inside: str) -> None:
    word = closed(kind, inside)
    cell = CellId(f"smb3-only+{word}", "samba-4.22", "windows-7", "open")
    assert CellId.parse(str(cell)) == cell
    assert split(cell.mitigation, "+") == ["smb3-only", word]
    assert split(f"{word},x", ",") == [word, "x"]
    assert split(f" {word} \t x ", " ") == [word, "x"]
    assert not is_combination(word)
    assert is_combination(cell.mitigation)


@given(KINDS, INSIDE, INSIDE)
def test_a_setting_in_a_pattern_stands_for_itself(kind: str, inside: str, other: str) -> None:
    word, another = closed(kind, inside), closed(kind, other)
    assert not is_pattern(word)
    assert fits(word, word)
    assert fits(another, word) == (inside == other)
    assert fits(f"smb3-only+{word}", f"smb3-*+{word}")
    assert not fits(f"ntlm-off+{word}", f"smb3-*+{word}")
    assert fits(word, "*")
    assert fits(word, "*et(*")


def test_the_readable_way_to_write_it_is_the_usual_one() -> None:
    assert closed(SET, "valid users=DOM\\anna") == "set(valid users=DOM\\anna)"
    assert closed(SET, "comment=the (old) one") == "set(comment=the (old) one)"
    assert closed(SET, "comment=:-)") == "set(comment=:-\\))"
    assert closed(SET, "comment=\\\\server") == "set(comment=\\\\\\server)"


@pytest.mark.parametrize("text", ["set(", "a+set(x=(y)", "x,unset(\\)"])
def test_a_setting_that_is_not_closed_is_told(text: str) -> None:
    with pytest.raises(UnclosedError, match="is not closed"):
        split(text, ":")


def test_what_only_looks_like_a_setting_is_taken_apart_as_ever() -> None:
    assert split("offset(a,b)", ",") == ["offset(a", "b)"]
    assert split("a:b::c", ":") == ["a", "b", "", "c"]
    assert split("", ",") == [""]
