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


_MACHINE = "a machine of guests.yaml: rehearse list guests"


def up(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "up",
        "machines:up",
        "start virtual machines that stay up, and say how to reach them",
        "  rehearse up samba-bookworm\n  rehearse up samba-trixie kernel-client --json",
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help=_MACHINE)
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    as_json(parser)


def halt(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "halt",
        "machines:halt",
        "shut down machines that are up; their disks stay",
        "  rehearse halt samba-bookworm",
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help=_MACHINE)


def destroy(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "destroy",
        "machines:destroy",
        "remove machines with their disks and snapshots",
        "  rehearse destroy samba-bookworm\n  rehearse destroy --all",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=_MACHINE)
    parser.add_argument("--all", action="store_true", help="every machine that rehearse up has started")


def shell(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "shell",
        "machines:shell",
        "a shell in a machine that is up, or one command there",
        "  rehearse shell samba-bookworm\n  rehearse shell samba-bookworm -- sudo smbstatus",
    )
    parser.add_argument("name", metavar="NAME", help=_MACHINE)
    parser.add_argument("command", nargs="*", metavar="WORD", help="a command; without one: a shell")


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
