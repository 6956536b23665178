"""What a report says about cells: which attempt decided, and which clients share one reason."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.model import Attempt, Effect, Fidelity, Outcome
from harness.report.language import Language
from harness.result import CellResult, decisive

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

WORDS = {
    Effect.KEPT: "kept",
    Effect.LOST: "LOST",
    Effect.GAINED: "gained",
    Effect.NEVER: "never",
    Effect.NOT_SETTLED: "not settled",
    Effect.FAULT: "FAULT",
}
"""One short word an effect; what needs attention is in capitals, so that it shows without colour."""

STYLES = {
    Effect.KEPT: "green",
    Effect.LOST: "bold red",
    Effect.GAINED: "cyan",
    Effect.NEVER: "yellow",
    Effect.NOT_SETTLED: "bold yellow",
    Effect.FAULT: "bold magenta",
}


def word(effect: Effect, say: Language) -> str:
    """One short word an effect, in the reader's language."""
    return say(f"effect.{effect.name.lower()}")


def emulated(fidelity: str) -> bool:
    """True for everything that is not known to be the very software itself."""
    return fidelity != Fidelity.REAL


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some cells of one matrix are not ``kept``: shared by all of them."""

    effect: Effect
    what: str
    """Where it stopped: step, status and side of a refusal, or what was there instead."""
    cause: str
    cells: tuple[CellResult, ...]


def reasons(cells: Iterable[CellResult], say: Language) -> list[Reason]:
    """What is neither kept nor gained among ``cells``, those with the same cause together."""
    explained = (Effect.LOST, Effect.NEVER, Effect.NOT_SETTLED, Effect.FAULT)
    wanted = [cell for cell in cells if cell.effect in explained and not cell.unsupported]

    def key(cell: CellResult) -> tuple[Effect, str, str]:
        decided = decisive(cell.phases, cell.effect)
        note = decided.note if decided else ""
        return cell.effect, told(decided, say), say.cause(cell.cause) or note or say("details.no_cause")

    return [Reason(*shared, tuple(found)) for shared, found in grouped(wanted, key).items()]


def told(attempt: Attempt | None, say: Language) -> str:
    """An attempt in a few words: ``create-pipe STATUS_ACCESS_DENIED (server)``."""
    if attempt is None:
        return say("outcome.not_measured")
    if attempt.outcome is not Outcome.REFUSED:
        return say(f"outcome.{attempt.outcome}")
    side = f"({say(f'side.{attempt.side}')})" if attempt.side else ""
    words = [str(attempt.step or ""), attempt.status or "", side]
    return " ".join(word for word in words if word) or say("outcome.refused")


def who(cells: Iterable[CellResult], label: Callable[[str], str]) -> str:
    """``windows-7, windows-xp browse, open; linux-cifs browse``: clients with the same checks together."""
    by_client = grouped(cells, lambda cell: cell.cell.client)
    by_checks = grouped(
        by_client, lambda client: tuple(dict.fromkeys(cell.cell.check for cell in by_client[client]))
    )
    return "; ".join(
        f"{', '.join(map(label, clients))} {', '.join(checks)}" for checks, clients in by_checks.items()
    )


def seen(cells: Iterable[CellResult], label: Callable[[str], str], say: Language) -> str:
    """``user sees "..."``; with the clients behind each text when they do not all see the same."""
    texts = grouped((cell for cell in cells if cell.user_sees), lambda cell: cell.user_sees)
    if len(texts) <= 1:
        return "".join(say("details.sees", texts=say("details.quoted", text=text)) for text in texts)
    told_apart = (
        say(
            "details.quoted_of",
            text=text,
            clients=", ".join(dict.fromkeys(label(cell.cell.client) for cell in those)),
        )
        for text, those in texts.items()
    )
    return say("details.sees", texts=", ".join(told_apart))


def one_or_many(n: int) -> str:
    """The part of a key by which a sentence is about one or about several."""
    return "one" if n == 1 else "many"


def either(names: Sequence[str], say: Language) -> str:
    """``a``; ``a, b or c``: each of them alone, where commas would be read as all of them together."""
    if len(names) < 2:
        return "".join(names)
    return say("screen.either", first=", ".join(names[:-1]), last=names[-1])


def grouped(things: Iterable[T], key: Callable[[T], K]) -> Mapping[K, list[T]]:
    """The things by their key, in the order in which each key first appears."""
    groups: dict[K, list[T]] = {}
    for thing in things:
        groups.setdefault(key(thing), []).append(thing)
    return groups
