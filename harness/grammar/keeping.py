"""The words of the verbs that keep the lab: boxes, doctor, clean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.grammar.base import as_json, verb

if TYPE_CHECKING:
    from harness.grammar.base import Subparsers


def boxes(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "boxes",
        "boxes:boxes_",
        "the disks that virtual machines are made of: list, build, fetch or verify them",
        """  rehearse boxes list
  rehearse boxes build                         all boxes that are made here, of Debian packages
  rehearse boxes build bookworm samba-trixie   a box by its name, or the box of a guest
  rehearse boxes fetch windows-server-2022     what others made, ahead of a rehearsal
  rehearse boxes fetch windows-xp --from ./winxp.box --provider virtualbox
  rehearse boxes verify --boot bookworm        its checksum, and whether it boots""",
    )
    parser.add_argument("deed", choices=["list", "build", "fetch", "verify"], help="what to do")
    parser.add_argument("names", nargs="*", metavar="BOX|GUEST", help="which; default: all")
    parser.add_argument("--again", action="store_true", help="build or fetch also what is there")
    parser.add_argument("--boot", action="store_true", help="verify: see that it boots, too")
    parser.add_argument(
        "--from", dest="from_", default="", metavar="FILE|URL", help="fetch: a box of your own"
    )
    parser.add_argument("--provider", default="", help="fetch: for which provider of Vagrant")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    as_json(parser)


def doctor(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "doctor",
        "look:doctor",
        "what is missing here, and the command that mends it",
        "  rehearse doctor\n  rehearse doctor --json",
    )
    as_json(parser)


def clean(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "clean",
        "upkeep:clean",
        "remove what an interrupted run left behind",
        "  rehearse clean\n  rehearse clean --images",
    )
    parser.add_argument("--images", action="store_true", help="the built server images too")
