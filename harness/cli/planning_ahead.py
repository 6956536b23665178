"""The words of the verb that plans a rollout."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.base import verb
from harness.cli.options import as_json, language, personas

if TYPE_CHECKING:
    from harness.cli.base import Subparsers

FEWEST, MOST, USUAL = 1, 5, 3
"""Stages, as harness.rollout.wishes has them; a test holds both together."""


def rollout(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "rollout",
        "rollout:rollout",
        "a staged plan from a finished run: what to change today, what after which machines are fixed, "
        "what last",
        """  rehearse rollout                             from the newest run
  rehearse rollout --fleet office              weighed by the machines of a stored fleet
  rehearse rollout --run RUN --never-lose 'macos-*,office-scanner'
  rehearse rollout --close smb1-spoken:2 --close guest-access:1
  rehearse rollout --servers samba-4.22-smb1 --legacy sles11-like
  rehearse rollout --lang ja                   on the terminal, too
  rehearse rollout --format markdown --lang ja
  rehearse rollout --format html > plan.html
  rehearse rollout --write plan.json           to compare later samples of the fleet with it""",
        more="The plan is found by an exact search over the changes and combinations that the run has "
        "measured as a whole; what was not measured is in no plan. Measure every pair of changes with: "
        "rehearse run --pairwise --parts 2 CELLS. Exit status 1 where a demand cannot be met: the answer "
        "says which, and by what evidence.",
    )
    parser.add_argument(
        "--run", default="", metavar="RUN", help="name or folder of a run, latest or previous (the newest)"
    )
    parser.add_argument(
        "--fleet",
        nargs="?",
        const="",
        metavar="NAME|FILE",
        help="the machines that are weighed: a stored fleet, its file, or a file to read (default: that of "
        "the project, else that of the run; without one each client of the run counts as one machine)",
    )
    parser.add_argument("--no-fleet", action="store_true", help="without the fleet that rehearsal.toml names")
    parser.add_argument(
        "--stages",
        type=_stages,
        default=USUAL,
        metavar="N",
        help=f"how many stages, {FEWEST} to {MOST} (default: {USUAL})",
    )
    parser.add_argument(
        "--never-lose",
        action="append",
        metavar="CLIENT[,CLIENT]",
        help="kinds of client that must keep, in every stage and on every server, all that they could do; "
        "one of which that is not known counts as losing it; with *",
    )
    parser.add_argument(
        "--close",
        action="append",
        metavar="EXPOSURE:STAGE",
        help="this exposure must be shown to be closed, on every server where it was looked for, at the end "
        "of that stage; with *",
    )
    parser.add_argument(
        "--servers",
        action="append",
        metavar="SERVER[,SERVER]",
        help="the servers of the run that are changed (default: all but that of --legacy)",
    )
    parser.add_argument(
        "--legacy",
        default="",
        metavar="SERVER",
        help="a server of the run that is left as it is, for machines that nothing else helps",
    )
    parser.add_argument(
        "--format",
        choices=["text", "markdown", "html", "json"],
        default="text",
        help="what is printed (default: text)",
    )
    language(parser, "text, markdown and html", "json, ")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also store the plan, as JSON")
    personas(parser)
    as_json(parser)


def _stages(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not FEWEST <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r}: a plan has {FEWEST} to {MOST} stages")
    return int(text)
