"""Where a run's reports go: one format is printed, and any number are written into files besides."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from rich.console import Console

from harness.errors import RehearsalError, UsageError
from harness.record import folders
from harness.report.formats import FORMATS, TEXT, Source
from harness.report.language import of_reader
from harness.report.page import console_for
from harness.system.plain import say

_ADDED_TO: Final = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the words of a command line ask for."""

    format: str = TEXT
    """What is printed."""
    details: bool = False
    output: Path | None = None
    """The file that takes what would be printed; None for standard output."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Format -> the file that it is written into besides."""

    def deliver(self, source: Source) -> None:
        """Print and write everything. Raises RehearsalError where a file cannot be written."""
        self.show(source)
        self.save(source)

    def show(self, source: Source) -> None:
        """Print what is to be printed, or write it into the file that takes its place."""
        if self.output is not None:
            _put(self.output, self._text(source))
        elif self.format == TEXT:
            self._render(source, console_for(sys.stdout))
        else:
            encoding = sys.stdout.encoding or "utf-8"
            for text in FORMATS[self.format].pieces(source):
                sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def save(self, source: Source) -> None:
        """Write the files besides."""
        for name, path in self.files.items():
            _put(path, FORMATS[name].pieces(replace(source, place=path.parent)))

    def _text(self, source: Source) -> Iterable[str]:
        if self.format != TEXT:
            place = self.output.parent if self.output else None
            return FORMATS[self.format].pieces(replace(source, place=place))
        page = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="", write_through=True)
        self._render(source, console_for(page))
        page.seek(0)
        return [page.read()]

    def _render(self, source: Source, console: Console) -> None:
        from harness.report import terminal

        terminal.render(
            source.result,
            console,
            details=self.details,
            lang=of_reader(source.lang),
            called=folders.called(source.folder),
        )


def wanted(options: argparse.Namespace) -> Wanted:
    """What is to be printed and written.

    Raises UsageError for what contradicts itself, and for files that could not be written in the end:
    measuring takes minutes.
    """
    shown = options.format or ("json" if options.json else TEXT)
    if options.json and shown != "json":
        raise UsageError(
            f"--json and --format {shown} are two formats for one output",
            f"write: --format {shown}, and --json in a call of its own: rehearse report --json",
        )
    if options.details and shown != TEXT and options.format:
        raise UsageError(f"--details is for text, and --format {shown} has no such choice", "leave it off")
    named = {one.name: getattr(options, one.dest) for one in FORMATS.values() if one.option}
    files = {name: path for name, path in named.items() if path is not None}
    places = [*files.values(), *filter(None, [options.output])]
    for path in places:
        _check(path)
    if len({path.absolute() for path in places}) < len(places):
        raise UsageError("two reports go into the same file", "give each a file of its own")
    return Wanted(shown, options.details, options.output, files)


def _check(path: Path) -> None:
    if str(path) == "-":
        raise UsageError("- is no file: standard output is what --format says", "write: --format NAME")
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "name a file in it")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path.absolute().parent} is no folder", f"mkdir -p {path.parent}")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise UsageError(f"{path} cannot be written by this user", "name another file")


def _put(path: Path, pieces: Iterable[str]) -> None:
    # A step's own page of GitHub Actions is added to: what stands there is from others.
    mode = "ab" if str(path) == os.environ.get(_ADDED_TO) else "wb"
    try:
        with path.open(mode) as file:
            file.writelines(text.encode("utf-8", "backslashreplace") for text in pieces)
    except OSError as error:
        raise RehearsalError(
            f"{path} cannot be written: {error.strerror}", "nothing is lost: rehearse report --help"
        ) from error
    say(f"written: {path}")
