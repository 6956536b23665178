"""What all verbs of the command line share: their parser, and the options that several of them take."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import projects
from harness.cli.mistaken import not_among
from harness.errors import UsageError
from harness.report.formats import FORMATS, TEXT
from harness.report.language import codes
from harness.system import trust
from harness.system.entry import loading
from harness.system.garbage import not_searched

Verb = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """Answers a wrong word with exit status 64 and the nearest right one."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(message, f"See: {self.prog} --help")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """Where argparse would answer with everything that may stand there."""
        if action.choices is not None and value not in action.choices:
            raise not_among(value, list(map(str, action.choices)), self.prog)


if TYPE_CHECKING:
    from harness.catalogue import Catalogue
    from harness.projects.file import Project

    # argparse gives its own type no public name, and it takes no parameter when it runs.
    Subparsers = argparse._SubParsersAction[Parser]


class PlaceOrPruning(argparse.Action):
    """``--runs DIR`` as every verb has it; without DIR it asks for the removal of old runs."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 (as argparse calls it)
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        if values is None:
            namespace.prune = True
        else:
            namespace.runs = values


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
        with loading():
            verb: Verb = getattr(__import__(f"harness.verbs.{module}", fromlist=[function]), function)
        return verb(options)

    parser = verbs.add_parser(
        name,
        help=what,
        description="\n\n".join(filter(None, (what[0].upper() + what[1:] + ".", textwrap.fill(more, 78)))),
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
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


def selection(parser: Parser) -> None:
    parser.add_argument(
        "what",
        nargs="*",
        metavar="SCENARIO|CELLS|NAME",
        help="scenario names or files; or cell selectors mitigation:server:client:check with * and commas "
        "(parts at the end may be left off); or names of mitigations, servers, clients and checks, in any "
        "order, which select all cells that they name; default: the article",
    )
    parser.add_argument(
        "--pairwise",
        action="store_true",
        help="each selected mitigation alone, and every pair of them together, in few combinations",
    )
    parser.add_argument(
        "--parts",
        type=several,
        metavar="N",
        help="the most parts of one combination (with --pairwise; default: 4)",
    )
    parser.add_argument("--only", action="append", metavar="CELLS", help="only these cells of the scenarios")
    labs(parser)
    parser.add_argument(
        "--no-exposures",
        action="store_true",
        help="measure only which clients a change costs, not which holes it closes",
    )


def labs(parser: Parser) -> None:
    parser.add_argument(
        "--lab",
        choices=["local", "vagrant"],
        default="local",
        help="where servers live: a private network namespace (local), or virtual machines (vagrant)",
    )
    machines(parser)


def machines(parser: Parser) -> None:
    """Of the lab of virtual machines."""
    parser.add_argument(
        "--memory",
        type=positive,
        metavar="MB",
        help="memory for all virtual machines together (default: half of what is free)",
    )
    connect(parser)


def connect(parser: Parser) -> None:
    parser.add_argument(
        "--connect",
        metavar="URI",
        help="another libvirt for the virtual machines, e.g. qemu+ssh://HOST/system ($SMB_REHEARSAL_URI)",
    )


def personas(parser: Parser) -> None:
    """More clients, and more servers, of the user's own."""
    parser.add_argument(
        "--server",
        dest="described",
        type=Path,
        action="append",
        metavar="FILE",
        help="servers of a configuration that was brought along: its description (docs/your-server.md)",
    )
    parser.add_argument(
        "--personas",
        type=Path,
        action="append",
        metavar="DIR",
        help="a folder with more emulated clients, as written by rehearse learn --write",
    )


def exposures(parser: Parser) -> None:
    parser.add_argument(
        "--exposures",
        type=Path,
        action="append",
        metavar="FILE",
        help="a file with more known holes (docs/exposures.md)",
    )


def as_json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="machine-readable, on stdout")


def language(parser: Parser, what: str, others: str = "") -> None:
    """``what`` is in the reader's language; ``others``: what else than messages never is."""
    parser.add_argument(
        "--lang",
        choices=codes(),
        default="",
        metavar="LANGUAGE",
        help=f"language of {what}: {' or '.join(codes())} (default: that of the locale); {others}messages, "
        "help, and what goes to a terminal that is not UTF-8, are in English; what was recorded, and what is "
        "typed, stays as it is",
    )


def formats(parser: Parser) -> None:
    """What is printed, and what is written besides: the table of formats decides (harness.report.formats)."""
    as_json(parser)
    parser.add_argument(
        "--format",
        choices=[TEXT, *FORMATS],
        default="",
        metavar="FORMAT",
        help=f"what is printed: {TEXT} (the default), "
        + ", ".join(f"{one.name} ({one.what})" for one in FORMATS.values()),
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to FILE instead of stdout")
    language(parser, "text, html and ticket", "all other formats, ")
    for one in FORMATS.values():
        if one.option:
            parser.add_argument(
                *(f"--{name}" for name in (one.name, *one.aliases)),
                dest=one.dest,
                type=Path,
                metavar="FILE",
                help=f"also write {one.name} into FILE: {one.what}",
            )


def gates(parser: Parser) -> None:
    parser.add_argument(
        "--require",
        type=Path,
        action="append",
        metavar="FILE",
        help="cells that must be kept and holes that must be closed (docs/ci.md)",
    )
    parser.add_argument(
        "--known",
        type=Path,
        action="append",
        metavar="FILE",
        help="losses that are accepted until a date, with the reason (docs/ci.md)",
    )


def details(parser: Parser) -> None:
    parser.add_argument(
        "--details",
        action="store_true",
        help="after the answer, also print every matrix, cause, proof and hole that it is based on",
    )


def several(text: str) -> int:
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError("must be 2 or more")
    return number


MOST_SHARDS = 256
"""So many jobs a matrix of GitHub Actions may have."""


def shard(text: str) -> tuple[int, int]:
    """``2/4``: the second of four."""
    found = re.fullmatch(r"(\d{1,3})/(\d{1,3})", text, re.ASCII)
    if not found or not 1 <= int(found[1]) <= int(found[2]) <= MOST_SHARDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no shard: 2/4 is the second of four")
    return int(found[1]), int(found[2])


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def number(text: str) -> int:
    found = int(text)
    if found < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return found
