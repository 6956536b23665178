"""The words of the verbs that take runs: diff, replay, merge; and of cache-key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.base import verb
from harness.cli.options import (
    as_json,
    details,
    exposures,
    formats,
    gates,
    language,
    machines,
    personas,
    positive,
    selection,
)

if TYPE_CHECKING:
    from harness.cli.base import Subparsers

RUN = "name or folder of a run, or: latest, previous"


def diff(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "diff",
        "diff:diff",
        "what changed between two runs, and whether something got worse",
        """  rehearse diff                                the newest run against the one before it
  rehearse diff RUN                            the newest run against that one
  rehearse diff RUN RUN --json
  rehearse diff previous ./nightly/run --details""",
        more="Exit status 1 when something got worse: a check that came through is refused, an exposure that "
        "was shut is open, a rollback that brought everybody back does not. A new fault, or an exposure that "
        "no probe could decide, is not comparable, and neither better nor worse. Exit status 2 when a run is "
        "not whole, or nothing can be compared.",
    )
    parser.add_argument("which", nargs="*", metavar="RUN", help=f"{RUN}; the older one first")
    as_json(parser)
    parser.add_argument("--details", action="store_true", help="every line of every section")
    language(parser, "text")


def replay(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "replay",
        "replay:replay",
        "measure cells of a run again, and say whether they come out the same",
        """  rehearse replay nt-pipe-support-off:sles11-like:windows-7:browse
  rehearse replay --sample 20                  20 cells of the newest run, chosen at random
  rehearse replay --sample 20 --seed 4711      the same 20 again
  rehearse replay 'smb3-only:*:windows-*' --run RUN --json
  rehearse replay smb3-only:samba-4.22:curl:open signing-required:samba-4.22:curl:open --run ./nightly/run""",
        more="Server, change, client, check, lab, probes and personas are those of the run; other cells "
        "of the run are left out. Exit status 0 when all came out the same, 1 when something did "
        "not, 2 when the lab broke. A run that is damaged, edited, or that others could have written is not "
        "replayed.",
    )
    parser.add_argument(
        "what",
        nargs="*",
        metavar="CELL",
        help="cells of the run by their ids, or selectors with * and commas, or names",
    )
    parser.add_argument("--run", default="", metavar="RUN", help=f"{RUN} (the newest that is no replay)")
    parser.add_argument(
        "--sample",
        type=positive,
        metavar="N",
        help="N cells chosen at random (default: from all cells of the run)",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="with --sample: the same number chooses the same cells again"
    )
    parser.add_argument(
        "--workers", type=positive, metavar="N", help="attempts at a time (default: cores + 1)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    # What came out otherwise is to be compared with what the run kept.
    parser.set_defaults(failed_only=False, evidence="all")
    machines(parser)
    language(parser, "text")
    as_json(parser)


def merge(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "merge",
        "merge:merge",
        "combine the runs that measured the shards of a plan into one run",
        """  rehearse merge RUN RUN RUN
  rehearse merge ./shards/one ./shards/two --json
  rehearse merge ./shards/one ./shards/two --require must.toml""",
        more="The shards were measured with: rehearse run CELLS --shard 1/2, and so on. They must belong "
        "to the same plan, must not overlap, and must have run the same software; otherwise nothing is "
        "merged, and the reason is given. If a shard is missing, the others are merged, and the exit "
        "status is 2.",
    )
    parser.add_argument("which", nargs="+", metavar="RUN", help=RUN)
    personas(parser)
    formats(parser)
    details(parser)
    gates(parser)


def cache_key(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "cache-key",
        "matrix:cache_key",
        "the key under which a CI system keeps the images, or results",
        "  rehearse cache-key\n  rehearse cache-key article-2-nt-pipe-support --json\n"
        "  rehearse cache-key --results                 of what run --reuse uses",
        more="It changes when an image would be built differently. It does not change when packages get "
        "newer: append the week to it, so that the images are rebuilt with current packages.",
    )
    selection(parser)
    parser.add_argument(
        "--results",
        action="store_true",
        help="the key of the results that are kept for run --reuse: append the number of the run, and "
        "restore by this beginning (docs/ci.md)",
    )
    personas(parser)
    exposures(parser)
    as_json(parser)
