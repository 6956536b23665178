"""The words of the verbs that say what is rehearsed: run, plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli import clusters
from harness.cli.base import verb
from harness.cli.fleets import of_fleet
from harness.cli.options import (
    as_json,
    details,
    exposures,
    formats,
    gates,
    language,
    personas,
    positive,
    selection,
    shard,
)

if TYPE_CHECKING:
    from harness.cli.base import Parser, Subparsers


def run(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "run",
        "run:run",
        "rehearse scenarios or cells, and report",
        """  rehearse run
  rehearse run article-2-nt-pipe-support
  rehearse run windows-7                       every change, on every server, for that client
  rehearse run nt-pipe-support-off windows-7   names in any order: that change for that client
  rehearse run 'signing-required+smb3-only:samba-4.*:windows-*:open'
  rehearse run 'smb3-only:*:windows-*:rename'  a check that is not an everyday one, by name
  rehearse run 'set([share] smb encrypt=required)+set(ntlm auth=ntlmv2-only)' samba-4.22
  rehearse run article --only '*:*:windows-xp' --json > result.json
  rehearse run --pairwise '*:samba-4.22-smb1:windows-*:browse,open'
  rehearse run hardening-today --junit junit.xml --sarif holes.sarif
  rehearse run --lab vagrant --connect qemu+ssh://HOST/system article-3-vendor-patch
  rehearse run smb3-only --require must.toml --known accepted.toml
  rehearse run smb3-only --fleet               for the machines that you have (rehearse help fleet)
  rehearse run article --shard 2/4             the second of four parts, to be merged
  rehearse run article --cluster tls://scheduler.example:8786    on other machines (rehearse help cluster)
  rehearse run smb3-only --reuse               only what has changed since; the rest from earlier runs
  rehearse run --resume                        go on with the newest run, which was cut off
  rehearse run --resume RUN --failed-only      measure again what was not as expected""",
        more="A scenario file is a Python program that runs as you: name none that you would not run "
        "yourself. One that others can write is refused, and so are personas and known holes.",
    )
    selection(parser)
    of_fleet(parser)
    personas(parser)
    exposures(parser)
    formats(parser)
    details(parser)
    gates(parser)
    parser.add_argument(
        "--shard", type=shard, metavar="I/N", help="only part I of N of the plan (see: rehearse help merge)"
    )
    parser.add_argument(
        "--resume", nargs="?", const="", metavar="RUN", help="continue a run (default: the newest)"
    )
    parser.add_argument(
        "--failed-only", action="store_true", help="measure again what was not as expected in that run"
    )
    clusters.of_run(parser)
    measuring(parser)


def measuring(parser: Parser) -> None:
    """How it is measured."""
    parser.add_argument(
        "--reuse",
        action="store_true",
        help="do not measure what earlier runs with --reuse or --fresh measured, where nothing has changed "
        "that can change it; some results are measured again all the same, drawn by chance (docs/reuse.md)",
    )
    parser.add_argument(
        "--recheck",
        type=positive,
        metavar="N",
        help="with --reuse: measure at least N of these results again",
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="measure everything, whatever is kept, and keep it for --reuse; with --resume also what that "
        "run reused",
    )
    parser.add_argument(
        "--evidence",
        choices=["none", "lost", "all"],
        default="lost",
        help="keep packets, the server's log and configuration of single cells: of what is not kept or not "
        "as expected (lost, the default), of all, or of none (docs/evidence.md)",
    )
    parser.add_argument(
        "--workers", type=positive, metavar="N", help="attempts at a time (default: cores + 1)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def plan(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "plan",
        "plan:plan",
        "what a run would measure, and how long it would take",
        "  rehearse plan\n  rehearse plan windows-7 smb3-only\n  rehearse plan 'smb311-only:*:*:open'\n"
        "  rehearse plan --pairwise '*:samba-4.22-smb1:windows-*:browse,open'\n"
        "  rehearse plan smb3-only --reuse              how much of it is measured already\n"
        "  rehearse plan article --matrix github --shards 4",
    )
    selection(parser)
    parser.add_argument("--details", action="store_true", help="also list each cell")
    language(parser, "text")
    parser.add_argument(
        "--reuse", action="store_true", help="say how many of the cells run --reuse would not measure again"
    )
    parser.add_argument(
        "--matrix",
        choices=["github", "gitlab"],
        help="print parts of about the same predicted time, as that CI system takes them (docs/ci.md)",
    )
    parser.add_argument(
        "--shards", type=positive, metavar="N", help="how many parts (with --matrix; default: 4, or fewer)"
    )
    of_fleet(parser)
    personas(parser)
    exposures(parser)
    as_json(parser)
