"""The words of the verbs that rehearse and show: run, plan, list, show, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import clusters
from harness.cli.base import (
    as_json,
    details,
    exposures,
    formats,
    gates,
    labs,
    language,
    personas,
    positive,
    selection,
    shard,
    verb,
)
from harness.cli.fleets import of_fleet

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


def change(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "change",
        "change:change",
        "rehearse a change of your own smb.conf",
        """  rehearse change --smb-conf smb.conf --set 'server min protocol = SMB3'
  rehearse change --smb-conf smb.conf --set '[documents] smb encrypt = required' --unset 'ntlm auth'
  rehearse change --smb-conf smb.conf --set 'server signing = mandatory' --version "$(smbd -V)"
  rehearse change --before smb.conf --after smb.conf.new --release samba-4.17
  rehearse change --smb-conf smb.conf --diff change.diff      "git diff", also on stdin
  rehearse change --smb-conf smb.conf --set 'deadtime = 5' --share docs --client 'windows-*' --check open
  rehearse change --smb-conf smb.conf --set 'server min protocol = SMB3' --reuse
  rehearse change --windows-server server.json --windows-shares shares.json --set 'EnableSMB1Protocol=$false'
  rehearse change --windows-server server.json --set 'RequireSecuritySignature=$true' --version 10.0.17763""",
        more="The configuration is read, and nothing in it is executed: what of it cannot be had in the lab "
        "is listed, with what was done instead (docs/your-server.md). All of --set and --unset are one "
        "change. A Windows server is emulated by a Samba that is set as it (docs/your-windows-server.md).",
    )
    _configuration(parser)
    _what_is_set(parser)
    _described_server(parser)
    _who_is_asked(parser)
    of_fleet(parser)
    personas(parser)
    exposures(parser)
    formats(parser)
    details(parser)
    gates(parser)
    measuring(parser)
    parser.set_defaults(failed_only=False)


def _configuration(parser: Parser) -> None:
    """The configuration as it is today."""
    parser.add_argument("--smb-conf", type=Path, metavar="FILE", help="the configuration as it is today")
    parser.add_argument(
        "--windows-server",
        type=Path,
        metavar="FILE",
        help="what Get-SmbServerConfiguration | ConvertTo-Json (or Format-List) writes on a Windows server",
    )
    parser.add_argument(
        "--windows-shares", type=Path, metavar="FILE", help="and what Get-SmbShare | ConvertTo-Json writes"
    )
    parser.add_argument(
        "--powershell",
        type=Path,
        metavar="FILE",
        help="write that server and its change as PowerShell to a file, for a Windows of your own",
    )


def _what_is_set(parser: Parser) -> None:
    """How it is changed, and how that reaches the server."""
    parser.add_argument(
        "--set",
        action="append",
        metavar="LINE",
        help="'parameter = value', or '[share] parameter = value'; [share] is every share where none is "
        "called so; of a Windows server in its own words",
    )
    parser.add_argument("--unset", action="append", metavar="PARAMETER", help="take it out")
    parser.add_argument(
        "--by",
        metavar="WAY",
        help="how the changed file reaches smbd: sighup, reload, close-share or restart (restart); what that "
        "does to people who are connected: add --check connected",
    )
    parser.add_argument("--before", type=Path, metavar="FILE", help="the configuration today; with --after")
    parser.add_argument("--after", type=Path, metavar="FILE", help="and as it is to be: what differs is set")
    parser.add_argument(
        "--diff",
        type=Path,
        metavar="FILE",
        help="a unified diff of --smb-conf, as git diff prints it; without --set it is read from stdin",
    )


def _described_server(parser: Parser) -> None:
    """What the server is besides its configuration."""
    parser.add_argument(
        "--include", type=Path, action="append", metavar="FILE", help="a file that it includes from elsewhere"
    )
    parser.add_argument(
        "--acl",
        type=Path,
        metavar="FILE",
        help='what "getfacl -p FOLDER..." prints on your server: who may do what in its shares',
    )
    parser.add_argument("--name", metavar="NAME", help="what the server is called")
    parser.add_argument("--release", metavar="SERVER", help="with which Samba, as in samba-4.17 (the newest)")
    parser.add_argument(
        "--version",
        dest="version_said",
        metavar="TEXT",
        help='what "smbd -V" prints on your server: the nearest release is taken, and the difference said; '
        "of a Windows server its name or build",
    )


def _who_is_asked(parser: Parser) -> None:
    """Which shares, roles, clients and checks; whether holes are looked for."""
    parser.add_argument("--share", action="append", metavar="SHARE", help="this share only")
    parser.add_argument(
        "--role",
        action="append",
        choices=["user", "outsider", "guest", "admin"],
        help="only with an account that has access, with one without access, without an account, or as "
        "one of its admin users",
    )
    parser.add_argument("--client", action="append", metavar="NAME", help="these clients (* selects; all)")
    parser.add_argument("--check", action="append", metavar="CHECK", help="these checks (the everyday ones)")
    parser.add_argument(
        "--no-exposures",
        action="store_true",
        help="look only which clients a change costs, not which holes it closes",
    )


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


def list_(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "list",
        "lists:list_",
        "list servers, mitigations, clients, checks, exposures, scenarios, images, guests or runs",
        "  rehearse list\n  rehearse list clients\n  rehearse list mitigations --json\n"
        "  rehearse list clients --agreement            emulated against real, cell by cell\n"
        "  rehearse list clients --agreement --lab vagrant    against the kernel's own client",
        # What a run came to is kept beside it.
        catalogue=lambda options: options.kind not in ("run", "runs"),
    )
    parser.add_argument("kind", nargs="?", metavar="KIND", help="what to list; without it: the kinds")
    parser.add_argument(
        "--agreement",
        action="store_true",
        help="with clients: measure whether emulated ones behave like the real ones of their kind",
    )
    labs(parser)
    parser.set_defaults(quiet=False, workers=None, failed_only=False, evidence="none")
    personas(parser)
    exposures(parser)
    as_json(parser)


def show(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "show",
        "look:show",
        "everything about one server, client, mitigation, exposure, scenario, or one cell of a run",
        """  rehearse show windows-xp
  rehearse show client windows-11-24h2
  rehearse show ms17-010                       an exposure: what is sent, and why that is safe
  rehearse show smb3-only:samba-4.22-smb1      the exposures of a mitigation and server of a run
  rehearse show nt-pipe-support-off:sles11-like:windows-7:browse
  rehearse show smb3-only:samba-4.22-smb1:curl:open --run RUN --lang ja""",
    )
    parser.add_argument(
        "words",
        nargs="+",
        metavar="NAME|CELL|MITIGATION:SERVER",
        help="what to show; its kind may come before the name: client curl",
    )
    parser.add_argument(
        "--run", default="", metavar="RUN", help="the run to show a cell of (default: the newest)"
    )
    personas(parser)
    exposures(parser)
    language(parser, "a cell, and of exposures, of a run", "everything else, ")
    as_json(parser)


def report(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "report",
        "reporting:report",
        "render a run again from its folder",
        """  rehearse report
  rehearse report --details
  rehearse report --details --lang ja          everything in Japanese
  rehearse report RUN --json
  rehearse report --format ticket --only smb3-only
  rehearse report --format ticket --lang ja    the change request in Japanese
  rehearse report --format github              annotations in a job of GitHub Actions
  rehearse report RUN --junit junit.xml --sarif holes.sarif
  rehearse report --require must.toml --known accepted.toml
  rehearse report --format html --output report.html
  rehearse report --html report.html --lang ja""",
    )
    parser.add_argument(
        "run", nargs="?", default="", metavar="RUN", help="name, folder, latest or previous (the newest)"
    )
    parser.add_argument("--run", dest="named", default="", metavar="RUN", help="the same, as show has it")
    parser.add_argument(
        "--only",
        action="append",
        metavar="CELLS",
        help="of the run, only these cells; the exit status is still that of the whole run",
    )
    personas(parser)
    formats(parser)
    details(parser)
    gates(parser)
