"""The words of the verb that rehearses a change of one's own configuration: change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.base import verb
from harness.cli.fleets import of_fleet
from harness.cli.options import (
    details,
    exposures,
    formats,
    gates,
    personas,
)
from harness.cli.rehearsing import measuring

if TYPE_CHECKING:
    from harness.cli.base import Parser, Subparsers


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
