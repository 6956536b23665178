"""What people see, on the first screen: all of it where it is little, else the commonest and a count."""

from __future__ import annotations

from dataclasses import replace

import pytest
from balance_example import cell

from harness.model import Effect
from harness.report import sights
from harness.report.language import language
from harness.result import CellResult

SAY = language("en")


def lost(**seen: str) -> list[CellResult]:
    """``client__check``: what it sees."""
    return [
        replace(cell(f"a:s:{name.replace('__', ':')}", Effect.LOST), user_sees=text)
        for name, text in seen.items()
    ]


def told(cells: list[CellResult]) -> str:
    return "; ".join(sights.told(cells, ", ".join, SAY))


def many(n: int) -> str:
    return SAY("screen.sees_more_one" if n == 1 else "screen.sees_more_many", n=n)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"xp__open": "No"}, 'sees "No"'),
        ({"xp__open": "No", "ten__open": "No"}, 'they see "No"'),
        # The commonest first, and each with whom it belongs to.
        (
            {"xp__open": "Gone", "ten__open": "No", "mac__open": "No"},
            'ten, mac see "No"; xp sees "Gone"',
        ),
        # Several for the same thing: which of them is not known.
        (
            {"xp__open": "No", "ten__open": "No, or: Old"},
            'they see "No"; or ten sees "Old" instead',
        ),
        # Different things end otherwise.
        (
            {"xp__browse": "No", "xp__open": "Gone", "ten__browse": "No"},
            'xp, ten (browse) see "No"; xp (open) sees "Gone"',
        ),
        # Nobody is said to see what another sees.
        ({"xp__open": "", "ten__open": "No"}, 'ten sees "No"; what xp shows is not known'),
        ({"xp__open": "", "ten__open": ""}, SAY("screen.sees_nothing_known")),
        # The number of an error is not given twice.
        ({"xp__open": "No (error 5, 0x80070005)"}, 'sees "No (error 5)"'),
    ],
)
def test_each_text_is_told_with_whom_it_belongs_to(seen: dict[str, str], said: str) -> None:
    assert told(lost(**seen)) == said


def test_of_many_texts_the_commonest_is_told_and_the_others_are_counted() -> None:
    texts = {f"c{at}__open": f"text {at}" for at in range(5)} | {"c9__open": "text 3"}
    assert told(lost(**texts)) == f'c3, c9 see "text 3"; {many(4)}'
    # What may be seen in its place is less than what is seen by others, and is not said to be seen by others.
    alternatives = {f"c{at}__open": f"text {at}, or: other {at}" for at in range(3)}
    assert told(lost(**alternatives)).endswith(f'c2 sees "text 2"; {SAY("screen.sees_instead_many", n=3)}')
    both = {f"c{at}__open": f"text {at}, or: other" for at in range(5)}
    assert told(lost(**both)).endswith(f"; {many(4)}; {SAY('screen.sees_instead_one', n=1)}")


def test_texts_that_are_too_long_together_are_counted() -> None:
    long = {f"c{at}__open": f"{at}" * 200 for at in range(2)}
    assert told(lost(**long)) == f'c0 sees "{"0" * 200}"; {many(1)}'
    assert many(1) not in told(lost(c0__open="0" * 200))
