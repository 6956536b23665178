"""Which results that could be reused are measured again all the same: drawn by chance, at a bounded price.

A cell is measured on a server that is started for it alone, so few cells of many jobs cost more than many of
one job; and in a small run the one server costs more than a hundredth of all. So what is bounded is not their
number but their price: on average a hundredth (``SHARE``) of what it takes to measure everything that could
be reused. What does not fit any more is drawn with the probability that keeps to this average.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.model import CellId
from harness.planning.plan import phases_of
from harness.record.reused import Pair

SHARE: Final = 0.01
A_LAB, A_SERVER, A_CHANGE, PROBES, AN_ATTEMPT = 0.9, 0.4, 0.5, 0.4, 0.016
"""Seconds of the processor: to begin a lab; to start a server; to change it and back and see both; to look
for exposures in all phases of a job; and an attempt, its server's part included. Fitted to runs of 1, 2, 160
and 480 cells, with exposures and without, on a busy machine; only their proportions count."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is measured again."""

    cells: frozenset[CellId] = frozenset()
    probes: frozenset[Pair] = field(default=frozenset())
    """Jobs whose exposures are looked for again; some of their cells are measured then, too."""


def draw(
    jobs: Mapping[Pair, Sequence[CellId]],
    probed: Collection[Pair],
    begun: Collection[Pair],
    chance: random.Random,
    least: int = 0,
) -> Drawn:
    """Draw from cells, by job, that could be reused.

    ``probed``: of these jobs the exposures as well. ``begun``: a server is started for these anyhow.
    ``least``: so many cells whatever they cost, or all where there are no more.
    """
    price = _Price(begun)
    left = SHARE * _Price(begun).of_all(jobs, probed)
    cells: set[CellId] = set()
    probes: set[Pair] = set()
    results: list[tuple[Pair, CellId | None]] = [(pair, cell) for pair in sorted(jobs) for cell in jobs[pair]]
    results += [(pair, None) for pair in sorted(probed)]
    chance.shuffle(results)
    for pair, cell in results:
        more = price.of(pair, cell)
        if (cell is None or len(cells) >= least) and chance.random() * more >= left:
            # That was what the chance came to; what follows may be cheaper, and must not have another.
            left = 0.0
            if len(cells) >= least:
                break
            continue
        left -= more
        price.begin(pair)
        if cell is not None:
            cells.add(cell)
            continue
        probes.add(pair)
        if not any(one in cells for one in jobs[pair]) and pair not in begun:
            # A server is started for cells alone.
            cells.add(chance.choice(jobs[pair]))
    return Drawn(frozenset(cells), frozenset(probes))


class _Price:
    """What results cost, given what is started for others already."""

    def __init__(self, begun: Collection[Pair]) -> None:
        self._begun = set(begun)
        self._servers = {server for _, server in begun}

    def begin(self, pair: Pair) -> None:
        self._begun.add(pair)
        self._servers.add(pair[1])

    def of(self, pair: Pair, cell: CellId | None) -> float:
        """Of one cell; of the exposures of a job for None."""
        own = PROBES if cell is None else AN_ATTEMPT * len(phases_of(cell.mitigation))
        return self._start(pair) + own

    def _start(self, pair: Pair) -> float:
        lab = 0.0 if self._begun else A_LAB
        # Changes of one server share it where it comes back (harness.conduct.in_turn).
        server = 0.0 if pair[1] in self._servers else A_SERVER
        return lab + server + (0.0 if pair in self._begun else A_CHANGE)

    def of_all(self, jobs: Mapping[Pair, Sequence[CellId]], probed: Collection[Pair]) -> float:
        """Of everything together, where the baseline of a server is measured once."""
        total = 0.0
        before: set[tuple[str, str, str]] = set()
        for pair, cells in jobs.items():
            total += self._start(pair) + (PROBES if pair in probed else 0.0)
            self.begin(pair)
            for cell in cells:
                total += AN_ATTEMPT * (len(phases_of(cell.mitigation)) - 1)
                before.add((cell.server, cell.client, cell.check))
        return total + AN_ATTEMPT * len(before)
