"""Who keeps access and logs on otherwise: with a change that takes Kerberos away, NTLM may let a client in.

Its cell is kept, and yet the next change, of NTLM, would take it away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from harness.model import Effect, Phase
from harness.report.explain import grouped, one_or_many
from harness.report.language import Language
from harness.result import CellResult


def otherwise(
    cells: Iterable[CellResult],
    say: Language,
    names: Callable[[Sequence[str]], str],
    section: str,
    recorded: Callable[[str], str] = str,
) -> Iterator[str]:
    """A sentence for each way in which clients log on now and did not before the change.

    ``names``: clients in words. ``section``: of the language, with ``logs_on_one`` and ``logs_on_many``.
    ``recorded``: what a run holds, as the format has it.
    """
    kept = [cell for cell in cells if cell.effect is Effect.KEPT and _ways(cell)]
    for ways, those in grouped(kept, _ways).items():
        clients = list(dict.fromkeys(cell.cell.client for cell in those))
        before, now = (recorded(say.known("value", way)) for way in ways)
        key = f"{section}.logs_on_{one_or_many(len(clients))}"
        yield say(key, clients=names(clients), now=now, before=before)


def _ways(cell: CellResult) -> tuple[str, ...]:
    """How a client logged on before and with the change; nothing where that is the same, or not known."""
    made = (cell.phases.get(phase) for phase in (Phase.BASELINE, Phase.APPLIED))
    before, now = ((one.auth if one else None) or "" for one in made)
    return (before, now) if before and now and before != now else ()
