"""What an administrator does and undoes, as numbered steps in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.report import markdown as md
from harness.report.language import Language
from harness.servers.platform import Doing


def made(doings: Sequence[Doing], say: Language) -> Iterator[str]:
    """How a change is made, step by step, with lines to copy."""
    if not doings:
        yield say("ticket_done.unknown")
    for number, doing in enumerate(doings, 1):
        yield from numbered(number, doing.where, doing.do, doing.language, say)


def undone(doings: Sequence[Doing], say: Language) -> Iterator[str]:
    """How it is taken back. Where a copy of the file is put back, its lines are only said."""
    steps, said = ways_back(doings)
    for number, doing in enumerate(steps, 1):
        yield from numbered(number, doing.undo_where, doing.undo, doing.language, say)
    if not doings:
        yield say("ticket_done.unknown")
    yield ""
    for doing in said:
        yield from (say("ticket_back.without_copy", undo=md.text(doing.undo_where)), "")


def ways_back(doings: Sequence[Doing]) -> tuple[list[Doing], list[Doing]]:
    """What is done to take a change back, each once; and what is only said, as a copy is put back."""
    copied = any(doing.copies for doing in doings)
    steps = [doing for doing in doings if not (copied and doing.language == "ini")]
    once = {(doing.undo_where, doing.undo): doing for doing in steps}
    return list(once.values()), [doing for doing in doings if doing not in steps]


def numbered(number: int, where: str, lines: Iterable[str], language: str, say: Language) -> Iterator[str]:
    """One step; ``lines`` are those to copy, in a language of fenced blocks."""
    key = "ticket_done.step" if lines else "ticket_done.step_alone"
    yield f"{number}. {say(key, what=md.text(say.sentence(where)))}"
    if lines:
        yield ""
        yield from (f"   {line}" for line in md.block(lines, language))
        yield ""
