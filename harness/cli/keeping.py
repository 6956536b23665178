"""The words of the verbs that keep a project and the lab: init, boxes, doctor, clean, completion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.base import verb
from harness.cli.options import PlaceOrPruning, as_json, connect, labs, language, number, personas
from harness.verbs.completion import PLACES

if TYPE_CHECKING:
    from harness.cli.base import Subparsers


def init(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "init",
        "init:init",
        "begin a project: a folder with changes, scenarios, clients and servers of your own",
        """  rehearse init                                here
  rehearse init office && cd office
  rehearse run                                 its scenarios, in it or below
  rehearse list mitigations                    with yours among them
  rehearse run smb3-signed 'samba-4.*'         your change; clients and checks by its defaults
  rehearse list mitigations --project office   from elsewhere""",
        more="It writes rehearsal.toml, which says what may stand in it, and an example of a change and of "
        "a scenario. Scenarios are tests, too: pytest FOLDER. What is there already stays as it is. "
        "See: docs/your-project.md",
        runs=False,
        catalogue=False,
    )
    parser.set_defaults(runs=None)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="FOLDER", help="which folder (this one)"
    )


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
        catalogue=False,
    )
    operations = parser.add_subparsers(dest="operation", metavar="list|build|fetch|verify", required=True)
    listed = operations.add_parser("list", help="every guest, and whether its box is here")
    build = operations.add_parser("build", help="make boxes of Debian packages")
    fetch = operations.add_parser("fetch", help="get boxes that others made")
    verify = operations.add_parser("verify", help="compare boxes with what was built")
    for operation in (listed, build, fetch, verify):
        operation.add_argument("names", nargs="*", metavar="BOX|GUEST", help="which boxes (default: all)")
        as_json(operation)
    for operation in (build, fetch):
        operation.add_argument("--again", action="store_true", help="also those that are here already")
        operation.add_argument("--quiet", action="store_true", help="no progress on stderr")
    fetch.add_argument("--from", dest="from_", default="", metavar="FILE|URL", help="a box of your own")
    fetch.add_argument(
        "--provider", default="", metavar="NAME", help="the provider of Vagrant to fetch it for"
    )
    verify.add_argument("--boot", action="store_true", help="also start each of them, to see that it boots")


_MACHINE = "a machine of guests.yaml: rehearse list guests"


def up(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "up",
        "machines:up",
        "start virtual machines that stay up, and say how to reach them",
        "  rehearse up samba-bookworm\n  rehearse up samba-trixie kernel-client --json\n"
        "  rehearse up --connect qemu+ssh://HOST/system samba-bookworm",
        catalogue=False,
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help=_MACHINE)
    connect(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    as_json(parser)


def halt(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "halt",
        "machines:halt",
        "shut down machines that are up; their disks stay",
        "  rehearse halt samba-bookworm",
        catalogue=False,
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help=_MACHINE)
    connect(parser)


def destroy(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "destroy",
        "machines:destroy",
        "remove machines with their disks and snapshots",
        "  rehearse destroy samba-bookworm\n  rehearse destroy --all",
        catalogue=False,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=_MACHINE)
    parser.add_argument("--all", action="store_true", help="every machine that rehearse up has started")
    connect(parser)


def shell(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "shell",
        "shell:shell",
        "a shell in the lab at a cell, or in a machine that is up; or one command there",
        """  rehearse shell --cell nt-pipe-support-off:sles11-like:windows-7:browse
  rehearse shell --cell smb3-only:samba-4.22-smb1:curl:open --phase baseline
  rehearse shell --cell smb3-only:samba-4.22-smb1:curl:open -- rehearse-attempt
  rehearse shell --cell smb3-only:samba-4.22:smbclient:open --run RUN
  rehearse shell samba-bookworm
  rehearse shell samba-bookworm -- sudo smbstatus
  rehearse shell samba-bookworm --connect qemu+ssh://HOST/system -- sudo smbstatus""",
        more="With --cell the server of that cell is started, its change made and seen to be in force, and "
        "your shell started inside the lab, with the client's commands to paste. Everything is stopped "
        "when the shell ends, for whatever reason. The exit status is that of the shell or command; 2 when "
        "the lab broke.",
    )
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help=_MACHINE)
    parser.add_argument("--cell", default="", metavar="CELL", help="mitigation:server:client:check")
    parser.add_argument(
        "--phase",
        choices=["baseline", "applied", "rolled-back"],
        help="of the cell: before the change, with it (default), or after the rollback",
    )
    parser.add_argument("--run", metavar="RUN", help="a run with the cell: its lab and its personas are used")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    language(parser, "the page of a cell")
    labs(parser)
    personas(parser)
    parser.add_argument("command", nargs="*", metavar="WORD", help="a command; without one: a shell")


def doctor(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "doctor",
        "look:doctor",
        "what is missing on this machine, and the command that installs it",
        "  rehearse doctor\n  rehearse doctor --json\n  rehearse doctor --again\n"
        "  rehearse doctor --connect qemu+ssh://HOST/system",
    )
    parser.add_argument("--again", action="store_true", help="test KVM again, even if it was tested before")
    connect(parser)
    as_json(parser)


def clean(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "clean",
        "upkeep:clean",
        "remove what an interrupted run left behind, and on request old runs and what was built",
        "  rehearse clean\n  rehearse clean --images --boxes\n"
        "  rehearse clean --runs                        all runs but the newest 20\n"
        "  rehearse clean --results                     what is kept for run --reuse\n"
        "  rehearse clean --runs DIR --keep 5           in another folder, all but the newest 5\n"
        "  rehearse clean --connect qemu+ssh://HOST/system    what killed runs left in that libvirt",
        runs=False,
        catalogue=False,
    )
    parser.add_argument(
        "--runs",
        nargs="?",
        action=PlaceOrPruning,
        type=Path,
        metavar="DIR",
        help="without DIR: also remove old runs; with DIR: where the run folders are kept, as for all verbs",
    )
    parser.set_defaults(prune=False)
    parser.add_argument(
        "--keep",
        type=number,
        metavar="N",
        help="remove all but the N newest runs (default: 20); a run that is in use is never removed",
    )
    connect(parser)
    parser.add_argument("--images", action="store_true", help="also remove the images that were built")
    parser.add_argument("--boxes", action="store_true", help="also remove the boxes that were built here")
    parser.add_argument(
        "--results",
        action="store_true",
        help="also forget all results that are kept for --reuse; without it those that were not used for "
        "90 days, and what was put aside as damaged (docs/reuse.md)",
    )


def completion(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "completion",
        "upkeep:complete",
        "print the script that makes bash, zsh or fish complete the words of rehearse",
        "  rehearse completion bash > ~/.local/share/bash-completion/completions/rehearse\n"
        "  rehearse completion zsh > ~/.zfunc/_rehearse      in a folder of $fpath\n"
        "  rehearse completion fish > ~/.config/fish/completions/rehearse.fish",
        catalogue=False,
    )
    parser.add_argument("shell", choices=list(PLACES))
