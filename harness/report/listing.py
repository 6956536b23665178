"""What ``rehearse list``, ``show`` and ``doctor`` print: tables, sheets and findings, each also as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.text import Text

from harness.report.json_text import dump
from harness.report.page import GAP, INDENT, Page, widest

LAST = 24
"""A last column that would be narrower than this goes to lines of its own."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers, one cell a header: ``rehearse list servers``."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.headers) for row in self.rows):
            raise ValueError(f"every row must have {len(self.headers)} cells: {', '.join(self.headers)}")

    def as_json(self) -> str:
        """A list of objects, one a row; the headers in small letters, ``_`` for a blank, are the keys."""
        keys = [header.lower().replace(" ", "_") for header in self.headers]
        return dump([dict(zip(keys, row, strict=True)) for row in self.rows])

    def render(self, console: Console) -> None:
        """Print it. What does not fit side by side is folded, or put below its row."""
        page = Page(console)
        if not self.rows:
            page.hanging(page.text("none", "dim"), indent=0)
            return
        head = [page.text(header, "bold") for header in self.headers]
        body = [[page.text(cell) for cell in row] for row in self.rows]
        widths = [widest([title, *cells]) for title, *cells in zip(head, *body, strict=True)]
        left = page.width - sum(width + GAP for width in widths[:-1])
        if left >= min(LAST, widths[-1]):
            page.grid([head, *body], [*widths[:-1], min(left, widths[-1])], indent=0)
        else:
            for row in body:
                self._stacked(page, row)

    def _stacked(self, page: Page, row: Sequence[Text]) -> None:
        first, *rest = row
        first.stylize("bold")
        # A number is no name: nobody knows what it counts.
        counted = page.text(f"{self.headers[0]}: ", "dim") if first.plain.isdecimal() else None
        page.hanging(first, first=counted, indent=0)
        for header, cell in zip(self.headers[1:], rest, strict=True):
            if not cell:
                continue
            page.hanging(cell, first=page.text(f"{header}: ", "dim"), deeper=INDENT)


@dataclass(frozen=True, slots=True)
class Section:
    """Named values of a sheet."""

    title: str
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything about one thing: ``rehearse show windows-7``."""

    title: str
    sections: tuple[Section, ...]

    def as_json(self) -> str:
        """A list of objects, one an entry: its section, name and value."""
        return dump(
            [
                {"section": section.title, "name": name, "value": value}
                for section in self.sections
                for name, value in section.entries
            ]
        )

    def render(self, console: Console) -> None:
        """Print it."""
        page = Page(console)
        page.heading(page.text(self.title, "bold"))
        for section in self.sections:
            if section.title:
                page.hanging(page.text(section.title, "bold"), indent=0)
            names = [page.text(f"{name}:", "dim") for name, _ in section.entries]
            wide = min(widest(names), page.width // 3)
            room = page.width - INDENT - wide - GAP
            values = (page.text(value) for _, value in section.entries)
            page.grid(list(zip(names, values, strict=True)), [wide, room])


class DoctorFinding(Protocol):
    """One thing that ``rehearse doctor`` looked at."""

    @property
    def name(self) -> str: ...
    @property
    def ok(self) -> bool: ...
    @property
    def state(self) -> str:
        """works, missing, optional (not there, and not needed by every rehearsal) or note."""

    @property
    def detail(self) -> str:
        """What was seen."""

    @property
    def gives(self) -> str:
        """What is to be had with it, where it is optional and not there."""

    @property
    def mend(self) -> str:
        """The command or operation that mends it; "" when nothing needs to be done."""


_MARKS = {
    "works": ("✓", "green"),
    "missing": ("✗", "bold red"),
    "optional": ("○", "yellow"),
    "note": ("·", "dim"),
}
"""They differ in their letter and not in their colour alone, in ASCII too: + x o -."""


def render_findings(findings: Iterable[DoctorFinding], console: Console) -> None:
    """Print what was looked at, a mark before each, and below what is amiss how it is mended."""
    page = Page(console)
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[finding.state] += 1
        page.hanging(
            page.join(" ", (finding.name, "bold"), f": {finding.detail}" if finding.detail else ""),
            first=page.text(*_MARKS[finding.state]),
            indent=0,
            deeper=INDENT,
        )
        if finding.gives:
            page.hanging(page.text(finding.gives), first=page.text("gives: ", "dim"), deeper=INDENT)
        if finding.mend:
            words = "mend: " if finding.state == "missing" else "to have it: "
            page.hanging(page.text(finding.mend), first=page.text(words, "yellow"), deeper=INDENT)
    page.hanging(page.text(_sum(counts), "bold"), indent=0)
    marks = "✓ works, ✗ missing: no rehearsal can run, ○ not there: not every rehearsal needs it, · to know"
    page.hanging(page.text(marks), indent=0, deeper=INDENT)


def _sum(counts: Mapping[str, int]) -> str:
    """The answer: whether a rehearsal can run."""
    if amiss := counts.get("missing", 0):
        return f"no rehearsal can run here: {amiss} to mend"
    optional = counts.get("optional", 0)
    return "a rehearsal can run here" + (f"; {optional} optional things are not there" if optional else "")


def findings_json(findings: Iterable[DoctorFinding]) -> str:
    """The findings as a list of objects."""
    return dump(
        [
            {
                "name": finding.name,
                "ok": finding.ok,
                "state": finding.state,
                "detail": finding.detail,
                "gives": finding.gives,
                "mend": finding.mend,
            }
            for finding in findings
        ]
    )
