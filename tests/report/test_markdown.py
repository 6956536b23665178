"""Text in Markdown is shown, not obeyed: what a reader of it shows is what was written."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from harness.report import markdown
from harness.system.plain import clean

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = st.text(
    st.one_of(st.sampled_from("`*_~[]()<>|#+-=.!\\&;$@: \n1a/"), st.characters(max_codepoint=0x2FFF)),
    max_size=40,
)


def inline(tokens: list[Token]) -> tuple[str, set[str]]:
    """The text that is shown, and the kinds of what it is made of."""
    pieces = [
        piece for token in tokens for piece in ((token.children or []) if token.type == "inline" else [token])
    ]
    return "".join(piece.content for piece in pieces), {piece.type for piece in pieces}


def plain(text: str) -> str:
    return " ".join(clean(text).split())


@settings(deadline=None, max_examples=150)
@given(HOSTILE)
@example("~a~ **b** __c__ [d](e) <f> &amp; | `g` \\ 1. h")
@example("1) x")
@example("- x")
@example("<!-- x -->")
@example("a@b ``` c")
def test_text_is_one_paragraph_with_these_words(text: str) -> None:
    shown, kinds = inline(READER.parse(markdown.text(text)))
    assert plain(shown) == plain(text)
    assert kinds <= {"paragraph_open", "paragraph_close", "text", "text_special", "code_inline"}


@settings(deadline=None, max_examples=150)
@given(HOSTILE)
@example("`|`")
def test_code_is_shown_as_it_is_also_in_a_table(text: str) -> None:
    row = [markdown.code(text), markdown.text(text), "end"]
    tokens = READER.parse("\n".join(markdown.table(("a", "b", "c"), [row])))
    cells = [token for token in tokens if token.type == "inline"][3:]
    assert len(cells) == 3
    for cell in cells[:2]:
        shown, kinds = inline([cell])
        assert plain(shown) == plain(text)
        assert kinds <= {"text", "text_special", "code_inline"}


@settings(deadline=None)
@given(st.lists(HOSTILE, min_size=1, max_size=3))
@example(["```", "````x"])
def test_a_block_ends_where_it_ends(lines: list[str]) -> None:
    tokens = READER.parse("\n".join([*markdown.block(lines, "ini"), "behind"]))
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert tokens[0].content == "".join(f"{clean(line)}\n" for line in lines)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("STATUS_ACCESS_DENIED (server)", "STATUS_ACCESS_DENIED (server)"),
        ("ask @admin of #12", "ask `@admin` of `#12`"),
        ("see https://example.org now", "see `https://example.org` now"),
        ("a :smile: b", "a `:smile:` b"),
        ("~windows-7 | _x_", r"\~windows-7 &#124; \_x\_"),
        ("\x1b[2J\u202e", r"\\x1b\[2J\\u202e"),
    ],
)
def test_what_a_page_would_link_is_code_and_the_rest_stays_readable(text: str, written: str) -> None:
    assert markdown.text(text) == written
