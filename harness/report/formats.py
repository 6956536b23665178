"""The formats that a run can be rendered to: a name, what it is for, and who writes it.

A new format is one row of ``FORMATS`` and one module with a writer; the command line has it then.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.system.garbage import not_searched

if TYPE_CHECKING:
    # The command line reads this table for its words alone, before anything of a run is loaded.
    from harness.catalogue import Catalogue
    from harness.result import RunResult

TEXT: Final = "text"
"""What a terminal shows: the one format that depends on where it goes, so that no writer makes it."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a report is rendered from."""

    result: RunResult
    folder: Path
    """The run folder, with whatever else was recorded."""
    catalogue: Catalogue
    """What there is, with what the run keeps: a ticket tells the settings of a change."""
    lang: str = ""
    """The language that the reader asked for (``harness.report.language``); "" for that of the locale."""
    place: Path | None = None
    """The folder that the document is written into; None where it is printed."""
    called: str = ""
    """What a command takes for the run, quoted as a shell wants it (``harness.record.folders.lasting``)."""

    @property
    def named(self) -> str:
        """What the commands in a document call the run: its name where nobody said more."""
        return self.called or self.result.run


Writer = Callable[[Source], str | Iterator[str]]
"""Makes the whole document, or piece after piece of one that may be large.

It raises nothing for what a run holds: hostile text is shown, not obeyed."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format. ``writer`` is ``module:function`` below harness.report, loaded when it is wanted."""

    name: str
    what: str
    """What it is for, as the help says it."""
    writer: str
    option: bool = True
    """Whether ``--NAME FILE`` writes it besides what is printed."""
    aliases: tuple[str, ...] = ()
    """Other names of that option."""

    @property
    def dest(self) -> str:
        """Where the command line keeps the file of that option."""
        return f"write_{self.name}"

    def write(self, source: Source) -> str:
        """The document; the line end at its end is there."""
        return "".join(self.pieces(source))

    def pieces(self, source: Source) -> Iterator[str]:
        """The document in pieces, which all together need not be in memory."""
        module, _, function = self.writer.partition(":")
        writer: Writer = getattr(importlib.import_module(f"harness.report.{module}"), function)
        with not_searched():
            made = writer(source)
            yield from [made] if isinstance(made, str) else made


FORMATS: Final[Mapping[str, Format]] = {
    one.name: one
    for one in (
        Format("json", "the result document (docs/result-document.md)", "documents.result:written", False),
        Format("html", "one page for a browser, to be passed on (docs/html-report.md)", "html.page:written"),
        Format(
            "junit", "XML for whatever collects tests", "ci.junit:pieces", aliases=("junitxml", "junit-xml")
        ),
        Format("ticket", "Markdown for a change request", "ticket.page:render"),
        Format("sarif", "SARIF 2.1.0 of the holes that are open, for code-scanning pages", "ci.sarif:pieces"),
        Format("summary", "Markdown for the page of a job ($GITHUB_STEP_SUMMARY)", "ci.summary:render"),
        Format(
            "github", "annotations that GitHub Actions reads in a job's output", "ci.github:render", False
        ),
    )
}
"""By name. Those with ``option`` have an option of their own on ``run`` and ``report``."""
