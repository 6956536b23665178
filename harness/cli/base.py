"""What all verbs of the command line share: their parser, and the catalogue that they are handed."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Callable
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import projects
from harness.cli.mistaken import not_among
from harness.errors import UsageError
from harness.system import trust
from harness.system.entry import loading
from harness.system.garbage import never_again, not_searched

Verb = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """Answers a wrong word with exit status 64 and the nearest right one."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(message, f"See: {self.prog} --help")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """Where argparse would answer with everything that may stand there."""
        if action.choices is not None and value not in action.choices:
            raise not_among(value, list(map(str, action.choices)), self.prog)


class Help(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of a text as they are, but for prose that is wider than the terminal.

    Examples, which are moved in, are to be pasted and are never broken.
    """

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        # argparse leaves two columns free; what fits without them stays.
        columns = width + 2
        made: list[str] = []
        for prose, lines in groupby(text.splitlines(), key=lambda line: line[:1].strip() != ""):
            of_one = list(lines)
            if prose and any(len(line) > columns for line in of_one):
                of_one = [" ".join(of_one)]
            made += chain.from_iterable(_folded(line, columns) for line in of_one)
        return "\n".join(f"{indent}{line}" for line in made)


def _folded(line: str, columns: int) -> list[str]:
    """A line that is too wide as several, below where its last column begins; an example as it is."""
    if len(line) <= columns or line.lstrip().startswith("rehearse "):
        return [line]
    named = re.match(r" +\S+ {2,}", line)
    below = " " * (named.end() if named else len(line) - len(line.lstrip()))
    return textwrap.wrap(
        line, columns, subsequent_indent=below, break_long_words=False, break_on_hyphens=False
    )


if TYPE_CHECKING:
    from harness.catalogue import Catalogue
    from harness.projects.file import Project

    # argparse gives its own type no public name, and it takes no parameter when it runs.
    Subparsers = argparse._SubParsersAction[Parser]


def verb(
    verbs: Subparsers,
    name: str,
    does: str,
    what: str,
    examples: str,
    more: str = "",
    *,
    runs: bool = True,
    catalogue: bool | Callable[[argparse.Namespace], bool] = True,
) -> Parser:
    """A verb with what all verbs share. ``does`` is ``module:function`` below harness.verbs.

    ``more`` is what else one must know before one uses it. ``runs``: it has ``--runs DIR`` as usual.
    ``catalogue``: it is handed what there is to rehearse, as ``options.catalogue``; a verb that does without
    begins half a second sooner. Where that hangs on its words, one that does without may still ask for it,
    by ``options.make_catalogue()``.
    """

    def call(options: argparse.Namespace) -> int:
        # Imported when it is wanted: clients and their libraries take half a second to load.
        module, _, function = does.partition(":")
        options.make_catalogue = partial(catalogue_of, options)
        if catalogue(options) if callable(catalogue) else catalogue:
            with not_searched():
                options.catalogue = options.make_catalogue()
                never_again()
        with loading():
            verb: Verb = getattr(__import__(f"harness.verbs.{module}", fromlist=[function]), function)
        return verb(options)

    parser = verbs.add_parser(
        name,
        help=what,
        description="\n\n".join(filter(None, (what[0].upper() + what[1:] + ".", textwrap.fill(more, 78)))),
        epilog=f"examples:\n{examples}",
        formatter_class=Help,
    )
    parser.set_defaults(verb=call)
    parser.add_argument("--verbose", action="store_true", help="log every program that is run, on stderr")
    if catalogue:
        projects.options_of(parser)
    if runs:
        parser.add_argument("--runs", type=Path, metavar="DIR", help="where the run folders are kept")
    return parser


def catalogue_of(options: argparse.Namespace) -> Catalogue:
    """What there is: what is built in, what the files have that the words name, what is in the project, and
    what other packages bring. Raises UsageError.

    A run's catalogue begins here alone.
    """
    from harness.catalogue import made_of, packages
    from harness.catalogue.sources import Source, added_images, holes_in, personas_in, server_in

    sources: list[Source] = list(added_images())
    for folder in getattr(options, "personas", None) or ():
        trust.check_all(folder, "*.toml")
        sources += personas_in(folder)
    for file in getattr(options, "exposures", None) or ():
        trust.check(file)
        sources.append(holes_in(file))
    for file in getattr(options, "described", None) or ():
        if not file.exists():
            raise UsageError(
                f"{file}: there is no such file",
                "a server that is there already is named without --server; See: rehearse list servers",
            )
        trust.check(file)
        sources.append(server_in(file))
    place: Project | None = getattr(options, "place", None)
    if place is None:
        return made_of(*sources, *packages.installed())
    from harness.projects import contents

    catalogue = made_of(*sources, *contents.sources(place), *packages.installed())
    if place.file.servers:
        from harness.verbs import project_servers

        build = options.word == "run"
        catalogue = catalogue.adding(*project_servers.sources(place, catalogue, build=build))
    # What it does without is told, whatever is wrong with the defaults.
    options.catalogue = catalogue
    contents.check_defaults(catalogue, place)
    return catalogue
