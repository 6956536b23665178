"""The words of the verbs that show what there is, and what a run came to: list, show, report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.base import verb
from harness.cli.options import (
    as_json,
    details,
    exposures,
    formats,
    gates,
    labs,
    language,
    personas,
)

if TYPE_CHECKING:
    from harness.cli.base import Subparsers


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
