"""The words of the command line: which verbs there are, what they take, and what their help says."""

from __future__ import annotations

import argparse
import sys

from harness.cli import (
    changing,
    clusters,
    comparing,
    fleets,
    images,
    keeping,
    looking,
    planning_ahead,
    rehearsing,
    showing,
)
from harness.cli.base import Help, Parser
from harness.system import version

VERBS = (
    rehearsing.run,
    changing.change,
    rehearsing.plan,
    showing.list_,
    showing.show,
    showing.report,
    comparing.diff,
    comparing.replay,
    comparing.merge,
    comparing.cache_key,
    planning_ahead.rollout,
    looking.expose,
    looking.learn,
    fleets.fleet,
    keeping.init,
    images.images,
    keeping.boxes,
    keeping.up,
    keeping.halt,
    keeping.destroy,
    keeping.shell,
    clusters.worker,
    clusters.cluster,
    keeping.doctor,
    keeping.clean,
    keeping.completion,
)


class _Version(argparse.Action):
    """Only when it is asked for: a checkout's version is what git says."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        sys.stdout.write(f"smb-rehearsal {version.told()}\n")
        parser.exit()


def build() -> Parser:
    parser = Parser(
        prog="rehearse",
        description="Rehearse an SMB hardening change on real servers before making it.",
        epilog="""examples:
  rehearse run                                 the whole article of 2017 on this machine
  rehearse run hardening-today                 today's switches on each packaged Samba
  rehearse run smb3-only samba-4.22-smb1       one change on one server, every client
  rehearse change --smb-conf smb.conf --set 'server min protocol = SMB3'
  rehearse help run                            everything about one verb
  rehearse list mitigations                    what can be rehearsed

exit status: 0 everything as expected, 1 an unexpected loss, 2 lab fault,
3 nothing ran, 64 usage (or a mistake in a file of your own),
70 a bug in smb-rehearsal, 130 stopped by a signal""",
        formatter_class=Help,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version")
    verbs = parser.add_subparsers(dest="word", metavar="VERB", required=True)
    for add in VERBS:
        add(verbs)
    return parser
