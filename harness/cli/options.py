"""The options that several verbs take, each written once; and what may stand behind them."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from harness.cli.base import Parser
from harness.report.formats import FORMATS, TEXT
from harness.report.language import codes


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
