"""The words of the verbs that hold runs against each other: diff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.grammar.base import as_json, verb

if TYPE_CHECKING:
    from harness.grammar.base import Subparsers

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
        "no probe could decide, is not comparable, and neither better nor worse.",
    )
    parser.add_argument("which", nargs="*", metavar="RUN", help=f"{RUN}; the older one first")
    as_json(parser)
    parser.add_argument("--details", action="store_true", help="every line of every section")
