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
    deeds = parser.add_subparsers(dest="deed", metavar="list|build|fetch|verify", required=True)
    listed = deeds.add_parser("list", help="every guest, and whether its box is here")
    build = deeds.add_parser("build", help="make boxes of Debian packages")
    fetch = deeds.add_parser("fetch", help="get boxes that others made")
    verify = deeds.add_parser("verify", help="compare boxes with what was built")
    for deed in (listed, build, fetch, verify):
        deed.add_argument("names", nargs="*", metavar="BOX|GUEST", help="which; default: all")
        as_json(deed)
    for deed in (build, fetch):
        deed.add_argument("--again", action="store_true", help="also what is there")
        deed.add_argument("--quiet", action="store_true", help="no progress on stderr")
    fetch.add_argument("--from", dest="from_", default="", metavar="FILE|URL", help="a box of your own")
    fetch.add_argument("--provider", default="", metavar="NAME", help="for which provider of Vagrant")
    verify.add_argument("--boot", action="store_true", help="see that they boot, too")


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
