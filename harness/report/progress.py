"""What is happening right now, on stderr; the results go elsewhere."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from harness.catalogue import Catalogue
from harness.model import CellId, Effect
from harness.planning.selecting import matches
from harness.record.forecast import in_words
from harness.report.explain import STYLES, WORDS, emulated
from harness.report.labels import MARK
from harness.report.page import INDENT, Page, console_for

MOST: Final = 4
"""Cells that are not as expected which are named while a run goes on; the result names the others."""
_ODD: Final = "NOT as expected"
_COUNTED: Final = "more that are not as expected are counted here; the result names them"


@dataclass
class _Job:
    """What of a mitigation on a server has its verdict, and was not reported yet."""

    name: str
    """As people have it: ``mitigation:server``."""
    counts: Counter[Effect] = field(default_factory=Counter)
    odd: int = 0


class _Left(ProgressColumn):
    """About how long it takes until all cells are measured."""

    max_refresh = 1.0

    def render(self, task: Task) -> Text:
        left: Callable[[], float] | None = task.fields.get("left")
        return Text(f"about {in_words(left())} left" if left and not task.finished else "")


class Progress:
    """Live progress; every method may be called from any thread.

    A line for each finished mitigation and server, and one for each of the first cells that are not as
    expected; on a terminal with bars below them. With ``quiet``: nothing.
    """

    def __init__(
        self,
        console: Console,
        *,
        quiet: bool = False,
        kind: str = "image",
        emulated: Callable[[CellId], bool] = lambda _: True,
        called: Callable[[str], str] = str,
        marked: Callable[[str], str] = str,
        accepted: Sequence[str] = (),
    ) -> None:
        """``kind``: what is built, as the user is told. ``emulated``: a cell is not of real things alone.
        ``called``: what people call a server; ``marked``: the same, with its mark where it is not the real
        thing. ``accepted``: selectors of cells that may be lost."""
        self._kind = kind
        self._emulated = emulated
        self._called = called
        self._marked = marked
        self._accepted = accepted
        self._page = Page(console)
        self._quiet = quiet
        self._lock = threading.Lock()
        # stdout belongs to the results: the bars must not catch what is written there.
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            _Left(),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=quiet or not console.is_terminal,
        )
        self._cells: TaskID | None = None
        self._images: dict[str, TaskID] = {}
        self._waits: dict[str, TaskID] = {}
        self._finished_images: set[str] = set()
        self._named = 0
        self._open: dict[tuple[str, str], _Job] = {}
        """By mitigation and server."""

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            # A job that was cut off still says what it has.
            for job in list(self._open):
                self._report(job)
        self._bars.stop()

    def image(self, name: str, fraction: float, text: str) -> None:
        """How far an image or a box is: ``fraction`` from 0 to 1, ``text`` says what is being done."""
        with self._lock:
            if name not in self._images:
                self._images[name] = self._bars.add_task("", total=100)
                self._plain(f"{self._kind} {name}: {text}")
            title = self._page.text(f"{self._kind} {name}: {text}").plain
            self._bars.update(self._images[name], completed=round(100 * fraction), description=title)
            if fraction >= 1 and name not in self._finished_images:
                self._finished_images.add(name)
                self._bars.update(self._images[name], visible=False)
                self._plain(f"{self._kind} {name}: ready")

    @property
    def live(self) -> bool:
        """There is a terminal on which bars move."""
        return not self._bars.disable

    def started(self, total_cells: int, left: Callable[[], float] | None = None) -> None:
        """The plan is made and this many cells will be measured.

        ``left``: seconds that it still takes; called by the thread of the bars.
        """
        with self._lock:
            self._cells = self._bars.add_task("cells", total=total_cells, left=left)

    def job(self, mitigation: str, server: str, phase: str) -> None:
        """A mitigation on a server entered a phase."""
        with self._lock:
            self._job(mitigation, server)
            if self._cells is not None:
                title = self._page.text(f"{mitigation} on {self._marked(server)}: {phase}").plain
                self._bars.update(self._cells, description=title)

    def waits(self, mitigation: str, server: str, what: str) -> None:
        """A job waits for something that takes long, e.g. a reboot; "" when it goes on."""
        job = f"{mitigation} on {self._marked(server)}"
        with self._lock:
            if job in self._waits:
                self._bars.remove_task(self._waits.pop(job))
            if what:
                text = f"{job}: {what}"
                self._plain(text)
                self._waits[job] = self._bars.add_task(self._page.text(text).plain, total=1)

    def cell(self, cell_id: str, effect: str, expected: bool, text: str) -> None:
        """A cell has its verdict; ``text`` says why. Raises ValueError for no cell id or no effect."""
        cell, verdict = CellId.parse(cell_id), Effect(effect)
        with self._lock:
            job = self._job(cell.mitigation, cell.server)
            job.counts[verdict] += 1
            if self._cells is not None:
                self._bars.advance(self._cells)
            excused = verdict is Effect.LOST and any(matches(one, cell) for one in self._accepted)
            if not (expected or excused):
                job.odd += 1
                self._odd(cell, verdict, text)

    def finished(self, mitigation: str, server: str) -> None:
        """All cells of a mitigation on a server have their verdicts."""
        with self._lock:
            self._report((mitigation, server))

    def _job(self, mitigation: str, server: str) -> _Job:
        return self._open.setdefault((mitigation, server), _Job(f"{mitigation}:{self._marked(server)}"))

    def note(self, text: str) -> None:
        """Anything else that the person should know."""
        with self._lock:
            if not self._quiet:
                self._page.hanging(self._page.text(text), indent=0, deeper=INDENT)

    def _odd(self, cell: CellId, effect: Effect, text: str) -> None:
        """One that is not as expected; of many the first, and then that the others are counted."""
        self._named += 1
        if self._quiet or self._named > MOST + 1:
            return
        if self._named > MOST:
            self._page.hanging(self._page.text(_COUNTED), indent=0, deeper=INDENT)
            return
        mark = f" {MARK}" if self._emulated(cell) else ""
        why = f": {text}" if text else ""
        name = ":".join((cell.mitigation, self._called(cell.server), cell.client, cell.check))
        word = (f"{WORDS[effect]:<6}", STYLES[effect])
        line = self._page.join(word, (f" {_ODD}", "bold yellow"), f"{mark} {name}{why}")
        self._page.hanging(line, indent=0, deeper=INDENT)

    def _report(self, job: tuple[str, str]) -> None:
        found = self._open.pop(job, None)
        if found is None or not found.counts or self._quiet:
            return
        told = ", ".join(f"{found.counts[effect]} {effect}" for effect in Effect if found.counts[effect])
        odd = f"; {found.odd} {_ODD}" if found.odd else ""
        self._page.hanging(self._page.text(f"{found.name}: {told}{odd}"), indent=0, deeper=INDENT)

    def _plain(self, text: str) -> None:
        """A line that only those see who have no bars."""
        if self._bars.disable and not self._quiet:
            self._page.hanging(self._page.text(text), indent=0, deeper=INDENT)


def progress_of(catalogue: Catalogue, *, quiet: bool = False, accepted: Sequence[str] = ()) -> Progress:
    """Progress of a run on stderr, in which everything is called and marked as the catalogue has it."""

    def is_emulated(cell: CellId) -> bool:
        both = (catalogue.servers[cell.server], catalogue.clients[cell.client])
        return any(emulated(one.fidelity) for one in both)

    def called(server: str) -> str:
        return catalogue.servers[server].called or server

    def marked(server: str) -> str:
        return MARK * emulated(catalogue.servers[server].fidelity) + called(server)

    return Progress(
        console_for(sys.stderr),
        quiet=quiet,
        emulated=is_emulated,
        called=called,
        marked=marked,
        accepted=accepted,
    )
