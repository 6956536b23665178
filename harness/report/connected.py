"""What becomes of people who are connected when a change is made: the check ``connected``, for a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from harness.model import DATA_LOST, Attempt, Check, Fate, Outcome, Phase, Stayed
from harness.report.explain import grouped
from harness.report.language import Language
from harness.result import CellResult


def told(
    cells: Iterable[CellResult], clients: Callable[[Iterable[str]], str], say: Language
) -> Iterator[str]:
    """A clause for each thing that becomes of somebody, with the clients; then what of their files."""
    seen = [
        (cell, made)
        for cell in cells
        if cell.cell.check == Check.CONNECTED and (made := cell.phases.get(Phase.APPLIED)) and made.stayed
    ]

    def alike(one: tuple[CellResult, Attempt]) -> tuple[str, str, str]:
        made = one[1]
        return _kind(made), str(made.step or ""), made.status or ""

    for (what, step, status), those in grouped(seen, alike).items():
        names = clients(cell.cell.client for cell, _ in those)
        yield say(f"connected.{what}", clients=names, step=step, status=status)
    if seen:
        yield say(f"connected.{_files([cell for cell, _ in seen])}")


def line(stayed: Stayed, say: Language) -> str:
    """All of what somebody who was connected saw; in English as ``Stayed.in_words`` has it."""
    read = say("stayed.unreadable")
    if stayed.kept is not None:
        read = say("stayed.read", n=stayed.kept, all=stayed.acknowledged)
    return say(
        f"stayed.{stayed.fate.name.lower()}",
        ended=stayed.ended,
        again=say("stayed.again" if stayed.by_itself else "stayed.again_by_hand"),
        over=say("stayed.over", session=stayed.session) if stayed.session else "",
        beside=say("stayed.beside", anew=stayed.anew) if stayed.outdated else "",
        read=read,
    )


def _kind(made: Attempt) -> str:
    """The key of the words for what became of one of them."""
    stayed = made.stayed
    assert stayed is not None
    if stayed.fate is Fate.SHUT_OUT:
        return "shut_out"
    if made.outcome is not Outcome.OK:
        return "refused"
    if stayed.fate is Fate.RECONNECTED:
        return "reconnected" if stayed.by_itself else "started_again"
    kind = "share_closed" if stayed.fate is Fate.SHARE_CLOSED else "carried_on"
    if stayed.outdated:
        return f"{kind}_outdated"
    return "no_pipes" if stayed.pipe and stayed.fate is Fate.CARRIED_ON else kind


def _files(cells: Iterable[CellResult]) -> str:
    """Whether something is missing that the server had acknowledged, in any phase; or cannot be told."""
    made = [one for cell in cells for phase, one in cell.phases.items() if phase is not Phase.BASELINE]
    if any(one.status == DATA_LOST for one in made):
        return "data_lost"
    last = [cell.phases.get(Phase.ROLLED_BACK) for cell in cells]
    whole = all(one and one.stayed and one.stayed.kept is not None for one in last)
    return "data_kept" if whole else "data_unknown"
